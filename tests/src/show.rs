//! Showing people what goes on: steps on a terminal, and an end in good order when they interrupt.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Does what was asked for on a program's command line, and tells why it failed, if it did. Who asked for help (`None`), or for
/// what there is not, is told the `usage`.
pub fn perform<W>(
    usage: &str,
    wishes: Result<Option<W>, String>,
    when_interrupted: ExitCode,
    work: impl FnOnce(&W, &Interruption) -> Result<()>,
) -> ExitCode {
    let wishes = match wishes {
        Ok(Some(wishes)) => wishes,
        Ok(None) => {
            say(&format!("{usage}\n"));
            return ExitCode::SUCCESS;
        }
        Err(complaint) => {
            complain(&format!("{complaint}\n\n{usage}"));
            return ExitCode::from(2);
        }
    };
    match Interruption::watch().and_then(|interruption| work(&wishes, &interruption)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => when_interrupted,
        Err(error) => {
            complain(&format!("\n{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What is printed, with colours on a terminal.
#[derive(Debug)]
pub struct Terminal {
    colours: bool,
    steps: std::cell::Cell<u32>,
}

impl Terminal {
    /// Standard output.
    #[must_use]
    pub fn new() -> Self {
        Self { colours: io::stdout().is_terminal(), steps: std::cell::Cell::new(0) }
    }

    fn paint(&self, look: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{look}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A line that stands for itself.
    pub fn title(&self, text: &str) {
        say(&format!("\n{}\n\n", self.paint("1", text)));
    }

    /// A line that explains.
    pub fn note(&self, text: &str) {
        say(&format!("   {}\n\n", self.paint("2", text)));
    }

    /// A command that the person could type.
    pub fn command(&self, text: &str) {
        say(&format!("\n{} {}\n", self.paint("36", "$"), self.paint("1", text)));
    }

    /// Does a step, and says which, what came of it and how long it took.
    ///
    /// # Errors
    /// If it fails, or the person interrupts.
    pub fn step<T>(
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

/// Writes and flushes. Whoever no longer reads has seen enough; the program goes on and puts everything away.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes to those who look for what went wrong.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

/// The person pressed Ctrl-C, or the demo was told to end.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Watches for signals, so that everything is put away on the way out.
#[derive(Debug)]
pub struct Interruption {
    happened: Arc<AtomicBool>,
    client: Arc<AtomicU32>,
}

impl Interruption {
    /// From now on.
    ///
    /// # Errors
    /// If signals cannot be watched.
    pub fn watch() -> Result<Self> {
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

    /// Fails if it has happened.
    ///
    /// # Errors
    /// [`Interrupted`].
    pub fn check(&self) -> Result<()> {
        if self.happened.load(Ordering::SeqCst) { Err(Interrupted.into()) } else { Ok(()) }
    }

    /// Runs the client to its end. Whether it ended well.
    ///
    /// # Errors
    /// If it does not start, or the person interrupts.
    pub fn run(&self, client: &mut Command) -> Result<bool> {
        let mut child = client.spawn()?;
        self.client.store(child.id(), Ordering::SeqCst);
        let status = child.wait()?;
        self.client.store(0, Ordering::SeqCst);
        self.check()?;
        Ok(status.success())
    }
}
