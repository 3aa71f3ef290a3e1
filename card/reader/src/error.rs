//! Why readers and cards could not be reached.

use latchkey_card::ChannelError;

/// Why a reader or a card could not be reached. The environment is at fault, never the holder and never the card's own
/// answer. Each cause has one stable [`code`](ReaderError::code).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReaderError {
    /// The PC/SC service does not run, or stopped.
    #[error("the smart card service is not running")]
    NoService,
    /// The service runs and no reader is connected.
    #[error("no reader is connected")]
    NoReader,
    /// The reader that was asked for is not connected, or was unplugged.
    #[error("the reader is not connected")]
    ReaderGone,
    /// No reader holds a card.
    #[error("no card is in a reader")]
    NoCard,
    /// More than one reader holds a card, and none was named.
    #[error("{count} readers hold a card; one must be named")]
    SeveralCards {
        /// How many cards there are to choose from.
        count: usize,
    },
    /// The card that was asked for is no longer in the reader, even if another or the same one is there again.
    #[error("the card was removed")]
    CardRemoved,
    /// Another program reset the card since it was last looked at; whatever was learnt or agreed must be done again.
    #[error("another program reset the card")]
    CardReset,
    /// The card does not answer to a reset: wrong way round, dirty or broken.
    #[error("the card does not answer to a reset")]
    CardMute,
    /// The card did not answer a command in time.
    #[error("the card did not answer in time")]
    CardSilent,
    /// Another program holds the card for itself, or did not give it back in time.
    #[error("another program is using the card")]
    CardBusy,
    /// The reader and the card have no transmission protocol in common.
    #[error("the reader does not support this card")]
    CardUnsupported,
    /// The reader reported a transmission fault.
    #[error("the reader could not talk to the card")]
    Transmission,
    /// The card's answer is no response APDU.
    #[error("the card's answer is not a response")]
    MalformedResponse,
    /// The PC/SC service refused a call for a reason that no program can heal.
    #[error("the smart card service refused: {reason}")]
    ServiceFault {
        /// The service's own words, for the log.
        reason: String,
    },
}

impl ReaderError {
    /// The stable name of the cause.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoService => "no-service",
            Self::NoReader => "no-reader",
            Self::ReaderGone => "reader-gone",
            Self::NoCard => "no-card",
            Self::SeveralCards { .. } => "several-cards",
            Self::CardRemoved => "card-removed",
            Self::CardReset => "card-reset",
            Self::CardMute => "card-mute",
            Self::CardSilent => "card-silent",
            Self::CardBusy => "card-busy",
            Self::CardUnsupported => "card-unsupported",
            Self::Transmission => "card-transmission",
            Self::MalformedResponse => "card-malformed-response",
            Self::ServiceFault { .. } => "service-fault",
        }
    }
}

impl From<ChannelError> for ReaderError {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::CardRemoved => Self::CardRemoved,
            ChannelError::CardReset => Self::CardReset,
            ChannelError::CardSilent => Self::CardSilent,
            ChannelError::ReaderGone => Self::ReaderGone,
            ChannelError::ServiceGone => Self::NoService,
            ChannelError::CardBusy => Self::CardBusy,
            ChannelError::MalformedResponse => Self::MalformedResponse,
            _ => Self::Transmission,
        }
    }
}
