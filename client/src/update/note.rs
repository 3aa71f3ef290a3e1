//! What is remembered between checks.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Version;

/// Longest note that is read, in octets.
const MAX_SIZE: u64 = 1024;

/// What is remembered. A file that cannot be understood is as good as none: the worst is one check too many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Note {
    /// When the last check was.
    pub(super) checked: Option<OffsetDateTime>,
    /// The newest version that was ever heard of.
    pub(super) newest: Option<Version>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    checked: Option<String>,
    newest: Option<String>,
}

impl Note {
    pub(super) fn read(file: &Path) -> Self {
        let mut text = String::new();
        let read = fs::File::open(file).and_then(|file| file.take(MAX_SIZE).read_to_string(&mut text));
        let written = read.ok().and_then(|_| serde_json::from_str::<Written>(&text).ok());
        let Some(Written { checked, newest }) = written else { return Self::default() };
        Self {
            checked: checked.and_then(|checked| OffsetDateTime::parse(&checked, &Rfc3339).ok()),
            newest: newest.and_then(|newest| newest.parse().ok()),
        }
    }

    pub(super) fn write(self, file: &Path) -> std::io::Result<()> {
        let written = Written {
            checked: self.checked.and_then(|checked| checked.format(&Rfc3339).ok()),
            newest: self.newest.map(|newest| newest.to_string()),
        };
        let folder = file.parent().unwrap_or(file);
        fs::create_dir_all(folder)?;
        let mut whole = tempfile::Builder::new().prefix(".update-").tempfile_in(folder)?;
        whole.write_all(&serde_json::to_vec(&written)?)?;
        whole.persist(file)?;
        Ok(())
    }
}
