//! The registered sites and the keys for tickets, taken anew when they change on disk.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::configuration::{Fault, KeySettings, Located, ProviderSettings, REGISTRY_MAX_SIZE};
use crate::files::{FileState, Renewal, read_limited};
use crate::keys::{self, KeyUse, OwnKeys};
use crate::provider::clients::Registry;
use crate::provider::jws::Algorithm;
use crate::provider::ticket_keys::{TICKET_KEYS_MAX_COUNT, TicketKeys};

/// What is registered, as it was when it was last taken.
#[derive(Debug)]
pub struct Registered {
    /// The sites.
    pub registry: Registry,
    /// The keys.
    pub keys: TicketKeys,
}

/// What is registered, in files.
#[derive(Debug)]
pub struct RegisteredOnDisk {
    clients: Located<PathBuf>,
    keys: KeySettings,
    current: RwLock<Arc<Registered>>,
    seen: Mutex<Vec<(PathBuf, FileState)>>,
}

impl RegisteredOnDisk {
    /// Reads sites and keys.
    ///
    /// # Errors
    /// The [`Fault`] of the key of the configuration that names what cannot be used; of the registry, with its own line.
    pub fn load(settings: &ProviderSettings) -> Result<Self, Fault> {
        let ProviderSettings { clients, keys, .. } = settings.clone();
        let seen = Mutex::new(states(&clients, &keys)?);
        let current = RwLock::new(Arc::new(Registered::read(&clients, &keys)?));
        Ok(Self { clients, keys, current, seen })
    }

    /// What is registered now.
    #[must_use]
    pub fn current(&self) -> Arc<Registered> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes sites and keys anew if a file has changed. If they are not usable, the former ones stay in use. Reads
    /// files: not for a thread that answers requests.
    ///
    /// # Errors
    /// The [`Fault`]. The files are tried again by the next call.
    pub fn renew(&self) -> Result<Renewal, Fault> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at before reading: what changes meanwhile is read again next time.
        let states = states(&self.clients, &self.keys)?;
        if *seen == states {
            return Ok(Renewal::Unchanged);
        }
        let registered = Registered::read(&self.clients, &self.keys)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registered);
        *seen = states;
        Ok(Renewal::Taken)
    }
}

impl Registered {
    fn read(clients: &Located<PathBuf>, settings: &KeySettings) -> Result<Self, Fault> {
        let keys: Arc<dyn OwnKeys> = Arc::new(keys::load(settings, &KeyUse::OF_TICKETS)?);
        let too_many = || settings.folder.file_fault(format!("has more than {TICKET_KEYS_MAX_COUNT} keys for tickets"));
        let keys = TicketKeys::of(&keys).ok_or_else(too_many)?;
        let registry = read_registry(clients)?;
        let wanted: BTreeSet<Algorithm> = registry.clients().map(|client| client.algorithm).collect();
        if let Some(missing) = wanted.into_iter().find(|algorithm| keys.signing(*algorithm).is_none()) {
            let problem = format!("has no key for {}, by which a site wants its tickets", missing.name());
            return Err(settings.folder.file_fault(problem));
        }
        Ok(Self { registry, keys })
    }
}

/// Reads the file of registered sites.
///
/// # Errors
/// The [`Fault`] of the key that names the file, with the line of the file that is at fault.
pub fn read_registry(clients: &Located<PathBuf>) -> Result<Registry, Fault> {
    let octets = read_limited(&clients.value, REGISTRY_MAX_SIZE).map_err(|error| clients.file_fault(error))?;
    let text = String::from_utf8(octets).map_err(|_| clients.file_fault("is no text in UTF-8"))?;
    let directory = clients.value.parent().unwrap_or(std::path::Path::new(""));
    Registry::parse(&text, directory).map_err(|fault| clients.file_fault(fault))
}

fn states(clients: &Located<PathBuf>, settings: &KeySettings) -> Result<Vec<(PathBuf, FileState)>, Fault> {
    let mut states = keys::states(settings, &KeyUse::OF_TICKETS)?;
    let of_clients = FileState::of(&clients.value).map_err(|error| clients.file_fault(error))?;
    states.push((clients.value.clone(), of_clients));
    Ok(states)
}
