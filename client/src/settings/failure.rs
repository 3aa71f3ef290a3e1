//! What can be wrong with settings.

use std::fmt;
use std::path::PathBuf;

/// Why settings could not be read or changed. [`SettingsFailure::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsFailure {
    /// Something in the holder's file cannot be understood. The program's defaults hold in its place; what stands in the
    /// file is kept.
    #[error("{}: {fault}", path.display())]
    Damaged {
        /// The holder's file.
        path: PathBuf,
        /// The first thing that is wrong.
        fault: Fault,
    },
    /// The holder's file cannot be read, or others may write to it. The program's defaults hold.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The holder's file.
        path: PathBuf,
        /// Why, in the system's words.
        reason: String,
    },
    /// The holder's file could not be written. Nothing was changed.
    #[error("{}: {reason}", path.display())]
    Unwritable {
        /// The holder's file.
        path: PathBuf,
        /// Why, in the system's words.
        reason: String,
    },
    /// The administrator has fixed this setting.
    #[error("{name} is fixed by the administrator")]
    Fixed {
        /// The setting's key.
        name: &'static str,
    },
    /// There is no such setting.
    #[error("there is no setting {name}")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The value does not fit the setting.
    #[error("{name} cannot be {value}: it {problem}")]
    Value {
        /// The setting's key.
        name: &'static str,
        /// What was wanted.
        value: String,
        /// What it must be.
        problem: String,
    },
    /// Nothing is remembered about this site.
    #[error("nothing is remembered about {origin}")]
    SiteUnknown {
        /// What was to be forgotten.
        origin: String,
    },
    /// The administrator's file has a fault. It may forbid something, so nothing is done without it.
    #[error("{}: {fault}", path.display())]
    ManagedFaulty {
        /// The administrator's file.
        path: PathBuf,
        /// The first thing that is wrong.
        fault: Fault,
    },
    /// The administrator's file, or one that it names, cannot be read, or others may write to it.
    #[error("{}: {reason}", path.display())]
    ManagedUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl SettingsFailure {
    /// Every code that [`SettingsFailure::code`] can give.
    pub const CODES: [&'static str; 9] = [
        "settings-damaged",
        "settings-unreadable",
        "settings-unwritable",
        "setting-fixed",
        "setting-unknown",
        "setting-value",
        "site-unknown",
        "managed-settings-faulty",
        "managed-settings-unreadable",
    ];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "settings-damaged",
            Self::Unreadable { .. } => "settings-unreadable",
            Self::Unwritable { .. } => "settings-unwritable",
            Self::Fixed { .. } => "setting-fixed",
            Self::Unknown { .. } => "setting-unknown",
            Self::Value { .. } => "setting-value",
            Self::SiteUnknown { .. } => "site-unknown",
            Self::ManagedFaulty { .. } => "managed-settings-faulty",
            Self::ManagedUnreadable { .. } => "managed-settings-unreadable",
        }
    }
}

/// What is wrong in a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

impl Fault {
    /// A fault at that octet of the text.
    pub(super) fn at(text: &str, offset: Option<usize>, problem: impl ToString) -> Self {
        let before = text.get(..offset.unwrap_or_default()).unwrap_or_default();
        let line = before.bytes().filter(|octet| *octet == b'\n').count().saturating_add(1);
        Self { line, problem: problem.to_string() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.problem)
    }
}
