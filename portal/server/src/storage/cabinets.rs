//! What is remembered of cabinets.

use time::OffsetDateTime;

use super::{Answer, Organisations};
use crate::cabinet::{BrowserFamily, CabinetId, CabinetState, Knock};
use crate::keys::{KeyId, Names};
use crate::session::{Assurance, Way};
use crate::token::TokenHash;

/// The memory of cabinets. Their doors are opened by what opens sessions.
pub trait Cabinets: Organisations + Send + Sync {
    /// Says which keys this process names cabinets with, the newest first. Without all keys that are in the database's own
    /// list cabinets would not be found: the first one missing comes back.
    fn adopt_keys<'a>(&'a self, keys: &'a [KeyId]) -> Answer<'a, Result<(), String>>;

    /// Forgets a key, unless cabinets are still named with it: how many are.
    fn forget_key(&self, key: KeyId) -> Answer<'_, Result<(), u64>>;

    /// Gives a cabinet that still has one of its older names the newest one. Does nothing if there is no such cabinet.
    fn rename_cabinet<'a>(&'a self, names: &'a Names) -> Answer<'a, ()>;

    /// How a cabinet stands, if there is one.
    fn cabinet_state(&self, cabinet: CabinetId) -> Answer<'_, Option<CabinetState>>;

    /// The sessions in a cabinet that are not over at `now`, the newest first.
    fn cabinet_sessions(&self, cabinet: CabinetId, now: OffsetDateTime) -> Answer<'_, Vec<ListedSession>>;

    /// The latest sign-ins to a cabinet.
    fn sign_ins(&self, cabinet: CabinetId) -> Answer<'_, SignIns>;

    /// Ends sessions of a cabinet, and what belongs to them; how many.
    fn end_sessions<'a>(&'a self, cabinet: CabinetId, ending: &'a Ending) -> Answer<'a, u64>;

    /// Keeps that the holder has seen the sign-ins up to this time.
    fn see_sign_ins(&self, cabinet: CabinetId, until: OffsetDateTime) -> Answer<'_, ()>;

    /// Forgets sign-ins before this time; how many.
    fn forget_sign_ins(&self, before: OffsetDateTime) -> Answer<'_, u64>;

    /// Blocks a cabinet for ever and ends whatever is under way in it, in one transaction. Whether there ever was a
    /// sign-in makes no difference.
    fn block_cabinet<'a>(&'a self, knock: &'a Knock, now: OffsetDateTime) -> Answer<'a, Blocking>;
}

/// A sign-in to a cabinet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignIn {
    /// The token of its session, which may be over.
    pub session: TokenHash,
    /// When it was accepted.
    pub signed_in_at: OffsetDateTime,
    /// How sure the service was.
    pub assurance: Assurance,
    /// How the assertion came.
    pub way: Way,
    /// By which kind of browser.
    pub browser: BrowserFamily,
}

/// The latest sign-ins to a cabinet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIns {
    /// Up to when the holder has seen them, if ever.
    pub seen_until: Option<OffsetDateTime>,
    /// The sign-ins, the newest first; a hundred at most.
    pub newest: Vec<SignIn>,
}

/// A session in a cabinet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedSession {
    /// The sign-in that it began with.
    pub sign_in: SignIn,
    /// From when on it is over.
    pub expires_at: OffsetDateTime,
}

/// Which sessions of a cabinet to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// This one.
    One(TokenHash),
    /// All but this one.
    AllBut(TokenHash),
    /// All.
    All,
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
