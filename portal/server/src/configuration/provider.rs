//! The section `[provider]`.

use std::path::{Path, PathBuf};

use super::document::{Fault, Located, Table};
use super::path;

/// The provider of OpenID Connect, where the configuration has one.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// The file of registered sites.
    pub clients: Located<PathBuf>,
    /// The folder with the keys that tickets are signed with.
    pub ticket_keys: Located<PathBuf>,
    /// The file with the key under which people get their subjects.
    pub subject_key: Located<PathBuf>,
    /// The file with the key under which requests are sealed while they wait.
    pub seal_key: Located<PathBuf>,
    /// The file with the authorities of sites' TLS certificates; without it those that the system trusts.
    pub tls_authorities: Option<Located<PathBuf>>,
}

impl ProviderSettings {
    pub(super) fn read(mut table: Table<'_>, directory: &Path) -> Result<Self, Fault> {
        let mut file = |key| path(table.string(key)?, directory);
        let settings = Self {
            clients: file("clients")?,
            ticket_keys: file("ticket_keys")?,
            subject_key: file("subject_key")?,
            seal_key: file("seal_key")?,
            tls_authorities: table.optional_string("tls_authorities")?.map(|file| path(file, directory)).transpose()?,
        };
        table.end()?;
        Ok(settings)
    }
}
