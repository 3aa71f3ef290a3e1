//! Who calls the terminal: the back end of a portal, known by its address or by its certificate.

use std::net::IpAddr;

/// The other end of a connection. A session belongs to the caller that began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Its address.
    pub address: IpAddr,
    /// SHA-256 of its certificate, where connections have one.
    pub certificate: Option<[u8; 32]>,
}

impl Caller {
    /// What tells one caller from another. A caller with a certificate may change its address.
    pub(super) fn identity(&self) -> Vec<u8> {
        match (self.certificate, self.address.to_canonical()) {
            (Some(certificate), _) => [b"certificate ".as_slice(), &certificate].concat(),
            (None, IpAddr::V4(address)) => [b"address ".as_slice(), &address.octets()].concat(),
            (None, IpAddr::V6(address)) => [b"address ".as_slice(), &address.octets()].concat(),
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
        let address = caller.address.to_canonical();
        match self {
            Self::Loopback => address.is_loopback(),
            Self::Listed(listed) => listed.contains(&address),
            Self::AnyWithCertificate => caller.certificate.is_some(),
        }
    }
}
