//! A stage for the desktop client: a screen of its own, a real browser, the real window, and what an assistive tool
//! perceives of it.
//!
//! Every part belongs to a [`Screen`], which owns display, buses, home folder and everything that was started on it, so
//! that stages can stand side by side.

mod agent_window;
mod assistive;
mod browser;
mod environment;
pub mod memory;
mod program;
mod scene;
mod screen;
mod site;
mod web_driver;

pub use agent_window::{AGENT, AgentWindow, agent_says};
pub use assistive::{AssistiveTool, Event, Key, Perceived, Place, Wanted};
pub use browser::{Answer, Browser, LoopbackPermission, Portals, arguments_without_profile};
pub use program::{Desktop, Window};
pub use scene::{Scene, SceneOrder, managed_settings};
pub use screen::{Screen, screenshots};
pub use site::{Answered, Asked, Site};
pub use web_driver::WebDriver;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anything on the stage may take. Generous: the machine may be building something else.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition is looked at that nobody announces.
const LOOK_AGAIN: Duration = Duration::from_millis(40);

/// Waits until `look` gives a value.
///
/// # Errors
/// If [`PATIENCE`] ends before, or `look` fails.
pub fn wait_until<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = look()? {
            return Ok(value);
        }
        if Instant::now() >= end {
            bail!("waited in vain for {what}");
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}
