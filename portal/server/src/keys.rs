//! The service's own keys: each in a file of its own, in one folder, its owner's alone, encrypted if there is a password.
//!
//! A file is called after its key, `cabinet-2-5d2c81f0.key`: what the key is for, its number, and a value by which a file
//! that was exchanged is noticed. Of the keys for one use that with the highest number is the newest, and does all that is
//! new; older ones are kept for what they did. [`OwnKeys`] says what a hardware module in place of the folder would have to
//! do: nobody else ever has a key.

mod cabinet;
mod folder;
mod kept;

use std::fmt;
use std::str::FromStr;

pub use cabinet::{CabinetKeys, NamedUnder, Names};
pub use folder::{CONTAINER_ITERATIONS, KeyFolderError, load, make, retire, states, stored, take};
pub use kept::{KeptKeys, Key, KeySecret};

use latchkey_crypto::belt;

use crate::provider::jws::{Algorithm, SigningFailed, VerificationKey};

/// Octets of each key: 256 bits.
pub const KEY_SIZE: usize = 32;
const CHECK_SIZE: usize = 4;

/// What a key is for. No key serves two uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    /// Cabinets are named with it.
    Cabinet,
    /// People get their subjects at other sites under it. There is only ever one.
    Subject,
    /// Requests of other sites are sealed with it while people sign in.
    Seal,
    /// Tickets are signed with it, by this algorithm.
    Ticket(Algorithm),
    /// Records of the terminal's sessions are sealed under it.
    Record,
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
#[error("a key is for one of: cabinet, subject, seal, ticket-es256, ticket-rs256, record")]
pub struct UnknownKeyUse;

/// What holds the key gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key cannot be used")]
pub struct KeyUnavailable;

/// The keys, and all that is done with them.
pub trait OwnKeys: Send + Sync {
    /// The names of the keys for a use, the newest first.
    fn keys(&self, of: KeyUse) -> Vec<KeyId>;

    /// hmac-hbelt (STB 34.101.47) over the parts, one after another, under a key.
    ///
    /// # Errors
    /// [`KeyUnavailable`].
    fn mac(&self, key: &KeyId, parts: &[&[u8]]) -> Result<[u8; KEY_SIZE], KeyUnavailable>;

    /// The public half of a key that signs.
    fn public(&self, key: &KeyId) -> Option<&VerificationKey>;

    /// Signs, in the form that tokens carry.
    ///
    /// # Errors
    /// [`KeyUnavailable`].
    fn sign(&self, key: &KeyId, input: &[u8]) -> Result<Vec<u8>, KeyUnavailable>;
}

impl From<KeyUnavailable> for SigningFailed {
    fn from(_: KeyUnavailable) -> Self {
        Self
    }
}

impl KeyUse {
    /// Every use.
    pub const ALL: [Self; 6] = [
        Self::Cabinet,
        Self::Subject,
        Self::Seal,
        Self::Ticket(Algorithm::Es256),
        Self::Ticket(Algorithm::Rs256),
        Self::Record,
    ];
    /// Those for tickets.
    pub const OF_TICKETS: [Self; 2] = [Self::Ticket(Algorithm::Es256), Self::Ticket(Algorithm::Rs256)];

    /// The name of the use, with which the names of its keys begin.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cabinet => "cabinet",
            Self::Subject => "subject",
            Self::Seal => "seal",
            Self::Ticket(Algorithm::Es256) => "ticket-es256",
            Self::Ticket(Algorithm::Rs256) => "ticket-rs256",
            Self::Record => "record",
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
    pub fn of(of: KeyUse, number: u32, secret: &KeySecret) -> Self {
        let hash = belt::hash(&[b"latchkey-portal key ", of.name().as_bytes(), secret.mark()]);
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
