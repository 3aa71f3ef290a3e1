//! When the window is wanted, and when it is not any more.

use std::time::Duration;

use crate::desk::RequestNumber;

/// How long the result stays before a window that was opened for a request closes by itself.
pub const RESULT_STAYS: Duration = Duration::from_secs(6);

/// What is wanted of the window. Each number grows when that is wanted once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WindowWish {
    /// To be there, in front of other windows.
    pub shown: u64,
    /// To go.
    pub gone: u64,
}

/// For whom a window was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Window {
    /// There is none.
    Closed {
        /// Whether the holder waits for one.
        is_wanted_by_holder: bool,
    },
    /// For a request: it goes with it.
    OfRequest {
        /// Counts down since the last request was done.
        closing: Option<Closing>,
    },
    /// The holder opened it, or did something else in it meanwhile: it stays until he closes it.
    OfHolder,
}

/// A countdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closing {
    /// The newest request when it began.
    pub(super) after: Option<RequestNumber>,
}

impl Default for Window {
    fn default() -> Self {
        Self::Closed { is_wanted_by_holder: false }
    }
}

impl Window {
    pub(super) const fn closes_in_seconds(self) -> Option<u64> {
        match self {
            Self::OfRequest { closing: Some(_) } => Some(RESULT_STAYS.as_secs()),
            _ => None,
        }
    }

    /// There is none, and nobody waits for one.
    pub(super) fn is_unwanted(self) -> bool {
        self == Self::default()
    }

    /// It is there now. Says whether it was not before.
    pub(super) fn opened(&mut self) -> bool {
        let Self::Closed { is_wanted_by_holder } = *self else { return false };
        *self = if is_wanted_by_holder { Self::OfHolder } else { Self::OfRequest { closing: None } };
        true
    }

    /// The holder wants to see it.
    pub(super) fn is_wanted_by_holder(&mut self) {
        match self {
            Self::Closed { is_wanted_by_holder } => *is_wanted_by_holder = true,
            Self::OfRequest { .. } | Self::OfHolder => *self = Self::OfHolder,
        }
    }

    /// The holder does something of his own in it.
    pub(super) fn is_used_by_holder(&mut self) {
        if matches!(self, Self::OfRequest { .. }) {
            *self = Self::OfHolder;
        }
    }
}
