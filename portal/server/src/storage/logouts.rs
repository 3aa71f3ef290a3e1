//! Sites that are still to be told that what they were granted has ended.

use time::{Duration, OffsetDateTime};

use super::{Answer, GrantId};
use crate::provider::clients::ClientId;

/// The memory of whom to tell. What ends a grant whose code was taken keeps that in the same transaction: the end of a
/// session before its time, a withdrawal, a code or refresh token that is used twice.
pub trait Logouts: Send + Sync {
    /// Takes what sites are to be told at `now`: at most `limit`, and [`LOGOUTS_OF_SITE_MAX`] of each site. Of several
    /// processes one gets each. Each comes again after a while ([`DueLogout::wait`]) unless it is forgotten, also if the
    /// process that took it is no more.
    fn due_logouts(&self, limit: u32, now: OffsetDateTime) -> Answer<'_, Vec<DueLogout>>;

    /// Forgets an end: the site knows of it, or is not told any more. Whether there was one.
    fn forget_logout<'a>(&'a self, grant: &'a GrantId) -> Answer<'a, bool>;
}

/// Most that are taken of one site at a time, so that one that is slow leaves room for others.
pub const LOGOUTS_OF_SITE_MAX: u32 = 16;
/// How long after the first try the second one is, and after each further one twice as long.
const FIRST_WAIT: Duration = Duration::seconds(10);
/// The longest wait between two tries.
const WAIT_MAX: Duration = Duration::HOUR;

/// An end that a site is to be told of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueLogout {
    /// What has ended.
    pub grant: GrantId,
    /// The site.
    pub client: ClientId,
    /// How often it has been tried before.
    pub tries: u32,
}

impl DueLogout {
    /// After how long it is tried again.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let times = 1_i32.checked_shl(self.tries.min(16)).unwrap_or(i32::MAX);
        FIRST_WAIT.saturating_mul(times).min(WAIT_MAX)
    }
}
