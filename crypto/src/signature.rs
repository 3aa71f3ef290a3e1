//! Signature algorithms by name.

use std::fmt;

use crate::hash::HashAlgorithm;
use crate::sha2::Sha2;

/// A signature algorithm: the Bign ones, and for cards of other kinds ECDSA and RSA with SHA-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SignatureAlgorithm {
    /// Bign with the hash function of the key's level: `bign-with-hbelt`, `bign-with-bash384`, `bign-with-bash512`.
    Bign(HashAlgorithm),
    /// ECDSA. In assertions on the curve that goes with the hash function: `ES256`, `ES384`, `ES512`.
    Ecdsa(Sha2),
    /// RSASSA-PSS with a salt of the hash value's size: `PS256`, `PS384`, `PS512`.
    RsaPss(Sha2),
    /// RSASSA-PKCS1-v1_5: `RS256`, `RS384`, `RS512`.
    RsaPkcs1(Sha2),
}

impl SignatureAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 12] = [
        Self::Bign(HashAlgorithm::BeltHash),
        Self::Bign(HashAlgorithm::Bash384),
        Self::Bign(HashAlgorithm::Bash512),
        Self::Ecdsa(Sha2::Sha256),
        Self::Ecdsa(Sha2::Sha384),
        Self::Ecdsa(Sha2::Sha512),
        Self::RsaPss(Sha2::Sha256),
        Self::RsaPss(Sha2::Sha384),
        Self::RsaPss(Sha2::Sha512),
        Self::RsaPkcs1(Sha2::Sha256),
        Self::RsaPkcs1(Sha2::Sha384),
        Self::RsaPkcs1(Sha2::Sha512),
    ];

    /// The name in an assertion; for ECDSA and RSA that of RFC 7518, clause 3.1.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bign(hash) => hash.signature_algorithm(),
            Self::Ecdsa(Sha2::Sha256) => "ES256",
            Self::Ecdsa(Sha2::Sha384) => "ES384",
            Self::Ecdsa(Sha2::Sha512) => "ES512",
            Self::RsaPss(Sha2::Sha256) => "PS256",
            Self::RsaPss(Sha2::Sha384) => "PS384",
            Self::RsaPss(Sha2::Sha512) => "PS512",
            Self::RsaPkcs1(Sha2::Sha256) => "RS256",
            Self::RsaPkcs1(Sha2::Sha384) => "RS384",
            Self::RsaPkcs1(Sha2::Sha512) => "RS512",
        }
    }

    /// The algorithm of that exact name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The algorithm's hash function over the concatenated parts.
    #[must_use]
    pub fn hash(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Bign(hash) => hash.hash(parts),
            Self::Ecdsa(sha) | Self::RsaPss(sha) | Self::RsaPkcs1(sha) => sha.hash(parts),
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
