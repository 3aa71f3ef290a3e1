//! Web origins.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

/// Longest origin, in octets.
pub const ORIGIN_MAX_SIZE: usize = 255;

const HTTPS: Scheme = Scheme { text: "https://", default_port: 443 };
const HTTP: Scheme = Scheme { text: "http://", default_port: 80 };
const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
const HOST_NAME_MAX_SIZE: usize = 253;
const LABEL_MAX_SIZE: usize = 63;

/// The origin of a web site in the form that browsers report and cards sign over (RFC 6454, clause 6.2): `https`, the
/// host in lower case (international names in their ASCII form), the port unless it is 443; nothing after it.
///
/// Two origins are the same site exactly if they are equal.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    text: String,
    host_begin: usize,
    host_end: usize,
    port: u16,
}

struct Scheme {
    text: &'static str,
    default_port: u16,
}

/// Why a text is no origin to sign in at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    /// More than [`ORIGIN_MAX_SIZE`] octets.
    #[error("an origin has at most {ORIGIN_MAX_SIZE} octets")]
    TooLong,
    /// The scheme is not `https`.
    #[error("an origin begins with https://")]
    NotHttps,
    /// User information, a path, a query, a fragment or white space: an address, not an origin.
    #[error("an origin is a scheme, a host and a port, and nothing else")]
    MoreThanOrigin,
    /// The host is neither a host name in ASCII form nor an IP address in its canonical form.
    #[error("the origin's host is malformed")]
    Host,
    /// The port is not a number from 1 to 65535 without leading zeros.
    #[error("the origin's port is malformed")]
    Port,
}

impl Origin {
    /// Reads an origin. Upper-case letters in scheme and host become lower case and `:443` is left out, so that every
    /// spelling of one origin gives one value.
    ///
    /// # Errors
    /// [`InvalidOrigin`] for everything that is not the origin of an HTTPS site.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        Self::with_scheme(text, &HTTPS)
    }

    /// Reads the origin of a page on this computer without TLS: `http` and a loopback host. Only who tries out a site of
    /// his own has one; it is nobody's but that computer's.
    ///
    /// # Errors
    /// [`InvalidOrigin`] for everything else.
    pub fn parse_on_loopback(text: &str) -> Result<Self, InvalidOrigin> {
        let origin = Self::with_scheme(text, &HTTP)?;
        if LOOPBACK_HOSTS.contains(&origin.host()) { Ok(origin) } else { Err(InvalidOrigin::NotHttps) }
    }

    /// Reads the origin of a site without TLS that an administrator has named, which is nobody's by proof: for what is
    /// neither signed over nor believed by a portal.
    ///
    /// # Errors
    /// [`InvalidOrigin`] for everything else.
    pub fn parse_without_tls(text: &str) -> Result<Self, InvalidOrigin> {
        Self::with_scheme(text, &HTTP)
    }

    fn with_scheme(text: &str, scheme: &Scheme) -> Result<Self, InvalidOrigin> {
        if text.len() > ORIGIN_MAX_SIZE {
            return Err(InvalidOrigin::TooLong);
        }
        let lower = text.to_ascii_lowercase();
        let rest = lower.strip_prefix(scheme.text).ok_or(InvalidOrigin::NotHttps)?;
        let surplus = |octet: u8| matches!(octet, b'/' | b'\\' | b'?' | b'#' | b'@') || octet.is_ascii_whitespace();
        if rest.bytes().any(surplus) {
            return Err(InvalidOrigin::MoreThanOrigin);
        }
        let (host, port) = split_port(rest)?;
        let port = port.unwrap_or(scheme.default_port);
        check_host(host)?;
        let mut text = format!("{}{host}", scheme.text);
        let host_end = text.len();
        if port != scheme.default_port {
            text.push_str(&format!(":{port}"));
        }
        Ok(Self { text, host_begin: scheme.text.len(), host_end, port })
    }

    /// The origin as it is signed over and shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host: a name, an IPv4 address, or an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.text.get(self.host_begin..self.host_end).unwrap_or_default()
    }

    /// The port, the default one included.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        Self::parse(text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn split_port(rest: &str) -> Result<(&str, Option<u16>), InvalidOrigin> {
    let after_host = match rest.strip_prefix('[') {
        Some(address) => 1 + address.find(']').ok_or(InvalidOrigin::Host)? + 1,
        None => rest.find(':').unwrap_or(rest.len()),
    };
    let (host, port) = rest.split_at_checked(after_host).ok_or(InvalidOrigin::Host)?;
    if port.is_empty() {
        return Ok((host, None));
    }
    let digits = port.strip_prefix(':').ok_or(InvalidOrigin::Host)?;
    if digits.starts_with('0') || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(InvalidOrigin::Port);
    }
    digits.parse().map(|port| (host, Some(port))).map_err(|_| InvalidOrigin::Port)
}

fn check_host(host: &str) -> Result<(), InvalidOrigin> {
    let well_formed = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => is_canonical_ipv6(address),
        // A host whose last label is a number is an IPv4 address to every browser.
        None if last_label(host).bytes().all(|octet| octet.is_ascii_digit()) => host.parse::<Ipv4Addr>().is_ok(),
        None => is_host_name(host),
    };
    if well_formed { Ok(()) } else { Err(InvalidOrigin::Host) }
}

/// The one spelling that browsers use. An IPv4 address inside an IPv6 one is written in two ways, so it is refused.
fn is_canonical_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok_and(|address| address.to_ipv4_mapped().is_none() && address.to_string() == text)
}

/// Letters, digits and hyphens in labels (RFC 1123, clause 2.1), without the dot at the end, which would make another
/// origin of the same site.
fn is_host_name(host: &str) -> bool {
    host.len() <= HOST_NAME_MAX_SIZE
        && !is_hexadecimal_number(last_label(host))
        && host.split('.').all(|label| {
            (1..=LABEL_MAX_SIZE).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
        })
}

/// Browsers also read `0x7f000001` as an IPv4 address.
fn is_hexadecimal_number(label: &str) -> bool {
    label.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|octet| octet.is_ascii_hexdigit()))
}

fn last_label(host: &str) -> &str {
    host.rsplit('.').next().unwrap_or_default()
}
