//! `latchkey history`: what is remembered of sites that asked.

use std::sync::Arc;

use clap::Command;
use getrandom::SysRng;
use latchkey_crypto::assertion::Origin;
use rand_core::UnwrapErr;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::arguments::{flag, json as json_argument};
use super::failure::CommandFailure;
use super::output::Output;
use super::table::{columns, table};
use super::tasks::Work;
use crate::history::{Code, Entry, EntryKind, EntryResult, History, SecretService};
use crate::settings::Places;
use crate::texts::Texts;
use crate::wording::{Place, Words};

pub(super) fn command(texts: &Texts) -> Command {
    Command::new("history")
        .about(texts.say("help-history"))
        .arg(flag("delete", None).help(texts.say("help-history-delete")))
        .arg(json_argument(texts))
}

impl Work {
    pub(super) fn show_history(&self, delete: bool, as_json: bool) -> Result<(), CommandFailure> {
        let texts = &self.console.texts;
        let history = history();
        if delete {
            history.delete()?;
            return Output { json: json!({ "history": [] }), text: texts.say("history-deleted") }.write(as_json);
        }
        shown(texts, &history.entries()?, self.settings.settings().history).write(as_json)
    }

    /// Remembers what a sign-in came to, if the holder wants that. That it cannot be remembered spoils no sign-in.
    pub(super) fn remember(&self, origin: Origin, result: &Result<(), CommandFailure>) {
        if !self.settings.settings().history {
            return;
        }
        let result = match result {
            Ok(()) => EntryResult::Done,
            Err(failure) => match Code::parse(failure.shown_code()) {
                Some(code) => EntryResult::Failed(code),
                None => return,
            },
        };
        let entry = Entry { at: self.now, origin, kind: EntryKind::SignIn, result };
        if let Err(failure) = history().remember(entry, &mut UnwrapErr(SysRng)) {
            let words = Words::about(&failure, &self.console.texts, Place::CommandLine);
            let what = [words.what_happened, words.what_to_do].join(" ");
            self.console.line(&self.console.texts.fill("history-not-remembered", &[("what", what.into())]));
        }
    }
}

fn history() -> History {
    let folder = Places::of_this_process().map(|places| places.state_folder()).unwrap_or_default();
    History::new(&folder, Arc::new(SecretService::of_session()))
}

fn shown(texts: &Texts, entries: &[Entry], is_on: bool) -> Output {
    let at = |entry: &Entry| entry.at.format(&Rfc3339).unwrap_or_default();
    let list = entries.iter().map(|entry| {
        let failure = match &entry.result {
            EntryResult::Done => None,
            EntryResult::Failed(code) => Some(code.as_str()),
        };
        let kind = kind(entry.kind);
        json!({ "at": at(entry), "origin": entry.origin.as_str(), "kind": kind, "failure": failure })
    });
    let json = json!({ "history": list.collect::<Vec<_>>() });
    let row = |entry: &Entry| {
        let result = match &entry.result {
            EntryResult::Done => texts.say("history-done"),
            EntryResult::Failed(code) => texts.fill("history-failed", &[("code", code.as_str().into())]),
        };
        let kind = texts.say(match entry.kind {
            EntryKind::SignIn => "history-sign-in",
            EntryKind::Documents => "history-documents",
            EntryKind::Terminal => "history-terminal",
        });
        (at(entry), format!("{}  {kind}: {result}", entry.origin))
    };
    let mut text = Vec::new();
    if !is_on {
        text.push(texts.say("history-off"));
    }
    if !entries.is_empty() {
        text.push(table(&entries.iter().map(row).collect::<Vec<_>>(), columns()));
    } else if is_on {
        text.push(texts.say("history-none"));
    }
    Output { json, text: text.join("\n") }
}

/// The stable name of what was asked for.
const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::SignIn => "sign-in",
        EntryKind::Documents => "documents",
        EntryKind::Terminal => "terminal",
    }
}
