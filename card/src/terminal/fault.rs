//! Why a terminal's session ended.

use latchkey_crypto::bauth::BauthError;
use latchkey_crypto::cv::{CertificateError, PathError};

use crate::apdu::{ApduError, StatusWord};
use crate::dialogue::{Operation, ProtocolFault};
use crate::tlv::TlvError;

/// Why a terminal's session ended. There is no way back: the step is gone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TerminalFault {
    /// What was handed over is no answer of a card.
    #[error("this is no answer of a card: {0}")]
    Malformed(TlvError),
    /// The card refused a command.
    #[error("the card refused to {operation}: {status}")]
    CardRefused {
        /// What it was asked to do.
        operation: Operation,
        /// What it answered.
        status: StatusWord,
    },
    /// The card, or somebody on the way, answered outside the secure channel. The status serves this message only.
    #[error("the card closed the secure channel: {status}")]
    ChannelClosed {
        /// What the answer was.
        status: StatusWord,
    },
    /// The card broke the protocol, or its answer is not genuine.
    #[error("the card broke the protocol: {0}")]
    CardProtocol(ProtocolFault),
    /// The card is not what it says: it did not hold the key that it should share, or not that of its certificate.
    #[error("the card did not prove itself: {0}")]
    CardNotProven(BauthError),
    /// The terminal's own key cannot be used.
    #[error("the terminal's key cannot be used")]
    KeyUnavailable,
    /// What the card shows as its certificate is none.
    #[error("the card's certificate is malformed: {0}")]
    CardCertificate(CertificateError),
    /// The card's certificate is not one of a card that is trusted here today.
    #[error("the card's certificate is not trusted: {0}")]
    CardNotTrusted(PathError),
    /// What the terminal wants said fits no command.
    #[error("the request fits no command")]
    Request(#[from] ApduError),
}

impl TerminalFault {
    /// The stable code of the fault.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "card-answer-malformed",
            Self::CardRefused { .. } => "card-refused",
            Self::ChannelClosed { .. } => "card-closed-channel",
            Self::CardProtocol(_) => "card-protocol",
            Self::CardNotProven(_) => "card-not-proven",
            Self::KeyUnavailable => "terminal-key-unavailable",
            Self::CardCertificate(_) => "card-certificate-malformed",
            Self::CardNotTrusted(_) => "card-not-trusted",
            Self::Request(_) => "request-too-long",
        }
    }
}

impl From<BauthError> for TerminalFault {
    fn from(error: BauthError) -> Self {
        match error {
            BauthError::KeyUnavailable => Self::KeyUnavailable,
            error => Self::CardNotProven(error),
        }
    }
}

impl From<TlvError> for TerminalFault {
    fn from(error: TlvError) -> Self {
        Self::Malformed(error)
    }
}

impl From<ProtocolFault> for TerminalFault {
    fn from(fault: ProtocolFault) -> Self {
        Self::CardProtocol(fault)
    }
}
