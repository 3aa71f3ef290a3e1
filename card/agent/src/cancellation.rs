//! Taking a request back while it runs.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Says whether a request was taken back, and wakes whoever waits for that.
///
/// Clones speak of the same request.
#[derive(Clone, Default)]
pub struct Cancellation(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    cancelled: bool,
    wakers: Vec<Box<dyn FnOnce() + Send>>,
}

impl Cancellation {
    /// Takes the request back. Repeating it changes nothing.
    pub fn cancel(&self) {
        let wakers = {
            let mut state = self.state();
            state.cancelled = true;
            std::mem::take(&mut state.wakers)
        };
        self.0.changed.notify_all();
        for wake in wakers {
            wake();
        }
    }

    /// Whether the request was taken back.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state().cancelled
    }

    /// Calls `wake` once when the request is taken back, at once if it already was. For prompts that wait on something
    /// of the operating system's and cannot wait here.
    pub fn on_cancel(&self, wake: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if state.cancelled {
            drop(state);
            wake();
        } else {
            state.wakers.push(Box::new(wake));
        }
    }

    /// Waits at most `patience` and says whether the request was taken back.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> bool {
        let state = self.state();
        let (state, _timeout) = self
            .0
            .changed
            .wait_timeout_while(state, patience, |state| !state.cancelled)
            .unwrap_or_else(PoisonError::into_inner);
        state.cancelled
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Cancellation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Cancellation(cancelled: {})", self.is_cancelled())
    }
}
