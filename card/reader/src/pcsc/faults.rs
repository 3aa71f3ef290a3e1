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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_service_has_its_cause() {
        for (error, code, ends_the_connection) in [
            (Error::NoService, "no-service", true),
            (Error::ServiceStopped, "no-service", true),
            (Error::Shutdown, "no-service", true),
            (Error::CommError, "no-service", true),
            (Error::InvalidHandle, "no-service", true),
            (Error::UnknownReader, "reader-gone", true),
            (Error::ReaderUnavailable, "reader-gone", true),
            (Error::NoReadersAvailable, "reader-gone", true),
            (Error::NoSmartcard, "card-removed", true),
            (Error::RemovedCard, "card-removed", true),
            (Error::ResetCard, "card-reset", false),
            (Error::UnresponsiveCard, "card-mute", true),
            (Error::UnpoweredCard, "card-mute", true),
            (Error::Timeout, "card-silent", true),
            (Error::SharingViolation, "card-busy", true),
            (Error::ProtoMismatch, "card-unsupported", true),
            (Error::UnsupportedCard, "card-unsupported", true),
            (Error::NotTransacted, "card-transmission", false),
            (Error::CommDataLost, "card-transmission", false),
            (Error::InsufficientBuffer, "card-malformed-response", false),
            (Error::ServerTooBusy, "service-fault", true),
            (Error::NoMemory, "service-fault", true),
            (Error::InternalError, "service-fault", true),
        ] {
            let cause = cause(error);
            assert_eq!((cause.code(), is_final(&cause)), (code, ends_the_connection), "{error:?}");
        }
    }

    #[test]
    fn causes_survive_the_way_through_a_dialogue() {
        for cause in [
            ReaderError::NoService,
            ReaderError::ReaderGone,
            ReaderError::CardRemoved,
            ReaderError::CardReset,
            ReaderError::CardSilent,
            ReaderError::CardBusy,
            ReaderError::Transmission,
            ReaderError::MalformedResponse,
        ] {
            assert_eq!(ReaderError::from(in_dialogue(cause.clone())), cause);
        }
    }
}
