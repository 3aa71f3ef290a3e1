//! Where the key of the history is kept.

use std::collections::HashMap;

use rand_core::CryptoRng;
use secret_service::blocking::{Collection, SecretService as Store};
use secret_service::{EncryptionType, Error};
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::HistoryFailure;

/// Octets of the key.
const KEY_SIZE: usize = 32;

/// The key with which the history is encrypted.
#[derive(PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct HistoryKey([u8; KEY_SIZE]);

impl HistoryKey {
    /// A new key.
    pub fn generate(random: &mut impl CryptoRng) -> Self {
        let mut octets = [0; KEY_SIZE];
        random.fill_bytes(&mut octets);
        Self(octets)
    }

    /// A key that was kept. `None` if it is none of ours.
    #[must_use]
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(Self)
    }

    /// The key itself.
    #[must_use]
    pub const fn octets(&self) -> &[u8; KEY_SIZE] {
        &self.0
    }
}

impl std::fmt::Debug for HistoryKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("HistoryKey(hidden)")
    }
}

/// A place for the one key, which the system opens for its holder only.
pub trait KeyStore: Send + Sync {
    /// Whether there is such a place.
    ///
    /// # Errors
    /// [`HistoryFailure::NoKeyStore`].
    fn is_there(&self) -> Result<(), HistoryFailure>;

    /// The key, if there is one.
    ///
    /// # Errors
    /// [`HistoryFailure::NoKeyStore`], [`HistoryFailure::KeyStoreLocked`].
    fn find(&self) -> Result<Option<HistoryKey>, HistoryFailure>;

    /// Keeps the key in place of another.
    ///
    /// # Errors
    /// [`HistoryFailure::NoKeyStore`], [`HistoryFailure::KeyStoreLocked`].
    fn keep(&self, key: &HistoryKey) -> Result<(), HistoryFailure>;

    /// Forgets the key.
    ///
    /// # Errors
    /// [`HistoryFailure::NoKeyStore`], [`HistoryFailure::KeyStoreLocked`].
    fn forget(&self) -> Result<(), HistoryFailure>;
}

/// The key store of Linux desktops, by the Secret Service interface on the session's bus.
#[derive(Debug, Clone, Default)]
pub struct SecretService {
    bus: Option<String>,
}

/// What the holder reads in the key store's own program.
const LABEL: &str = "Latchkey: history of sign-ins";

impl SecretService {
    /// The one on the session's bus.
    #[must_use]
    pub const fn of_session() -> Self {
        Self { bus: None }
    }

    /// The one on the bus of that address.
    #[must_use]
    pub const fn on_bus(address: String) -> Self {
        Self { bus: Some(address) }
    }

    /// A connection for one task: nothing stays behind that would wake up.
    fn connect(&self) -> Result<Store<'static>, HistoryFailure> {
        let connection = match &self.bus {
            Some(address) => Builder::address(address.as_str()).and_then(Builder::build),
            None => Connection::session(),
        };
        let connection = connection.map_err(|error| HistoryFailure::NoKeyStore { reason: error.to_string() })?;
        Store::connect_with_existing(EncryptionType::Dh, connection).map_err(of)
    }

    /// Does something in the holder's collection of keys, which he may be asked to unlock.
    fn unlocked<T>(&self, task: impl FnOnce(&Collection<'_>) -> Result<T, Error>) -> Result<T, HistoryFailure> {
        let store = self.connect()?;
        let collection = store.get_default_collection().map_err(of)?;
        collection.unlock().map_err(of)?;
        task(&collection).map_err(of)
    }
}

fn attributes() -> HashMap<&'static str, &'static str> {
    HashMap::from([("application", "latchkey"), ("purpose", "history")])
}

impl KeyStore for SecretService {
    fn is_there(&self) -> Result<(), HistoryFailure> {
        self.connect()?.get_default_collection().map(drop).map_err(of)
    }

    fn find(&self) -> Result<Option<HistoryKey>, HistoryFailure> {
        self.unlocked(|collection| {
            let items = collection.search_items(attributes())?;
            let octets = items.first().map(|item| item.get_secret().map(Zeroizing::new)).transpose()?;
            Ok(octets.and_then(|octets| HistoryKey::from_octets(&octets)))
        })
    }

    fn keep(&self, key: &HistoryKey) -> Result<(), HistoryFailure> {
        let kind = "application/octet-stream";
        self.unlocked(|collection| collection.create_item(LABEL, attributes(), key.octets(), true, kind).map(drop))
    }

    fn forget(&self) -> Result<(), HistoryFailure> {
        self.unlocked(|collection| collection.search_items(attributes())?.iter().try_for_each(|item| item.delete()))
    }
}

fn of(error: Error) -> HistoryFailure {
    match error {
        Error::Locked | Error::Prompt | Error::PromptDisconnected => HistoryFailure::KeyStoreLocked,
        other => HistoryFailure::NoKeyStore { reason: other.to_string() },
    }
}
