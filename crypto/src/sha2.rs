//! SHA-2 (FIPS 180-4), for cards with ECDSA and RSA keys.

use openssl::md::{Md, MdRef};
use openssl::sha::{Sha256, Sha384, Sha512};

/// A hash function of the SHA-2 family (FIPS 180-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sha2 {
    /// SHA-256: 32 octets.
    Sha256,
    /// SHA-384: 48 octets.
    Sha384,
    /// SHA-512: 64 octets.
    Sha512,
}

impl Sha2 {
    /// Octets of a hash value.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The hash value of the concatenated parts.
    #[must_use]
    pub fn hash(self, parts: &[&[u8]]) -> Vec<u8> {
        macro_rules! digest {
            ($hasher:ty) => {{
                let mut hasher = <$hasher>::new();
                for part in parts {
                    hasher.update(part);
                }
                hasher.finish().to_vec()
            }};
        }
        match self {
            Self::Sha256 => digest!(Sha256),
            Self::Sha384 => digest!(Sha384),
            Self::Sha512 => digest!(Sha512),
        }
    }

    /// The same function as OpenSSL names it.
    pub(crate) fn message_digest(self) -> &'static MdRef {
        match self {
            Self::Sha256 => Md::sha256(),
            Self::Sha384 => Md::sha384(),
            Self::Sha512 => Md::sha512(),
        }
    }
}
