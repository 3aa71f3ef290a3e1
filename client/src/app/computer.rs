//! The program as it runs on a person's computer: with the real card service, the real network and the real clock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use latchkey_agent::wire::{AgentProcess, AgentProgram, Appearance};
use time::OffsetDateTime;

use super::{App, Parts};
use crate::desk::Desk;
use crate::settings::{Autostart, Managed, Places, SettingsFailure, SettingsStore};
use crate::texts::{Language, system_language};

/// What the program is told when it starts.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The administrator's file, where it is not the system's.
    pub managed: Option<PathBuf>,
    /// The language of this run, whatever is set.
    pub language: Option<Language>,
    /// Tells the time.
    pub clock: fn() -> OffsetDateTime,
}

impl App {
    /// Begins, on the Tokio runtime that the caller is in, with the agent's program that was installed with this one.
    ///
    /// # Errors
    /// [`SettingsFailure`] if the administrator's settings cannot be used: they may forbid something.
    pub async fn of_this_computer(surroundings: Surroundings) -> Result<Self, SettingsFailure> {
        let Surroundings { managed, language, clock } = surroundings;
        let settings = Arc::new(settings(managed.as_deref(), clock)?);
        if let Err(error) = settings.keep_autostart() {
            tracing::warn!(%error, "the program may not start with the session");
        }
        let agent = Arc::new(AgentProcess::new(AgentProgram::installed(), Appearance::default()));
        let desk = Desk::open(agent.clone(), settings.clone());
        let dressed = Arc::clone(&agent);
        Ok(Self::start(Parts {
            agent,
            desk,
            settings,
            dress_agent: Box::new(move |appearance| dressed.set_appearance(appearance)),
            language_of_run: language,
            system_language: system_language(),
            clock: Box::new(clock),
        }))
    }
}

fn settings(managed: Option<&Path>, clock: fn() -> OffsetDateTime) -> Result<SettingsStore, SettingsFailure> {
    let managed = managed.map_or_else(Managed::of_this_computer, Managed::of_file)?;
    let places = Places::of_this_process();
    // Without a home there is no file, and nothing can be changed.
    let file = places.as_ref().map(Places::settings_file).unwrap_or_default();
    let store = SettingsStore::new(file, Arc::new(managed), clock);
    Ok(match (places, std::env::current_exe()) {
        (Some(places), Ok(program)) => store.with_autostart(Autostart::new(places.autostart_folder(), program)),
        _ => store,
    })
}
