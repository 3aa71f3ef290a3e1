//! The client program without a window, with somebody at its terminal.

use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::thread;

use anyhow::Result;
use latchkey_fixtures::holders::{Holder, SAMPLE_TERMINAL};
use latchkey_fixtures::person::Person;
use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{Cards, SampleSet};

/// The site that the back end speaks for.
const SITE: &str = "https://clinic.example";

/// `latchkey serve` at work.
#[derive(Debug)]
pub struct Attended {
    child: Child,
}

impl Attended {
    /// Starts it for a [`BackEnd`](super::BackEnd) on this computer: at the terminal of whoever runs this program, or at
    /// one where `agreeing` agrees to everything and enters his PIN.
    ///
    /// # Errors
    /// If it is not built or does not start.
    pub fn start(cards: &Cards, set: &SampleSet, port: u16, language: &str, agreeing: Option<&Holder>) -> Result<Self> {
        let mut command = cards.client()?;
        command.args(["--lang", language, "serve", "--managed"]).arg(managed(set, port)?);
        let Some(holder) = agreeing else { return Ok(Self { child: command.spawn()? }) };
        let mut person = Person::new()?;
        let child = person.start(&command)?;
        person.wait_for(&format!("http://127.0.0.1:{port}"))?;
        let pin = holder.pin.to_owned();
        // Whatever goes wrong is told by the back end, which is refused then.
        thread::spawn(move || agree(person, &pin));
        Ok(Self { child })
    }

    /// Interrupts it, as the person would.
    ///
    /// # Errors
    /// If it cannot be interrupted.
    pub fn end(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::INT)?;
        self.child.wait()?;
        Ok(())
    }
}

/// What an administrator sets for a back end that calls by itself: which site that is, and whose terminal it has.
fn managed(set: &SampleSet, port: u16) -> Result<PathBuf> {
    let root = openssl::base64::encode_block(&fs::read(set.path().join("cv/root.cert"))?);
    let settings = format!(
        r#"port = {port}
[terminal]
caller_without_origin = "{SITE}"
roots = ["{root}"]
[[terminal.known]]
holder = "{SAMPLE_TERMINAL}"
title = "An invented clinic"
origins = ["{SITE}"]
"#
    );
    let file = set.path().join("managed.toml");
    fs::write(&file, settings)?;
    Ok(file)
}

/// Agrees to what is asked, and enters the PIN.
fn agree(mut person: Person, pin: &str) -> std::io::Result<()> {
    person.wait_for("/N] ")?;
    person.enter("y")?;
    // In every language the question for the PIN tells the tries that are left.
    person.wait_for("3")?;
    person.enter(pin)?;
    loop {
        person.wait_for("/N] ")?;
        person.enter("y")?;
    }
}
