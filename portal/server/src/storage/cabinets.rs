//! What is remembered of cabinets.

use time::OffsetDateTime;

use super::Answer;
use crate::cabinet::{CabinetId, CabinetState, Knock};
use crate::keys::{KeyId, Names};

/// The memory of cabinets. Their doors are opened by what opens sessions.
pub trait Cabinets: Send + Sync {
    /// Says which keys this process names cabinets with, the newest first. Without all keys that are in the database's own
    /// list cabinets would not be found: the first one missing comes back.
    fn adopt_keys<'a>(&'a self, keys: &'a [KeyId]) -> Answer<'a, Result<(), String>>;

    /// Forgets a key, unless cabinets are still named with it: how many are.
    fn forget_key(&self, key: KeyId) -> Answer<'_, Result<(), u64>>;

    /// Gives a cabinet that still has one of its older names the newest one. Does nothing if there is no such cabinet.
    fn rename_cabinet<'a>(&'a self, names: &'a Names) -> Answer<'a, ()>;

    /// How a cabinet stands, if there is one.
    fn cabinet_state(&self, cabinet: CabinetId) -> Answer<'_, Option<CabinetState>>;

    /// Blocks a cabinet for ever and ends whatever is under way in it, in one transaction. Whether there ever was a
    /// sign-in makes no difference.
    fn block_cabinet<'a>(&'a self, knock: &'a Knock, now: OffsetDateTime) -> Answer<'a, Blocking>;
}

/// What blocking a cabinet did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocking {
    /// The cabinet.
    pub cabinet: CabinetId,
    /// Whether it had been blocked before.
    pub was_blocked: bool,
    /// How many sessions were ended.
    pub sessions: u64,
}
