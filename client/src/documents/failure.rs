//! Why a document was not written or not judged.

use std::path::{Path, PathBuf};

/// What files can fail of. [`DocumentFailure::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFailure {
    /// A file is not there or cannot be read.
    #[error("{} cannot be read: {reason}", file.display())]
    FileUnreadable {
        /// Which.
        file: PathBuf,
        /// The operating system's words.
        reason: String,
    },
    /// A file has no signature in it: not CMS, damaged, encrypted or of another kind.
    #[error("{} is no signed document: {reason}", file.display())]
    NotSigned {
        /// Which.
        file: PathBuf,
        /// What is wrong with it, for the log.
        reason: String,
    },
    /// The signature is beside a document, and the document was not named.
    #[error("{} needs the document that it signs", file.display())]
    ContentNeeded {
        /// The signature.
        file: PathBuf,
    },
    /// A file holds no certificates of authorities.
    #[error("{} holds no certificate of an authority: {reason}", file.display())]
    TrustUnusable {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file holds no revocation list by one of the authorities.
    #[error("{} holds no revocation list of a known authority: {reason}", file.display())]
    ListUnusable {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A signature would replace a file that is there.
    #[error("{} is there already", file.display())]
    OutputExists {
        /// Which.
        file: PathBuf,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {reason}", file.display())]
    OutputUnwritable {
        /// Which.
        file: PathBuf,
        /// The operating system's words.
        reason: String,
    },
    /// The document is no longer what was signed.
    #[error("{} was changed while it was signed", file.display())]
    Changed {
        /// Which.
        file: PathBuf,
    },
    /// Some documents were not signed; which and why was told.
    #[error("{count} documents were not signed")]
    NotAllSigned {
        /// How many.
        count: u32,
    },
    /// Some signatures do not count; which and why was told.
    #[error("{count} signatures do not count")]
    NotValid {
        /// How many.
        count: u32,
    },
}

impl DocumentFailure {
    /// Every code that [`DocumentFailure::code`] can give.
    pub const CODES: [&'static str; 10] = [
        "file-unreadable",
        "not-a-signed-document",
        "content-needed",
        "trust-unusable",
        "revocation-list-unusable",
        "output-exists",
        "output-unwritable",
        "document-changed",
        "documents-not-signed",
        "signature-not-valid",
    ];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::FileUnreadable { .. } => "file-unreadable",
            Self::NotSigned { .. } => "not-a-signed-document",
            Self::ContentNeeded { .. } => "content-needed",
            Self::TrustUnusable { .. } => "trust-unusable",
            Self::ListUnusable { .. } => "revocation-list-unusable",
            Self::OutputExists { .. } => "output-exists",
            Self::OutputUnwritable { .. } => "output-unwritable",
            Self::Changed { .. } => "document-changed",
            Self::NotAllSigned { .. } => "documents-not-signed",
            Self::NotValid { .. } => "signature-not-valid",
        }
    }

    /// The file that it is about.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::FileUnreadable { file, .. }
            | Self::NotSigned { file, .. }
            | Self::ContentNeeded { file }
            | Self::TrustUnusable { file, .. }
            | Self::ListUnusable { file, .. }
            | Self::OutputExists { file }
            | Self::OutputUnwritable { file, .. }
            | Self::Changed { file } => Some(file),
            Self::NotAllSigned { .. } | Self::NotValid { .. } => None,
        }
    }
}
