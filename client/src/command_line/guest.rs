//! `latchkey guest`: a portal for whoever comes to a public computer, and nothing left of him.

use std::sync::Arc;

use clap::{Arg, Command};
use latchkey_agent::CardAgent;
use latchkey_crypto::assertion::Origin;

use super::arguments::json;
use super::failure::{CommandFailure, UsageFailure};
use super::tasks::Work;
use crate::desk::RequestFailure;
use crate::guest::{Guest, GuestFailure, GuestPhase, GuestState, GuestSurroundings};
use crate::portal::parse_address;
use crate::settings::Places;
use crate::texts::Texts;

pub(super) fn command(texts: &Texts) -> Command {
    Command::new("guest")
        .about(texts.say("help-guest"))
        .arg(Arg::new("url").value_name("URL").help(texts.say("help-guest-url")))
        .arg(json(texts))
}

impl Work {
    /// Opens the portal of that address, or the administrator's first, until its guest has gone.
    pub(super) fn open_for_guest(&self, address: Option<&str>, as_json: bool) -> Result<(), CommandFailure> {
        let managed = self.settings.managed();
        let portal = match address {
            Some(address) => parse_address(address)?,
            None => managed
                .guest()
                .portals
                .first()
                .cloned()
                .ok_or_else(|| UsageFailure::Missing { argument: "URL".to_owned() })?,
        };
        if managed.is_forbidden(&portal) {
            return Err(RequestFailure::SiteForbidden.into());
        }
        self.serve_for(Some(&portal), None, as_json)
    }

    /// Guest mode with what is usual on this computer. What an earlier guest left has to be gone before the next one comes.
    pub(super) fn guest(&self, agent: Arc<dyn CardAgent>) -> Result<Guest, CommandFailure> {
        let places = Places::of_this_process().ok_or_else(|| GuestFailure::NoProfile {
            path: std::path::PathBuf::new(),
            reason: std::io::Error::from(std::io::ErrorKind::NotFound).to_string(),
        })?;
        let guest = Guest::new(GuestSurroundings::usual(&places, agent, self.settings.clone()));
        let left = guest.state().borrow().failure.clone();
        left.map_or(Ok(guest), |failure| Err(failure.into()))
    }

    /// Opens the portal while pages are attended to, and waits for everything to be deleted.
    pub(super) async fn with_guest(
        &self,
        guest: &Guest,
        portal: &Origin,
        attended: impl Future<Output = Result<(), CommandFailure>>,
    ) -> Result<(), CommandFailure> {
        let mut state = guest.state();
        guest.open(portal)?;
        self.console.line(&self.console.texts.fill("guest-open", &[("origin", portal.as_str().into())]));
        let is_over = |state: &GuestState| state.phase == GuestPhase::Off;
        let attended = tokio::select! {
            attended = attended => {
                guest.end();
                attended
            }
            _ = state.wait_for(is_over) => Ok(()),
        };
        // The guest's own thread tells the end in any case.
        let failure = state.wait_for(is_over).await.ok().and_then(|state| state.failure.clone());
        match failure {
            Some(failure) => Err(failure.into()),
            None => {
                self.console.line(&self.console.texts.say("guest-gone"));
                attended
            }
        }
    }
}
