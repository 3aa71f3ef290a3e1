//! The section `[outside_account]`.

use std::path::{Path, PathBuf};

use latchkey_verify::Assurance;

use super::document::{Fault, Located, Table};
use super::{KeySettings, path, portal_name};
use crate::outside_account;
use crate::portal::PortalName;

/// Most octets of a client identifier.
const CLIENT_ID_MAX_SIZE: usize = 255;

/// Another provider whose accounts may sign in, where the configuration has one.
#[derive(Debug, Clone)]
pub struct OutsideAccountSettings {
    /// Its issuer, as its tickets name it.
    pub issuer: Located<String>,
    /// What people are told that it is called.
    pub name: PortalName,
    /// What it calls this service.
    pub client_id: String,
    /// The file with the secret by which this service proves who it is.
    pub client_secret: Located<PathBuf>,
    /// The file with the authorities of its TLS certificate; without it those that the system trusts.
    pub tls_authorities: Option<Located<PathBuf>>,
    /// Where the key is under which sign-ins are sealed.
    pub keys: KeySettings,
}

impl OutsideAccountSettings {
    /// Such accounts are worth the assurance `low`; where more is demanded of everybody, nobody could sign in with one.
    pub(super) fn read(
        mut table: Table<'_>,
        keys: Option<&KeySettings>,
        least: Assurance,
        directory: &Path,
    ) -> Result<Self, Fault> {
        let keys = keys.ok_or_else(|| table.fault("needs the section [keys]"))?.clone();
        if least > Assurance::Low {
            return Err(table.fault("needs trust.minimum_assurance = \"low\": its accounts are worth no more"));
        }
        let mut name = table.table("name")?;
        let settings = Self {
            issuer: table.string("issuer")?.parse(outside_account::issuer)?,
            name: PortalName {
                belarusian: portal_name(name.string("be")?)?,
                russian: portal_name(name.string("ru")?)?,
                english: portal_name(name.string("en")?)?,
            },
            client_id: table.string("client_id")?.parse(client_id)?.value,
            client_secret: path(table.string("client_secret")?, directory)?,
            tls_authorities: table.optional_string("tls_authorities")?.map(|file| path(file, directory)).transpose()?,
            keys,
        };
        name.end()?;
        table.end()?;
        Ok(settings)
    }
}

fn client_id(text: String) -> Result<String, String> {
    let is_printable = text.chars().all(|it| it.is_ascii_graphic());
    if is_printable && (1..=CLIENT_ID_MAX_SIZE).contains(&text.len()) {
        Ok(text)
    } else {
        Err(format!("must have 1 to {CLIENT_ID_MAX_SIZE} printable ASCII characters"))
    }
}
