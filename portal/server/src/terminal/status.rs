//! What has become of documents: a file that stands in for the register.
//!
//! Whoever looks a document up learns one of three things, and "unknown" is one of them: it never counts as "in force".

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::configuration::{Fault, Located};
use crate::files::{FileState, Renewal, read_limited};

/// Most octets of the file.
const FILE_MAX_SIZE: usize = 64 * 1024 * 1024;

/// What the register says of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentStatus {
    /// It is in force.
    Valid,
    /// It was lost, stolen or taken back.
    Lost,
    /// Nobody says anything.
    Unknown,
}

/// What happens with documents of which nobody says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownDocuments {
    /// They are refused.
    Refuse,
    /// They are let in, and the answer says that their status is unknown.
    Report,
}

impl DocumentStatus {
    /// The name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
        }
    }
}

/// The statuses in use. They change as a whole.
#[derive(Debug)]
pub struct DocumentRegister {
    file: Option<Located<PathBuf>>,
    current: RwLock<Arc<BTreeMap<String, DocumentStatus>>>,
    seen: Mutex<Option<FileState>>,
}

impl DocumentRegister {
    /// Reads the file; without one every document is unknown.
    ///
    /// # Errors
    /// The [`Fault`] of the key that names the file.
    pub fn load(file: Option<Located<PathBuf>>) -> Result<Self, Fault> {
        let register = Self { file, current: RwLock::default(), seen: Mutex::new(None) };
        register.renew()?;
        Ok(register)
    }

    /// What is known of a card that is known by these numbers: lost under one of them is lost, and in force it is only if
    /// at least one is listed.
    #[must_use]
    pub fn status(&self, numbers: &[&str]) -> DocumentStatus {
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        let listed: Vec<_> = numbers.iter().filter_map(|number| current.get(*number)).collect();
        if listed.contains(&&DocumentStatus::Lost) {
            DocumentStatus::Lost
        } else if listed.is_empty() {
            DocumentStatus::Unknown
        } else {
            DocumentStatus::Valid
        }
    }

    /// Takes the file anew if it has changed. If it is not usable, the former statuses stay in use.
    ///
    /// # Errors
    /// The [`Fault`]. The file is tried again by the next call.
    pub fn renew(&self) -> Result<Renewal, Fault> {
        let Some(file) = &self.file else { return Ok(Renewal::Unchanged) };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at before reading: what changes meanwhile is read again next time.
        let state = FileState::of(&file.value).map_err(|error| file.file_fault(error))?;
        if *seen == Some(state) {
            return Ok(Renewal::Unchanged);
        }
        let octets = read_limited(&file.value, FILE_MAX_SIZE).map_err(|error| file.file_fault(error))?;
        let statuses = parse(&octets).map_err(|problem| file.file_fault(problem))?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(statuses);
        *seen = Some(state);
        Ok(Renewal::Taken)
    }
}

/// A line has a number, a space and a status; empty lines and those that begin with `#` say nothing.
fn parse(octets: &[u8]) -> Result<BTreeMap<String, DocumentStatus>, String> {
    let text = std::str::from_utf8(octets).map_err(|_| "is not UTF-8".to_owned())?;
    let mut statuses = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (document, status) = read_line(line).ok_or_else(|| {
            format!("line {}: must be a number and `valid` or `lost`, as in: BY0000001 lost", number + 1)
        })?;
        if statuses.insert(document.to_owned(), status).is_some() {
            return Err(format!("line {}: the document is listed twice", number + 1));
        }
    }
    Ok(statuses)
}

fn read_line(line: &str) -> Option<(&str, DocumentStatus)> {
    let mut words = line.split_whitespace();
    let (document, status, None) = (words.next()?, words.next()?, words.next()) else { return None };
    let status = match status {
        "valid" => DocumentStatus::Valid,
        "lost" => DocumentStatus::Lost,
        _ => return None,
    };
    let is_number = (4..=64).contains(&document.len()) && document.bytes().all(|octet| octet.is_ascii_alphanumeric());
    is_number.then_some((document, status))
}
