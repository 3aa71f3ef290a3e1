//! What a probe writes down.

use std::fmt;

use super::IMPERSONAL;
use crate::apdu::{Response, StatusWord};
use crate::dialogue::error::DialogueError;
use crate::outline::{Outlined, outline};
use crate::profile::{ApplicationId, Edition, FileId};

/// The findings about a card, as text: the same for the same answers, and without a person's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    text: String,
    opened: bool,
}

impl ProbeReport {
    /// The lines of the report.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a channel could be opened with the CAN. If not, the CAN may be wrong or the card follows none of the known
    /// editions.
    #[must_use]
    pub const fn was_opened(&self) -> bool {
        self.opened
    }
}

impl fmt::Display for ProbeReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A report that is being written.
pub(super) struct Notes {
    text: String,
}

impl Notes {
    pub(super) fn new() -> Self {
        Self { text: HEAD.to_owned() }
    }

    pub(super) fn finish(self, opened: bool) -> ProbeReport {
        ProbeReport { text: self.text, opened }
    }

    pub(super) fn section(&mut self, name: &str) {
        self.line(&format!("\n[{name}]"));
    }

    pub(super) fn finding(&mut self, what: &str, found: &str) {
        self.line(&format!("{what}: {found}"));
    }

    pub(super) fn refused(&mut self, what: &str, error: &DialogueError) {
        self.finding(what, &reason(error));
    }

    pub(super) fn entry(&mut self, name: &str, master_file: StatusWord, can: StatusWord) {
        self.finding(&format!("from {name}"), &format!("master file {master_file}, CAN {can}"));
    }

    pub(super) fn application(&mut self, name: ApplicationId, selected: StatusWord, described: Option<&Response>) {
        let described_by = described.map(|answer| format!(", described {}", answer.status())).unwrap_or_default();
        self.finding(&format!("application {}", hex(name.octets())), &format!("{selected}{described_by}"));
        if let Some(answer) = described.filter(|answer| !answer.data().is_empty()) {
            self.outline(answer.data());
        }
    }

    pub(super) fn edition(&mut self, what: &str, edition: Edition, refused: Option<&DialogueError>) {
        let name = match edition {
            Edition::Print2019 => "print-2019",
            Edition::Errata2020 => "errata-2020",
        };
        let found = refused.map_or_else(|| "accepted".to_owned(), reason);
        self.finding(what, &format!("{name} {found}"));
    }

    /// A file: how SELECT was answered, and what was read until the last READ BINARY was answered so.
    pub(super) fn file(&mut self, name: FileId, selected: StatusWord, read: Option<(&[u8], StatusWord)>) {
        let name = format!("  file {}", hex(&name.octets()));
        match read {
            None => self.finding(&name, &format!("{selected}")),
            Some((contents, last)) => {
                self.finding(&name, &format!("{selected}, {} octets, then {last}", contents.len()));
                if !contents.is_empty() {
                    self.outline(contents);
                }
            }
        }
    }

    /// Tags and lengths, and values of impersonal objects.
    fn outline(&mut self, octets: &[u8]) {
        let Some(objects) = outline(octets) else { return self.line("    no data objects") };
        for object in objects {
            let indent = "  ".repeat(object.depth);
            let value = impersonal_value(&object).map(|value| format!(" = {value}")).unwrap_or_default();
            self.line(&format!("    {indent}{:?} {}{value}", object.tag, object.value.len()));
        }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }
}

/// The value of an object that says nothing of a person.
fn impersonal_value(object: &Outlined<'_>) -> Option<String> {
    let may_be_told = IMPERSONAL.contains(&object.tag) && object.value.len() <= MAX_VALUE && !object.is_constructed;
    may_be_told.then(|| hex(object.value))
}

fn reason(error: &DialogueError) -> String {
    match error {
        DialogueError::CardRefused { status, .. } | DialogueError::ChannelClosed { status } => {
            format!("{} {status}", error.code())
        }
        other => other.code().to_owned(),
    }
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

const HEAD: &str = "Latchkey card probe, format 1
Status words, tags and lengths that a card gave without a PIN. No value of a holder's data is in here.
";

/// Octets of the longest value that is told: no text gets so short a length by chance that it passes for an object.
const MAX_VALUE: usize = 16;
