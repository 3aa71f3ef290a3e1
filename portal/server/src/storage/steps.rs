//! What the terminal remembers between two requests: how far each session is, sealed.

use time::OffsetDateTime;

use super::Answer;
use crate::token::TokenHash;

/// Octets of the keyed hash that tells who began a session.
pub const CALLER_TAG_SIZE: usize = 32;

/// The memory of the terminal. It is no part of [`super::Storage`]: it is kept apart, so that backups leave it out.
pub trait Steps: Send + Sync {
    /// Keeps the first step of a session, unless as many sessions are kept as may be; whether it was kept.
    fn begin<'a>(&'a self, first: &'a KeptStep, limit: u64) -> Answer<'a, bool>;

    /// The step that a session is at, if it is not over at `now`.
    fn step<'a>(&'a self, session: &'a TokenHash, now: OffsetDateTime) -> Answer<'a, Option<KeptStep>>;

    /// Puts `next` in the place of the step before it; whether that was still there, and not over at `now`. One statement
    /// compares and replaces: of any number of calls, in any number of processes, at most one gets true, and only the
    /// command that is in the kept record may leave.
    fn advance<'a>(&'a self, next: &'a KeptStep, now: OffsetDateTime) -> Answer<'a, bool>;

    /// Forgets a session; whether there was one.
    fn end<'a>(&'a self, session: &'a TokenHash) -> Answer<'a, bool>;

    /// Forgets the sessions that are over at `now`, and leaves nothing of them in the database's files; how many they
    /// were.
    fn purge(&self, now: OffsetDateTime) -> Answer<'_, u64>;

    /// Whether the database answers and has the tables of this version.
    fn check(&self) -> Answer<'_, ()>;

    /// Ends all connections. Whatever is asked afterwards is not answered.
    fn close(&self) -> Answer<'_, ()>;
}

/// A step of a session as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptStep {
    /// The session: the hash of its `hreq`.
    pub session: TokenHash,
    /// Who began it, as a keyed hash.
    pub caller: [u8; CALLER_TAG_SIZE],
    /// The number of the step, from 0.
    pub step: u32,
    /// From when on the session is over, in whole milliseconds.
    pub expires_at: OffsetDateTime,
    /// Everything else, sealed.
    pub record: Vec<u8>,
}
