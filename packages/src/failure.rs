//! Why there are no packages.

use std::path::{Path, PathBuf};

/// Why there are no packages.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line.
    #[error(
        "{argument}: missing, unknown or without its value; wanted are --programs FOLDER --into FOLDER [--quickly]"
    )]
    Argument {
        /// Which.
        argument: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A tool cannot be started.
    #[error("{program} does not start: {error}")]
    NoTool {
        /// Which.
        program: String,
        /// Why.
        error: std::io::Error,
    },
    /// A tool failed.
    #[error("{program} failed:\n{said}")]
    Tool {
        /// Which.
        program: String,
        /// What it said.
        said: String,
    },
    /// What the programs are made of cannot be told.
    #[error(transparent)]
    Metadata(#[from] cargo_metadata::Error),
    /// What the pages are made of cannot be told.
    #[error("{}: {error}; build the pages first", path.display())]
    Pages {
        /// The list that the pages' build leaves.
        path: PathBuf,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A program names a folder of the machine that built it.
    #[error("{} contains {path}: it was not built for holders", program.display())]
    Telltale {
        /// Which.
        program: PathBuf,
        /// The folder.
        path: String,
    },
    /// Something is in a package under a licence that nobody can read there.
    #[error("{name} comes under {licence}, whose text is nowhere")]
    NoLicenceText {
        /// What.
        name: String,
        /// Its licence.
        licence: String,
    },
}

impl Failure {
    /// A file cannot be read or written.
    pub(crate) fn file(path: &Path, error: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), error }
    }
}
