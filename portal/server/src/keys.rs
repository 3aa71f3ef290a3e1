//! The service's own keys: each in a file of its own, in one folder, its owner's alone, encrypted if there is a password.
//!
//! A file is called after its key, `cabinet-2-5d2c81f0.key`: what the key is for, its number, and a value by which a file
//! that was exchanged is noticed. Of the keys for one use that with the highest number is the newest, and does all that is
//! new; older ones are kept for what they did. One trait for each use says what a hardware module in place of the files
//! would have to do.

mod cabinet;
mod folder;

use std::fmt;
use std::str::FromStr;

pub use cabinet::{CabinetKeys, CabinetNaming, NamedUnder, Names};
pub use folder::{CONTAINER_ITERATIONS, Key, KeyFolderError, load, make, retire, stored};

use latchkey_crypto::belt;
use latchkey_crypto::secret::BeltKey;

/// Octets of each key: 256 bits.
pub const KEY_SIZE: usize = 32;
const CHECK_SIZE: usize = 4;

/// What a key is for. No key serves two uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    /// Cabinets are named with it.
    Cabinet,
}

/// The name of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId {
    of: KeyUse,
    number: u32,
    check: [u8; CHECK_SIZE],
}

/// A text that names no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is called like cabinet-2-5d2c81f0")]
pub struct InvalidKeyId;

/// A use that there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is for one of: cabinet")]
pub struct UnknownKeyUse;

/// What holds the key gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key cannot be used")]
pub struct KeyUnavailable;

impl KeyUse {
    /// Every use.
    pub const ALL: [Self; 1] = [Self::Cabinet];

    /// The name of the use: `cabinet`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cabinet => "cabinet",
        }
    }
}

impl FromStr for KeyUse {
    type Err = UnknownKeyUse;

    fn from_str(name: &str) -> Result<Self, UnknownKeyUse> {
        Self::ALL.into_iter().find(|of| of.name() == name).ok_or(UnknownKeyUse)
    }
}

impl KeyId {
    /// The name of a key for this use with this number. The value at its end tells nothing of a key that was drawn.
    #[must_use]
    pub fn of(of: KeyUse, number: u32, secret: &BeltKey) -> Self {
        let hash = belt::hash(&[b"latchkey-portal key ", of.name().as_bytes(), secret.expose()]);
        let mut check = [0; CHECK_SIZE];
        for (to, from) in check.iter_mut().zip(hash) {
            *to = from;
        }
        Self { of, number, check }
    }

    /// What the key is for.
    #[must_use]
    pub const fn key_use(&self) -> KeyUse {
        self.of
    }

    /// The number: higher is newer.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}-{}", self.of.name(), self.number, hex::encode(self.check))
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, InvalidKeyId> {
        let mut parts = text.rsplitn(3, '-');
        let (Some(check), Some(number), Some(of)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(InvalidKeyId);
        };
        let mut id = Self { of: of.parse().map_err(|_| InvalidKeyId)?, number: 0, check: [0; CHECK_SIZE] };
        hex::decode_to_slice(check, &mut id.check).map_err(|_| InvalidKeyId)?;
        id.number = number.parse().map_err(|_| InvalidKeyId)?;
        // One spelling: no sign, no zero in front, small letters.
        if id.number > 0 && id.to_string() == text { Ok(id) } else { Err(InvalidKeyId) }
    }
}
