//! Why a request failed: one cause each, with a stable code.

use latchkey_card::apdu::StatusWord;
use latchkey_card::dialogue::{DialogueError, OtherCard};
use latchkey_reader::{ReaderError, ReaderName};

use crate::{NoSecret, SecretKind};

/// Why a request failed. [`Failure::code`] is stable; wording is the caller's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The PC/SC service does not run or stopped.
    #[error("the smart card service is not running")]
    NoService,
    /// The PC/SC service refused a call for a reason that no program can heal.
    #[error("the smart card service refused: {reason}")]
    ServiceFault {
        /// The service's own words, for the log.
        reason: String,
    },
    /// No reader is connected.
    #[error("there is no reader")]
    NoReader,
    /// There is no reader of the name that was asked for.
    #[error("there is no reader {name}")]
    UnknownReader {
        /// What was asked for.
        name: ReaderName,
        /// The readers there are.
        readers: Vec<ReaderName>,
    },
    /// The reader was unplugged.
    #[error("the reader is gone")]
    ReaderGone,
    /// The reader reported a transmission fault.
    #[error("the reader could not talk to the card")]
    Transmission,
    /// No reader holds a card.
    #[error("there is no card in a reader")]
    NoCard,
    /// More than one reader holds a card and none was named.
    #[error("there are cards in several readers")]
    SeveralCards {
        /// The readers that hold one.
        readers: Vec<ReaderName>,
    },
    /// The card was taken out.
    #[error("the card was removed")]
    CardRemoved,
    /// Another program reset the card while it was being talked to, or again and again.
    #[error("another program reset the card")]
    CardReset,
    /// The card did not answer in time.
    #[error("the card did not answer in time")]
    CardSilent,
    /// The card gives no sign of life: inserted the wrong way round, dirty or broken.
    #[error("the card does not start")]
    CardMute,
    /// Another program holds the card for itself.
    #[error("another program is using the card")]
    CardBusy,
    /// The reader and the card have no transmission protocol in common.
    #[error("the reader does not support this card")]
    CardUnsupported,
    /// The card's answer is no response APDU.
    #[error("the card's answer is not a response")]
    MalformedResponse,
    /// The card is none of those that can sign in here.
    #[error("this is another card: {}", .0.code())]
    OtherCard(OtherCard),
    /// The card, or something between it and the reader, broke the protocol: a malformed answer, or one that is not
    /// genuine.
    #[error("the card broke the protocol")]
    CardProtocol,
    /// The card answered outside the secure channel, which closed it.
    #[error("the card closed the secure channel")]
    CardClosedChannel,
    /// The card refused a command that it should have carried out.
    #[error("the card refused with status {status:04X}")]
    CardRefused {
        /// SW1 SW2.
        status: u16,
    },
    /// The card has no key to sign with.
    #[error("the card has no key to sign with")]
    KeyMissing,
    /// The card's key is deactivated.
    #[error("the card's key is deactivated")]
    KeyInactive,
    /// The card holds no certificate to sign in with.
    #[error("there is no certificate on the card")]
    CertificateMissing,
    /// A certificate was requested and is not on the card yet.
    #[error("the certificate was requested and is not on the card yet")]
    CertificatePending,
    /// What the card holds as its certificate is none, or one of another kind of key than the card signs with.
    #[error("the certificate on the card is faulty")]
    CertificateFaulty,
    /// The card's signature is not by the key of its certificate. Nothing was handed over.
    #[error("the card's signature does not fit its certificate")]
    SignatureFaulty,
    /// The certificate does not allow the card's key to sign documents. Nothing was signed.
    #[error("the certificate is not for signing documents")]
    CertificateNotForDocuments,
    /// The certificate has expired. Nothing was signed.
    #[error("the certificate has expired")]
    CertificateExpired,
    /// The certificate is not valid yet. Nothing was signed.
    #[error("the certificate is not valid yet")]
    CertificateNotYetValid,
    /// There is nothing to sign.
    #[error("there are no documents")]
    NoDocuments,
    /// More documents, or more octets that are no files, than one decision can cover.
    #[error("there are too many documents")]
    TooManyDocuments,
    /// The file is not there or cannot be read.
    #[error("the document cannot be read: {reason}")]
    DocumentUnreadable {
        /// The operating system's words, for the log.
        reason: String,
    },
    /// A folder, a device or something else that is no file.
    #[error("the document is no file")]
    DocumentNotAFile,
    /// The card refused the PIN.
    #[error("the PIN is wrong, tries left: {tries_left}")]
    PinWrong {
        /// Tries left; before the last one the card takes the CAN first, with none it is blocked.
        tries_left: u8,
    },
    /// The PIN is blocked: the PUK unblocks it.
    #[error("the PIN is blocked")]
    PinBlocked,
    /// The PIN is out of use: it is activated with the PUK.
    #[error("the PIN is deactivated")]
    PinDeactivated,
    /// Other programs spent tries again and again while the holder was asked. His PIN was not presented.
    #[error("the PIN's status changed while the PIN was asked for")]
    PinStatusChanged,
    /// The PUK was refused too often while the PIN was blocked: the PIN can never be used again.
    #[error("the PIN is blocked for ever")]
    PinDead,
    /// The card refused the second PIN. Nothing was signed.
    #[error("the second PIN is wrong, tries left: {tries_left}")]
    Pin2Wrong {
        /// Tries left; with none it is blocked.
        tries_left: u8,
    },
    /// The second PIN is blocked. Nothing was signed.
    #[error("the second PIN is blocked")]
    Pin2Blocked,
    /// The card refused the CAN. No PIN was presented.
    #[error("the CAN is wrong")]
    CanWrong,
    /// The card refused the PUK.
    #[error("the PUK is wrong")]
    PukWrong {
        /// Tries left while the PIN is blocked; otherwise the card does not count.
        tries_left: Option<u8>,
    },
    /// The holder said no.
    #[error("cancelled")]
    Cancelled,
    /// The holder did nothing for so long that the question was closed, after a warning.
    #[error("the holder did not answer in time")]
    HolderSilent,
    /// There is nowhere to ask for a secret.
    #[error("there is nowhere to ask for a secret")]
    NoPrompt,
    /// What was handed over as a secret is not of its form. Nothing was sent to the card.
    #[error("what was handed over as a secret is malformed")]
    SecretMalformed {
        /// What was asked for.
        kind: SecretKind,
    },
    /// Only one try is left and there was nobody to allow it.
    #[error("the last try was not allowed")]
    LastTryNotAllowed,
    /// No path leads from the terminal's certificates to a configured root, they are no certificates, or the card refused
    /// them.
    #[error("the terminal is not accepted")]
    TerminalRejected,
    /// The terminal is known to be another site's.
    #[error("the terminal belongs to another site")]
    TerminalOfOtherSite,
    /// The terminal answers another request than the one that was verified.
    #[error("the terminal answers another request")]
    TerminalRequestOther,
    /// What the terminal sent for the card is malformed.
    #[error("the terminal's message is malformed")]
    TerminalMalformed,
    /// The terminal wants something of the card that the holder did not agree to.
    #[error("the terminal wants something that the holder did not agree to")]
    TerminalActRefused,
    /// Nothing happened in the terminal session for too long.
    #[error("the terminal session was idle for too long")]
    TerminalSessionIdle,
    /// The agent asked the card for something that it cannot ask for.
    #[error("the agent is at fault")]
    AgentFault,
    /// The agent has stopped.
    #[error("the agent has stopped")]
    AgentStopped,
    /// The agent's program cannot be started.
    #[error("the agent's program cannot be started: {reason}")]
    AgentMissing {
        /// The operating system's words, for the log.
        reason: String,
    },
}

impl Failure {
    /// Every code that [`Failure::code`] can give.
    pub const CODES: [&'static str; 59] = [
        "no-service",
        "service-fault",
        "no-reader",
        "unknown-reader",
        "reader-gone",
        "card-transmission",
        "no-card",
        "several-cards",
        "card-removed",
        "card-reset",
        "card-silent",
        "card-mute",
        "card-busy",
        "card-unsupported",
        "card-malformed-response",
        "card-protocol",
        "card-closed-channel",
        "card-refused",
        "key-missing",
        "key-inactive",
        "certificate-missing",
        "certificate-pending",
        "certificate-faulty",
        "card-signature-faulty",
        "certificate-not-for-documents",
        "certificate-expired",
        "certificate-not-yet-valid",
        "no-documents",
        "too-many-documents",
        "document-unreadable",
        "document-not-a-file",
        "pin-wrong",
        "pin-blocked",
        "pin-deactivated",
        "pin-status-changed",
        "pin-dead",
        "pin2-wrong",
        "pin2-blocked",
        "can-wrong",
        "puk-wrong",
        "cancelled",
        "holder-silent",
        "no-prompt",
        "secret-malformed",
        "last-try-not-allowed",
        "terminal-rejected",
        "terminal-of-other-site",
        "terminal-request-other",
        "terminal-malformed",
        "terminal-act-refused",
        "terminal-session-idle",
        "agent-fault",
        "agent-stopped",
        "agent-missing",
        OtherCard::Payment.code(),
        OtherCard::TravelDocument.code(),
        OtherCard::Piv.code(),
        OtherCard::OpenPgp.code(),
        OtherCard::Unknown.code(),
    ];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoService => "no-service",
            Self::ServiceFault { .. } => "service-fault",
            Self::NoReader => "no-reader",
            Self::UnknownReader { .. } => "unknown-reader",
            Self::ReaderGone => "reader-gone",
            Self::Transmission => "card-transmission",
            Self::NoCard => "no-card",
            Self::SeveralCards { .. } => "several-cards",
            Self::CardRemoved => "card-removed",
            Self::CardReset => "card-reset",
            Self::CardSilent => "card-silent",
            Self::CardMute => "card-mute",
            Self::CardBusy => "card-busy",
            Self::CardUnsupported => "card-unsupported",
            Self::MalformedResponse => "card-malformed-response",
            Self::OtherCard(card) => card.code(),
            Self::CardProtocol => "card-protocol",
            Self::CardClosedChannel => "card-closed-channel",
            Self::CardRefused { .. } => "card-refused",
            Self::KeyMissing => "key-missing",
            Self::KeyInactive => "key-inactive",
            Self::CertificateMissing => "certificate-missing",
            Self::CertificatePending => "certificate-pending",
            Self::CertificateFaulty => "certificate-faulty",
            Self::SignatureFaulty => "card-signature-faulty",
            Self::CertificateNotForDocuments => "certificate-not-for-documents",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotYetValid => "certificate-not-yet-valid",
            Self::NoDocuments => "no-documents",
            Self::TooManyDocuments => "too-many-documents",
            Self::DocumentUnreadable { .. } => "document-unreadable",
            Self::DocumentNotAFile => "document-not-a-file",
            Self::PinWrong { .. } => "pin-wrong",
            Self::PinBlocked => "pin-blocked",
            Self::PinDeactivated => "pin-deactivated",
            Self::PinStatusChanged => "pin-status-changed",
            Self::PinDead => "pin-dead",
            Self::Pin2Wrong { .. } => "pin2-wrong",
            Self::Pin2Blocked => "pin2-blocked",
            Self::CanWrong => "can-wrong",
            Self::PukWrong { .. } => "puk-wrong",
            Self::Cancelled => "cancelled",
            Self::HolderSilent => "holder-silent",
            Self::NoPrompt => "no-prompt",
            Self::SecretMalformed { .. } => "secret-malformed",
            Self::LastTryNotAllowed => "last-try-not-allowed",
            Self::TerminalRejected => "terminal-rejected",
            Self::TerminalOfOtherSite => "terminal-of-other-site",
            Self::TerminalRequestOther => "terminal-request-other",
            Self::TerminalMalformed => "terminal-malformed",
            Self::TerminalActRefused => "terminal-act-refused",
            Self::TerminalSessionIdle => "terminal-session-idle",
            Self::AgentFault => "agent-fault",
            Self::AgentStopped => "agent-stopped",
            Self::AgentMissing { .. } => "agent-missing",
        }
    }

    /// Tries left, where the failure says so.
    #[must_use]
    pub const fn tries_left(&self) -> Option<u8> {
        match self {
            Self::PinWrong { tries_left } | Self::Pin2Wrong { tries_left } => Some(*tries_left),
            Self::PukWrong { tries_left } => *tries_left,
            _ => None,
        }
    }

    /// Why there is no secret of that kind.
    #[must_use]
    pub const fn without(kind: SecretKind, reason: NoSecret) -> Self {
        match reason {
            NoSecret::Cancelled => Self::Cancelled,
            NoSecret::Silent => Self::HolderSilent,
            NoSecret::NoPrompt => Self::NoPrompt,
            NoSecret::Malformed => Self::SecretMalformed { kind },
            NoSecret::LastTryNotAllowed => Self::LastTryNotAllowed,
        }
    }
}

impl From<ReaderError> for Failure {
    fn from(error: ReaderError) -> Self {
        match error {
            ReaderError::NoService => Self::NoService,
            ReaderError::NoReader => Self::NoReader,
            ReaderError::ReaderGone => Self::ReaderGone,
            ReaderError::NoCard => Self::NoCard,
            ReaderError::SeveralCards { .. } => Self::SeveralCards { readers: Vec::new() },
            ReaderError::CardRemoved => Self::CardRemoved,
            ReaderError::CardReset => Self::CardReset,
            ReaderError::CardMute => Self::CardMute,
            ReaderError::CardSilent => Self::CardSilent,
            ReaderError::CardBusy => Self::CardBusy,
            ReaderError::CardUnsupported => Self::CardUnsupported,
            ReaderError::MalformedResponse => Self::MalformedResponse,
            ReaderError::ServiceFault { reason } => Self::ServiceFault { reason },
            // The one left and any that is added: the environment failed between reader and card.
            _ => Self::Transmission,
        }
    }
}

impl From<DialogueError> for Failure {
    fn from(error: DialogueError) -> Self {
        tracing::debug!(%error, "the dialogue with the card failed");
        match error {
            DialogueError::PinWrong { tries_left } => Self::PinWrong { tries_left },
            DialogueError::PinBlocked => Self::PinBlocked,
            DialogueError::PinDeactivated => Self::PinDeactivated,
            DialogueError::PinSuspended | DialogueError::PinStatusChanged { .. } => Self::PinStatusChanged,
            DialogueError::Pin2Wrong { tries_left: 0 } | DialogueError::Pin2Blocked => Self::Pin2Blocked,
            DialogueError::Pin2Wrong { tries_left } => Self::Pin2Wrong { tries_left },
            DialogueError::CanWrong => Self::CanWrong,
            DialogueError::PukWrong { tries_left: 0 } => Self::PinDead,
            DialogueError::PukWrong { tries_left } => Self::PukWrong { tries_left: Some(tries_left) },
            DialogueError::KeyInactive => Self::KeyInactive,
            DialogueError::KeyMissing => Self::KeyMissing,
            DialogueError::CertificateMissing => Self::CertificateMissing,
            DialogueError::CertificatePending => Self::CertificatePending,
            DialogueError::CardRefused { status, .. } => Self::CardRefused { status: status.value() },
            // The agent signs no more than it announced: a card that wants the PIN again is the one that is wrong.
            DialogueError::ConfirmationMissing => Self::CardRefused { status: StatusWord::NOT_ALLOWED.value() },
            DialogueError::TerminalCertificateRefused { .. } | DialogueError::TerminalNotProven { .. } => {
                Self::TerminalRejected
            }
            DialogueError::TerminalCommandRefused { .. } => Self::TerminalActRefused,
            DialogueError::ChannelClosed { .. } => Self::CardClosedChannel,
            DialogueError::CardProtocol(_) => Self::CardProtocol,
            DialogueError::Channel(error) => Self::from(ReaderError::from(error)),
            // The caller's faults, of which the agent makes none.
            _ => Self::AgentFault,
        }
    }
}
