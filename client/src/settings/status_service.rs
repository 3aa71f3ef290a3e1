//! What an administrator has set for asking about the certificates that people sign in with.

use std::path::PathBuf;

use serde::Deserialize;

use super::managed::AbsolutePath;
use super::value::InvalidValue;
use crate::sign_in::status::StatusAddress;

/// The table as it is written. Both keys must be there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusServiceTable {
    address: Address,
    issuers: Issuers,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Address(StatusAddress);

#[derive(Debug, Deserialize)]
#[serde(try_from = "Vec<AbsolutePath>")]
struct Issuers(Vec<PathBuf>);

/// Most authorities that a service speaks for.
const MOST_ISSUERS: usize = 16;

impl StatusServiceTable {
    /// Where the service is, and the files with the certificates of the authorities that it speaks for.
    pub(super) fn into_parts(self) -> (StatusAddress, Vec<PathBuf>) {
        (self.address.0, self.issuers.0)
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let wanted = "an address that begins with http:// or https://, without a user's name";
        StatusAddress::parse(&text).map(Self).ok_or(InvalidValue { wanted })
    }
}

impl TryFrom<Vec<AbsolutePath>> for Issuers {
    type Error = InvalidValue;

    fn try_from(paths: Vec<AbsolutePath>) -> Result<Self, InvalidValue> {
        let paths: Vec<_> = paths.into_iter().map(|path| path.0).collect();
        let is_some = (1..=MOST_ISSUERS).contains(&paths.len());
        if is_some { Ok(Self(paths)) } else { Err(InvalidValue { wanted: "one to 16 files of certificates" }) }
    }
}
