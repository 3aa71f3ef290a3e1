//! Which addresses this service calls for sites: those of the public network, unless the operator says otherwise. A site's
//! name could lead to this computer or to the operator's own network, today or from one moment to the next.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Looks names up and forgets what is not public.
#[derive(Debug, Clone, Copy)]
pub(super) struct PublicOnly;

/// A name that leads to no public address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name leads to no address of the public network")]
pub(super) struct NotPublic;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() { Err(NotPublic.into()) } else { Ok(Box::new(public.into_iter()) as Addrs) }
        })
    }
}

/// Whether an address is one of the public network (IANA's registries of special addresses for IPv4 and IPv6). One that
/// carries an address of IPv4 is as public as that.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_special = SPECIAL_V4.iter().any(|(network, bits)| {
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        address.to_bits() & mask == network.to_bits()
    });
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, fourth, fifth, sixth, high, low] = address.segments();
    let embedded = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match (first, second) {
        // Translated by the network (RFC 6052); below other prefixes, into whatever its operator likes (RFC 8215).
        (0x64, 0xFF9B) => [third, fourth, fifth, sixth] == [0; 4] && is_public_v4(embedded(high, low)),
        // 6to4 (RFC 3056): the address of IPv4 is the next 32 bits.
        (0x2002, high) => is_public_v4(embedded(high, third)),
        // Teredo, documentation, benchmarks, identifiers that are no addresses.
        (0x2001, 0..=0x01FF | 0x0DB8) | (0x3FFF, 0..=0x0FFF) => false,
        // Nothing else than 2000::/3 is given to anybody.
        _ => first & 0xE000 == 0x2000,
    }
}

/// Networks that lead to nobody else on the public network.
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];
