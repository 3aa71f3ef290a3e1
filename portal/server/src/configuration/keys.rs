//! The sections `[keys]` and `[cabinet]`.

use std::path::{Path, PathBuf};

use super::document::{Fault, Located, Table};
use super::path;

/// The service's own keys.
#[derive(Debug, Clone)]
pub struct KeySettings {
    /// The folder of the key files, its owner's alone.
    pub folder: Located<PathBuf>,
    /// The file with the password of new key files; without it they are not encrypted.
    pub password: Option<Located<PathBuf>>,
}

/// The cabinets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CabinetSettings {}

impl KeySettings {
    pub(super) fn read(mut table: Table<'_>, directory: &Path) -> Result<Self, Fault> {
        let settings = Self {
            folder: path(table.string("folder")?, directory)?,
            password: table.optional_string("password")?.map(|file| path(file, directory)).transpose()?,
        };
        table.end()?;
        Ok(settings)
    }
}

impl CabinetSettings {
    pub(super) fn read(table: Table<'_>, has_keys: bool) -> Result<Self, Fault> {
        if !has_keys {
            return Err(table.fault("needs the section [keys]"));
        }
        table.end()?;
        Ok(Self {})
    }
}
