//! The agent's own small window, as a person deals with it through an assistive tool.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{AssistiveTool, Perceived, Wanted};

/// The program's name on the accessibility bus.
pub const AGENT: &str = "latchkey-agent";

/// The question that the agent is asking.
#[derive(Debug)]
pub struct AgentWindow<'a> {
    tool: &'a mut AssistiveTool,
}

impl<'a> AgentWindow<'a> {
    /// Waits until the agent asks something.
    ///
    /// # Errors
    /// If it does not.
    pub fn wait(tool: &'a mut AssistiveTool) -> Result<Self> {
        tool.wait_for(Wanted { role: Some("dialog"), ..OF_AGENT })?;
        Ok(Self { tool })
    }

    /// Waits until it says these words somewhere.
    ///
    /// # Errors
    /// If it does not.
    pub fn says(&mut self, words: &str) -> Result<Perceived> {
        self.tool.wait_for(Wanted { contains: Some(words), ..OF_AGENT })
    }

    /// The field of that name.
    ///
    /// # Errors
    /// If it does not come.
    pub fn field(&mut self, name: &str) -> Result<Perceived> {
        self.tool.wait_for(Wanted { role: Some("password text"), contains: Some(name), ..OF_AGENT })
    }

    /// Enters digits into the field of that name.
    ///
    /// # Errors
    /// If it does not come, or takes none.
    pub fn enter(&mut self, name: &str, digits: &str) -> Result<()> {
        let field = self.field(name)?;
        self.tool.insert(&field, digits)
    }

    /// Presses the button of that name, as soon as it can be pressed.
    ///
    /// # Errors
    /// If it does not come.
    pub fn press(&mut self, name: &str) -> Result<()> {
        let states = &["sensitive", "showing"];
        self.tool.wait_and_press(Wanted { role: Some("push button"), name: Some(name), states, ..OF_AGENT })
    }

    /// Waits until nothing is asked any more.
    ///
    /// # Errors
    /// If the question stays.
    pub fn wait_until_gone(self) -> Result<()> {
        self.tool.wait_until_gone(Wanted { role: Some("dialog"), ..OF_AGENT })
    }
}

/// What the agent's window says in that language under that key of its texts.
///
/// # Errors
/// If there is no such text, or it has parts to fill in.
pub fn agent_says(language: &str, key: &str) -> Result<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src-tauri/agent/texts").join(format!("{language}.ftl"));
    let texts = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let text = texts.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
    text.map(str::to_owned).with_context(|| format!("{key} in {}", file.display()))
}

const OF_AGENT: Wanted<'static> =
    Wanted { application: Some(AGENT), role: None, name: None, contains: None, states: &[] };
