//! The binary `latchkey-portal`.

mod backup;
mod cabinets;
mod keys;
mod provider;

use std::error::Error;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use getrandom::SysRng;
use latchkey_crypto::cv::Date;
use latchkey_portal::audit;
use latchkey_portal::configuration::{
    Configuration, ConfigurationError, Fault, LogFormat, LogSettings, TerminalSettings,
};
use latchkey_portal::http;
use latchkey_portal::material::Material;
use latchkey_portal::provider::registration::RegistrationError;
use latchkey_portal::serve::{ServeError, Service};
use latchkey_portal::storage::{Memory, StorageError};
use latchkey_portal::terminal::authority::Authority;
use latchkey_portal::terminal::renewal::{self, RenewalError, RequestedKey, SharedRandom};
use rand_core::UnwrapErr;
use time::OffsetDateTime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

const CONFIG: &str = "config";
const SAME_KEY: &str = "same-key";
const BY_HAND: &str = "by-hand";
const FILE: &str = "file";
const EXIT_CODES: &str = "\
Exit codes:
  0  done; after `serve`: stopped by a signal
  1  the system failed: a listener broke, no output
  2  wrong arguments
  3  the configuration, or a file that it names, is at fault; the message says file, line and key
  4  the database cannot be opened
  5  an address cannot be listened on
  6  no certificate was asked for or given, or it is not this terminal's
  7  a site, a key, a cabinet, a backup or a log is not as the command needs it; the message says why";

fn main() -> ExitCode {
    let done = match arguments().get_matches().subcommand() {
        Some(("serve", found)) => serve(&configuration_file(found)),
        Some(("check", found)) => check(&configuration_file(found)),
        Some(("keys", found)) => keys::run(found),
        Some(("cabinets", found)) => cabinets::run(found),
        Some(("backup", found)) => backup::run(found, "backup"),
        Some(("restore", found)) => backup::run(found, "restore"),
        Some(("audit", found)) => verify_audit(found),
        Some(("terminal", found)) => terminal(found),
        Some(("clients", found)) => provider::clients(found),
        _ => print_description(&http::description()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to tell if this fails too.
            let _ = writeln!(io::stderr(), "latchkey-portal: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn arguments() -> Command {
    let config = || {
        Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help("The configuration file (TOML); portal.example.toml explains every key")
    };
    Command::new("latchkey-portal")
        .version(env!("CARGO_PKG_VERSION"))
        .about("The identification service: people sign in to a portal with their ID cards")
        .after_help(EXIT_CODES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("serve")
                .about("Run the service until SIGTERM or SIGINT, then finish open requests; SIGHUP: look at the files at once")
                .arg(config()),
        )
        .subcommand(
            Command::new("check")
                .about("Check the configuration and every file that it names; neither listens nor opens the database")
                .arg(config()),
        )
        .subcommand(keys::arguments(config))
        .subcommand(cabinets::arguments(config))
        .subcommands(backup::arguments(config))
        .subcommand(
            Command::new("audit")
                .about(
                    "Look an audit log through: every line continues the one before. Prints how many lines there are, and the \
                     last one's number and value, which is worth noting elsewhere",
                )
                .arg(file("The audit log")),
        )
        .subcommand(terminal_arguments(config))
        .subcommand(provider::clients_arguments(config))
        .subcommand(Command::new("openapi").about("Print the description of the HTTP interface (OpenAPI, JSON)"))
}

fn file(help: &'static str) -> Arg {
    Arg::new(FILE).value_name("FILE").required(true).value_parser(value_parser!(PathBuf)).help(help)
}

fn terminal_arguments(config: impl Fn() -> Arg) -> Command {
    Command::new("terminal")
        .about("Renew the certificate of the terminal, or describe its HTTP interface")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("renew")
                .about(
                    "Ask the authority of [terminal.authority] for another certificate and take it; without that \
                     section, write the request beside the present certificate",
                )
                .arg(config())
                .arg(
                    Arg::new(SAME_KEY)
                        .long(SAME_KEY)
                        .action(ArgAction::SetTrue)
                        .help("Ask for the present key instead of a new one"),
                )
                .arg(
                    Arg::new(BY_HAND)
                        .long(BY_HAND)
                        .action(ArgAction::SetTrue)
                        .help("Only write the request, for somebody to carry to the authority"),
                ),
        )
        .subcommand(
            Command::new("take")
                .about(
                    "Take the certificate that the authority has issued; a running service uses it within ten seconds",
                )
                .arg(config())
                .arg(file("The certificate")),
        )
        .subcommand(
            Command::new("openapi").about("Print the description of the terminal's HTTP interface (OpenAPI, JSON)"),
        )
}

fn configuration_file(found: &ArgMatches) -> PathBuf {
    found.get_one(CONFIG).cloned().unwrap_or_default()
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Renewal(#[from] RenewalError),
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    System(Box<dyn Error>),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Configuration(_) => 3,
            Self::Serve(ServeError::CabinetKey(_)) => 3,
            Self::Serve(ServeError::Storage(_)) | Self::Storage(_) => 4,
            Self::Serve(ServeError::Listen { .. }) => 5,
            Self::Renewal(_) => 6,
            Self::Registration(_) | Self::Refused(_) => 7,
            Self::Serve(_) | Self::System(_) => 1,
        }
    }

    fn system(error: impl Into<Box<dyn Error>>) -> Self {
        Self::System(error.into())
    }
}

fn check(path: &Path) -> Result<(), Failure> {
    material(path, &Configuration::load(path)?)?;
    writeln!(io::stdout(), "{}: the configuration is sound", path.display()).map_err(Failure::system)
}

fn verify_audit(found: &ArgMatches) -> Result<(), Failure> {
    let path = found.get_one::<PathBuf>(FILE).cloned().unwrap_or_default();
    let audit::Verified { lines, number, hash } =
        audit::verify(&path).map_err(|fault| Failure::Refused(fault.to_string()))?;
    writeln!(io::stdout(), "{lines} lines; the last is number {number}, {hash}").map_err(Failure::system)
}

fn terminal(found: &ArgMatches) -> Result<(), Failure> {
    match found.subcommand() {
        Some(("renew", found)) => renew(found),
        Some(("take", found)) => {
            let (settings, today) = terminal_settings(&configuration_file(found))?;
            let files = settings.credentials;
            let file = found.get_one::<PathBuf>(FILE).cloned().unwrap_or_default();
            let until = renewal::take(&files, &file, today)?;
            writeln!(io::stdout(), "{}: taken, in force until {until}", file.display()).map_err(Failure::system)
        }
        _ => print_description(&http::terminal_description()),
    }
}

fn renew(found: &ArgMatches) -> Result<(), Failure> {
    let path = configuration_file(found);
    let (settings, today) = terminal_settings(&path)?;
    let which = if found.get_flag(SAME_KEY) { RequestedKey::Present } else { RequestedKey::New };
    let files = settings.credentials;
    let Some(authority) = settings.authority.filter(|_| !found.get_flag(BY_HAND)) else {
        renewal::finish(&files)?;
        let requested = renewal::request(&files, which, today, &mut UnwrapErr(SysRng))?;
        let written = renewal::write_down(&files, &requested)?;
        let (request, signature) = (written.request.display(), written.signature.display());
        let told = format!("{request}: the request\n{signature}: the present key's signature over its belt-hash");
        return writeln!(io::stdout(), "{told}").map_err(Failure::system);
    };
    let authority = Authority::new(&authority).map_err(|fault| ConfigurationError::Fault { path, fault })?;
    let random: SharedRandom = Arc::new(Mutex::new(Box::new(UnwrapErr(SysRng))));
    let until = run_async(async { Ok(renewal::renew(&files, which, &authority, today, random).await?) })?;
    writeln!(io::stdout(), "{}: renewed, in force until {until}", files.certificate.value.display())
        .map_err(Failure::system)
}

/// Runs what waits, on this thread.
fn run_async<T>(act: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::system)?;
    runtime.block_on(act)
}

async fn open_storage(configuration: &Configuration) -> Result<Arc<dyn Memory>, Failure> {
    Ok(configuration.database.value.open().await?)
}

fn terminal_settings(path: &Path) -> Result<(TerminalSettings, Date), Failure> {
    let configuration = Configuration::load(path)?;
    let fault = |problem: &str| ConfigurationError::Fault { path: path.to_owned(), fault: Fault::missing(problem) };
    let settings = configuration.terminal.ok_or_else(|| fault("terminal"))?;
    let today = Date::try_from(now().date()).map_err(Failure::system)?;
    Ok((settings, today))
}

fn print_description(description: &utoipa::openapi::OpenApi) -> Result<(), Failure> {
    let description = description.to_pretty_json().map_err(Failure::system)?;
    writeln!(io::stdout(), "{description}").map_err(Failure::system)
}

fn serve(path: &Path) -> Result<(), Failure> {
    let configuration = Configuration::load(path)?;
    // Files of the terminal that a renewal has left half replaced would not be taken.
    let was_finished = configuration.terminal.as_ref().map(|terminal| renewal::finish(&terminal.credentials));
    let was_finished = was_finished.transpose()?.unwrap_or_default();
    let material = material(path, &configuration)?;
    begin_log(configuration.log);
    if was_finished {
        tracing::info!("a renewal of the terminal's certificate that had been broken off was ended");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::system)?;
    runtime.block_on(async {
        // From here on a signal stops the service in good order.
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::system)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::system)?;
        let mut hang_up = signal(SignalKind::hangup()).map_err(Failure::system)?;
        let (renew, renewals) = mpsc::channel(1);
        tokio::spawn(async move { while hang_up.recv().await.is_some() && renew.send(()).await.is_ok() {} });
        let service = Service::prepare(&configuration, material, now, || Box::new(UnwrapErr(SysRng))).await?;
        for address in service.terminal_addresses()? {
            tracing::info!(%address, "the terminal is listening");
        }
        for address in service.addresses()? {
            tracing::info!(%address, origin = %configuration.origin, "listening");
        }
        service.run(stop_signal(&mut terminate, &mut interrupt), renewals).await?;
        tracing::info!("stopped");
        Ok(())
    })
}

fn material(path: &Path, configuration: &Configuration) -> Result<Material, ConfigurationError> {
    Material::load(configuration, now()).map_err(|fault| ConfigurationError::Fault { path: path.to_owned(), fault })
}

fn begin_log(settings: LogSettings) {
    let log = tracing_subscriber::fmt().with_max_level(settings.level).with_writer(io::stderr);
    match settings.format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

async fn stop_signal(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[expect(clippy::disallowed_methods, reason = "the clock of the whole service, passed on from here")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
