//! Who calls the terminal: the back end of a portal, known by its address or by its certificate.

use std::net::{IpAddr, Ipv4Addr};

use crate::token::TokenHash;

/// The other end of a connection. A session belongs to the caller that began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Its address.
    pub address: IpAddr,
    /// SHA-256 of its certificate, where connections have one.
    pub certificate: Option<[u8; 32]>,
    /// The visitor's browser, where it is this service's own page that calls.
    browser: Option<TokenHash>,
}

impl Caller {
    /// The back end of a portal.
    #[must_use]
    pub const fn back_end(address: IpAddr, certificate: Option<[u8; 32]>) -> Self {
        Self { address, certificate, browser: None }
    }

    /// This service's own page, in that browser.
    #[must_use]
    pub const fn own_page(browser: TokenHash) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::LOCALHOST), certificate: None, browser: Some(browser) }
    }

    /// Whether it is this service's own page.
    pub(super) const fn is_own_page(&self) -> bool {
        self.browser.is_some()
    }

    /// What tells one caller from another. A caller with a certificate may change its address.
    pub(super) fn identity(&self) -> Vec<u8> {
        match (self.browser, self.certificate, self.address.to_canonical()) {
            (Some(browser), _, _) => [b"browser ".as_slice(), browser.octets()].concat(),
            (None, Some(certificate), _) => [b"certificate ".as_slice(), &certificate].concat(),
            (None, None, IpAddr::V4(address)) => [b"address ".as_slice(), &address.octets()].concat(),
            (None, None, IpAddr::V6(address)) => [b"address ".as_slice(), &address.octets()].concat(),
        }
    }
}

/// Which addresses may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sources {
    /// This computer.
    Loopback,
    /// These, and nobody else.
    Listed(Vec<IpAddr>),
    /// Whoever has a certificate that the configured authorities vouch for.
    AnyWithCertificate,
}

impl Sources {
    /// Whether this caller may call.
    #[must_use]
    pub fn allow(&self, caller: &Caller) -> bool {
        if caller.is_own_page() {
            return true;
        }
        let address = caller.address.to_canonical();
        match self {
            Self::Loopback => address.is_loopback(),
            Self::Listed(listed) => listed.contains(&address),
            Self::AnyWithCertificate => caller.certificate.is_some(),
        }
    }
}
