//! The demo: one sign-in, end to end, with nothing simulated but the card and its reader's slot.
//!
//! Exit codes: 0 the portal accepted; 1 it did not, or a part failed; 2 wrong use; 130 interrupted.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use anyhow::{Result, bail};
use latchkey_fixtures::holders::{Holder, sample_holders};
use latchkey_fixtures::vcard::automaton::PinState;
use latchkey_tests::stage::{Cards, Portal, SampleSet, give_secrets, holder};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

const USAGE: &str = "\
Usage: ./dev demo [--yes] [--holder NAME] [--lang be|ru|en]

  --yes            type the sample PIN and agree to everything by itself
  --holder NAME    whose card; without it, an ordinary citizen's. --holder list names them
  --lang LANGUAGE  language of the client program

Exit codes: 0 the portal accepted the sign-in; 1 it did not, or something failed; 2 wrong use; 130 interrupted";

const DEFAULT_HOLDER: &str = "hanna-vydumanaya";

fn main() -> ExitCode {
    let wishes = match Wishes::from_arguments(std::env::args().skip(1)) {
        Ok(Some(wishes)) => wishes,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(complaint) => {
            eprintln!("{complaint}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if wishes.holder == "list" {
        list_holders();
        return ExitCode::SUCCESS;
    }
    let interruption = Interruption::watch();
    let result = interruption.and_then(|interruption| demo(&wishes, &interruption).map(|()| interruption));
    match result {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => ExitCode::from(130),
        Err(error) => {
            eprintln!("\nThe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What was asked for on the command line.
struct Wishes {
    unattended: bool,
    holder: String,
    language: String,
}

impl Wishes {
    /// `None`: help is wanted.
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut wishes = Self { unattended: false, holder: DEFAULT_HOLDER.to_owned(), language: "en".to_owned() };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--yes" => wishes.unattended = true,
                "--holder" => wishes.holder = value()?,
                "--lang" => wishes.language = value()?,
                "--help" | "-h" => return Ok(None),
                other => return Err(format!("unknown argument {other:?}")),
            }
        }
        Ok(Some(wishes))
    }
}

fn list_holders() {
    for Holder { id, case, pin, .. } in sample_holders() {
        println!("{id:<28} PIN {pin}  {case}");
    }
}

fn demo(wishes: &Wishes, interruption: &Interruption) -> Result<()> {
    let screen = Screen::new();
    let holder = holder(&wishes.holder)?;
    screen.title("Latchkey: a sign-in with an ID card, end to end");

    let set = screen.step(interruption, "Sample people, their cards and a test PKI", || {
        let set = SampleSet::write()?;
        Ok((format!("{} invented holders; TEST KEYS", sample_holders().len()), set))
    })?;
    let mut cards = screen.step(interruption, "Smart card service", || {
        let cards = Cards::start(&set, 1)?;
        Ok((format!("a private pcscd with the reader \"{}\"", cards.reader_name(1).unwrap_or_default()), cards))
    })?;
    screen.step(interruption, "Card inserted", || {
        cards.insert(holder.id, 1)?;
        Ok((format!("the card of {} ({})", holder.id, holder.case), ()))
    })?;
    let portal = screen.step(interruption, "Portal", || {
        let portal = Portal::start(&set)?;
        Ok((format!("{} with an embedded database, HTTPS under a test CA", portal.address()), portal))
    })?;

    let mut client = cards.client()?;
    client.args(["--lang", &wishes.language, "sign-in", &portal.address(), "--ca-file"]).arg(set.tls_authority());
    screen.command(&format!("latchkey sign-in {} --ca-file tls/ca.pem", portal.address()));
    screen.note(&format!("The sample PIN is {}.", holder.pin));
    if wishes.unattended {
        unattended(&mut client, &holder)?;
    }
    let accepted = interruption.run(&mut client)?;

    screen.step(interruption, "Everything put away", || {
        drop(cards);
        portal.stop()?;
        Ok(("card, card service, portal, files".to_owned(), drop(set)))
    })?;
    if !accepted {
        bail!("the portal did not accept the sign-in");
    }
    screen.title("The portal knows who signed in.");
    Ok(())
}

/// Lets the client take its answers from a pipe, in place of a person.
fn unattended(client: &mut Command, holder: &Holder) -> Result<()> {
    client.arg("--yes");
    if holder.pin_state == PinState::Pins {
        client.arg("--allow-last-try");
        give_secrets(client, &[holder.can, holder.pin])
    } else {
        give_secrets(client, &[holder.pin])
    }
}

/// What the demo prints, with colours on a terminal.
struct Screen {
    colours: bool,
    steps: std::cell::Cell<u32>,
}

impl Screen {
    fn new() -> Self {
        Self { colours: io::stdout().is_terminal(), steps: std::cell::Cell::new(0) }
    }

    fn paint(&self, look: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{look}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn title(&self, text: &str) {
        say(&format!("\n{}\n\n", self.paint("1", text)));
    }

    fn note(&self, text: &str) {
        say(&format!("   {}\n\n", self.paint("2", text)));
    }

    fn command(&self, text: &str) {
        say(&format!("\n{} {}\n", self.paint("36", "$"), self.paint("1", text)));
    }

    /// Does a step, and says which, what came of it and how long it took.
    fn step<T>(
        &self,
        interruption: &Interruption,
        name: &str,
        work: impl FnOnce() -> Result<(String, T)>,
    ) -> Result<T> {
        let number = self.steps.get() + 1;
        self.steps.set(number);
        say(&format!("{} {}", self.paint("36", &format!("{number}.")), self.paint("1", name)));
        let start = Instant::now();
        let (outcome, value) = work()?;
        let took = format!("({:.1} s)", start.elapsed().as_secs_f64());
        say(&format!(": {outcome} {}\n", self.paint("2", &took)));
        interruption.check()?;
        Ok(value)
    }
}

/// Writes and flushes. Whoever no longer reads has seen enough; the demo goes on and puts everything away.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The person pressed Ctrl-C, or the demo was told to end.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Interrupted;

/// Watches for signals, so that everything is put away on the way out.
struct Interruption {
    happened: Arc<AtomicBool>,
    client: Arc<AtomicU32>,
}

impl Interruption {
    fn watch() -> Result<Self> {
        let watch = Self { happened: Arc::default(), client: Arc::default() };
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let (happened, client) = (Arc::clone(&watch.happened), Arc::clone(&watch.client));
        std::thread::spawn(move || {
            for _ in signals.forever() {
                happened.store(true, Ordering::SeqCst);
                let running = i32::try_from(client.load(Ordering::SeqCst)).ok().and_then(Pid::from_raw);
                if let Some(client) = running {
                    // One that has just ended needs no signal.
                    let _ = kill_process(client, Signal::INT);
                }
            }
        });
        Ok(watch)
    }

    fn check(&self) -> Result<()> {
        if self.happened.load(Ordering::SeqCst) { Err(Interrupted.into()) } else { Ok(()) }
    }

    /// Runs the client to its end. Whether it ended well.
    fn run(&self, client: &mut Command) -> Result<bool> {
        let mut child = client.spawn()?;
        self.client.store(child.id(), Ordering::SeqCst);
        let status = child.wait()?;
        self.client.store(0, Ordering::SeqCst);
        self.check()?;
        Ok(status.success())
    }
}
