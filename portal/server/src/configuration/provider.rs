//! The section `[provider]`.

use std::path::{Path, PathBuf};

use super::document::{Fault, Located, Table};
use super::{KeySettings, path};

/// The provider of OpenID Connect, where the configuration has one.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// The file of registered sites.
    pub clients: Located<PathBuf>,
    /// Where the keys are that tickets are signed with, that give people their subjects and that seal requests.
    pub keys: KeySettings,
    /// The file with the authorities of sites' TLS certificates; without it those that the system trusts.
    pub tls_authorities: Option<Located<PathBuf>>,
}

impl ProviderSettings {
    pub(super) fn read(mut table: Table<'_>, keys: Option<&KeySettings>, directory: &Path) -> Result<Self, Fault> {
        for (key, of) in [("ticket_keys", "ticket-es256"), ("subject_key", "subject"), ("seal_key", "seal")] {
            table.is_in_folder(key, of)?;
        }
        let keys = keys.ok_or_else(|| table.fault("needs the section [keys]"))?.clone();
        let settings = Self {
            clients: path(table.string("clients")?, directory)?,
            keys,
            tls_authorities: table.optional_string("tls_authorities")?.map(|file| path(file, directory)).transpose()?,
        };
        table.end()?;
        Ok(settings)
    }
}
