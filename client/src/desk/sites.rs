//! What the holder and the administrator said about sites.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use latchkey_crypto::assertion::Origin;
use time::{Duration, OffsetDateTime};

/// For how long a refused site is not asked about again.
pub const REFUSAL_HOLDS: Duration = Duration::DAY;

/// What was said about a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: the holder is asked before anything is handed over.
    Unknown,
    /// The holder allowed it before: the question about the hand-over is left out. The PIN is asked for all the same,
    /// with the site's name.
    Allowed,
    /// The holder refused it less than [`REFUSAL_HOLDS`] ago: he is not asked again.
    RefusedToday,
    /// The administrator forbade it.
    Forbidden,
}

/// Remembers what was said about sites.
pub trait Sites: Send + Sync {
    /// What was said about this one.
    fn standing(&self, origin: &Origin) -> Standing;

    /// Whether the administrator lets this page of the computer itself call without TLS, to try out a site.
    fn is_developers(&self, _origin: &Origin) -> bool {
        false
    }

    /// The holder refused it just now.
    fn refused(&self, origin: &Origin);

    /// The holder agreed to hand over what it asked for just now.
    fn agreed(&self, origin: &Origin);

    /// The site that drove each terminal when the holder first let it in, by the terminal's number.
    fn terminals(&self) -> BTreeMap<String, Origin>;

    /// The holder let a terminal in that this site drives just now. A site that drove it before stays the one.
    fn let_in(&self, terminal: &str, origin: &Origin);
}

/// Remembers refusals and terminals for as long as the program runs; whoever was agreed to is asked about again.
pub struct SitesOfThisRun {
    clock: Box<dyn Fn() -> OffsetDateTime + Send + Sync>,
    refused: Mutex<HashMap<Origin, OffsetDateTime>>,
    terminals: Mutex<BTreeMap<String, Origin>>,
}

impl SitesOfThisRun {
    /// Knows no site yet. `clock` tells the time.
    pub fn new(clock: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), refused: Mutex::default(), terminals: Mutex::default() }
    }

    fn remembered(&self, now: OffsetDateTime) -> MutexGuard<'_, HashMap<Origin, OffsetDateTime>> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back does not make a refusal last longer.
        refused.retain(|_, since| (Duration::ZERO..REFUSAL_HOLDS).contains(&(now - *since)));
        refused
    }
}

impl Sites for SitesOfThisRun {
    fn standing(&self, origin: &Origin) -> Standing {
        let is_refused = self.remembered((self.clock)()).contains_key(origin);
        if is_refused { Standing::RefusedToday } else { Standing::Unknown }
    }

    fn refused(&self, origin: &Origin) {
        let now = (self.clock)();
        self.remembered(now).insert(origin.clone(), now);
    }

    fn agreed(&self, _origin: &Origin) {}

    fn terminals(&self) -> BTreeMap<String, Origin> {
        self.terminals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn let_in(&self, terminal: &str, origin: &Origin) {
        let mut terminals = self.terminals.lock().unwrap_or_else(PoisonError::into_inner);
        terminals.entry(terminal.to_owned()).or_insert_with(|| origin.clone());
    }
}
