//! A report to be copied to whoever helps, without anything that tells of a person.

use super::Check;
use crate::texts::Texts;
use crate::wording::Place;

/// What must not be in a report: it is blanked wherever it turns up.
#[derive(Debug, Clone, Default)]
pub struct Personal {
    /// The holder's home folder.
    pub home: Option<String>,
    /// The holder's name on this computer.
    pub user: Option<String>,
    /// This computer's name.
    pub computer: Option<String>,
}

impl Personal {
    /// What the environment and the system say of this process' user.
    #[must_use]
    pub fn of_this_process() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let computer = rustix::system::uname().nodename().to_str().map(str::to_owned).ok();
        Self { home: variable("HOME"), user: variable("USER").or_else(|| variable("LOGNAME")), computer }
    }
}

/// The report of these checks: program and system, then a line a check with its stable name.
#[must_use]
pub fn report(checks: &[Check], texts: &Texts, personal: &Personal) -> String {
    let mut lines =
        vec![format!("latchkey {}, {} {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH)];
    for check in checks {
        let worded = check.worded(texts, Place::Window);
        lines.push(format!("{}: {}: {}", check.name.code(), check.verdict().code(), worded.finding));
    }
    blank(&lines.join("\n"), personal)
}

/// The text with everything blanked that names a person, a folder of one, a device or a card.
fn blank(text: &str, personal: &Personal) -> String {
    let mut text = text.to_owned();
    if let Some(home) = personal.home.as_deref().filter(|home| home.len() > 1) {
        text = text.replace(home, "~");
    }
    for name in [&personal.user, &personal.computer].into_iter().flatten().filter(|name| name.len() > 1) {
        text = replace_word(&text, name);
    }
    text.split_inclusive(|character: char| !is_of_word(character)).map(blank_word).collect()
}

/// What a serial number consists of.
fn is_of_word(character: char) -> bool {
    character.is_alphanumeric()
}

/// Serial numbers and identification numbers are long and have several digits. The end of a word stays.
fn blank_word(part: &str) -> String {
    let word = part.trim_end_matches(|character: char| !is_of_word(character));
    let digits = word.chars().filter(char::is_ascii_digit).count();
    if word.chars().count() >= SERIAL_MIN_SIZE && digits >= SERIAL_MIN_DIGITS {
        format!("{BLANK}{}", part.strip_prefix(word).unwrap_or_default())
    } else {
        part.to_owned()
    }
}

const SERIAL_MIN_SIZE: usize = 6;
const SERIAL_MIN_DIGITS: usize = 4;
const BLANK: &str = "…";

/// Replaces a name where it stands for itself, not inside another word.
fn replace_word(text: &str, name: &str) -> String {
    let mut blanked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(name) {
        blanked.push_str(before);
        let is_inside = before.ends_with(is_of_word) || after.starts_with(is_of_word);
        blanked.push_str(if is_inside { name } else { BLANK });
        rest = after;
    }
    blanked + rest
}
