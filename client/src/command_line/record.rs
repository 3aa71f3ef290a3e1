//! `--record FILE`: what is said to a card, blanked, kept so that a bug report can become a test.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use latchkey_agent::{Recorded, RecordingSink};

use super::arguments::Common;
use crate::documents::DocumentFailure;

/// A recording that is being written. Clones write to the same file.
#[derive(Debug, Clone)]
pub(super) struct RecordingFile(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    path: PathBuf,
    file: File,
    fault: Option<io::Error>,
}

impl RecordingFile {
    /// The recording that was asked for.
    ///
    /// # Errors
    /// As [`RecordingFile::create`].
    pub(super) fn wanted(common: &Common) -> Result<Option<Self>, DocumentFailure> {
        common.record.as_deref().map(Self::create).transpose()
    }

    /// Begins a recording in a new file that only its owner can read. Nothing is ever replaced.
    ///
    /// # Errors
    /// [`DocumentFailure::OutputExists`] or [`DocumentFailure::OutputUnwritable`].
    pub(super) fn create(path: &Path) -> Result<Self, DocumentFailure> {
        let mut file = create_new(path)?;
        let head = format!("# Recorded by latchkey {}\n{HEAD}", env!("CARGO_PKG_VERSION"));
        let written = file.write_all(head.as_bytes());
        written.map_err(|error| unwritable(path, &error))?;
        Ok(Self(Arc::new(Mutex::new(State { path: path.to_owned(), file, fault: None }))))
    }

    /// Whether everything was kept.
    ///
    /// # Errors
    /// [`DocumentFailure::OutputUnwritable`] with the first fault.
    pub(super) fn finish(&self) -> Result<(), DocumentFailure> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.fault.as_ref().map_or(Ok(()), |error| Err(unwritable(&state.path, error)))
    }
}

impl RecordingSink for RecordingFile {
    fn keep(&mut self, lines: &Recorded) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.fault.is_none() {
            state.fault = state.file.write_all(lines.as_str().as_bytes()).err();
        }
    }
}

/// A new file that only its owner can read.
///
/// # Errors
/// [`DocumentFailure::OutputExists`] or [`DocumentFailure::OutputUnwritable`].
pub(super) fn create_new(path: &Path) -> Result<File, DocumentFailure> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => DocumentFailure::OutputExists { file: path.to_owned() },
        _ => unwritable(path, &error),
    })
}

pub(super) fn unwritable(path: &Path, error: &io::Error) -> DocumentFailure {
    DocumentFailure::OutputUnwritable { file: path.to_owned(), reason: error.to_string() }
}

const HEAD: &str = "#
# What was said to the card, without its encryption. Passwords, hashes, signatures, keys and the contents of files are
# blanked: the digit 0 stands for those of passwords, zeros for the rest. Tags, lengths and status words are as they were.
";
