//! The section `[revocation]`: how revocation data is kept current, and what serves when it is not.

use std::time::Duration;

use latchkey_verify::Grace;
use url::Url;

use super::document::{Fault, Located, Table};
use crate::revocation::remote_address;

/// How revocation data is kept current.
#[derive(Debug, Clone)]
pub struct RevocationSettings {
    /// Where each of the lists is fetched from, in their order; nothing for one that something else keeps current.
    pub addresses: Vec<Option<Located<Url>>>,
    /// How often.
    pub fetch_interval: Duration,
    /// How long an answer may take.
    pub fetch_limit: Duration,
    /// The status service that is asked about each certificate whose holder signs in.
    pub status_service: Option<Located<Url>>,
    /// For how long a list that should have been renewed still serves.
    pub grace: Grace,
}

impl RevocationSettings {
    /// Reads the section for so many lists.
    pub(super) fn read(table: Option<Table<'_>>, lists: usize) -> Result<Self, Fault> {
        let mut settings = Self {
            addresses: vec![None; lists],
            fetch_interval: Duration::from_secs(60 * 60),
            fetch_limit: Duration::from_secs(60),
            status_service: None,
            grace: Grace::NONE,
        };
        let Some(mut table) = table else { return Ok(settings) };
        if let Some(addresses) = table.optional_strings("addresses")? {
            if addresses.value.len() != lists {
                return Err(addresses.fault(format!("must have one address for each of the {lists} lists, or \"\"")));
            }
            settings.addresses = addresses.value.into_iter().map(address).collect::<Result<_, _>>()?;
        }
        let minutes = table.number("fetch_minutes", 1..=1440, 60)?;
        settings.fetch_interval = Duration::from_secs(u64::from(minutes).saturating_mul(60));
        settings.fetch_limit = Duration::from_secs(table.number("fetch_seconds", 1..=600, 60)?.into());
        let service = table.optional_string("status_service")?;
        settings.status_service = service.map(|service| service.parse(remote_address)).transpose()?;
        let grace = time::Duration::hours(table.number("grace_hours", 0..=24, 0)?.into());
        settings.grace = Grace::new(grace).unwrap_or(Grace::NONE);
        table.end()?;
        Ok(settings)
    }
}

fn address(text: Located<String>) -> Result<Option<Located<Url>>, Fault> {
    if text.value.is_empty() { Ok(None) } else { text.parse(remote_address).map(Some) }
}
