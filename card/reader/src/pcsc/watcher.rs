//! The thread that watches readers: it sleeps in the service's own wait for changes.

use std::ffi::{CStr, CString};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};

use super::board::{Board, Observation, ObservedCard};
use super::faults::cause;
use super::service_wait::{Attempt, ServiceWait};
use crate::error::ReaderError;
use crate::readers::{Atr, ReaderName};

/// What the watching thread shares with everybody else.
#[derive(Default)]
pub(super) struct Shared {
    board: Mutex<Board>,
    looked: Condvar,
    control: Mutex<Control>,
}

/// How the watching thread is stopped.
#[derive(Default)]
struct Control {
    stopping: bool,
    /// The context in whose wait the thread may sleep.
    context: Option<Context>,
}

impl Shared {
    /// What is known. A panic elsewhere leaves it usable: it is only ever replaced as a whole.
    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, once the service was looked at for the first time, for which it gets that long.
    pub(super) fn board_after_first_look(&self, within: Duration) -> MutexGuard<'_, Board> {
        let waited = self.looked.wait_timeout_while(self.board(), within, |board| !board.is_known());
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Asks the thread to stop and wakes it if it sleeps in the service's wait. The service ignores a wake-up that comes
    /// just before the sleep, so this has to be repeated until the thread has ended.
    pub(super) fn stop(&self) {
        let mut control = self.control();
        control.stopping = true;
        if let Some(context) = &control.context
            && let Err(error) = context.cancel()
        {
            tracing::debug!(%error, "the wait for readers could not be cancelled");
        }
    }

    fn is_stopping(&self) -> bool {
        self.control().stopping
    }

    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, act: impl FnOnce(&mut Board)) {
        act(&mut self.board());
        self.looked.notify_all();
    }
}

/// Watches until stopped. Should the service's library panic, that counts as the end of the service.
pub(super) fn run(shared: &Arc<Shared>, wait: &ServiceWait) {
    while catch_unwind(AssertUnwindSafe(|| follow_services(shared, wait))).is_err() {
        shared.control().context = None;
        shared.look(Board::service_down);
        if wait.pause(SHORT_LIFE) {
            return;
        }
    }
}

/// Watches service after service, since a context does not survive the service that gave it.
fn follow_services(shared: &Arc<Shared>, wait: &ServiceWait) {
    loop {
        let context = wait.until(|| {
            let attempt = establish();
            if !matches!(attempt, Attempt::Found(_)) {
                shared.look(Board::service_down);
            }
            attempt
        });
        let Some(context) = context else { return };
        let since = Instant::now();
        shared.control().context = Some(context.clone());
        let error = watch(shared, &context);
        shared.control().context = None;
        if shared.is_stopping() {
            return;
        }
        tracing::info!(%error, "the smart card service is gone");
        shared.look(Board::service_down);
        // A service that comes and goes at once must not keep us, or itself, busy.
        if since.elapsed() < SHORT_LIFE && wait.pause(SHORT_LIFE) {
            return;
        }
    }
}

fn establish() -> Attempt<Context> {
    match Context::establish(Scope::User) {
        Ok(context) => Attempt::Found(context),
        Err(error) => {
            tracing::debug!(%error, "the smart card service does not answer");
            if cause(error) == ReaderError::NoService { Attempt::Absent } else { Attempt::Unwilling }
        }
    }
}

/// Watches one service until it fails or the watch is stopped.
fn watch(shared: &Shared, context: &Context) -> Error {
    let mut states = Vec::new();
    let mut list_again_after = FIRST_LIST_AGAIN_AFTER;
    loop {
        if shared.is_stopping() {
            return Error::Cancelled;
        }
        let list_changed = match follow_list(context, &mut states) {
            Ok(changed) => changed,
            Err(error) => return error,
        };
        let held = states.iter().any(|state| state.event_state().contains(State::EXCLUSIVE));
        let patience = match (list_changed, held) {
            (true, _) => Duration::ZERO,
            (false, true) => list_again_after.min(LOOK_AGAIN_WHILE_HELD),
            (false, false) => list_again_after,
        };
        match context.get_status_change(patience, &mut states) {
            // A reader went between the list and the wait: the next list lacks it.
            Err(Error::UnknownReader) => continue,
            Err(Error::Timeout) if !list_changed => {
                list_again_after = list_again_after.saturating_mul(4).min(LAST_LIST_AGAIN_AFTER);
                continue;
            }
            Ok(()) | Err(Error::Timeout) => {}
            Err(error) => return error,
        }
        match settled(shared, context, &mut states) {
            Ok(observations) => shared.look(|board| board.observe(observations)),
            Err(Error::UnknownReader) => continue,
            Err(error) => return error,
        }
        states.iter_mut().for_each(ReaderState::sync_current_state);
        list_again_after = FIRST_LIST_AGAIN_AFTER;
    }
}

/// Watches the readers that are listed now, as if for the first time if the list has changed; whether it has.
fn follow_list(context: &Context, states: &mut Vec<ReaderState>) -> Result<bool, Error> {
    // Asking for the length first would fail if a reader came in between.
    let mut buffer = [0; NAMES_BUFFER];
    let mut names: Vec<CString> = match context.list_readers(&mut buffer) {
        Ok(names) => names.map(CStr::to_owned).collect(),
        Err(Error::NoReadersAvailable) => Vec::new(),
        Err(error) => return Err(error),
    };
    names.truncate(MAX_WATCHED);
    // With as many as can be watched there is no place for news of further ones, nor in the service for these.
    if names.len() < MAX_WATCHED {
        names.push(PNP_NOTIFICATION().to_owned());
    }
    let same = names.iter().map(CString::as_c_str).eq(states.iter().map(ReaderState::name));
    if !same {
        *states = names.into_iter().map(|name| ReaderState::new(name, State::UNAWARE)).collect();
    }
    Ok(!same)
}

/// What the service shows, once it does not contradict itself.
fn settled(shared: &Shared, context: &Context, states: &mut [ReaderState]) -> Result<Vec<Observation>, Error> {
    let mut observations = observed(states);
    for _ in 0..LOOKS_UNTIL_SETTLED {
        if !shared.board().is_torn(&observations) {
            break;
        }
        std::thread::sleep(SETTLES_WITHIN);
        // What was seen in between is still unknown to the states, so this returns at once.
        match context.get_status_change(Duration::ZERO, states) {
            Ok(()) | Err(Error::Timeout) => observations = observed(states),
            Err(error) => return Err(error),
        }
    }
    Ok(observations)
}

fn observed(states: &[ReaderState]) -> Vec<Observation> {
    let readers = states.iter().filter(|state| state.name() != PNP_NOTIFICATION());
    readers
        .filter(|state| !state.event_state().contains(State::UNKNOWN))
        .filter_map(|state| {
            let name = ReaderName::from_service(state.name()).ok()?;
            Some(Observation { name, card: card_in(state), count: count_of(state) })
        })
        .collect()
}

fn card_in(state: &ReaderState) -> ObservedCard {
    let shown = state.event_state();
    if !shown.contains(State::PRESENT) {
        return ObservedCard::Absent;
    }
    match Atr::new(state.atr()) {
        Some(atr) if !shown.contains(State::MUTE) && shown.contains(State::EXCLUSIVE) => {
            ObservedCard::InUseExclusively(atr)
        }
        Some(atr) if !shown.contains(State::MUTE) => ObservedCard::Present(atr),
        _ => ObservedCard::Mute,
    }
}

/// How many insertions and removals the service has counted in that reader, modulo 65,536.
pub(super) fn count_of(state: &ReaderState) -> u16 {
    u16::try_from(state.event_count()).unwrap_or_default()
}

/// The service tells of every change in the wait for changes, with two exceptions: in pcsc-lite before 2.3 a reader that
/// comes between a list and the wait; and, since the client library of pcsc-lite before 2.0.1 keeps one copy of all states
/// for all threads of a process, a change that another thread's older copy hides. Readers come in groups, so the list is
/// made again soon after a change, and then less and less often.
const FIRST_LIST_AGAIN_AFTER: Duration = Duration::from_millis(100);
const LAST_LIST_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// The service tells most times, but not always, when a program gives back a card that it held exclusively.
const LOOK_AGAIN_WHILE_HELD: Duration = Duration::from_secs(1);
/// Octets for the names of all readers: 16 of up to 128 in pcsc-lite, some more elsewhere.
const NAMES_BUFFER: usize = 8192;
/// How many names the service takes in one wait.
const MAX_WATCHED: usize = 16;
/// A service that lives shorter than this is not followed at once by the next attempt.
const SHORT_LIFE: Duration = Duration::from_secs(1);
/// How often, and how far apart, to look again at a change that the service has half made.
const LOOKS_UNTIL_SETTLED: usize = 10;
const SETTLES_WITHIN: Duration = Duration::from_millis(5);
