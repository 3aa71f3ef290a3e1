//! The section `[rates]`.

use std::net::IpAddr;

use ipnet::IpNet;

use super::document::{Fault, Located, Table};
use crate::rates::RateSettings;

const MOST: u32 = 100_000_000;

impl RateSettings {
    pub(super) fn read(table: Option<Table<'_>>) -> Result<Self, Fault> {
        let mut settings =
            Self { requests: 1_200, challenges: 120, refused_sites: 30, site: 6_000, proxies: Vec::new() };
        let Some(mut table) = table else { return Ok(settings) };
        settings.requests = table.number("requests", 1..=MOST, settings.requests)?;
        settings.challenges = table.number("challenges", 1..=MOST, settings.challenges)?;
        settings.refused_sites = table.number("refused_sites", 1..=MOST, settings.refused_sites)?;
        settings.site = table.number("site", 1..=MOST, settings.site)?;
        if let Some(proxies) = table.optional_strings("proxies")? {
            settings.proxies = proxies.value.into_iter().map(network).collect::<Result<_, _>>()?;
        }
        table.end()?;
        Ok(settings)
    }
}

/// One address, or all that begin alike.
fn network(text: Located<String>) -> Result<IpNet, Fault> {
    let parsed = text.parse(|text| {
        let one = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        one.or_else(|_| text.parse::<IpNet>().map(|network| network.trunc()))
            .map_err(|_| format!("must be IP addresses like 192.0.2.7 or 192.0.2.0/24, not {text}"))
    })?;
    Ok(parsed.value)
}
