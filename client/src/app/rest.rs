//! When the program may start anew. A library that shows pages cannot be given back: once there was a window, the program
//! keeps twice the memory that it began with. What is started anew is small again, and nothing is lost if nobody needed it.

use std::net::TcpListener;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use super::{Around, Shared, State};
use crate::guest::GuestPhase;
use crate::service::Memory;

/// How long nobody needs the program, and no window is there, before it starts anew: requests that follow one another
/// find the library where it was, and a holder who closed the window too early does not wait for it twice.
pub const REST: Duration = Duration::from_secs(60);

/// What the program that is started anew goes on with.
#[derive(Debug, Default)]
pub struct Left {
    /// The sockets of the local service; they listen all the time.
    pub sockets: Vec<TcpListener>,
    /// What the service remembers.
    pub memory: Memory,
}

impl State {
    /// Whether starting anew gives something back and takes nothing away: neither from somebody who waits, nor from what
    /// the program has to remember.
    pub(super) fn may_rest(&self, around: &Around) -> bool {
        self.had_window
            && self.window.is_unwanted()
            && self.requests.are_none()
            && !self.card.is_at_work()
            && !self.documents.is_at_work()
            && !self.diagnosis.is_running()
            && self.errands == 0
            // What the holder has not put away he may not have read.
            && self.notice.is_none()
            && around.guest.state().borrow().phase == GuestPhase::Off
            && !around.settings.remembers_unwritten()
    }
}

/// Waits until the program may have rested for so long, without a moment in between in which it was needed.
pub(super) async fn rested(shared: &Shared, rest: Duration) {
    let mut may_rest = shared.may_rest.subscribe();
    // Neither ends before the program: it holds the sender.
    while may_rest.wait_for(|may| *may).await.is_ok() {
        let needed = may_rest.wait_for(|may| !*may);
        if tokio::time::timeout(rest, needed).await.is_err() {
            return;
        }
    }
}

/// Lets go of everything that others hold, if nobody is needed and nobody is connected. `None`: everything is as it was.
pub(super) async fn leave(shared: &Arc<Shared>) -> Option<Left> {
    let asked = Arc::clone(shared);
    let may_rest = move || asked.change(|state| state.may_rest(&asked.around)) && (asked.release_agent)();
    // The agent's process takes a moment to end.
    if !tokio::task::spawn_blocking(may_rest).await.unwrap_or(false) {
        return None;
    }
    let mut service = shared.service.lock().unwrap_or_else(PoisonError::into_inner).take();
    let left = match &mut service {
        None => Some(Left::default()),
        Some(service) => service.leave_if_idle().await.map(|(sockets, memory)| Left { sockets, memory }),
    };
    if left.is_none() {
        *shared.service.lock().unwrap_or_else(PoisonError::into_inner) = service;
    }
    left
}

/// Something is under way that must come to its end first. Dropped, it is over.
pub(super) struct Errand(Weak<Shared>);

impl Shared {
    pub(super) fn errand(self: &Arc<Self>) -> Errand {
        self.change(|state| state.errands = state.errands.saturating_add(1));
        Errand(Arc::downgrade(self))
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.change(|state| state.errands = state.errands.saturating_sub(1));
        }
    }
}
