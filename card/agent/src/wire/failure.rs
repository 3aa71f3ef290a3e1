//! Failures as they are written: by their code, with what they carry.

use serde::{Deserialize, Serialize};

use super::frame::WireFault;
use super::octets::WireReader;
use super::report::WireSecretKind;
use crate::{Failure, OtherCard, SecretKind};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum WireFailure {
    /// One that carries nothing.
    Code(String),
    ServiceFault {
        reason: String,
    },
    UnknownReader {
        name: WireReader,
        readers: Vec<WireReader>,
    },
    SeveralCards {
        readers: Vec<WireReader>,
    },
    CardRefused {
        status: u16,
    },
    PinWrong {
        tries_left: u8,
    },
    PukWrong {
        tries_left: Option<u8>,
    },
    #[serde(rename = "pin2-wrong")]
    Pin2Wrong {
        tries_left: u8,
    },
    SecretMalformed {
        #[serde(with = "WireSecretKind")]
        kind: SecretKind,
    },
    DocumentUnreadable {
        reason: String,
    },
    AgentMissing {
        reason: String,
    },
}

impl WireFailure {
    pub(super) fn of(failure: &Failure) -> Self {
        match failure {
            Failure::ServiceFault { reason } => Self::ServiceFault { reason: shortened(reason) },
            Failure::UnknownReader { name, readers } => {
                Self::UnknownReader { name: WireReader::of(name), readers: WireReader::of_all(readers) }
            }
            Failure::SeveralCards { readers } => Self::SeveralCards { readers: WireReader::of_all(readers) },
            Failure::CardRefused { status } => Self::CardRefused { status: *status },
            Failure::PinWrong { tries_left } => Self::PinWrong { tries_left: *tries_left },
            Failure::PukWrong { tries_left } => Self::PukWrong { tries_left: *tries_left },
            Failure::Pin2Wrong { tries_left } => Self::Pin2Wrong { tries_left: *tries_left },
            Failure::SecretMalformed { kind } => Self::SecretMalformed { kind: *kind },
            Failure::DocumentUnreadable { reason } => Self::DocumentUnreadable { reason: shortened(reason) },
            Failure::AgentMissing { reason } => Self::AgentMissing { reason: shortened(reason) },
            plain => Self::Code(plain.code().to_owned()),
        }
    }

    pub(super) fn read(self) -> Result<Failure, WireFault> {
        Ok(match self {
            Self::Code(code) => {
                let other = OTHER_CARDS.into_iter().map(Failure::OtherCard);
                let failure = PLAIN.iter().cloned().chain(other).find(|failure| failure.code() == code);
                failure.ok_or(WireFault::Part("failure's code"))?
            }
            Self::ServiceFault { reason } => Failure::ServiceFault { reason: read_reason(reason)? },
            Self::UnknownReader { name, readers } => {
                Failure::UnknownReader { name: name.read()?, readers: WireReader::read_all(&readers)? }
            }
            Self::SeveralCards { readers } => Failure::SeveralCards { readers: WireReader::read_all(&readers)? },
            Self::CardRefused { status } => Failure::CardRefused { status },
            Self::PinWrong { tries_left } => Failure::PinWrong { tries_left },
            Self::PukWrong { tries_left } => Failure::PukWrong { tries_left },
            Self::Pin2Wrong { tries_left } => Failure::Pin2Wrong { tries_left },
            Self::SecretMalformed { kind } => Failure::SecretMalformed { kind },
            Self::DocumentUnreadable { reason } => Failure::DocumentUnreadable { reason: read_reason(reason)? },
            Self::AgentMissing { reason } => Failure::AgentMissing { reason: read_reason(reason)? },
        })
    }
}

/// The operating system's words, if they are not longer than any of its messages.
fn read_reason(reason: String) -> Result<String, WireFault> {
    if reason.len() <= REASON_MAX_SIZE { Ok(reason) } else { Err(WireFault::Part("reason")) }
}

fn shortened(reason: &str) -> String {
    let end = (0..=REASON_MAX_SIZE.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end));
    reason.get(..end.unwrap_or_default()).unwrap_or_default().to_owned()
}

const REASON_MAX_SIZE: usize = 500;

/// Every failure that carries nothing. A test holds this against [`Failure::CODES`].
const PLAIN: [Failure; 44] = [
    Failure::NoService,
    Failure::NoReader,
    Failure::ReaderGone,
    Failure::Transmission,
    Failure::NoCard,
    Failure::CardRemoved,
    Failure::CardReset,
    Failure::CardSilent,
    Failure::CardMute,
    Failure::CardBusy,
    Failure::CardUnsupported,
    Failure::MalformedResponse,
    Failure::CardProtocol,
    Failure::CardClosedChannel,
    Failure::KeyMissing,
    Failure::KeyInactive,
    Failure::CertificateMissing,
    Failure::CertificatePending,
    Failure::CertificateFaulty,
    Failure::SignatureFaulty,
    Failure::CertificateNotForDocuments,
    Failure::CertificateExpired,
    Failure::CertificateNotYetValid,
    Failure::NoDocuments,
    Failure::TooManyDocuments,
    Failure::DocumentNotAFile,
    Failure::PinBlocked,
    Failure::PinDeactivated,
    Failure::PinStatusChanged,
    Failure::PinDead,
    Failure::Pin2Blocked,
    Failure::CanWrong,
    Failure::Cancelled,
    Failure::HolderSilent,
    Failure::NoPrompt,
    Failure::LastTryNotAllowed,
    Failure::TerminalRejected,
    Failure::TerminalOfOtherSite,
    Failure::TerminalRequestOther,
    Failure::TerminalMalformed,
    Failure::TerminalActRefused,
    Failure::TerminalSessionIdle,
    Failure::AgentFault,
    Failure::AgentStopped,
];

const OTHER_CARDS: [OtherCard; 5] =
    [OtherCard::Payment, OtherCard::TravelDocument, OtherCard::Piv, OtherCard::OpenPgp, OtherCard::Unknown];
