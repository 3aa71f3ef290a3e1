//! Why a request of a page or a link came to nothing.

use latchkey_agent::Failure;

use crate::portal::PortalFailure;
use crate::sign_in::link::LinkFailure;

/// Why a request came to nothing. [`RequestFailure::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestFailure {
    /// The card, its reader, the holder at the PIN, or the agent.
    #[error(transparent)]
    Card(#[from] Failure),
    /// The portal, or the way to it: links only.
    #[error(transparent)]
    Portal(#[from] PortalFailure),
    /// The end of a link.
    #[error(transparent)]
    Link(#[from] LinkFailure),
    /// The holder refused when asked whether to hand over what the site wants.
    #[error("the holder refused")]
    HolderRefused,
    /// The holder took the request off the list.
    #[error("the holder ended the request")]
    HolderEnded,
    /// The holder refused this site less than a day ago.
    #[error("the holder refused this site today")]
    RefusedToday,
    /// The administrator forbade this site.
    #[error("the administrator forbade this site")]
    SiteForbidden,
    /// The page took the request back, or is gone.
    #[error("the page took the request back")]
    TakenBack,
    /// As many requests are open as may be, of this site or in all.
    #[error("too many requests are open")]
    TooManyRequests,
    /// The program is being ended.
    #[error("the program is being ended")]
    Stopping,
}

impl RequestFailure {
    /// The codes of [`RequestFailure::code`] that are not another enum's.
    pub const OWN_CODES: [&'static str; 7] = [
        "holder-refused",
        "request-ended",
        "refused-today",
        "site-forbidden",
        "request-taken-back",
        "too-many-requests",
        "program-stopping",
    ];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Card(failure) => failure.code(),
            Self::Portal(failure) => failure.code(),
            Self::Link(failure) => failure.code(),
            Self::HolderRefused => "holder-refused",
            Self::HolderEnded => "request-ended",
            Self::RefusedToday => "refused-today",
            Self::SiteForbidden => "site-forbidden",
            Self::TakenBack => "request-taken-back",
            Self::TooManyRequests => "too-many-requests",
            Self::Stopping => "program-stopping",
        }
    }
}
