//! Naming cabinets: what the database is told of a personal number, so that who has the database alone cannot tell whose
//! cabinet is whose, nor find anybody's by trying numbers.

use std::sync::Arc;

use latchkey_crypto::x509::PersonalNumber;

use super::{KeyId, KeyUnavailable, KeyUse, OwnKeys};
use crate::cabinet::CabinetName;

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

/// Names cabinets.
#[derive(Clone)]
pub struct CabinetKeys {
    keys: Arc<dyn OwnKeys>,
    newest: KeyId,
    older: Vec<KeyId>,
}

impl CabinetKeys {
    /// With those of the keys that are for it. `None` if there is none.
    #[must_use]
    pub fn new(keys: Arc<dyn OwnKeys>) -> Option<Self> {
        let mut ids = keys.keys(KeyUse::Cabinet).into_iter();
        Some(Self { newest: ids.next()?, older: ids.collect(), keys })
    }

    /// The names of the cabinet that a person's is known by.
    ///
    /// # Errors
    /// [`KeyUnavailable`].
    pub fn names(&self, of: &PersonalNumber) -> Result<Names, KeyUnavailable> {
        // hmac-hbelt of the number in its one spelling.
        let name = |key: &KeyId| {
            let mac = self.keys.mac(key, &[b"latchkey-portal cabinet ", of.as_str().as_bytes()]);
            mac.map(CabinetName::from)
        };
        let newest = NamedUnder { name: name(&self.newest)?, key: self.newest.number() };
        Ok(Names { newest, older: self.older.iter().map(name).collect::<Result<_, _>>()? })
    }

    /// The keys, the newest first.
    #[must_use]
    pub fn ids(&self) -> Vec<KeyId> {
        std::iter::once(self.newest).chain(self.older.iter().copied()).collect()
    }
}
