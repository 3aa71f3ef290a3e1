//! `latchkey-portal keys`: new, take, list, retire.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use getrandom::SysRng;
use latchkey_portal::command_log::CommandLog;
use latchkey_portal::configuration::{Configuration, ConfigurationError, Fault, KeySettings};
use latchkey_portal::keys::{self, KeyFolderError, KeyId, KeyUse};
use rand_core::UnwrapErr;

use super::{Failure, configuration_file, now, open_storage, run_async};

const USE: &str = "use";
const KEY: &str = "key";
const FROM: &str = "file";

pub(super) fn arguments(config: impl Fn() -> Arg + Copy) -> Command {
    let of = || {
        Arg::new(USE)
            .value_name("USE")
            .required(true)
            .value_parser(value_parser!(KeyUse))
            .help("What it is for: cabinet, subject, seal, ticket-es256, ticket-rs256, record")
    };
    let from = Arg::new(FROM)
        .value_name("FILE")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .help("64 hexadecimal digits, or for tickets a private key in PEM; the file stays as it is");
    let key = Arg::new(KEY)
        .value_name("KEY")
        .required(true)
        .value_parser(value_parser!(KeyId))
        .help("Its name, as `keys list` prints it");
    Command::new("keys")
        .about("The service's own keys, in the folder of [keys]")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("new")
                .about(
                    "Make a key, the newest of its use from the next start on; a running service signs tickets with a new one \
                     within ten seconds",
                )
                .arg(config())
                .arg(of()),
        )
        .subcommand(
            Command::new("take")
                .about("Take a key over from a file that something else has made, or an earlier version")
                .arg(config())
                .arg(of())
                .arg(from),
        )
        .subcommand(Command::new("list").about("Print the keys' names, the newest of each use first").arg(config()))
        .subcommand(
            Command::new("retire")
                .about("Take an older key out of use that nothing in the database needs any more")
                .arg(config())
                .arg(key),
        )
}

pub(super) fn run(found: &ArgMatches) -> Result<(), Failure> {
    match found.subcommand() {
        Some(("new", found)) => new(found, "keys new"),
        Some(("take", found)) => new(found, "keys take"),
        Some(("retire", found)) => retire(found),
        Some((_, found)) => list(found),
        None => Ok(()),
    }
}

/// Makes a key, or takes one over if there is a file for it.
fn new(found: &ArgMatches, command: &'static str) -> Result<(), Failure> {
    let (configuration, settings) = settings(found)?;
    let Some(of) = found.get_one::<KeyUse>(USE) else { return Ok(()) };
    let mut log = open_log(found, &configuration, command)?;
    let made = match found.try_get_one::<PathBuf>(FROM) {
        Ok(Some(from)) => keys::take(&settings, *of, from, &mut UnwrapErr(SysRng)),
        _ => keys::make(&settings, *of, &mut UnwrapErr(SysRng)),
    };
    let made = made.map_err(|error| failure(found, error));
    let outcome = made.as_ref().map_or_else(ToString::to_string, |_| "done".to_owned());
    let details = made.as_ref().map_or_else(|_| ("use", of.name().to_owned()), |id| ("key", id.to_string()));
    log.note(now(), &outcome, &[details]).map_err(Failure::system)?;
    writeln!(io::stdout(), "{}", made?).map_err(Failure::system)
}

fn list(found: &ArgMatches) -> Result<(), Failure> {
    let (_, settings) = settings(found)?;
    let mut output = io::stdout();
    for id in keys::stored(&settings).map_err(|fault| failure(found, fault.into()))? {
        writeln!(output, "{id}").map_err(Failure::system)?;
    }
    Ok(())
}

fn retire(found: &ArgMatches) -> Result<(), Failure> {
    let (configuration, settings) = settings(found)?;
    let Some(id) = found.get_one::<KeyId>(KEY).copied() else { return Ok(()) };
    let mut log = open_log(found, &configuration, "keys retire")?;
    let retired =
        forget(&configuration, id).and_then(|()| keys::retire(&settings, id).map_err(|error| failure(found, error)));
    let outcome = retired.as_ref().map_or_else(ToString::to_string, |()| "done".to_owned());
    log.note(now(), &outcome, &[("key", id.to_string())]).map_err(Failure::system)?;
    retired
}

/// First in the database, which knows whether the key is needed. The newest is needed anyway.
fn forget(configuration: &Configuration, id: KeyId) -> Result<(), Failure> {
    let stored = configuration.keys.as_ref().and_then(|settings| keys::stored(settings).ok()).unwrap_or_default();
    let newest = stored.into_iter().find(|other| other.key_use() == KeyUse::Cabinet);
    if id.key_use() != KeyUse::Cabinet || newest == Some(id) || !configuration.database.value.is_there() {
        return Ok(());
    }
    run_async(async {
        let storage = open_storage(configuration).await?;
        let forgotten = storage.forget_key(id).await?;
        storage.close().await?;
        forgotten.map_err(|left| Failure::Refused(format!("{left} cabinets are still named with {id}")))
    })
}

fn settings(found: &ArgMatches) -> Result<(Configuration, KeySettings), Failure> {
    let path = configuration_file(found);
    let configuration = Configuration::load(&path)?;
    let settings = configuration.keys.clone();
    let settings = settings.ok_or_else(|| ConfigurationError::Fault { path, fault: Fault::missing("keys") })?;
    Ok((configuration, settings))
}

pub(super) fn open_log(
    found: &ArgMatches,
    configuration: &Configuration,
    command: &'static str,
) -> Result<CommandLog, Failure> {
    let log = CommandLog::open(configuration.command_log.as_ref(), command);
    Ok(log.map_err(|fault| ConfigurationError::Fault { path: configuration_file(found), fault })?)
}

fn failure(found: &ArgMatches, error: KeyFolderError) -> Failure {
    match error {
        KeyFolderError::Fault(fault) => ConfigurationError::Fault { path: configuration_file(found), fault }.into(),
        other => Failure::Refused(other.to_string()),
    }
}
