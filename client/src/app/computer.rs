//! The program as it runs on a person's computer: with the real card service, the real network and the real clock.

use std::io;
use std::sync::Arc;

use latchkey_agent::wire::{AgentProcess, AgentProgram, Appearance};
use time::OffsetDateTime;

use super::{App, Parts};
use crate::desk::{Desk, SitesOfThisRun};
use crate::texts::Language;

/// What the program is told of its surroundings.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The language of this run.
    pub language: Language,
    /// Tells the time.
    pub clock: fn() -> OffsetDateTime,
}

impl App {
    /// Begins, on the Tokio runtime that the caller is in, with the agent's program that was installed with this one.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn of_this_computer(surroundings: Surroundings) -> io::Result<Self> {
        let Surroundings { language, clock } = surroundings;
        let appearance = Appearance { language: Some(language.code()), ..Appearance::default() };
        let agent = Arc::new(AgentProcess::new(AgentProgram::installed(), appearance));
        let desk = Desk::open(agent.clone(), Arc::new(SitesOfThisRun::new(clock)));
        Ok(Self::start(Parts { agent, desk, system_language: language, clock: Box::new(clock) }))
    }
}
