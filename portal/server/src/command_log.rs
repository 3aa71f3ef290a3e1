//! The log of commands that operators give: one JSON object per line, in a file of its own or on the standard error
//! output. No personal data.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::configuration::{Fault, Located};

/// Where commands are noted. It is opened before a command does anything, so that none is left out.
pub struct CommandLog {
    to: Box<dyn Write>,
    command: &'static str,
}

impl CommandLog {
    /// Opens the log for one command.
    ///
    /// # Errors
    /// The [`Fault`] of the file.
    pub fn open(file: Option<&Located<PathBuf>>, command: &'static str) -> Result<Self, Fault> {
        let to: Box<dyn Write> = match file {
            None => Box::new(io::stderr()),
            Some(file) => {
                let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(&file.value);
                Box::new(opened.map_err(|error| file.file_fault(format!("cannot be written: {error}")))?)
            }
        };
        Ok(Self { to, command })
    }

    /// Notes what came of the command: `done`, or why not.
    ///
    /// # Errors
    /// What the system says.
    pub fn note(&mut self, now: OffsetDateTime, outcome: &str, details: &[(&str, String)]) -> io::Result<()> {
        let mut line = Map::new();
        line.insert("time".to_owned(), now.format(&Rfc3339).map_err(io::Error::other)?.into());
        line.insert("command".to_owned(), self.command.into());
        line.insert("outcome".to_owned(), outcome.into());
        line.extend(details.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())));
        if let Some(user) = user() {
            line.insert("user".to_owned(), user.into());
        }
        // One write: lines of commands at the same moment do not mix.
        self.to.write_all(format!("{}\n", Value::Object(line)).as_bytes())?;
        self.to.flush()
    }
}

/// The number of the user of the system who runs this process.
fn user() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|data| data.uid())
}
