//! The client program without a window, with somebody at its terminal.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Child;
use std::thread::{self, JoinHandle};

use anyhow::{Result, bail};
use latchkey_fixtures::holders::{Holder, SAMPLE_TERMINAL};
use latchkey_fixtures::person::Person;
use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{Cards, SampleSet};

/// The site that the back end speaks for.
pub const SITE: &str = "https://clinic.example";

/// `latchkey serve` at work.
#[derive(Debug)]
pub struct Attended {
    child: Child,
    holder: Option<JoinHandle<String>>,
}

/// How it is started.
#[derive(Debug, Clone, Copy)]
pub struct AttendedOrder<'a> {
    /// Where it listens.
    pub port: u16,
    /// In which language it speaks.
    pub language: &'a str,
    /// Who agrees to everything and enters his PIN, at a terminal of his own. Without one it is at the terminal of whoever
    /// runs this program.
    pub agreeing: Option<&'a Holder>,
    /// Further arguments.
    pub arguments: &'a [&'a str],
}

impl Attended {
    /// Starts it for a [`BackEnd`](super::BackEnd) on this computer.
    ///
    /// # Errors
    /// If it is not built or does not start.
    pub fn start(cards: &Cards, set: &SampleSet, order: AttendedOrder<'_>) -> Result<Self> {
        let AttendedOrder { port, language, agreeing, arguments } = order;
        let mut command = cards.client()?;
        command.args(["--lang", language, "serve", "--managed"]).arg(managed(set, port)?).args(arguments);
        let Some(holder) = agreeing else { return Ok(Self { child: command.spawn()?, holder: None }) };
        let mut person = Person::new()?;
        let child = person.start(&command)?;
        person.start_no_other();
        person.wait_for(&format!("http://127.0.0.1:{port}"))?;
        let (words, holder) = (Words::of(language), holder.clone());
        let holder = thread::spawn(move || {
            // Whatever goes wrong is told by the back end, which is refused then.
            if let Err(error) = agree(&mut person, words, &holder) {
                eprintln!("the holder does not answer any more: {error}");
            }
            person.shown().to_owned()
        });
        Ok(Self { child, holder: Some(holder) })
    }

    /// The process.
    #[must_use]
    pub fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Interrupts it, as the person would; gives what was shown at the terminal of who agreed, and nothing otherwise.
    ///
    /// # Errors
    /// If it cannot be interrupted.
    pub fn end(mut self) -> Result<String> {
        kill_process(self.id(), Signal::INT)?;
        self.child.wait()?;
        let shown = self.holder.take().map(JoinHandle::join).transpose();
        shown.map(Option::unwrap_or_default).or_else(|_| bail!("the holder is gone"))
    }
}

/// What an administrator sets for a back end that calls by itself: which site that is, whose terminal it has, and whose
/// signed requests count.
fn managed(set: &SampleSet, port: u16) -> Result<PathBuf> {
    let root = openssl::base64::encode_block(&fs::read(set.path().join("cv/root.cert"))?);
    let authorities = set.path().join("pki/authorities.pem");
    let settings = format!(
        r#"port = {port}
[terminal]
caller_without_origin = "{SITE}"
roots = ["{root}"]
request_authorities = ["{}"]
[[terminal.known]]
holder = "{SAMPLE_TERMINAL}"
title = "An invented clinic"
origins = ["{SITE}"]
"#,
        authorities.display()
    );
    let file = set.path().join("managed.toml");
    fs::write(&file, settings)?;
    Ok(file)
}

/// By what the questions are known, and how one says yes and no.
#[derive(Clone, Copy)]
struct Words {
    again: &'static str,
    agree: &'static str,
    can: &'static str,
    pin: &'static str,
    pin2: &'static str,
    yes: &'static str,
    no: &'static str,
}

impl Words {
    fn of(language: &str) -> Self {
        match language {
            "be" => Self {
                again: "Паспрабаваць яшчэ раз?",
                agree: "/Н",
                can: "6 лічбаў, надрукаваных",
                pin: "(6 лічбаў",
                pin2: "(7 лічбаў",
                yes: "т",
                no: "н",
            },
            "ru" => Self {
                again: "Попробовать ещё раз?",
                agree: "/Н",
                can: "6 цифр, напечатанных",
                pin: "(6 цифр",
                pin2: "(7 цифр",
                yes: "д",
                no: "н",
            },
            _ => Self {
                again: "Try again?",
                agree: "/N",
                can: "6 digits printed",
                pin: "(6 digits",
                pin2: "(7 digits",
                yes: "y",
                no: "n",
            },
        }
    }
}

/// Agrees to what is asked, enters what the card wants, and tries nothing again, until the program has ended.
fn agree(person: &mut Person, words: Words, holder: &Holder) -> io::Result<()> {
    loop {
        match person.wait_for_any(&[words.again, words.agree, words.can, words.pin, words.pin2]) {
            Ok(0) => {
                person.wait_for(words.agree)?;
                person.enter(words.no)?;
            }
            Ok(1) => person.enter(words.yes)?,
            Ok(2) => person.enter(holder.can)?,
            Ok(3) => person.enter(holder.pin)?,
            Ok(_) => person.enter(&holder.pin2())?,
            // Nobody asks anything for a while.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
