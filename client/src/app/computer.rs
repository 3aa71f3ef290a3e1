//! The program as it runs on a person's computer: with the real card service, the real network and the real clock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use latchkey_agent::CardAgent;
use latchkey_agent::wire::{AgentProcess, AgentProgram, Appearance};
use time::OffsetDateTime;

use super::{App, Left, Parts};
use crate::desk::Desk;
use crate::doctor::{Plan, System, browsers_in};
use crate::guest::{Guest, GuestBrowser, GuestSurroundings};
use crate::history::{History, SecretService};
use crate::service::{self, CallersOfSystem, Listeners, Service};
use crate::settings::{Autostart, Managed, Places, SettingsFailure, SettingsStore};
use crate::sign_in::browser::SystemBrowser;
use crate::sign_in::status::Stapler;
use crate::texts::{Language, system_language};
use crate::update::UpdateCheck;

/// What the program is told when it starts.
#[derive(Debug)]
pub struct Start {
    /// The administrator's file, where it is not the system's.
    pub managed: Option<PathBuf>,
    /// The language of this run, whatever is set.
    pub language: Option<Language>,
    /// What the program left that this one is the same as.
    pub left: Option<Left>,
    /// Tells the time.
    pub clock: fn() -> OffsetDateTime,
}

impl App {
    /// Begins, on the Tokio runtime that the caller is in, with the agent's program that was installed with this one.
    ///
    /// # Errors
    /// [`SettingsFailure`] if the administrator's settings cannot be used: they may forbid something.
    pub async fn of_this_computer(start: Start) -> Result<Self, SettingsFailure> {
        let Start { managed, language, left, clock } = start;
        let places = Places::of_this_process();
        let settings = Arc::new(settings(places.as_ref(), managed.as_deref(), clock)?);
        if let Err(error) = settings.keep_autostart() {
            tracing::warn!(%error, "the program may not start with the session");
        }
        let agent = Arc::new(AgentProcess::new(AgentProgram::installed(), Appearance::default()));
        let desk = Desk::open(agent.clone(), settings.clone(), Stapler::of(&settings, clock));
        let plan = Plan::of_this_process(&settings);
        let guest = Arc::new(Guest::new(guest(&settings, &plan, agent.clone(), places.as_ref())));
        let at_desk = service::Surroundings {
            desk: desk.clone(),
            agent: agent.clone(),
            sites: settings.clone(),
            callers: Arc::new(CallersOfSystem),
            guest: guest.clone(),
            terminals: Arc::clone(settings.managed().terminals()),
            clock,
        };
        let Left { sockets, memory } = left.unwrap_or_default();
        let listeners = Listeners::of(sockets, plan.port).map_or_else(|| Listeners::bind(plan.port), Ok);
        let service = listeners.and_then(|listeners| Service::resume(listeners, memory, at_desk));
        if let Err(failure) = &service {
            tracing::error!(code = failure.code(), "pages cannot reach the program");
        }
        let state = places.as_ref().map(Places::state_folder);
        let update = state.as_deref().and_then(|folder| UpdateCheck::of(&settings, folder));
        let (dressed, released, asked, by_settings) = (agent.clone(), agent.clone(), agent.clone(), settings.clone());
        Ok(Self::start(Parts {
            computer: Box::new(move || {
                Arc::new(System::new(Plan::of_this_process(&by_settings), asked.clone(), clock))
            }),
            agent,
            desk,
            settings,
            guest,
            history: state.as_deref().map(|folder| History::new(folder, Arc::new(SecretService::of_session()))),
            update,
            service,
            browser: Arc::new(SystemBrowser),
            dress_agent: Box::new(move |appearance| dressed.set_appearance(appearance)),
            release_agent: Box::new(move || released.stop_if_idle()),
            language_of_run: language,
            system_language: system_language(),
            clock: Box::new(clock),
        }))
    }
}

/// What guest mode works with.
fn guest(
    settings: &Arc<SettingsStore>,
    plan: &Plan,
    agent: Arc<dyn CardAgent>,
    places: Option<&Places>,
) -> GuestSurroundings {
    let defaults = settings.managed().guest();
    let browser = match &defaults.browser {
        Some(program) => Some(GuestBrowser::at(program.clone())),
        None => GuestBrowser::first_of(&browsers_in(&plan.program_folders)),
    };
    GuestSurroundings {
        folder: GuestSurroundings::folder_in(places),
        browser,
        grace: defaults.grace,
        agent,
        settings: settings.clone(),
    }
}

fn settings(
    places: Option<&Places>,
    managed: Option<&Path>,
    clock: fn() -> OffsetDateTime,
) -> Result<SettingsStore, SettingsFailure> {
    let managed = managed.map_or_else(Managed::of_this_computer, Managed::of_file)?;
    // Without a home there is no file, and nothing can be changed.
    let file = places.map(Places::settings_file).unwrap_or_default();
    let store = SettingsStore::new(file, Arc::new(managed), clock);
    Ok(match (places, std::env::current_exe()) {
        (Some(places), Ok(program)) => store.with_autostart(Autostart::new(places.autostart_folder(), program)),
        _ => store,
    })
}
