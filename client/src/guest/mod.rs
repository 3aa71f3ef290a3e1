//! Guest mode for public computers: the portal opens in a browser profile of its own that is deleted afterwards. When the
//! card is taken out, the page is told so that it ends its session; a moment later the browser is closed and everything
//! that it wrote is gone, whatever the page did.

mod browser;
mod failure;
mod profile;
mod session;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkey_agent::{Cancellation, CardAgent};
use latchkey_crypto::assertion::Origin;
use tokio::sync::watch;

pub use browser::GuestBrowser;
pub use failure::GuestFailure;
pub use profile::clear_leftovers;

use crate::doctor::{Plan, browsers_in};
use crate::service::GuestMode;
use crate::settings::{Places, SettingsStore};
use session::Session;

/// What guest mode works with.
#[derive(Clone)]
pub struct GuestSurroundings {
    /// Where profiles are made: a folder of the user's own, best one that is gone with the session.
    pub folder: PathBuf,
    /// The browser, if there is one that can be used.
    pub browser: Option<GuestBrowser>,
    /// How long the browser stays open after the card was removed, so that the page can end its session.
    pub grace: Duration,
    /// Tells when a card is removed.
    pub agent: Arc<dyn CardAgent>,
    /// Where sites are remembered: not for guests.
    pub settings: Arc<SettingsStore>,
}

impl GuestSurroundings {
    /// Where window and command line make profiles, so that each clears up what the other had to leave. Without a home it
    /// is a folder of this user's among everybody's.
    #[must_use]
    pub fn folder_in(places: Option<&Places>) -> PathBuf {
        let of_user = || std::env::temp_dir().join(format!("latchkey-guest-{}", rustix::process::geteuid().as_raw()));
        places.map_or_else(of_user, |places| places.runtime_folder().join("guest"))
    }

    /// The usual ones: the administrator's browser or the first that can be used, below the holder's own folders.
    #[must_use]
    pub fn usual(places: &Places, agent: Arc<dyn CardAgent>, settings: Arc<SettingsStore>) -> Self {
        let defaults = settings.managed().guest().clone();
        let first =
            || GuestBrowser::first_of(&browsers_in(&Plan::of_variables(|name| std::env::var_os(name)).program_folders));
        Self {
            folder: Self::folder_in(Some(places)),
            browser: defaults.browser.map(GuestBrowser::at).or_else(first),
            grace: defaults.grace,
            agent,
            settings,
        }
    }
}

/// How far guest mode is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestState {
    /// The portal that is open.
    pub portal: Option<Origin>,
    /// How far it is.
    pub phase: GuestPhase,
    /// Why it did not begin, or what could not be deleted.
    pub failure: Option<GuestFailure>,
}

/// How far guest mode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GuestPhase {
    /// There is no guest.
    #[default]
    Off,
    /// The browser is being started.
    Opening,
    /// A guest uses the portal.
    Open,
    /// What the guest left is being deleted.
    Clearing,
}

/// Guest mode. Dropped, it ends the guest's session at once.
pub struct Guest {
    surroundings: GuestSurroundings,
    state: Arc<watch::Sender<GuestState>>,
    end: Mutex<Cancellation>,
}

impl Guest {
    /// Nobody is here. What a guest left when the program was killed is deleted now.
    #[must_use]
    pub fn new(surroundings: GuestSurroundings) -> Self {
        let failure = clear_leftovers(&surroundings.folder).err();
        let state = GuestState { failure, ..GuestState::default() };
        Self { surroundings, state: Arc::new(watch::channel(state).0), end: Mutex::default() }
    }

    /// How far it is, now and from now on.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<GuestState> {
        self.state.subscribe()
    }

    /// Whether a guest uses this computer, or what he left is being deleted.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.state.borrow().phase != GuestPhase::Off
    }

    /// Opens the portal for a guest. Returns at once; what becomes of it is told by [`Guest::state`].
    ///
    /// # Errors
    /// [`GuestFailure::Busy`] while another guest is here.
    pub fn open(&self, portal: &Origin) -> Result<(), GuestFailure> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = self.state.send_if_modified(|state| {
            let is_free = state.phase == GuestPhase::Off;
            if is_free {
                *state = GuestState { portal: Some(portal.clone()), phase: GuestPhase::Opening, failure: None };
            }
            is_free
        });
        if !is_free {
            return Err(GuestFailure::Busy);
        }
        *end = Cancellation::default();
        let session = Session::new(self.surroundings.clone(), portal.clone(), Arc::clone(&self.state), end.clone());
        std::thread::Builder::new().name("guest".into()).spawn(move || session.run()).map(|_| ()).map_err(|error| {
            let failure = GuestFailure::BrowserNotStarted { reason: error.to_string() };
            self.state.send_replace(GuestState { failure: Some(failure.clone()), ..GuestState::default() });
            failure
        })
    }

    /// Ends the guest's session: the browser is closed and everything deleted.
    pub fn end(&self) {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }
}

impl GuestMode for Guest {
    fn is_on(&self) -> bool {
        Self::is_on(self)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.end();
    }
}
