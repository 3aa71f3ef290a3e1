//! What the PC/SC service says, in our words.

use latchkey_card::ChannelError;
use pcsc::Error;

use crate::error::ReaderError;

/// The cause behind the service's error.
pub(super) fn cause(error: Error) -> ReaderError {
    match error {
        // After the service's end, its library reports a broken connection once and then no service, for ever.
        Error::NoService
        | Error::ServiceStopped
        | Error::Shutdown
        | Error::SystemCancelled
        | Error::CommError
        | Error::InvalidHandle => ReaderError::NoService,
        // pcsc-lite calls the handle of an unplugged reader an invalid value.
        Error::UnknownReader | Error::ReaderUnavailable | Error::NoReadersAvailable | Error::InvalidValue => {
            ReaderError::ReaderGone
        }
        Error::NoSmartcard | Error::RemovedCard => ReaderError::CardRemoved,
        Error::ResetCard => ReaderError::CardReset,
        Error::UnresponsiveCard | Error::UnpoweredCard => ReaderError::CardMute,
        Error::Timeout | Error::WaitedTooLong => ReaderError::CardSilent,
        Error::SharingViolation => ReaderError::CardBusy,
        Error::ProtoMismatch | Error::UnsupportedCard | Error::CardUnsupported | Error::ReaderUnsupported => {
            ReaderError::CardUnsupported
        }
        Error::NotTransacted | Error::CommDataLost | Error::NotReady => ReaderError::Transmission,
        Error::InsufficientBuffer => ReaderError::MalformedResponse,
        other => ReaderError::ServiceFault { reason: other.to_string() },
    }
}

/// The same cause for whoever talks to the card.
pub(super) fn in_dialogue(error: ReaderError) -> ChannelError {
    match error {
        ReaderError::NoService => ChannelError::ServiceGone,
        ReaderError::NoReader | ReaderError::ReaderGone => ChannelError::ReaderGone,
        ReaderError::NoCard | ReaderError::CardRemoved => ChannelError::CardRemoved,
        ReaderError::CardReset => ChannelError::CardReset,
        ReaderError::CardSilent | ReaderError::CardMute => ChannelError::CardSilent,
        ReaderError::CardBusy | ReaderError::SeveralCards { .. } => ChannelError::CardBusy,
        ReaderError::MalformedResponse => ChannelError::MalformedResponse,
        ReaderError::CardUnsupported | ReaderError::Transmission | ReaderError::ServiceFault { .. } => {
            ChannelError::Transmission
        }
    }
}

/// Whether nothing more can come of a connection after this.
pub(super) fn is_final(error: &ReaderError) -> bool {
    !matches!(error, ReaderError::CardReset | ReaderError::Transmission | ReaderError::MalformedResponse)
}
