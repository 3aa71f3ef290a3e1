//! Whether there is a newer version.
//!
//! Off unless whoever distributes the program has set an address and a key; what a distribution installs, the distribution
//! updates. It fetches one small signed file, at most once a day when the program starts, or when the holder asks, and
//! says that a newer version exists. It never fetches a program, and nothing runs by the clock.

mod fetch;
mod manifest;
mod note;

use std::path::{Path, PathBuf};

use latchkey_crypto::assertion::Origin;
use reqwest::Url;
use time::{Duration, OffsetDateTime};

use crate::portal::Access;
use crate::settings::SettingsStore;
use note::Note;

pub use manifest::{ANSWER_MAX_SIZE, Manifest, UpdateKey, Version};

/// A file on an HTTPS server that says which version is the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateSource {
    address: Url,
    origin: Origin,
    key: UpdateKey,
}

impl UpdateSource {
    /// The file at that address, signed with that key. `None` unless the address is one of HTTPS without a user's name.
    #[must_use]
    pub fn new(address: &str, key: UpdateKey) -> Option<Self> {
        let address = Url::parse(address).ok()?;
        // There is none of another scheme.
        let origin = Origin::parse(&address.origin().ascii_serialization()).ok()?;
        let is_bare = address.username().is_empty() && address.password().is_none();
        is_bare.then_some(Self { address, origin, key })
    }
}

/// Asks for newer versions, and remembers what it heard.
#[derive(Debug, Clone)]
pub struct UpdateCheck {
    source: UpdateSource,
    own: Version,
    file: PathBuf,
    access: Access,
}

/// Shortest time between two checks that nobody asked for.
const BETWEEN_CHECKS: Duration = Duration::DAY;

impl UpdateCheck {
    /// Asks `source` on behalf of version `own`, remembers in `folder`, and connects as portals are connected to.
    #[must_use]
    pub fn new(source: UpdateSource, own: Version, folder: &Path, access: Access) -> Self {
        Self { source, own, file: folder.join("update.json"), access }
    }

    /// The check that the administrator has set up, if he has. It remembers in `folder`.
    #[must_use]
    pub fn of(settings: &SettingsStore, folder: &Path) -> Option<Self> {
        let source = settings.managed().updates()?.clone();
        Some(Self::new(source, Version::own(), folder, Access::of(settings)))
    }

    /// The version that asks.
    #[must_use]
    pub const fn own(&self) -> Version {
        self.own
    }

    /// The newer version that is known from earlier checks.
    #[must_use]
    pub fn known(&self) -> Option<Version> {
        Note::read(&self.file).newest.filter(|newest| *newest > self.own)
    }

    /// Whether the last check is a day old: to be asked when the program starts.
    #[must_use]
    pub fn is_due(&self, now: OffsetDateTime) -> bool {
        // A clock that was set back is no reason never to ask again.
        Note::read(&self.file).checked.is_none_or(|checked| now - checked >= BETWEEN_CHECKS || checked > now)
    }

    /// Asks now. Gives the newer version, if there is one.
    ///
    /// # Errors
    /// [`UpdateFailure`]. What was known before is still known.
    pub async fn ask(&self, now: OffsetDateTime) -> Result<Option<Version>, UpdateFailure> {
        let mut note = Note::read(&self.file);
        // A failure counts as a check too: a server that is down is not asked at every start.
        note.checked = Some(now);
        let outcome = self.newest(&note, now).await;
        if let Ok(newest) = &outcome {
            note.newest = Some(*newest);
        }
        note.write(&self.file).map_err(|error| UpdateFailure::NotRemembered { reason: error.to_string() })?;
        Ok(Some(outcome?).filter(|newest| *newest > self.own))
    }

    async fn newest(&self, note: &Note, now: OffsetDateTime) -> Result<Version, UpdateFailure> {
        let answer = fetch::fetch(&self.source, self.access.clone()).await?;
        let manifest = Manifest::open(&answer, &self.source.key)?;
        if manifest.expires <= now {
            return Err(UpdateFailure::Expired);
        }
        // Whoever replays an old file could hide a newer version, but not one that was heard of.
        if note.newest.is_some_and(|known| manifest.version < known) {
            return Err(UpdateFailure::Older);
        }
        Ok(manifest.version)
    }
}

/// Why nobody knows whether there is a newer version. [`UpdateFailure::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateFailure {
    /// Nobody has set where to ask.
    #[error("no address and key are set")]
    NotConfigured,
    /// The server was not reached, or it gave no complete answer.
    #[error("the server of updates cannot be reached: {reason}")]
    Unreachable {
        /// In the system's words.
        reason: String,
    },
    /// The answer is not of the agreed form, or too long.
    #[error("the answer of the server of updates is malformed")]
    Malformed,
    /// The signature is not of the key that was set.
    #[error("the signature is not of the key that is set")]
    WrongSignature,
    /// The answer was good until some time ago.
    #[error("the answer has expired")]
    Expired,
    /// The answer names an older version than one before did.
    #[error("the answer is older than one before")]
    Older,
    /// What was found could not be written down.
    #[error("the check could not be noted down: {reason}")]
    NotRemembered {
        /// In the system's words.
        reason: String,
    },
}

impl UpdateFailure {
    /// Every code that [`UpdateFailure::code`] can give.
    pub const CODES: [&'static str; 7] = [
        "update-not-configured",
        "update-unreachable",
        "update-malformed",
        "update-signature-wrong",
        "update-expired",
        "update-older",
        "update-not-remembered",
    ];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotConfigured => "update-not-configured",
            Self::Unreachable { .. } => "update-unreachable",
            Self::Malformed => "update-malformed",
            Self::WrongSignature => "update-signature-wrong",
            Self::Expired => "update-expired",
            Self::Older => "update-older",
            Self::NotRemembered { .. } => "update-not-remembered",
        }
    }
}
