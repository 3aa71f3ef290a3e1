//! The seam between what is said to a card and where the card is.

use crate::apdu::{Command, Response};
use crate::record::Recording;

/// A connected card, physical or virtual, to which commands can be sent one at a time.
pub trait CardChannel {
    /// Sends one command and waits for its response.
    ///
    /// # Errors
    /// Any [`ChannelError`] ends the dialogue: the state of the card is unknown and must be reset.
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError>;

    /// Where the dialogue that is held through this channel is recorded, blanked; nowhere unless a channel says so.
    fn recording(&mut self) -> Option<&mut Recording> {
        None
    }
}

/// Why a card could not be talked to. Each cause is one of the environment's, never the card's own answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The card was taken out of the reader.
    #[error("the card was removed")]
    CardRemoved,
    /// Another program reset the card; everything that was agreed with it is gone.
    #[error("another program reset the card")]
    CardReset,
    /// The card did not answer in time.
    #[error("the card did not answer in time")]
    CardSilent,
    /// The reader was unplugged.
    #[error("the reader is gone")]
    ReaderGone,
    /// The PC/SC service stopped or does not run.
    #[error("the smart card service is not running")]
    ServiceGone,
    /// Another program holds the card for itself.
    #[error("another program is using the card")]
    CardBusy,
    /// The reader reported a transmission fault.
    #[error("the reader could not talk to the card")]
    Transmission,
    /// The answer is no response APDU: fewer than two octets or more than the longest response.
    #[error("the card's answer is not a response")]
    MalformedResponse,
}

impl ChannelError {
    /// The stable name of the cause.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CardRemoved => "card-removed",
            Self::CardReset => "card-reset",
            Self::CardSilent => "card-silent",
            Self::ReaderGone => "reader-gone",
            Self::ServiceGone => "no-service",
            Self::CardBusy => "card-busy",
            Self::Transmission => "card-transmission",
            Self::MalformedResponse => "card-malformed-response",
        }
    }
}
