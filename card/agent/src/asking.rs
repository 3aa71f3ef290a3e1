//! A question while it is open.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Cancellation;

/// How an open question is taken back, and where it is told that the holder is there. Clones speak of the same question.
#[derive(Clone)]
pub struct Asking(Arc<Open>);

struct Open {
    cancellation: Cancellation,
    tell: Box<dyn Fn() + Send + Sync>,
    last_told: Mutex<Option<Instant>>,
}

impl Asking {
    /// A question that `cancellation` takes back. `tell` learns that the holder acted.
    #[must_use]
    pub fn new(cancellation: Cancellation, tell: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(Open { cancellation, tell: Box::new(tell), last_told: Mutex::new(None) }))
    }

    /// What takes the question back.
    #[must_use]
    pub fn cancellation(&self) -> &Cancellation {
        &self.0.cancellation
    }

    /// The holder pressed a key, or something on the screen. It is told at most every [`ACTIVITY_INTERVAL`], so that
    /// nobody learns the rhythm in which a secret is typed.
    pub fn holder_acted(&self) {
        let mut last_told = self.0.last_told.lock().unwrap_or_else(PoisonError::into_inner);
        if last_told.is_none_or(|told| told.elapsed() >= ACTIVITY_INTERVAL) {
            *last_told = Some(Instant::now());
            drop(last_told);
            (self.0.tell)();
        }
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Asking({:?})", self.0.cancellation)
    }
}

/// How long the holder's next action stays untold after one was told.
pub const ACTIVITY_INTERVAL: Duration = Duration::from_secs(5);
