//! `latchkey-portal cabinets`: block.

use std::io::{self, Read as _, Write as _};

use clap::{Arg, ArgMatches, Command};
use getrandom::SysRng;
use latchkey_crypto::x509::PersonalNumber;
use latchkey_portal::cabinet::{CabinetId, Knock};
use latchkey_portal::configuration::{Configuration, ConfigurationError, Fault};
use latchkey_portal::keys::{self, CabinetKeys, CabinetNaming as _, KeyUse};
use latchkey_portal::storage::Blocking;
use rand_core::UnwrapErr;
use zeroize::Zeroizing;

use super::keys::open_log;
use super::{Failure, configuration_file, now, open_storage, run_async};

/// More than any personal number with a line end.
const INPUT_MAX_SIZE: u64 = 256;

pub(super) fn arguments(config: impl Fn() -> Arg) -> Command {
    Command::new("cabinets")
        .about("The cabinets of people")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("block")
                .about(
                    "Block the cabinet of the person whose personal number is read from the standard input, for ever: \
                     what is under way in it ends at once, and nobody signs in to it any more",
                )
                .arg(config()),
        )
}

pub(super) fn run(found: &ArgMatches) -> Result<(), Failure> {
    match found.subcommand() {
        Some((_, found)) => block(found),
        None => Ok(()),
    }
}

fn block(found: &ArgMatches) -> Result<(), Failure> {
    let configuration = Configuration::load(&configuration_file(found))?;
    let mut log = open_log(found, &configuration, "cabinets block")?;
    let blocked = number().and_then(|number| block_cabinet(found, &configuration, &number));
    let (outcome, details) = match &blocked {
        Ok(Blocking { cabinet, was_blocked, sessions }) => {
            let outcome = if *was_blocked { "was blocked before" } else { "done" };
            (outcome.to_owned(), vec![("cabinet", cabinet.to_string()), ("sessions", sessions.to_string())])
        }
        Err(failure) => (failure.to_string(), Vec::new()),
    };
    log.note(now(), &outcome, &details).map_err(Failure::system)?;
    writeln!(io::stdout(), "blocked; {} sessions ended", blocked?.sessions).map_err(Failure::system)
}

fn block_cabinet(
    found: &ArgMatches,
    configuration: &Configuration,
    number: &PersonalNumber,
) -> Result<Blocking, Failure> {
    let fault = |fault| ConfigurationError::Fault { path: configuration_file(found), fault };
    let settings = configuration.cabinet_keys().ok_or_else(|| fault(Fault::missing("cabinet")))?;
    let keys = CabinetKeys::new(keys::load(settings, KeyUse::Cabinet).map_err(fault)?);
    let keys = keys.ok_or_else(|| fault(Fault::missing("keys.folder")))?;
    let names = keys.names(number).map_err(Failure::system)?;
    run_async(async {
        let storage = open_storage(configuration).await?;
        let adopted = storage.adopt_keys(&keys.keys()).await?;
        adopted.map_err(|key| Failure::Refused(format!("the key {key} of the database is not in keys.folder")))?;
        storage.rename_cabinet(&names).await?;
        let knock = Knock { named: names.newest, id: CabinetId::draw(&mut UnwrapErr(SysRng)) };
        let blocked = storage.block_cabinet(&knock, now()).await?;
        storage.close().await?;
        Ok(blocked)
    })
}

/// Read from the standard input, so that neither the list of processes nor a shell's history has it.
fn number() -> Result<PersonalNumber, Failure> {
    let mut text = Zeroizing::new(String::new());
    io::stdin().take(INPUT_MAX_SIZE).read_to_string(&mut text).map_err(Failure::system)?;
    PersonalNumber::parse(&text).map_err(|_| Failure::Refused("the standard input has no personal number".to_owned()))
}
