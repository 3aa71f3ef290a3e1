//! One guest: from the browser's start to the last file that is deleted.

use std::os::unix::process::CommandExt;
use std::process::Child;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use latchkey_agent::{Cancellation, Failure, ReaderEvent, Report, Request};
use latchkey_crypto::assertion::Origin;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::watch;

use super::profile::Profile;
use super::{GuestFailure, GuestPhase, GuestState, GuestSurroundings};

/// Why a guest's session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// A card was taken out, or nobody can tell any more.
    CardRemoved,
    /// The browser is closed; `well` unless it said otherwise.
    BrowserClosed { well: bool },
    /// Somebody wanted it.
    Wanted,
}

/// One guest.
pub(super) struct Session {
    surroundings: GuestSurroundings,
    portal: Origin,
    state: Arc<watch::Sender<GuestState>>,
    end: Cancellation,
}

impl Session {
    pub(super) const fn new(
        surroundings: GuestSurroundings,
        portal: Origin,
        state: Arc<watch::Sender<GuestState>>,
        end: Cancellation,
    ) -> Self {
        Self { surroundings, portal, state, end }
    }

    /// Opens the portal, waits for the end, and deletes everything.
    pub(super) fn run(self) {
        self.surroundings.settings.begin_guest();
        let result = Profile::make(&self.surroundings.folder).and_then(|profile| {
            let shown = self.show(&profile);
            self.change(|state| state.phase = GuestPhase::Clearing);
            profile.clear().and(shown)
        });
        self.surroundings.settings.end_guest();
        if let Err(failure) = &result {
            tracing::warn!(%failure, "the guest's session did not go as it should");
        }
        self.state.send_replace(GuestState { failure: result.err(), ..GuestState::default() });
    }

    /// Shows the portal until the session ends. The browser has been told to close, or has, when this returns.
    fn show(&self, profile: &Profile) -> Result<(), GuestFailure> {
        let not_started = |error: std::io::Error| GuestFailure::BrowserNotStarted { reason: error.to_string() };
        let browser = self.surroundings.browser.as_ref().ok_or(GuestFailure::NoBrowser)?;
        browser.prepare(profile.path(), &self.portal).map_err(not_started)?;
        let (tell, endings) = mpsc::channel();
        // Watched before the browser is there: no removal is missed.
        let watching = self.watch_cards(tell.clone());
        let taken_back = tell.clone();
        self.end.on_cancel(move || tell_ending(&taken_back, Ending::Wanted));
        let mut command = browser.command(profile.path(), &self.portal);
        // Its own group, so that its helpers end with it.
        let browser = command.process_group(0).spawn().map_err(not_started)?;
        let group = Pid::from_child(&browser);
        let started = Instant::now();
        let waiting = wait_beside(browser, tell).map_err(not_started)?;
        self.change(|state| state.phase = GuestPhase::Open);

        let ending = endings.recv().unwrap_or(Ending::Wanted);
        tracing::info!(?ending, "the guest's session ends");
        watching.cancel();
        self.change(|state| state.phase = GuestPhase::Clearing);
        // The page learns of the removal from the local service and ends its session; whoever closes the browser, or
        // wants the end, does not wait for that.
        let ending = match ending {
            Ending::CardRemoved => next_ending(&endings, self.surroundings.grace, Ending::CardRemoved),
            other => other,
        };
        if !matches!(ending, Ending::BrowserClosed { .. }) {
            // It may be gone already.
            kill_process_group(group, Signal::TERM).ok();
            while !matches!(next_ending(&endings, CLOSING_TIME, CLOSED), CLOSED | Ending::BrowserClosed { .. }) {}
            kill_process_group(group, Signal::KILL).ok();
        }
        waiting.join().ok();
        if ending == (Ending::BrowserClosed { well: false }) && started.elapsed() < STARTING_TIME {
            return Err(not_started(std::io::Error::other("it ended at once")));
        }
        Ok(())
    }

    /// Tells when a card leaves a reader. To be cancelled.
    fn watch_cards(&self, tell: mpsc::Sender<Ending>) -> Cancellation {
        let events = self.surroundings.agent.send(Request::WatchReaders);
        let watching = events.cancellation();
        let unwatched = tell.clone();
        let watch = move || {
            let mut card_is_there = false;
            loop {
                match events.next() {
                    Report::Readers(ReaderEvent::CardInserted { .. }) => card_is_there = true,
                    Report::Readers(ReaderEvent::CardRemoved { .. } | ReaderEvent::ReaderVanished(_)) => break,
                    // The card went with the service: it may be taken out unseen.
                    Report::Readers(ReaderEvent::ServiceDown) if card_is_there => break,
                    // The agent died, and with it whoever would tell.
                    Report::Finished(Err(Failure::AgentStopped)) => break,
                    // Taken back, or there never was anybody who could use a card.
                    Report::Finished(_) => return,
                    _ => {}
                }
            }
            tell_ending(&tell, Ending::CardRemoved);
        };
        if let Err(error) = thread::Builder::new().name("guest's card".into()).spawn(watch) {
            tracing::error!(%error, "nobody watches the card");
            tell_ending(&unwatched, Ending::CardRemoved);
        }
        watching
    }

    fn change(&self, change: impl FnOnce(&mut GuestState)) {
        self.state.send_modify(change);
    }
}

/// How long a browser has to close by itself.
const CLOSING_TIME: Duration = Duration::from_secs(3);
/// A browser that fails within this time has not started.
const STARTING_TIME: Duration = Duration::from_secs(5);
const CLOSED: Ending = Ending::BrowserClosed { well: true };

fn wait_beside(mut browser: Child, tell: mpsc::Sender<Ending>) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("guest's browser".into()).spawn(move || {
        let well = browser.wait().is_ok_and(|status| status.success());
        tell_ending(&tell, Ending::BrowserClosed { well });
    })
}

/// The next reason to end that is not another card's removal; `otherwise` if there is none in that time.
fn next_ending(endings: &mpsc::Receiver<Ending>, time: Duration, otherwise: Ending) -> Ending {
    let deadline = Instant::now() + time;
    loop {
        match endings.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Ending::CardRemoved) => {}
            Ok(ending) => return ending,
            Err(_) => return otherwise,
        }
    }
}

fn tell_ending(tell: &mpsc::Sender<Ending>, ending: Ending) {
    // The session may be over.
    tell.send(ending).ok();
}
