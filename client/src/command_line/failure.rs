//! What a command can fail of, with its exit code and what its texts are filled with.

use latchkey_agent::{Failure, ReaderName};
use serde_json::{Value, json};

use crate::desk::RequestFailure;
use crate::documents::DocumentFailure;
use crate::guest::GuestFailure;
use crate::history::HistoryFailure;
use crate::portal::PortalFailure;
use crate::service::ServiceFailure;
use crate::settings::SettingsFailure;
use crate::sign_in::link::LinkFailure;
use crate::texts::{Filling, Texts};
use crate::update::UpdateFailure;
use crate::wording::{Place, Told, Words};

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandFailure {
    /// The card, its reader, the holder or the agent.
    #[error(transparent)]
    Card(#[from] Failure),
    /// The portal or the way to it.
    #[error(transparent)]
    Portal(#[from] PortalFailure),
    /// A link, or the browser in which it ends.
    #[error(transparent)]
    Link(#[from] LinkFailure),
    /// The settings, the holder's or the administrator's.
    #[error(transparent)]
    Settings(#[from] SettingsFailure),
    /// The service for pages.
    #[error(transparent)]
    Service(#[from] ServiceFailure),
    /// A guest could not come, or something of him could not be deleted.
    #[error(transparent)]
    Guest(#[from] GuestFailure),
    /// Remembered sign-ins.
    #[error(transparent)]
    History(#[from] HistoryFailure),
    /// Newer versions.
    #[error(transparent)]
    Update(#[from] UpdateFailure),
    /// Documents and signatures.
    #[error(transparent)]
    Document(#[from] DocumentFailure),
    /// What was asked for is not done.
    #[error(transparent)]
    Request(#[from] RequestFailure),
    /// The command line.
    #[error(transparent)]
    Usage(#[from] UsageFailure),
    /// The operating system refused to hide this process' memory, so no secret may be asked for.
    #[error("the process could not be protected: {reason}")]
    ProcessNotProtected {
        /// The operating system's words.
        reason: String,
    },
    /// The holder interrupted while the assertion was under way: the portal may have it.
    #[error("interrupted while the signature was handed over")]
    HandOverInterrupted,
    /// Standard output.
    #[error("the result could not be written: {reason}")]
    OutputFailed {
        /// The operating system's words.
        reason: String,
    },
}

/// What is wrong with a command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageFailure {
    /// There is no such argument or command.
    #[error("unknown argument: {argument}")]
    Unknown {
        /// What was written.
        argument: String,
    },
    /// An argument or command is missing.
    #[error("missing: {argument}")]
    Missing {
        /// What.
        argument: String,
    },
    /// A value does not fit.
    #[error("{value} does not fit {argument}")]
    Value {
        /// The argument.
        argument: String,
        /// What was written.
        value: String,
    },
    /// Anything else.
    #[error("the command line cannot be understood")]
    Wrong,
}

/// How the program ends, by cause. The help lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The program's own fault.
    Internal = 1,
    /// The command line.
    Usage = 2,
    /// No service or no reader.
    NoReader = 3,
    /// No card, or it was removed.
    NoCard = 4,
    /// A card that does not fit or is faulty.
    WrongCard = 5,
    /// PIN, CAN or PUK.
    Secret = 6,
    /// The holder said no.
    Cancelled = 7,
    /// The portal could not be reached or understood.
    Portal = 8,
    /// The portal refused.
    Refused = 9,
    /// A document was not signed, or a signature does not count.
    Document = 10,
}

impl CommandFailure {
    /// The codes of [`CommandFailure::code`] that are not another enum's.
    pub const OWN_CODES: [&'static str; 3] = ["process-not-protected", "hand-over-interrupted", "output-failed"];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Card(failure) => failure.code(),
            Self::Portal(failure) => failure.code(),
            Self::Link(failure) => failure.code(),
            Self::Settings(failure) => failure.code(),
            Self::Service(failure) => failure.code(),
            Self::Guest(failure) => failure.code(),
            Self::History(failure) => failure.code(),
            Self::Update(failure) => failure.code(),
            Self::Document(failure) => failure.code(),
            Self::Request(failure) => failure.code(),
            Self::Usage(failure) => failure.code(),
            Self::ProcessNotProtected { .. } => "process-not-protected",
            Self::HandOverInterrupted => "hand-over-interrupted",
            Self::OutputFailed { .. } => "output-failed",
        }
    }

    /// How the program ends.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Card(failure) => card_exit(failure),
            Self::Portal(PortalFailure::AddressInvalid { .. } | PortalFailure::CaFileUnreadable { .. })
            | Self::Link(LinkFailure::Malformed)
            | Self::Settings(
                SettingsFailure::Fixed { .. }
                | SettingsFailure::Unknown { .. }
                | SettingsFailure::Value { .. }
                | SettingsFailure::SiteUnknown { .. },
            )
            | Self::Update(UpdateFailure::NotConfigured)
            | Self::Usage(_) => Exit::Usage,
            Self::Portal(PortalFailure::Refused { .. }) => Exit::Refused,
            Self::Portal(_) => Exit::Portal,
            Self::Document(_) => Exit::Document,
            Self::HandOverInterrupted | Self::Request(_) => Exit::Cancelled,
            Self::Update(UpdateFailure::NotRemembered { .. }) => Exit::Internal,
            // A server like a portal's.
            Self::Update(_) => Exit::Portal,
            Self::Service(_)
            | Self::Settings(_)
            | Self::Guest(_)
            | Self::History(_)
            | Self::Link(_)
            | Self::ProcessNotProtected { .. }
            | Self::OutputFailed { .. } => Exit::Internal,
        }
    }

    /// What happened, what to do, and the code.
    #[must_use]
    pub fn tell(&self, texts: &Texts) -> String {
        let words = self.words(texts);
        let lines = [
            texts.fill("failed", &[("what", words.what_happened.into())]),
            texts.fill("failed-to-do", &[("todo", words.what_to_do.into())]),
            texts.fill("failed-code", &[("code", self.shown_code().into())]),
        ];
        lines.join("\n")
    }

    /// The same for programs.
    #[must_use]
    pub fn to_json(&self, texts: &Texts) -> Value {
        let Words { what_happened, what_to_do, .. } = self.words(texts);
        let mut error = json!({ "code": self.code(), "what": what_happened, "todo": what_to_do });
        if let (Self::Card(failure), Some(error)) = (self, error.as_object_mut()) {
            if let Some(tries_left) = failure.tries_left() {
                error.insert("triesLeft".into(), tries_left.into());
            }
            if let Failure::SeveralCards { readers } | Failure::UnknownReader { readers, .. } = failure {
                error.insert("readers".into(), readers.iter().map(ReaderName::to_string).collect());
            }
        }
        if let (Some(code), Some(error)) = (self.portal_code(), error.as_object_mut()) {
            error.insert("portalCode".into(), code.into());
        }
        json!({ "error": error })
    }

    /// The code that is shown: a portal's own one says more than that it refused.
    pub(super) fn shown_code(&self) -> &str {
        self.portal_code().unwrap_or_else(|| self.code())
    }

    fn words(&self, texts: &Texts) -> Words {
        Words::about(self, texts, Place::CommandLine)
    }
}

impl Told for CommandFailure {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        match self {
            Self::Card(failure) => failure.fillings(),
            Self::Portal(failure) => failure.fillings(),
            Self::Usage(failure) => failure.fillings(),
            Self::Link(failure) => failure.fillings(),
            Self::Settings(failure) => failure.fillings(),
            Self::Service(failure) => failure.fillings(),
            Self::Guest(failure) => failure.fillings(),
            Self::History(failure) => failure.fillings(),
            Self::Update(failure) => failure.fillings(),
            Self::Document(failure) => failure.fillings(),
            Self::Request(failure) => failure.fillings(),
            Self::HandOverInterrupted => Vec::new(),
            Self::ProcessNotProtected { reason } | Self::OutputFailed { reason } => {
                vec![("reason", reason.as_str().into())]
            }
        }
    }

    fn portal_code(&self) -> Option<&str> {
        match self {
            Self::Portal(failure) => failure.portal_code(),
            _ => None,
        }
    }
}

impl Told for UsageFailure {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        match self {
            Self::Unknown { argument } | Self::Missing { argument } => vec![("argument", argument.as_str().into())],
            Self::Value { argument, value } => {
                vec![("argument", argument.as_str().into()), ("value", value.as_str().into())]
            }
            Self::Wrong => Vec::new(),
        }
    }
}

impl UsageFailure {
    /// Every code that [`UsageFailure::code`] can give.
    pub const CODES: [&'static str; 4] = ["usage-unknown", "usage-missing", "usage-value", "usage-wrong"];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "usage-unknown",
            Self::Missing { .. } => "usage-missing",
            Self::Value { .. } => "usage-value",
            Self::Wrong => "usage-wrong",
        }
    }

    /// What is wrong, as clap found it.
    #[must_use]
    pub fn of(error: &clap::Error) -> Self {
        use clap::error::{ContextKind, ErrorKind};
        let context = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
        let argument = context(ContextKind::InvalidArg);
        match error.kind() {
            ErrorKind::UnknownArgument => Self::Unknown { argument },
            ErrorKind::InvalidSubcommand => Self::Unknown { argument: context(ContextKind::InvalidSubcommand) },
            // A word after options of a command that has commands of its own.
            ErrorKind::ArgumentConflict if error.get(ContextKind::InvalidSubcommand).is_some() => {
                Self::Unknown { argument: context(ContextKind::InvalidSubcommand) }
            }
            ErrorKind::MissingRequiredArgument => Self::Missing { argument },
            ErrorKind::MissingSubcommand => Self::Missing { argument: context(ContextKind::ValidSubcommand) },
            ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
                Self::Value { argument, value: context(ContextKind::InvalidValue) }
            }
            _ => Self::Wrong,
        }
    }
}

const fn card_exit(failure: &Failure) -> Exit {
    match failure {
        Failure::NoService
        | Failure::ServiceFault { .. }
        | Failure::NoReader
        | Failure::UnknownReader { .. }
        | Failure::ReaderGone => Exit::NoReader,
        Failure::NoCard | Failure::SeveralCards { .. } | Failure::CardRemoved => Exit::NoCard,
        Failure::PinWrong { .. }
        | Failure::PinBlocked
        | Failure::PinDeactivated
        | Failure::PinStatusChanged
        | Failure::CanWrong
        | Failure::PukWrong { .. }
        | Failure::PinDead
        | Failure::Pin2Wrong { .. }
        | Failure::Pin2Blocked
        | Failure::NoPrompt
        | Failure::SecretMalformed { .. }
        | Failure::LastTryNotAllowed => Exit::Secret,
        Failure::NoDocuments
        | Failure::TooManyDocuments
        | Failure::DocumentUnreadable { .. }
        | Failure::DocumentNotAFile => Exit::Document,
        Failure::Cancelled | Failure::HolderSilent => Exit::Cancelled,
        Failure::AgentFault | Failure::AgentStopped | Failure::AgentMissing { .. } => Exit::Internal,
        // What is left is about the card between reader and answer.
        _ => Exit::WrongCard,
    }
}
