//! `latchkey update`: whether there is a newer version.

use serde_json::json;

use super::failure::CommandFailure;
use super::output::Output;
use super::tasks::Work;
use crate::settings::Places;
use crate::texts::Texts;
use crate::update::{UpdateCheck, UpdateFailure, Version};

impl Work {
    pub(super) fn ask_for_update(&self, as_json: bool) -> Result<(), CommandFailure> {
        let folder = Places::of_this_process().map(|places| places.state_folder()).unwrap_or_default();
        let check = UpdateCheck::of(&self.settings, &folder).ok_or(UpdateFailure::NotConfigured)?;
        let newer = self.runtime.block_on(check.ask(self.now))?;
        told(&self.console.texts, check.own(), newer).write(as_json)
    }
}

fn told(texts: &Texts, own: Version, newer: Option<Version>) -> Output {
    let own = own.to_string();
    let newer = newer.map(|version| version.to_string());
    let text = match &newer {
        Some(version) => {
            texts.fill("update-newer", &[("version", version.as_str().into()), ("own", own.as_str().into())])
        }
        None => texts.fill("update-newest", &[("own", own.as_str().into())]),
    };
    Output { json: json!({ "version": own, "newer": newer }), text }
}
