//! Keys in this process' memory.

use std::collections::BTreeMap;
use std::fmt;

use latchkey_crypto::belt;
use latchkey_crypto::secret::BeltKey;

use super::{KEY_SIZE, KeyId, KeyUnavailable, KeyUse, OwnKeys};
use crate::provider::jws::{FileKey, TicketKey as _, VerificationKey};

/// A key.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub id: KeyId,
    /// The key itself.
    pub secret: KeySecret,
}

/// What a key consists of.
pub enum KeySecret {
    /// 256 bits for hmac-hbelt.
    Mac(BeltKey),
    /// A private key for signatures.
    Signing(Box<FileKey>),
}

/// Keys that were read from files.
#[derive(Debug, Default)]
pub struct KeptKeys(BTreeMap<KeyId, KeySecret>);

impl Key {
    /// A key for this use with this number.
    #[must_use]
    pub fn new(of: KeyUse, number: u32, secret: KeySecret) -> Self {
        Self { id: KeyId::of(of, number, &secret), secret }
    }
}

impl KeySecret {
    /// What the end of the key's name is made of.
    pub(super) fn mark(&self) -> &[u8] {
        match self {
            Self::Mac(key) => key.expose(),
            Self::Signing(key) => key.public().id().as_bytes(),
        }
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("hidden")
    }
}

impl FromIterator<Key> for KeptKeys {
    fn from_iter<T: IntoIterator<Item = Key>>(keys: T) -> Self {
        Self(keys.into_iter().map(|Key { id, secret }| (id, secret)).collect())
    }
}

impl OwnKeys for KeptKeys {
    fn keys(&self, of: KeyUse) -> Vec<KeyId> {
        let mut ids: Vec<_> = self.0.keys().copied().filter(|id| id.key_use() == of).collect();
        ids.sort_by_key(|id| std::cmp::Reverse(id.number()));
        ids
    }

    fn mac(&self, key: &KeyId, parts: &[&[u8]]) -> Result<[u8; KEY_SIZE], KeyUnavailable> {
        match self.0.get(key) {
            Some(KeySecret::Mac(key)) => Ok(belt::hmac(key.expose(), parts)),
            _ => Err(KeyUnavailable),
        }
    }

    fn public(&self, key: &KeyId) -> Option<&VerificationKey> {
        match self.0.get(key) {
            Some(KeySecret::Signing(key)) => Some(key.public()),
            _ => None,
        }
    }

    fn sign(&self, key: &KeyId, input: &[u8]) -> Result<Vec<u8>, KeyUnavailable> {
        match self.0.get(key) {
            Some(KeySecret::Signing(key)) => key.sign(input).map_err(|_| KeyUnavailable),
            _ => Err(KeyUnavailable),
        }
    }
}
