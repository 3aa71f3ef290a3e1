//! Why a dialogue with a card did not give what was asked for, and who is at fault.

use std::fmt;

use crate::apdu::{ApduError, StatusWord};
use crate::channel::ChannelError;
use crate::dialogue::PinStatus;
use crate::tlv::TlvError;

/// Why a dialogue with a card did not give what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialogueError {
    /// The PIN is wrong. With one try left the card wants the CAN first; with none the PIN is blocked.
    #[error("the PIN is wrong, tries left: {tries_left}")]
    PinWrong {
        /// How many more times a wrong PIN is forgiven.
        tries_left: u8,
    },
    /// The PIN was not looked at: before its last try the card wants the CAN.
    #[error("the PIN is suspended until the CAN is given")]
    PinSuspended,
    /// The PIN was not looked at: it is blocked.
    #[error("the PIN is blocked")]
    PinBlocked,
    /// The PIN was not looked at: it is deactivated.
    #[error("the PIN is deactivated")]
    PinDeactivated,
    /// The CAN is wrong. It never blocks.
    #[error("the CAN is wrong")]
    CanWrong,
    /// The PUK is wrong.
    #[error("the PUK is wrong, tries left: {tries_left}")]
    PukWrong {
        /// How many more times a wrong PUK is forgiven; none means that the PIN is dead.
        tries_left: u8,
    },
    /// The second PIN is wrong.
    #[error("the second PIN is wrong, tries left: {tries_left}")]
    Pin2Wrong {
        /// How many more times a wrong one is forgiven.
        tries_left: u8,
    },
    /// The second PIN was not looked at: it is blocked.
    #[error("the second PIN is blocked")]
    Pin2Blocked,
    /// The tries left are not those that were shown to the holder. The PIN was not presented.
    #[error("the PIN's status changed since it was shown: {now}")]
    PinStatusChanged {
        /// What it is now.
        now: PinStatus,
    },
    /// The PIN's confirmation is used up or was not given.
    #[error("the card wants the PIN again before it signs")]
    ConfirmationMissing,
    /// The key exists and is deactivated.
    #[error("the key is deactivated")]
    KeyInactive,
    /// There is no such key.
    #[error("the card has no such key")]
    KeyMissing,
    /// There is no certificate, or an empty file in its place.
    #[error("the card has no certificate for this key")]
    CertificateMissing,
    /// A certificate was requested and is not on the card yet.
    #[error("the certificate for this key was requested and is not on the card yet")]
    CertificatePending,
    /// The card does not accept a certificate of the terminal.
    #[error("the card does not accept the terminal's certificate: {status}")]
    TerminalCertificateRefused {
        /// What it answered.
        status: StatusWord,
    },
    /// The terminal has not proved to the card that it has the key of its certificate.
    #[error("the terminal did not prove itself to the card: {status}")]
    TerminalNotProven {
        /// What the card answered.
        status: StatusWord,
    },
    /// The terminal wants the card to do something that terminals may not do, or to which the holder has not agreed. It
    /// was not passed on.
    #[error("the terminal may not give the command {}", hexadecimal(.header))]
    TerminalCommandRefused {
        /// The four octets that the command begins with.
        header: [u8; 4],
    },
    /// It is the other channel's turn to speak. Nothing was passed on.
    #[error("it is not the turn of this channel")]
    ChannelOutOfTurn,
    /// The card refused a command for a reason that has no name of its own here.
    #[error("the card refused to {operation}: {status}")]
    CardRefused {
        /// What it was asked to do.
        operation: Operation,
        /// What it answered.
        status: StatusWord,
    },
    /// The card answered outside the secure channel, which closed it. The status serves this message only.
    #[error("the card closed the secure channel: {status}")]
    ChannelClosed {
        /// What it answered.
        status: StatusWord,
    },
    /// The card, or something between it and the reader, broke the protocol.
    #[error("the card broke the protocol: {0}")]
    CardProtocol(ProtocolFault),
    /// The editions of this model of card are assumed, and no channel opened with the CAN has confirmed them yet.
    #[error("the CAN is needed first to learn which edition of the standard the card follows")]
    EditionsUnconfirmed,
    /// This model of card gives data groups to terminals only.
    #[error("the card gives data groups to terminals only")]
    TerminalNeeded,
    /// What the caller wants said does not fit a command.
    #[error("the request fits no command")]
    Request(#[from] ApduError),
    /// The card could not be talked to.
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

/// Whose fault a failure is, and so who can heal it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Culprit {
    /// The holder: another password, another card.
    Holder,
    /// The card.
    Card,
    /// The terminal on the other end of a relay.
    Terminal,
    /// Reader, service, another program.
    Environment,
    /// The program that asked.
    Caller,
}

impl DialogueError {
    /// The stable code of the failure.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PinWrong { .. } => "pin-wrong",
            Self::PinSuspended => "pin-suspended",
            Self::PinBlocked => "pin-blocked",
            Self::PinDeactivated => "pin-deactivated",
            Self::CanWrong => "can-wrong",
            Self::PukWrong { .. } => "puk-wrong",
            Self::Pin2Wrong { .. } => "pin2-wrong",
            Self::Pin2Blocked => "pin2-blocked",
            Self::PinStatusChanged { .. } => "pin-status-changed",
            Self::ConfirmationMissing => "confirmation-missing",
            Self::KeyInactive => "key-inactive",
            Self::KeyMissing => "key-missing",
            Self::CertificateMissing => "certificate-missing",
            Self::CertificatePending => "certificate-pending",
            Self::TerminalCertificateRefused { .. } => "terminal-certificate-refused",
            Self::TerminalNotProven { .. } => "terminal-not-proven",
            Self::TerminalCommandRefused { .. } => "terminal-command-refused",
            Self::ChannelOutOfTurn => "channel-out-of-turn",
            Self::CardRefused { .. } => "card-refused",
            Self::ChannelClosed { .. } => "card-closed-channel",
            Self::CardProtocol(_) => "card-protocol",
            Self::EditionsUnconfirmed => "editions-unconfirmed",
            Self::TerminalNeeded => "terminal-needed",
            Self::Request(_) => "request-too-long",
            Self::Channel(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn culprit(&self) -> Culprit {
        match self {
            Self::PinWrong { .. }
            | Self::PinSuspended
            | Self::PinBlocked
            | Self::PinDeactivated
            | Self::CanWrong
            | Self::PukWrong { .. }
            | Self::Pin2Wrong { .. }
            | Self::Pin2Blocked => Culprit::Holder,
            Self::KeyInactive
            | Self::KeyMissing
            | Self::CertificateMissing
            | Self::CertificatePending
            | Self::CardRefused { .. }
            | Self::ChannelClosed { .. }
            | Self::CardProtocol(_) => Culprit::Card,
            Self::TerminalCertificateRefused { .. }
            | Self::TerminalNotProven { .. }
            | Self::TerminalCommandRefused { .. } => Culprit::Terminal,
            Self::PinStatusChanged { .. } | Self::Channel(_) => Culprit::Environment,
            Self::ChannelOutOfTurn
            | Self::ConfirmationMissing
            | Self::EditionsUnconfirmed
            | Self::TerminalNeeded
            | Self::Request(_) => Culprit::Caller,
        }
    }

    /// The tries that a wrong PIN or PUK left.
    #[must_use]
    pub const fn tries_left(&self) -> Option<u8> {
        match self {
            Self::PinWrong { tries_left } | Self::PukWrong { tries_left } | Self::Pin2Wrong { tries_left } => {
                Some(*tries_left)
            }
            _ => None,
        }
    }
}

/// How a card broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolFault {
    /// An answer's data objects are malformed.
    #[error("a malformed answer, {0}")]
    Malformed(TlvError),
    /// An answer has another length than its meaning needs.
    #[error("an answer of {found} octets")]
    Length {
        /// How many octets there were.
        found: usize,
    },
    /// A file says that it is longer than any file of the card.
    #[error("a file of {size} octets")]
    FileSize {
        /// How many octets it would have.
        size: usize,
    },
    /// The card's point is not on the curve.
    #[error("the card's point is not on the curve")]
    InvalidPoint,
    /// The card does not hold the key that the password gives, although it accepted the password.
    #[error("the card's key confirmation is wrong")]
    KeyConfirmation,
    /// A protected answer is malformed or not authentic.
    #[error("a protected answer is not authentic")]
    NotAuthentic,
}

/// What a card was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// SELECT an applet or the master file.
    SelectMasterFile,
    /// SELECT an application.
    SelectApplication,
    /// SELECT a file.
    SelectFile,
    /// READ BINARY.
    ReadFile,
    /// MSE:Set AT.
    ChoosePassword,
    /// GENERAL AUTHENTICATE.
    Authenticate,
    /// VERIFY the PIN, or ask for or clear its confirmation.
    ConfirmPin,
    /// CHANGE REFERENCE DATA.
    ChangePin,
    /// RESET RETRY COUNTER.
    UnblockPin,
    /// ACTIVATE.
    ActivatePin,
    /// DEACTIVATE.
    DeactivatePin,
    /// MSE:Set DST or MSE:Set CT.
    ChooseKey,
    /// PSO:Compute Digital Signature.
    Sign,
    /// PSO:Decipher.
    UnwrapKey,
    /// MSE:Set AT for BAUTH.
    ExpectTerminal,
    /// MSE:Set CS.
    SwitchChannel,
    /// VERIFY of an auxiliary attribute.
    CompareAttribute,
    /// GENERATE KEY PAIR.
    GenerateKey,
    /// TERMINATE of a key pair.
    DestroyKey,
    /// UPDATE BINARY.
    WriteFile,
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::SelectMasterFile => "select its master file",
            Self::SelectApplication => "select an application",
            Self::SelectFile => "select a file",
            Self::ReadFile => "read a file",
            Self::ChoosePassword => "take a password",
            Self::Authenticate => "authenticate",
            Self::ConfirmPin => "take the PIN's confirmation",
            Self::ChangePin => "change the PIN",
            Self::UnblockPin => "unblock the PIN",
            Self::ActivatePin => "activate the PIN",
            Self::DeactivatePin => "deactivate the PIN",
            Self::ChooseKey => "take a key",
            Self::Sign => "sign",
            Self::UnwrapKey => "unwrap a key",
            Self::ExpectTerminal => "expect a terminal",
            Self::SwitchChannel => "switch to another channel",
            Self::CompareAttribute => "compare an attribute",
            Self::GenerateKey => "generate a key",
            Self::DestroyKey => "destroy a key",
            Self::WriteFile => "write a file",
        })
    }
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}
