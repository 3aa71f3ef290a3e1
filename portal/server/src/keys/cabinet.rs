//! Naming cabinets: what the database is told of a personal number, so that who has the database alone cannot tell whose
//! cabinet is whose, nor find anybody's by trying numbers.

use latchkey_crypto::belt;
use latchkey_crypto::x509::PersonalNumber;

use super::{Key, KeyId, KeyUnavailable};
use crate::cabinet::CabinetName;

/// Names cabinets. What a hardware module would have to do.
pub trait CabinetNaming: Send + Sync {
    /// The names of the cabinet that a person's is known by.
    ///
    /// # Errors
    /// [`KeyUnavailable`].
    fn names(&self, of: &PersonalNumber) -> Result<Names, KeyUnavailable>;

    /// The keys, the newest first; never none.
    fn keys(&self) -> Vec<KeyId>;
}

/// A cabinet's name, and the number of the key that it was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedUnder {
    /// The name.
    pub name: CabinetName,
    /// The number of the key.
    pub key: u32,
}

/// The names of one cabinet under each key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The one that it is to have.
    pub newest: NamedUnder,
    /// Those that it may still have, newer ones first.
    pub older: Vec<CabinetName>,
}

/// Keys from files.
#[derive(Debug)]
pub struct CabinetKeys {
    newest: Key,
    older: Vec<Key>,
}

impl CabinetKeys {
    /// Takes keys over, the newest first. `None` if there is none.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Option<Self> {
        let mut keys = keys.into_iter();
        Some(Self { newest: keys.next()?, older: keys.collect() })
    }
}

impl CabinetNaming for CabinetKeys {
    fn names(&self, of: &PersonalNumber) -> Result<Names, KeyUnavailable> {
        let newest = NamedUnder { name: name(&self.newest, of), key: self.newest.id.number() };
        Ok(Names { newest, older: self.older.iter().map(|key| name(key, of)).collect() })
    }

    fn keys(&self) -> Vec<KeyId> {
        std::iter::once(&self.newest).chain(&self.older).map(|key| key.id).collect()
    }
}

/// hmac-hbelt of the number in its one spelling.
fn name(key: &Key, of: &PersonalNumber) -> CabinetName {
    CabinetName::from(belt::hmac(key.secret.expose(), &[b"latchkey-portal cabinet ", of.as_str().as_bytes()]))
}
