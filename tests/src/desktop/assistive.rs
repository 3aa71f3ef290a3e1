//! What a screen reader perceives of the windows, and what a person can do through one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PATIENCE, Screen};

/// A program that speaks on the accessibility bus of a screen, as a screen reader does.
#[derive(Debug)]
pub struct AssistiveTool {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// Which element is wanted. What is `None` does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Part of the program's name.
    pub application: Option<&'a str>,
    /// The role, as the accessibility bus calls it: "push button".
    pub role: Option<&'a str>,
    /// The whole name.
    pub name: Option<&'a str>,
    /// Part of name or text.
    pub contains: Option<&'a str>,
    /// States that it has to have: "focused".
    pub states: &'a [&'a str],
}

/// An element, as it is perceived.
#[derive(Clone, Debug, Deserialize)]
pub struct Perceived {
    /// How to speak of it; only of one that was waited for.
    element: Option<usize>,
    /// The program it belongs to.
    pub application: String,
    /// What it is: "push button".
    pub role: String,
    /// What it is called.
    pub name: String,
    /// What is said about it beside its name.
    pub description: String,
    /// The states it is in.
    pub states: Vec<String>,
    /// The names of what labels it.
    pub labels: Vec<String>,
    /// What is written in it.
    pub text: Option<String>,
    /// What can be done with it.
    pub actions: Vec<String>,
    /// Where it is on the screen.
    pub place: Option<Place>,
}

/// Where an element is on the screen, in points.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Place {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Extent to the right.
    pub width: i32,
    /// Extent downwards.
    pub height: i32,
}

/// Something that the tool was told without asking.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// What happened: "object:text-changed:insert".
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of the element.
    pub source: String,
    /// Role of the element.
    pub role: String,
    /// Words that came with it.
    pub data: Option<String>,
}

/// Keys, by their numbers in the X Window System.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// To the next element.
    Tab,
    /// Back to the one before.
    BackTab,
    /// Agree.
    Enter,
    /// Press a button.
    Space,
    /// Leave.
    Escape,
    /// Take the last character back.
    Backspace,
    /// Take the next character out.
    Delete,
    /// To the beginning.
    Home,
    /// A digit of the number pad.
    Pad(u8),
    /// A character of the basic Latin alphabet.
    Character(char),
    /// The same with Control held.
    Control(char),
}

/// Modifiers, by their numbers in the accessibility bus.
const SHIFT: u32 = 0;
const CONTROL: u32 = 2;

impl AssistiveTool {
    /// Starts it on that screen.
    ///
    /// # Errors
    /// If Debian's Python or its AT-SPI library is missing.
    pub fn start(screen: &Screen) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("atspi/assistive.py");
        // Debian's own Python is the one that has the library.
        let mut command = screen.command("/usr/bin/python3");
        // The library warns of names in itself that are old by now.
        command.args(["-W", "ignore::DeprecationWarning"]).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("python3 does not start")?;
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Self { child, commands, answers })
    }

    /// Waits for an element.
    ///
    /// # Errors
    /// If it does not come; the error lists what there is.
    pub fn wait_for(&mut self, wanted: Wanted<'_>) -> Result<Perceived> {
        Ok(serde_json::from_value(self.ask(wanted.command("wait"))?)?)
    }

    /// Waits until there is no such element.
    ///
    /// # Errors
    /// If it stays.
    pub fn wait_until_gone(&mut self, wanted: Wanted<'_>) -> Result<()> {
        self.ask(wanted.command("wait-until-gone")).map(drop)
    }

    /// All such elements that there are now.
    ///
    /// # Errors
    /// If the accessibility bus is gone.
    pub fn look(&mut self, wanted: Wanted<'_>) -> Result<Vec<Perceived>> {
        Ok(serde_json::from_value(self.ask(wanted.command("look"))?)?)
    }

    /// Presses a button, follows a link, ticks a box.
    ///
    /// # Errors
    /// If it cannot be.
    pub fn press(&mut self, element: &Perceived) -> Result<()> {
        self.ask(json!({ "do": "press", "element": element.element })).map(drop)
    }

    /// Waits for an element and presses it.
    ///
    /// # Errors
    /// If it does not come or cannot be pressed.
    pub fn wait_and_press(&mut self, wanted: Wanted<'_>) -> Result<()> {
        let element = self.wait_for(wanted)?;
        self.press(&element)
    }

    /// Enters text into an element, a character at a time.
    ///
    /// # Errors
    /// If it takes none.
    pub fn insert(&mut self, element: &Perceived, text: &str) -> Result<()> {
        self.ask(json!({ "do": "insert", "element": element.element, "text": text })).map(drop)
    }

    /// Gives an element the focus.
    ///
    /// # Errors
    /// If it takes none.
    pub fn focus(&mut self, element: &Perceived) -> Result<()> {
        self.ask(json!({ "do": "focus", "element": element.element })).map(drop)
    }

    /// Strikes a key, whoever has the focus.
    ///
    /// # Errors
    /// If the display is gone.
    pub fn strike(&mut self, key: Key) -> Result<()> {
        let holding: &[u32] = match key {
            Key::BackTab => &[SHIFT],
            Key::Control(_) => &[CONTROL],
            _ => &[],
        };
        let symbol = match key {
            Key::Pad(digit) => 0xFFB0 + u32::from(digit % 10),
            Key::Tab => 0xFF09,
            Key::BackTab => 0xFE20,
            Key::Enter => 0xFF0D,
            Key::Escape => 0xFF1B,
            Key::Space => u32::from(' '),
            Key::Backspace => 0xFF08,
            Key::Delete => 0xFFFF,
            Key::Home => 0xFF50,
            Key::Character(character) | Key::Control(character) => u32::from(character),
        };
        self.ask(json!({ "do": "key", "symbol": symbol, "holding": holding })).map(drop)
    }

    /// Strikes a key for every character.
    ///
    /// # Errors
    /// If the display is gone.
    pub fn type_out(&mut self, text: &str) -> Result<()> {
        text.chars().try_for_each(|character| self.strike(Key::Character(character)))
    }

    /// Clicks a place of the screen with the pointer.
    ///
    /// # Errors
    /// If the display is gone.
    pub fn click(&mut self, x: i32, y: i32) -> Result<()> {
        self.ask(json!({ "do": "click", "x": x, "y": y })).map(drop)
    }

    /// Listens to events of that kind from now on.
    ///
    /// # Errors
    /// If the accessibility bus is gone.
    pub fn listen(&mut self, to: &str) -> Result<()> {
        self.ask(json!({ "do": "listen", "to": to })).map(drop)
    }

    /// The events since the last call.
    ///
    /// # Errors
    /// If the accessibility bus is gone.
    pub fn events(&mut self) -> Result<Vec<Event>> {
        Ok(serde_json::from_value(self.ask(json!({ "do": "take-events" }))?)?)
    }

    /// Everything there is, a line each: for people who look for a fault.
    ///
    /// # Errors
    /// If the accessibility bus is gone.
    pub fn tree(&mut self) -> Result<String> {
        let tree = self.ask(json!({ "do": "tree" }))?;
        Ok(tree.as_str().unwrap_or_default().to_owned())
    }

    fn ask(&mut self, command: Value) -> Result<Value> {
        let commands = self.commands.as_mut().context("the tool has ended")?;
        writeln!(commands, "{command}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let mut answer: Value = serde_json::from_str(&answer).context("the tool has ended")?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => bail!("{error}"),
            None => Ok(answer.get_mut("ok").map(Value::take).unwrap_or_default()),
        }
    }
}

impl Drop for AssistiveTool {
    fn drop(&mut self) {
        // It ends when nobody can ask any more; one that hangs is ended.
        drop(self.commands.take());
        let child = &mut self.child;
        let ended = super::wait_until("the tool to end", || Ok(child.try_wait()?));
        if ended.is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Wanted<'_> {
    fn command(&self, what: &str) -> Value {
        let mut command = json!({ "do": what, "states": self.states, "seconds": PATIENCE.as_secs() });
        let parts =
            [("application", self.application), ("role", self.role), ("name", self.name), ("contains", self.contains)];
        for (key, value) in parts {
            if let (Some(value), Some(fields)) = (value, command.as_object_mut()) {
                fields.insert(key.to_owned(), value.into());
            }
        }
        command
    }
}
