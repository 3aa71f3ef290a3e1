//! What people are told when something fails: what happened, and what they can do about it where they read it.

use std::fmt::Display;
use std::path::Path;

use latchkey_agent::{CardModel, Failure, ReaderName, SecretKind};

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

/// A failure that people are told about.
pub trait Told: Display {
    /// The stable code, kebab-case. Its two texts are found by it.
    fn code(&self) -> &'static str;

    /// What its texts are filled with.
    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        Vec::new()
    }

    /// The code with which a portal refused. It says more than that it refused.
    fn portal_code(&self) -> Option<&str> {
        None
    }

    /// Tries left, where the failure says so.
    fn tries_left(&self) -> Option<u8> {
        None
    }
}

/// Where advice is read: each place has commands or buttons of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At a terminal.
    CommandLine,
    /// In the window.
    Window,
}

/// A failure in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The code that these words belong to: the failure's own, or `portal-refused-CODE` for a portal's.
    pub code: String,
    /// What happened.
    pub what_happened: String,
    /// What to do.
    pub what_to_do: String,
}

impl Words {
    /// The words for that failure.
    #[must_use]
    pub fn about(failure: &dyn Told, texts: &Texts, place: Place) -> Self {
        let fillings = failure.fillings();
        let of = |code: String| {
            let what_happened = texts.what_happened(&code, &fillings)?;
            let what_to_do = match place {
                Place::CommandLine => texts.what_to_do(&code, &fillings),
                Place::Window => texts.what_to_do_in_window(&code, &fillings),
            }?;
            Some(Self { code, what_happened, what_to_do })
        };
        let of_portal = failure.portal_code().and_then(|code| of(format!("portal-refused-{code}")));
        of_portal.or_else(|| of(failure.code().to_owned())).unwrap_or_else(|| Self {
            code: failure.code().to_owned(),
            what_happened: failure.to_string(),
            what_to_do: String::new(),
        })
    }
}

impl Told for Failure {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        match self {
            Self::UnknownReader { name, readers } => {
                vec![("reader", name.to_string().into()), ("readers", join(readers))]
            }
            Self::SeveralCards { readers } => vec![("readers", join(readers))],
            Self::ServiceFault { reason } | Self::AgentMissing { reason } | Self::DocumentUnreadable { reason } => {
                vec![("reason", reason.as_str().into())]
            }
            Self::CardRefused { status } => vec![("status", format!("{status:04X}").into())],
            Self::PinWrong { tries_left } | Self::Pin2Wrong { tries_left } => vec![("tries", (*tries_left).into())],
            Self::PukWrong { tries_left } => {
                vec![("tries", tries_left.map_or_else(|| "none".into(), Filling::from))]
            }
            Self::SecretMalformed { kind } => vec![(
                "kind",
                match kind {
                    SecretKind::Can => "can",
                    SecretKind::Puk => "puk",
                    SecretKind::Pin2 => "pin2",
                    SecretKind::Pin | SecretKind::NewPin | SecretKind::LastTryConfirmation | SecretKind::Consent => {
                        "pin"
                    }
                }
                .into(),
            )],
            _ => Vec::new(),
        }
    }

    fn tries_left(&self) -> Option<u8> {
        self.tries_left()
    }
}

impl Told for PortalFailure {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        match self {
            Self::AddressInvalid { address } => vec![("address", address.as_str().into())],
            Self::CaFileUnreadable { reason } => vec![("reason", reason.as_str().into())],
            Self::Failed { status, .. } => vec![("status", status.to_string().into())],
            Self::Refused { code } => vec![("code", code.as_str().into())],
            _ => Vec::new(),
        }
    }

    fn portal_code(&self) -> Option<&str> {
        match self {
            Self::Refused { code } | Self::Failed { code: Some(code), .. } => Some(code),
            _ => None,
        }
    }
}

impl Told for LinkFailure {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        match self {
            Self::Malformed => Vec::new(),
            Self::BrowserNotOpened { reason, address } => {
                vec![("reason", reason.as_str().into()), ("address", address.as_str().into())]
            }
        }
    }
}

impl Told for RequestFailure {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        self.cause().map_or_else(Vec::new, Told::fillings)
    }

    fn portal_code(&self) -> Option<&str> {
        self.cause().and_then(Told::portal_code)
    }

    fn tries_left(&self) -> Option<u8> {
        self.cause().and_then(Told::tries_left)
    }
}

impl Told for ServiceFailure {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        match self {
            Self::PortTaken { port, owner } => {
                let (program, process) = owner.as_ref().map_or_else(
                    || ("none".to_owned(), String::new()),
                    |owner| (owner.program.clone(), owner.process.to_string()),
                );
                vec![("port", port.to_string().into()), ("program", program.into()), ("process", process.into())]
            }
            Self::NotStarted { port, reason } => {
                vec![("port", port.to_string().into()), ("reason", reason.as_str().into())]
            }
        }
    }
}

impl RequestFailure {
    fn cause(&self) -> Option<&dyn Told> {
        match self {
            Self::Card(failure) => Some(failure),
            Self::Portal(failure) => Some(failure),
            Self::Link(failure) => Some(failure),
            _ => None,
        }
    }
}

impl Told for SettingsFailure {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        let file = |path: &Path| ("file", path.display().to_string().into());
        match self {
            Self::Damaged { path, fault } | Self::ManagedFaulty { path, fault } => {
                vec![file(path), ("line", fault.line.to_string().into()), ("problem", fault.problem.as_str().into())]
            }
            Self::Unreadable { path, reason }
            | Self::Unwritable { path, reason }
            | Self::ManagedUnreadable { path, reason } => vec![file(path), ("reason", reason.as_str().into())],
            Self::Fixed { name } => vec![("name", (*name).into())],
            Self::Unknown { name } => vec![("name", name.as_str().into())],
            Self::Value { name, value, problem } => {
                vec![("name", (*name).into()), ("value", value.as_str().into()), ("problem", problem.as_str().into())]
            }
            Self::SiteUnknown { origin } => vec![("origin", origin.as_str().into())],
        }
    }
}

/// What a card of that model is called.
#[must_use]
pub fn card_model(texts: &Texts, model: CardModel) -> String {
    match model {
        CardModel::Stb79 => texts.say("model-stb-34-101-79"),
        CardModel::Kta => texts.say("model-kta"),
        other => other.code().to_owned(),
    }
}

impl Told for GuestFailure {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        match self {
            Self::Busy | Self::NoBrowser => Vec::new(),
            Self::BrowserNotStarted { reason } => vec![("reason", reason.as_str().into())],
            Self::NoProfile { path, reason } | Self::NotCleared { path, reason } => {
                vec![("file", path.display().to_string().into()), ("reason", reason.as_str().into())]
            }
        }
    }
}

impl Told for DocumentFailure {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        let mut fillings: Vec<_> =
            self.file().map(|path| ("file", path.display().to_string().into())).into_iter().collect();
        match self {
            Self::FileUnreadable { reason, .. }
            | Self::TrustUnusable { reason, .. }
            | Self::ListUnusable { reason, .. }
            | Self::OutputUnwritable { reason, .. } => fillings.push(("reason", reason.as_str().into())),
            Self::NotAllSigned { count } | Self::NotValid { count } => fillings.push(("count", (*count).into())),
            Self::NotSigned { .. } | Self::ContentNeeded { .. } | Self::OutputExists { .. } | Self::Changed { .. } => {}
        }
        fillings
    }
}

impl Told for HistoryFailure {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        match self {
            Self::NoKeyStore { reason } | Self::Unwritable { reason } => vec![("reason", reason.as_str().into())],
            _ => Vec::new(),
        }
    }
}

impl Told for UpdateFailure {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn fillings(&self) -> Vec<(&'static str, Filling)> {
        match self {
            Self::Unreachable { reason } | Self::NotRemembered { reason } => vec![("reason", reason.as_str().into())],
            _ => Vec::new(),
        }
    }
}

fn join(readers: &[ReaderName]) -> Filling {
    readers.iter().map(|name| format!("“{name}”")).collect::<Vec<_>>().join(", ").into()
}
