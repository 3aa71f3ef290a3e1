//! The hash functions that Bign signatures are made over, one for each security level.

use bash_hash::{BashHash384, BashHash512, Digest};

use crate::belt;
use crate::bign::Level;

/// A hash function and, with it, the Bign signature algorithm that uses it (STB 34.101.45-2013, annex D): the
/// security level of the key fixes which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HashAlgorithm {
    /// belt-hash (STB 34.101.31-2020, clause 7.8): 32 octets, level 128.
    BeltHash,
    /// bash384 (STB 34.101.77-2020): 48 octets, level 192.
    Bash384,
    /// bash512 (STB 34.101.77-2020): 64 octets, level 256.
    Bash512,
}

impl HashAlgorithm {
    /// Every algorithm, by rising level.
    pub const ALL: [Self; 3] = [Self::BeltHash, Self::Bash384, Self::Bash512];

    /// Octets of a hash value.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::BeltHash => belt::HASH_SIZE,
            Self::Bash384 => 48,
            Self::Bash512 => 64,
        }
    }

    /// The hash value of the concatenated parts.
    #[must_use]
    pub fn hash(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::BeltHash => belt::hash(parts).to_vec(),
            Self::Bash384 => digest::<BashHash384>(parts),
            Self::Bash512 => digest::<BashHash512>(parts),
        }
    }

    /// The DER object identifier, tag and length included: the octets that enter Bign's own hash.
    #[must_use]
    pub const fn oid_der(self) -> &'static [u8] {
        match self {
            Self::BeltHash => &[0x06, 0x09, 0x2A, 0x70, 0x00, 0x02, 0x00, 0x22, 0x65, 0x1F, 0x51],
            Self::Bash384 => &[0x06, 0x09, 0x2A, 0x70, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4D, 0x0C],
            Self::Bash512 => &[0x06, 0x09, 0x2A, 0x70, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4D, 0x0D],
        }
    }

    /// The level of the keys that sign over this function's values.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::BeltHash => Level::L128,
            Self::Bash384 => Level::L192,
            Self::Bash512 => Level::L256,
        }
    }

    /// The function whose values the keys of a level sign.
    #[must_use]
    pub const fn of_level(level: Level) -> Self {
        match level {
            Level::L128 => Self::BeltHash,
            Level::L192 => Self::Bash384,
            Level::L256 => Self::Bash512,
        }
    }

    /// The name of the signature algorithm in an assertion.
    #[must_use]
    pub const fn signature_algorithm(self) -> &'static str {
        match self {
            Self::BeltHash => "bign-with-hbelt",
            Self::Bash384 => "bign-with-bash384",
            Self::Bash512 => "bign-with-bash512",
        }
    }
}

fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = D::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_vec()
}
