//! The keys that tickets are signed with, of which the newest of each algorithm signs. The others are published until they
//! are retired, so that tickets that they signed can still be checked.

use std::sync::Arc;

use serde_json::{Value, json};

use super::jws::{Algorithm, SigningFailed, TicketKey, VerificationKey};
use crate::keys::{KeyId, KeyUse, OwnKeys};

/// Most keys: each is part of what every site fetches.
pub const TICKET_KEYS_MAX_COUNT: usize = 32;

/// The keys for tickets.
pub struct TicketKeys {
    /// The oldest first.
    keys: Vec<KeptTicketKey>,
    published: Value,
}

/// One of them.
struct KeptTicketKey {
    keys: Arc<dyn OwnKeys>,
    id: KeyId,
    public: VerificationKey,
}

impl TicketKeys {
    /// Those of the keys that are for tickets. `None` if there is none, or more than [`TICKET_KEYS_MAX_COUNT`].
    #[must_use]
    pub fn of(keys: &Arc<dyn OwnKeys>) -> Option<Self> {
        let ids = KeyUse::OF_TICKETS.into_iter().flat_map(|of| keys.keys(of).into_iter().rev());
        let kept = ids.map(|id| Some(KeptTicketKey { public: keys.public(&id)?.clone(), keys: Arc::clone(keys), id }));
        let kept = kept.collect::<Option<Vec<_>>>()?;
        let published: Vec<_> = kept.iter().map(|key| key.public.jwk()).collect();
        let published = json!({ "keys": published });
        (1..=TICKET_KEYS_MAX_COUNT).contains(&kept.len()).then_some(Self { keys: kept, published })
    }

    /// The key that signs tickets by that algorithm.
    #[must_use]
    pub fn signing(&self, algorithm: Algorithm) -> Option<&dyn TicketKey> {
        let newest = self.keys.iter().rfind(|key| key.public.algorithm() == algorithm)?;
        Some(newest)
    }

    /// The public halves, by which tickets of this service are known.
    pub fn public(&self) -> impl Iterator<Item = &VerificationKey> {
        self.keys.iter().map(TicketKey::public)
    }

    /// What sites fetch (RFC 7517, clause 5).
    #[must_use]
    pub const fn published(&self) -> &Value {
        &self.published
    }
}

impl TicketKey for KeptTicketKey {
    fn public(&self) -> &VerificationKey {
        &self.public
    }

    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        Ok(self.keys.sign(&self.id, input)?)
    }
}

impl std::fmt::Debug for TicketKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.public()).finish()
    }
}
