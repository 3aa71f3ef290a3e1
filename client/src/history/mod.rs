//! What the holder wants remembered of sites that asked: when, which, what for, and what it came to. No names, no numbers,
//! no certificates.
//!
//! They are one encrypted file of the holder's. Its key is kept by the system's key store; where there is none, nothing is
//! remembered. Nothing is remembered of guests.

mod failure;
mod file;
mod keys;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use latchkey_crypto::assertion::Origin;
use rand_core::CryptoRng;
use time::OffsetDateTime;

pub use failure::HistoryFailure;
pub use keys::{HistoryKey, KeyStore, SecretService};

/// Most entries that are remembered; the oldest are forgotten first.
pub const ENTRIES_MAX: usize = 500;

/// One thing that a site asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it ended.
    pub at: OffsetDateTime,
    /// Which site.
    pub origin: Origin,
    /// What for.
    pub kind: EntryKind,
    /// What it came to.
    pub result: EntryResult,
}

/// What a site asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// To sign in.
    SignIn,
    /// To sign documents.
    Documents,
    /// To let its terminal work with the card.
    Terminal,
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryResult {
    /// The site has what it asked for. Of a terminal: it was let in, and what it did then nobody here knows.
    Done,
    /// It failed, with this code.
    Failed(Code),
}

/// The code of a failure: lower-case letters, digits and hyphens, at most 100.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// Reads a code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
        let is_code = (1..=100).contains(&text.len()) && text.bytes().all(is_plain);
        is_code.then(|| Self(text.to_owned()))
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is remembered. Every method waits for the key store, which may ask the holder for its password:
/// none is for a thread that others wait for.
#[derive(Clone)]
pub struct History {
    file: PathBuf,
    keys: Arc<dyn KeyStore>,
    is_guests: Arc<AtomicBool>,
}

impl History {
    /// The history in `folder`, whose key is in `keys`.
    #[must_use]
    pub fn new(folder: &Path, keys: Arc<dyn KeyStore>) -> Self {
        Self { file: folder.join("history"), keys, is_guests: Arc::default() }
    }

    /// Whether anything can be remembered here.
    ///
    /// # Errors
    /// [`HistoryFailure::NoKeyStore`].
    pub fn possible(&self) -> Result<(), HistoryFailure> {
        self.keys.is_there()
    }

    /// Remembers that, unless it was a guest's.
    ///
    /// # Errors
    /// [`HistoryFailure`]; then it is not remembered.
    pub fn remember(&self, entry: Entry, random: &mut impl CryptoRng) -> Result<(), HistoryFailure> {
        if self.is_guests.load(Ordering::SeqCst) {
            return Ok(());
        }
        let _alone = self.alone()?;
        let sealed = file::read(&self.file)?;
        let (key, mut entries) = match (sealed, self.keys.find()?) {
            (Some(sealed), Some(key)) => {
                let entries = file::open(&sealed, &key)?;
                (key, entries)
            }
            (Some(_), None) => return Err(HistoryFailure::KeyLost),
            (None, Some(key)) => (key, Vec::new()),
            (None, None) => {
                let key = HistoryKey::generate(random);
                self.keys.keep(&key)?;
                (key, Vec::new())
            }
        };
        entries.push(entry);
        let surplus = entries.len().saturating_sub(ENTRIES_MAX);
        entries.drain(..surplus);
        file::write(&self.file, &file::seal(&entries, &key, random)?)
    }

    /// What is remembered, the newest first. Of a guest it is nothing.
    ///
    /// # Errors
    /// [`HistoryFailure`].
    pub fn entries(&self) -> Result<Vec<Entry>, HistoryFailure> {
        if self.is_guests.load(Ordering::SeqCst) {
            return Ok(Vec::new());
        }
        // Where nothing was ever remembered, no key store is asked.
        let Some(sealed) = file::read(&self.file)? else { return Ok(Vec::new()) };
        let key = self.keys.find()?.ok_or(HistoryFailure::KeyLost)?;
        let mut entries = file::open(&sealed, &key)?;
        entries.reverse();
        Ok(entries)
    }

    /// Deletes everything that is remembered, and its key. Without a key store the file goes all the same.
    ///
    /// # Errors
    /// [`HistoryFailure::Unwritable`] if something is still there.
    pub fn delete(&self) -> Result<(), HistoryFailure> {
        let _alone = self.alone()?;
        file::remove(&self.file)?;
        match self.keys.forget() {
            // The key of a file that is gone opens nothing.
            Err(failure) => tracing::debug!(%failure, "the key of the history is still in the key store"),
            Ok(()) => tracing::debug!("the key of the history is gone"),
        }
        Ok(())
    }

    /// From now on a guest is at work.
    pub fn begin_guest(&self) {
        self.is_guests.store(true, Ordering::SeqCst);
    }

    /// The guest has gone.
    pub fn end_guest(&self) {
        self.is_guests.store(false, Ordering::SeqCst);
    }

    /// Window and command line write one after the other.
    fn alone(&self) -> Result<File, HistoryFailure> {
        file::lock(&self.file.with_extension("lock"))
    }
}

impl std::fmt::Debug for History {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("History").field("file", &self.file).finish_non_exhaustive()
    }
}
