//! Why guest mode did not begin, or did not end as it should.

use std::path::PathBuf;

/// Why guest mode did not begin, or did not end as it should. [`GuestFailure::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GuestFailure {
    /// Another guest is here.
    #[error("a guest is here already")]
    Busy,
    /// There is no browser whose profile can be kept apart.
    #[error("there is no browser for guests")]
    NoBrowser,
    /// The browser did not start.
    #[error("the browser did not start: {reason}")]
    BrowserNotStarted {
        /// The system's words.
        reason: String,
    },
    /// There can be no profile for the guest.
    #[error("there can be no profile at {}: {reason}", path.display())]
    NoProfile {
        /// Where.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// What a guest left could not be deleted.
    #[error("{} could not be deleted: {reason}", path.display())]
    NotCleared {
        /// What.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
}

impl GuestFailure {
    /// Every code that [`GuestFailure::code`] can give.
    pub const CODES: [&'static str; 5] =
        ["guest-busy", "guest-no-browser", "guest-browser-not-started", "guest-no-profile", "guest-not-cleared"];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Busy => "guest-busy",
            Self::NoBrowser => "guest-no-browser",
            Self::BrowserNotStarted { .. } => "guest-browser-not-started",
            Self::NoProfile { .. } => "guest-no-profile",
            Self::NotCleared { .. } => "guest-not-cleared",
        }
    }
}
