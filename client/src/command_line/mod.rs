//! The command line `latchkey`.

mod arguments;
mod console;
mod doctor;
mod documents;
mod failure;
mod guest;
mod history;
mod manual;
mod output;
mod probe;
mod record;
mod renew;
mod serve;
mod settings;
mod table;
mod tasks;
mod turn;
mod update;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::Arc;

use latchkey_agent::Cancellation;
use time::OffsetDateTime;
use tokio::runtime::Runtime;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use arguments::{Common, Consent, Invocation, Task, command};
pub use doctor::DoctorTask;
pub use documents::{SignTask, VerifyTask};
pub use failure::{CommandFailure, Exit, UsageFailure};
pub use manual::Manual;
pub use probe::ProbeTask;
pub use renew::RenewTask;
pub use settings::SettingsTask;

use crate::settings::SettingsStore;
use crate::texts::{self, Language, Texts};
use console::Console;

/// Carries out the command line `arguments`, the program's name first. `clock` tells the time.
///
/// The process holds PINs: call [`latchkey_agent::harden_process`] before anything else and hand its result over.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    clock: fn() -> OffsetDateTime,
    hardened: std::io::Result<()>,
) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let settings = settings::held(&arguments, clock);
    let texts = Arc::new(texts::texts(language(&arguments, settings.as_ref().ok())));
    let invocation = match parse(&texts, &arguments) {
        Ok(Parsed::Invocation(invocation)) => invocation,
        Ok(Parsed::Shown(text)) => return report(&texts, false, output::write(text.trim_end())),
        Err(failure) => return report(&texts, false, Err(failure.into())),
    };
    let as_json = invocation.task.is_json();
    if let Err(error) = hardened {
        return report(&texts, as_json, Err(CommandFailure::ProcessNotProtected { reason: error.to_string() }));
    }
    log(invocation.verbosity);
    let result = surroundings(&texts).and_then(|(runtime, console)| {
        let settings = Arc::new(settings?);
        if let Some(failure) = settings.failure() {
            console.line(&CommandFailure::from(failure).tell(&texts));
        }
        let work = tasks::Work { console, runtime, now: clock(), clock, settings };
        work.carry_out(invocation.task)
    });
    report(&texts, as_json, result)
}

/// What a command line comes to.
enum Parsed {
    Invocation(Invocation),
    /// Help or version, to be shown.
    Shown(String),
}

fn parse(texts: &Texts, arguments: &[OsString]) -> Result<Parsed, UsageFailure> {
    match command(texts).try_get_matches_from(arguments) {
        Ok(matches) => Invocation::from_matches(&matches).map(Parsed::Invocation).ok_or(UsageFailure::Wrong),
        Err(error) if !error.use_stderr() => Ok(Parsed::Shown(error.render().to_string())),
        Err(error) => Err(UsageFailure::of(&error)),
    }
}

/// The language is needed before the command line can be read, since its errors are texts too.
fn language(arguments: &[OsString], settings: Option<&SettingsStore>) -> Language {
    let named = option(arguments, "--lang").and_then(|code| Language::of_code(code.to_str()?));
    let chosen = named.or_else(|| settings?.settings().language);
    chosen.unwrap_or_else(texts::system_language)
}

/// The value of an option that must be known before the command line is read.
fn option<'a>(arguments: &'a [OsString], name: &str) -> Option<&'a OsStr> {
    let mut found = None;
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        if argument == name {
            found = rest.next().map(OsString::as_os_str);
        } else if let Some(value) = argument.as_bytes().strip_prefix(name.as_bytes()) {
            found = value.strip_prefix(b"=").map(OsStr::from_bytes).or(found);
        }
    }
    found
}

/// Only this program's own words are logged: what libraries say of what passes through them is nobody's business.
fn log(verbosity: u8) {
    let level = match verbosity {
        0 => LevelFilter::OFF,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let written = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let ours = Targets::new().with_target("latchkey", level);
    if let Err(error) = tracing_subscriber::registry().with(written).with(ours).try_init() {
        tracing::debug!(%error, "the log was set up before");
    }
}

/// The network's runtime, and the console with what trips when the person interrupts: the first signal takes back what
/// is at work, so that the card is reset and the terminal restored; the second ends the process at once.
fn surroundings(texts: &Arc<Texts>) -> Result<(Runtime, Console), CommandFailure> {
    let failed = |error: std::io::Error| CommandFailure::OutputFailed { reason: error.to_string() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)?;
    let interruption = Cancellation::default();
    let trip = interruption.clone();
    let _context = runtime.enter();
    let mut signals = signals::Signals::install().map_err(failed)?;
    runtime.spawn(async move {
        signals.next().await;
        trip.cancel();
        signals.next().await;
        std::process::exit(i32::from(Exit::Cancelled as u8));
    });
    drop(_context);
    Ok((runtime, Console::new(Arc::clone(texts), interruption)))
}

fn report(texts: &Texts, as_json: bool, result: Result<(), CommandFailure>) -> ExitCode {
    let Err(failure) = result else { return ExitCode::SUCCESS };
    // If nobody listens, the exit code still tells.
    writeln!(std::io::stderr(), "{}", failure.tell(texts)).ok();
    if as_json && let Err(error) = output::write(&failure.to_json(texts).to_string()) {
        tracing::debug!(%error, "the failure could not be written as JSON");
    }
    ExitCode::from(failure.exit() as u8)
}

mod signals {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Signals that ask the program to end.
    pub(super) struct Signals {
        interrupt: Signal,
        terminate: Signal,
        hang_up: Signal,
        quit: Signal,
    }

    impl Signals {
        pub(super) fn install() -> std::io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
                quit: signal(SignalKind::quit())?,
            })
        }

        pub(super) async fn next(&mut self) {
            tokio::select! {
                _ = self.interrupt.recv() => (),
                _ = self.terminate.recv() => (),
                _ = self.hang_up.recv() => (),
                _ = self.quit.recv() => (),
            }
        }
    }
}
