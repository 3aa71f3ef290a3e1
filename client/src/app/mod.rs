//! The program behind the window, without a window: what it shows, and what the holder can do in it. Whoever shows it
//! hands on [`App::changes`], carries out [`App::wishes`], and calls a method for what the holder does.

mod card;
mod computer;
mod contents;
mod doctor;
mod documents;
mod history;
mod readers;
mod requests;
mod rest;
mod settings;
pub mod snapshot;
mod state;
mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use latchkey_agent::wire::Appearance;
use latchkey_agent::{CardAgent, ReaderName};
use latchkey_crypto::assertion::Origin;
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::watch;

pub use computer::Start;
pub use rest::{Left, REST};
pub use window::{RESULT_STAYS, WindowWish};

use crate::desk::{Desk, DeskView, RequestNumber};
use crate::doctor::Surroundings;
use crate::guest::{Guest, GuestPhase, GuestState};
use crate::history::History;
use crate::portal::Access;
use crate::service::{Service, ServiceFailure};
use crate::settings::SettingsStore;
use crate::sign_in::browser::Opener;
use crate::sign_in::link::{FollowedLink, Link};
use crate::texts::{self, Language};
use crate::update::{UpdateCheck, Version};
use crate::wording::Told;
use readers::Watch;
use snapshot::{CardTaskName, SettingChange, Snapshot};
use state::State;
use window::{Closing, Window};

/// What the program behind the window works with.
pub struct Parts {
    /// Who may touch a card.
    pub agent: Arc<dyn CardAgent>,
    /// Where requests of portals meet the holder.
    pub desk: Desk,
    /// What the holder and his administrator have set.
    pub settings: Arc<SettingsStore>,
    /// Guest mode.
    pub guest: Arc<Guest>,
    /// Where sign-ins are remembered, if the holder wants that; `None` without a place for it.
    pub history: Option<History>,
    /// Asks for newer versions, if somebody has set where.
    pub update: Option<UpdateCheck>,
    /// The service that pages call, or why they cannot.
    pub service: Result<Service, ServiceFailure>,
    /// What diagnosis looks at, by the settings of that moment.
    pub computer: Box<dyn Fn() -> Arc<dyn Surroundings> + Send + Sync>,
    /// Where sign-ins by link end.
    pub browser: Arc<dyn Opener>,
    /// Says how the agent's window looks from now on.
    pub dress_agent: Box<dyn Fn(Appearance) + Send + Sync>,
    /// Ends the agent's process unless something is asked of it, and says whether there is none.
    pub release_agent: Box<dyn Fn() -> bool + Send + Sync>,
    /// The language of this run, whatever is set.
    pub language_of_run: Option<Language>,
    /// The language that the system says.
    pub system_language: Language,
    /// Tells the time.
    pub clock: Box<dyn Fn() -> OffsetDateTime + Send + Sync>,
}

/// The program behind the window. Clones are the same program.
#[derive(Clone)]
pub struct App {
    shared: Arc<Shared>,
}

struct Shared {
    agent: Arc<dyn CardAgent>,
    desk: Desk,
    around: Around,
    computer: Box<dyn Fn() -> Arc<dyn Surroundings> + Send + Sync>,
    browser: Arc<dyn Opener>,
    dress_agent: Box<dyn Fn(Appearance) + Send + Sync>,
    release_agent: Box<dyn Fn() -> bool + Send + Sync>,
    language_of_run: Option<Language>,
    system_language: Language,
    runtime: Handle,
    state: Mutex<State>,
    watch: Mutex<Option<Watch>>,
    service: Mutex<Option<Service>>,
    shown: watch::Sender<Arc<Snapshot>>,
    wishes: watch::Sender<WindowWish>,
    may_rest: watch::Sender<bool>,
}

/// What a snapshot is made of beside the state.
struct Around {
    settings: Arc<SettingsStore>,
    guest: Arc<Guest>,
    history: Option<History>,
    service_failure: Option<ServiceFailure>,
    clock: Box<dyn Fn() -> OffsetDateTime + Send + Sync>,
}

impl App {
    /// Begins, on the Tokio runtime that the caller is in. No window is shown yet.
    #[must_use]
    pub fn start(parts: Parts) -> Self {
        let Parts { agent, desk, settings, guest, history, update, service, computer, browser, .. } = parts;
        let Parts { dress_agent, release_agent, language_of_run, system_language, clock, .. } = parts;
        let language = language_of_run.or(settings.settings().language).unwrap_or(system_language);
        let (service, service_failure) = match service {
            Ok(service) => (Some(service), None),
            Err(failure) => (None, Some(failure)),
        };
        let around = Around { settings, guest, history, service_failure, clock };
        let state = State::new(texts::texts(language));
        let shared = Arc::new(Shared {
            agent,
            desk,
            computer,
            browser,
            dress_agent,
            release_agent,
            language_of_run,
            system_language,
            runtime: Handle::current(),
            watch: Mutex::default(),
            service: Mutex::new(service),
            shown: watch::channel(Arc::new(state.snapshot(&around))).0,
            wishes: watch::Sender::default(),
            may_rest: watch::Sender::default(),
            state: Mutex::new(state),
            around,
        });
        (shared.dress_agent)(settings::appearance(&shared));
        shared.runtime.spawn(attend_desk(shared.desk.changes(), Arc::downgrade(&shared)));
        shared.runtime.spawn(attend_guest(shared.around.guest.state(), Arc::downgrade(&shared)));
        if let Some(check) = update {
            shared.runtime.spawn(ask_for_update(check, Arc::downgrade(&shared)));
        }
        Self { shared }
    }

    /// What the window shows now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.shown.borrow().clone()
    }

    /// What the window shows, now and after every change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.shared.shown.subscribe()
    }

    /// What is wanted of the window.
    #[must_use]
    pub fn wishes(&self) -> watch::Receiver<WindowWish> {
        self.shared.wishes.subscribe()
    }

    /// The holder started the program, or chose its window in the tray.
    pub fn show_window(&self) {
        self.shared.change(|state| state.window.is_wanted_by_holder());
        self.shared.want_window();
    }

    /// The window is there. Readers are watched as long as it is.
    pub fn window_opened(&self) {
        let was_closed = self.shared.change(|state| {
            state.had_window = true;
            state.window.opened()
        });
        if was_closed {
            *self.shared.watch() = Some(readers::watch(&self.shared));
            self.shared.consider_closing();
            history::read(&self.shared);
        }
    }

    /// The window is gone: what was read from the card is forgotten, what was being done with it taken back, and every
    /// request ended, since nobody sees it any more.
    pub fn window_closed(&self) {
        *self.shared.watch() = None;
        let requests = self.shared.change(|state| {
            state.window = Window::default();
            state.card.forget();
            state.documents.forget();
            state.remembered.forget();
            state.requests.numbers()
        });
        for request in requests {
            self.shared.desk.end(request);
        }
    }

    /// The program is about to end: requests end, and with them what the card is doing.
    pub fn stop(&self) {
        *self.shared.watch() = None;
        *self.shared.service.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.shared.change(|state| {
            state.card.forget();
            state.documents.forget();
        });
        self.shared.desk.stop();
        self.shared.around.guest.end();
    }

    /// Waits until no window was there for so long, after there had been one, and the program was not needed for anything
    /// meanwhile.
    pub async fn rested(&self, rest: Duration) {
        rest::rested(&self.shared, rest).await;
    }

    /// Lets go of card and sockets if the program is not needed now, and nobody is connected; then it has to start anew.
    /// `None`: everything is as it was. To be waited for to the end.
    pub async fn leave(&self) -> Option<Left> {
        rest::leave(&self.shared).await
    }

    /// The holder wants the window to stay.
    pub fn keep_open(&self) {
        self.shared.change(|state| state.window.is_used_by_holder());
    }

    /// The holder's yes to a request.
    pub fn agree(&self, request: u64) {
        self.shared.desk.agree(RequestNumber(request));
    }

    /// The holder keeps, or leaves out, the optional line at that place of what a terminal is let read.
    pub fn keep(&self, request: u64, place: usize, kept: bool) {
        let at_desk = self.shared.desk.changes().borrow().clone();
        let asked = at_desk.requests.iter().find(|asked| asked.id == RequestNumber(request));
        if let Some(disclosure) = asked.and_then(|asked| asked.disclosure.as_ref()) {
            self.shared.desk.narrow(RequestNumber(request), disclosure.with_choice(place, kept));
        }
    }

    /// The holder's no to a request.
    pub fn refuse(&self, request: u64) {
        let request = RequestNumber(request);
        self.shared.change(|state| state.remembered.refused(request));
        self.shared.desk.refuse(request);
    }

    /// The holder takes a request off the list.
    pub fn end(&self, request: u64) {
        self.shared.desk.end(RequestNumber(request));
    }

    /// The holder tries a request again that failed.
    pub fn retry(&self, request: u64) {
        self.shared.desk.retry(RequestNumber(request));
    }

    /// The holder wants more time for a request.
    pub fn more_time(&self, request: u64) {
        self.shared.desk.more_time(RequestNumber(request));
    }

    /// The holder says which of several cards he means: for a request, or for what he does with his own card.
    pub fn choose_reader(&self, request: Option<u64>, reader: &str) {
        match request {
            None => card::choose_reader(&self.shared, reader),
            Some(request) => match ReaderName::parse(reader) {
                Ok(reader) => self.shared.desk.choose_reader(RequestNumber(request), reader),
                Err(error) => tracing::warn!(%error, "a reader was chosen that cannot be there"),
            },
        }
    }

    /// The holder wants something of his own card.
    pub fn card(&self, task: CardTaskName) {
        self.shared.change(|state| state.window.is_used_by_holder());
        card::begin(&self.shared, task);
    }

    /// The holder takes that back, or puts away what it came to.
    pub fn cancel_card(&self) {
        self.shared.change(|state| state.card.cancel());
    }

    /// Files that the holder chose in the system's dialog, or dropped on the window: never what its page names.
    pub fn add_documents(&self, paths: Vec<std::path::PathBuf>) {
        self.shared.change(|state| {
            state.window.is_used_by_holder();
            state.documents.add(paths);
        });
    }

    /// The holder takes the document of that number off the list.
    pub fn remove_document(&self, number: usize) {
        self.shared.change(|state| state.documents.remove(number));
    }

    /// The holder says whether the signed files hold the documents.
    pub fn place_documents(&self, attached: bool) {
        self.shared.change(|state| state.documents.place(attached));
    }

    /// The holder wants the documents signed.
    pub fn sign_documents(&self) {
        self.shared.change(|state| state.window.is_used_by_holder());
        documents::sign(&self.shared);
    }

    /// The holder says in which reader the card is that signs the documents.
    pub fn choose_reader_for_documents(&self, reader: &str) {
        documents::choose_reader(&self.shared, reader);
    }

    /// The holder takes that back, or puts away what it came to.
    pub fn cancel_documents(&self) {
        self.shared.change(|state| state.documents.cancel());
    }

    /// The folder with the signature of that number, to be shown.
    #[must_use]
    pub fn folder_of_signature(&self, number: usize) -> Option<std::path::PathBuf> {
        self.shared.state().documents.folder_of_signature(number)
    }

    /// The holder changes a setting. If that fails he is told in [`Snapshot::notice`].
    pub fn change(&self, change: SettingChange) {
        self.shared.change(|state| state.window.is_used_by_holder());
        settings::change(&self.shared, change);
        history::read(&self.shared);
    }

    /// The holder wants the sign-ins forgotten that are remembered.
    pub fn delete_history(&self) {
        history::delete(&self.shared);
    }

    /// The holder followed a link. One that is none, or finds no place, is told in [`Snapshot::notice`].
    pub fn follow(&self, link: &str) {
        let link = match Link::parse(link) {
            Ok(link) => link,
            Err(failure) => return self.follow_failed(failure),
        };
        let access = Access::of(&self.shared.around.settings);
        let browser = Arc::clone(&self.shared.browser);
        let followed = FollowedLink::new(link, access, settings::language(&self.shared), browser);
        if let Err(failure) = self.shared.desk.follow(Box::new(followed)) {
            self.follow_failed(failure);
        }
    }

    fn follow_failed(&self, failure: impl Told + Send + Sync + 'static) {
        self.shared.change(|state| state.notice = Some(Arc::new(failure)));
        self.show_window();
    }

    /// The holder wants the cause found; at a portal too, if it is that of a request at the desk.
    pub fn diagnose(&self, portal: Option<&str>) {
        let is_asking = |portal: &&str| self.snapshot().requests.iter().any(|request| request.origin == *portal);
        let portal = portal.filter(is_asking).and_then(|portal| Origin::parse(portal).ok());
        self.shared.change(|state| state.window.is_used_by_holder());
        doctor::begin(&self.shared, portal);
    }

    /// Opens one of the administrator's portals for a guest.
    pub fn start_guest(&self, portal: &str) {
        let Around { settings, guest, .. } = &self.shared.around;
        let Some(portal) = settings.managed().guest().portals.iter().find(|known| known.as_str() == portal) else {
            return tracing::warn!("a portal was chosen that is not for guests");
        };
        self.shared.change(|state| state.window.is_used_by_holder());
        if let Err(failure) = guest.open(portal) {
            self.shared.change(|state| state.notice = Some(Arc::new(failure)));
        }
    }

    /// Ends the guest's session.
    pub fn end_guest(&self) {
        self.shared.around.guest.end();
    }

    /// The holder has read the notice.
    pub fn put_notice_away(&self) {
        self.shared.change(|state| state.notice = None);
    }
}

impl Shared {
    /// Changes what is known, and shows it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let result = change(&mut state);
        let snapshot = state.snapshot(&self.around);
        let may_rest = state.may_rest(&self.around);
        self.may_rest.send_if_modified(|before| std::mem::replace(before, may_rest) != may_rest);
        // Under the lock: snapshots are shown in the order in which they were true.
        self.shown.send_if_modified(|before| {
            let changed = **before != snapshot;
            if changed {
                *before = Arc::new(snapshot);
            }
            changed
        });
        result
    }

    /// A window that was opened for requests goes when they are gone, and a little later when they are done.
    fn consider_closing(self: &Arc<Self>) {
        let begun = self.change(|state| {
            let Window::OfRequest { closing } = &mut state.window else { return None };
            if state.requests.are_none() {
                self.want_no_window();
                return None;
            }
            let was_closing = closing.take();
            if !state.requests.are_all_done() {
                return None;
            }
            let newest = state.requests.newest();
            *closing = was_closing.filter(|closing| closing.after == newest).or(Some(Closing { after: newest }));
            (was_closing != *closing).then_some(*closing).flatten()
        });
        if let Some(closing) = begun {
            let shared = Arc::clone(self);
            self.runtime.spawn(async move {
                tokio::time::sleep(RESULT_STAYS).await;
                let is_over = shared.state().window == Window::OfRequest { closing: Some(closing) };
                if is_over {
                    shared.want_no_window();
                }
            });
        }
    }

    fn want_window(&self) {
        self.wishes.send_modify(|wish| wish.shown = wish.shown.wrapping_add(1));
    }

    fn want_no_window(&self) {
        self.wishes.send_modify(|wish| wish.gone = wish.gone.wrapping_add(1));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) -> MutexGuard<'_, Option<Watch>> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows what the desk shows. A request that comes wants a window.
async fn attend_desk(mut changes: watch::Receiver<Arc<DeskView>>, shared: Weak<Shared>) {
    while changes.changed().await.is_ok() {
        let Some(shared) = shared.upgrade() else { return };
        let at_desk = changes.borrow_and_update().clone();
        history::attend(&shared, &at_desk);
        if shared.change(|state| state.requests.update(at_desk)) {
            shared.want_window();
        }
        shared.consider_closing();
    }
}

/// Shows how far guest mode is. Nothing is remembered of guests.
async fn attend_guest(mut changes: watch::Receiver<GuestState>, shared: Weak<Shared>) {
    while changes.changed().await.is_ok() {
        let Some(shared) = shared.upgrade() else { return };
        let is_on = changes.borrow_and_update().phase != GuestPhase::Off;
        match &shared.around.history {
            Some(history) if is_on => history.begin_guest(),
            Some(history) => history.end_guest(),
            None => {}
        }
        shared.change(|_| ());
    }
}

/// Shows what is known of newer versions, and asks if the last answer is a day old.
async fn ask_for_update(check: UpdateCheck, shared: Weak<Shared>) {
    let show = |newer: Option<Version>| {
        if let Some(shared) = shared.upgrade() {
            shared.change(|state| state.newer = newer);
        }
    };
    show(check.known());
    let Some(now) = shared.upgrade().map(|shared| (shared.around.clock)()) else { return };
    if check.is_due(now) {
        let _errand = shared.upgrade().map(|shared| shared.errand());
        match check.ask(now).await {
            Ok(newer) => show(newer),
            Err(failure) => tracing::info!(code = failure.code(), "nobody knows whether there is a newer version"),
        }
    }
}
