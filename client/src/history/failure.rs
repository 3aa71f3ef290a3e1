//! Why sign-ins are not remembered, or not shown.

/// Why sign-ins are not remembered, or not shown. [`HistoryFailure::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryFailure {
    /// The system keeps no keys for this holder.
    #[error("there is no key store: {reason}")]
    NoKeyStore {
        /// In the system's words.
        reason: String,
    },
    /// The key store is locked, and the holder did not unlock it.
    #[error("the key store is locked")]
    KeyStoreLocked,
    /// The key store has no key for the file that is there.
    #[error("the key of the history is gone")]
    KeyLost,
    /// The file was altered or broken, or is another key's.
    #[error("the history is damaged")]
    Damaged,
    /// The file cannot be read or written.
    #[error("the history cannot be read or written: {reason}")]
    Unwritable {
        /// In the system's words.
        reason: String,
    },
}

impl HistoryFailure {
    /// Every code that [`HistoryFailure::code`] can give.
    pub const CODES: [&'static str; 5] = [
        "history-no-key-store",
        "history-key-store-locked",
        "history-key-lost",
        "history-damaged",
        "history-unwritable",
    ];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoKeyStore { .. } => "history-no-key-store",
            Self::KeyStoreLocked => "history-key-store-locked",
            Self::KeyLost => "history-key-lost",
            Self::Damaged => "history-damaged",
            Self::Unwritable { .. } => "history-unwritable",
        }
    }
}

impl From<std::io::Error> for HistoryFailure {
    fn from(error: std::io::Error) -> Self {
        Self::Unwritable { reason: error.to_string() }
    }
}
