//! How much one visitor, or one site, may ask for in a minute.
//!
//! Each process counts for itself, in memory of a fixed size: a source has two places in a table, chosen by a hash that
//! nobody outside can compute, and shares each of them with others. What counts is the place that says less, so that a
//! source is taken for a busier one only if both of its neighbours are busy. Nothing is looked up, written down or thrown
//! out for a new source, however many there are.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use openssl::sha::Sha256;
use rand_core::CryptoRng;
use time::OffsetDateTime;

/// Places of each of a limit's two rows.
pub const PLACES: usize = 1 << 16;
const MINUTE: u64 = 60_000_000_000;
const KEY_SIZE: usize = 32;

/// How much may be asked for in a minute. All of it may come at once; then it comes evenly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateSettings {
    /// Requests of one source, those of sites' servers not among them.
    pub requests: u32,
    /// Challenges and links of one source.
    pub challenges: u32,
    /// Failures of one source to prove that it is a site.
    pub refused_sites: u32,
    /// Requests of one site that has proven who it is.
    pub site: u32,
    /// Proxies in front of the service, whose word is taken for where a request comes from.
    pub proxies: Vec<IpNet>,
}

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Requests of a source.
    Requests,
    /// Challenges and links of a source.
    Challenges,
    /// Failures of a source to prove that it is a site.
    RefusedSites,
    /// Requests of a site.
    Site,
}

/// Who asks, as far as limits tell one from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source([u8; KEY_SIZE]);

/// As much has been asked for as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit {} is reached", limit.name())]
pub struct Exceeded {
    /// Of which limit.
    pub limit: Limit,
    /// When it is worth asking again.
    pub after: Duration,
}

/// The counters of a process.
pub struct Rates {
    settings: RateSettings,
    key: [u8; KEY_SIZE],
    requests: Buckets,
    challenges: Buckets,
    refused_sites: Buckets,
    site: Buckets,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 4] = [Self::Requests, Self::Challenges, Self::RefusedSites, Self::Site];

    /// What metrics call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Challenges => "challenges",
            Self::RefusedSites => "refused-sites",
            Self::Site => "site",
        }
    }
}

impl RateSettings {
    /// So much that nobody is limited in practice.
    #[must_use]
    pub const fn boundless() -> Self {
        Self { requests: u32::MAX, challenges: u32::MAX, refused_sites: u32::MAX, site: u32::MAX, proxies: Vec::new() }
    }

    /// Where a request comes from: the other end of the connection, unless that is a proxy of the configuration. Of what a
    /// proxy has put into `X-Forwarded-For` the last address counts that is no such proxy's: all before it is the visitor's
    /// to invent.
    #[must_use]
    pub fn source_address<'h>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'h str>) -> IpAddr {
        let mut source = peer.to_canonical();
        let mut told = forwarded.rev().flat_map(|value| value.rsplit(','));
        while self.is_proxy(source) {
            match told.next().and_then(address) {
                Some(address) => source = address,
                None => break,
            }
        }
        source
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|proxies| proxies.contains(&address))
    }
}

impl Rates {
    /// Counters at nothing.
    #[must_use]
    pub fn new(settings: RateSettings, random: &mut dyn CryptoRng) -> Self {
        let mut key = [0; KEY_SIZE];
        random.fill_bytes(&mut key);
        Self {
            key,
            requests: Buckets::new(settings.requests),
            challenges: Buckets::new(settings.challenges),
            refused_sites: Buckets::new(settings.refused_sites),
            site: Buckets::new(settings.site),
            settings,
        }
    }

    /// What is limited, and who is believed about where requests come from.
    #[must_use]
    pub const fn settings(&self) -> &RateSettings {
        &self.settings
    }

    /// The source that an address belongs to: itself, or, since every household has as many of them, the 2^64 around it.
    #[must_use]
    pub fn source(&self, address: IpAddr) -> Source {
        let octets = match address.to_canonical() {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).octets(),
        };
        self.named(b"address ", &octets)
    }

    /// The source that a site is.
    #[must_use]
    pub fn site(&self, client: &str) -> Source {
        self.named(b"site ", client.as_bytes())
    }

    /// Counts one more of this kind.
    ///
    /// # Errors
    /// [`Exceeded`]; then it was not counted.
    pub fn take(&self, limit: Limit, source: &Source, now: OffsetDateTime) -> Result<(), Exceeded> {
        self.buckets(limit).take(source, now, true).map_err(|after| Exceeded { limit, after })
    }

    /// Whether one more of this kind would be served.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub fn look(&self, limit: Limit, source: &Source, now: OffsetDateTime) -> Result<(), Exceeded> {
        self.buckets(limit).take(source, now, false).map_err(|after| Exceeded { limit, after })
    }

    const fn buckets(&self, limit: Limit) -> &Buckets {
        match limit {
            Limit::Requests => &self.requests,
            Limit::Challenges => &self.challenges,
            Limit::RefusedSites => &self.refused_sites,
            Limit::Site => &self.site,
        }
    }

    fn named(&self, kind: &[u8], name: &[u8]) -> Source {
        let mut hash = Sha256::new();
        for part in [self.key.as_slice(), kind, name] {
            hash.update(part);
        }
        Source(hash.finish())
    }
}

/// One limit's table: for each place the moment at which all that was asked for there would have been due, had it come
/// evenly (generic cell rate algorithm, ITU-T I.371).
struct Buckets {
    /// What one costs, in nanoseconds.
    each: u64,
    due: Mutex<[Vec<u64>; 2]>,
}

impl Buckets {
    fn new(per_minute: u32) -> Self {
        let each = MINUTE / u64::from(per_minute.max(1));
        Self { each, due: Mutex::new([vec![0; PLACES], vec![0; PLACES]]) }
    }

    fn take(&self, source: &Source, now: OffsetDateTime, count: bool) -> Result<(), Duration> {
        let now = u64::try_from(now.unix_timestamp_nanos()).unwrap_or(0);
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let [first, second] = &mut *due;
        let (one, other) = source.places();
        let (Some(first), Some(second)) = (first.get_mut(one), second.get_mut(other)) else { return Ok(()) };
        // Nothing is due later than in a minute, unless the clock was set back: then it counts for nothing.
        let known = |due: u64| if due > now.saturating_add(MINUTE) { now } else { due.max(now) };
        let (at_first, at_second) = (known(*first), known(*second));
        let next = at_first.min(at_second).saturating_add(self.each);
        let limit = now.saturating_add(MINUTE);
        if next > limit {
            return Err(Duration::from_nanos(next - limit));
        }
        if count {
            (*first, *second) = (at_first.max(next), at_second.max(next));
        }
        Ok(())
    }
}

impl Source {
    fn places(&self) -> (usize, usize) {
        let [a, b, c, d, ..] = self.0;
        (usize::from(u16::from_be_bytes([a, b])), usize::from(u16::from_be_bytes([c, d])))
    }
}

/// An address, with a port perhaps, as proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let parsed = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    parsed.ok().map(|address| address.to_canonical())
}
