//! `latchkey-portal cabinets`: block, bind, unbind.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command};
use getrandom::SysRng;
use latchkey_crypto::x509::PersonalNumber;
use latchkey_portal::cabinet::{CabinetId, Knock};
use latchkey_portal::configuration::{Configuration, ConfigurationError, Fault};
use latchkey_portal::keys::{self, CabinetKeys, KeyUse};
use latchkey_portal::organisation::{Binding, BindingId, Organisation, OrganisationName, OrganisationNumber};
use latchkey_portal::storage::{Blocking, Memory};
use rand_core::UnwrapErr;
use zeroize::Zeroizing;

use super::keys::open_log;
use super::{Failure, configuration_file, now, open_storage, run_async};

/// More than any personal number with a line end.
const INPUT_MAX_SIZE: u64 = 256;
const ORGANISATION: &str = "organisation";
const NAMES: [(&str, &str); 3] = [
    ("name-be", "What people are told that the organisation is called, in Belarusian"),
    ("name-ru", "The same in Russian; sites are told it, too"),
    ("name-en", "The same in English"),
];

pub(super) fn arguments(config: impl Fn() -> Arg) -> Command {
    let organisation = || {
        Arg::new(ORGANISATION)
            .long(ORGANISATION)
            .value_name("NUMBER")
            .required(true)
            .value_parser(|text: &str| text.parse::<OrganisationNumber>())
            .help("The organisation's number as a taxpayer, nine digits")
    };
    let mut bind = Command::new("bind")
        .about(
            "Let the person whose personal number is read from the standard input act for an organisation, too; if he may \
             already, the organisation only gets its names anew",
        )
        .arg(config())
        .arg(organisation());
    for (name, help) in NAMES {
        let parse = |text: &str| text.parse::<OrganisationName>();
        bind = bind.arg(Arg::new(name).long(name).value_name("TEXT").required(true).value_parser(parse).help(help));
    }
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
        .subcommand(bind)
        .subcommand(
            Command::new("unbind")
                .about(
                    "Let the person whose personal number is read from the standard input not act for an organisation any \
                     more: what sites were granted of that ends at once",
                )
                .arg(config())
                .arg(organisation()),
        )
}

pub(super) fn run(found: &ArgMatches) -> Result<(), Failure> {
    match found.subcommand() {
        Some(("bind", found)) => bind(found),
        Some(("unbind", found)) => unbind(found),
        Some((_, found)) => block(found),
        None => Ok(()),
    }
}

fn block(found: &ArgMatches) -> Result<(), Failure> {
    let told = noted(found, "cabinets block", Vec::new(), |configuration, number| {
        with_cabinet(found, configuration, number, async |storage, knock| {
            let Blocking { cabinet, was_blocked, sessions } = storage.block_cabinet(knock, now()).await?;
            Ok(Done {
                outcome: if was_blocked { "was blocked before" } else { "done" },
                details: vec![("cabinet", cabinet.to_string()), ("sessions", sessions.to_string())],
                told: format!("blocked; {sessions} sessions ended"),
            })
        })
    })?;
    writeln!(io::stdout(), "{told}").map_err(Failure::system)
}

fn bind(found: &ArgMatches) -> Result<(), Failure> {
    let number = organisation(found)?;
    let name =
        |name| found.get_one::<OrganisationName>(name).cloned().ok_or_else(|| Failure::system("a name is missing"));
    let [(belarusian, _), (russian, _), (english, _)] = NAMES;
    let names = [name(belarusian)?, name(russian)?, name(english)?];
    let organisation = Organisation { number: number.clone(), names };
    let told =
        noted(found, "cabinets bind", vec![(ORGANISATION, number.as_str().to_owned())], |configuration, person| {
            with_cabinet(found, configuration, person, async |storage, knock| {
                let binding = Binding {
                    id: BindingId::draw(&mut UnwrapErr(SysRng)),
                    organisation: organisation.clone(),
                    bound_at: now(),
                };
                let is_new =
                    storage.bind(knock, &binding).await?.map_err(|barred| Failure::Refused(barred.to_string()))?;
                Ok(Done {
                    outcome: if is_new { "done" } else { "was bound before" },
                    details: Vec::new(),
                    told: if is_new { "bound" } else { "was bound before; the names are changed" }.to_owned(),
                })
            })
        })?;
    writeln!(io::stdout(), "{told}").map_err(Failure::system)
}

fn unbind(found: &ArgMatches) -> Result<(), Failure> {
    let number = organisation(found)?;
    let details = vec![(ORGANISATION, number.as_str().to_owned())];
    let told = noted(found, "cabinets unbind", details, |configuration, person| {
        with_cabinet(found, configuration, person, async |storage, knock| {
            if storage.unbind(&knock.named.name, &number).await? {
                Ok(Done { outcome: "done", details: Vec::new(), told: "not bound any more".to_owned() })
            } else {
                Err(Failure::Refused("the organisation is not bound to that person's cabinet".to_owned()))
            }
        })
    })?;
    writeln!(io::stdout(), "{told}").map_err(Failure::system)
}

/// What a command did.
struct Done {
    outcome: &'static str,
    details: Vec<(&'static str, String)>,
    told: String,
}

/// Runs a command for the person whose number is read, and notes what came of it, with these details.
fn noted(
    found: &ArgMatches,
    command: &'static str,
    mut details: Vec<(&'static str, String)>,
    act: impl FnOnce(&Configuration, &PersonalNumber) -> Result<Done, Failure>,
) -> Result<String, Failure> {
    let configuration = Configuration::load(&configuration_file(found))?;
    let mut log = open_log(found, &configuration, command)?;
    let done = number().and_then(|number| act(&configuration, &number));
    let outcome = match &done {
        Ok(done) => {
            details.extend(done.details.iter().cloned());
            done.outcome.to_owned()
        }
        Err(failure) => failure.to_string(),
    };
    log.note(now(), &outcome, &details).map_err(Failure::system)?;
    done.map(|done| done.told)
}

/// Does something with the door of a person's cabinet, which has its newest name then.
fn with_cabinet(
    found: &ArgMatches,
    configuration: &Configuration,
    number: &PersonalNumber,
    act: impl AsyncFnOnce(&dyn Memory, &Knock) -> Result<Done, Failure>,
) -> Result<Done, Failure> {
    let fault = |fault| ConfigurationError::Fault { path: configuration_file(found), fault };
    let settings = configuration.cabinet_keys().ok_or_else(|| fault(Fault::missing("cabinet")))?;
    let keys = CabinetKeys::new(Arc::new(keys::load(settings, &[KeyUse::Cabinet]).map_err(fault)?));
    let keys = keys.ok_or_else(|| fault(Fault::missing("keys.folder")))?;
    let names = keys.names(number).map_err(Failure::system)?;
    run_async(async {
        let storage = open_storage(configuration).await?;
        let adopted = storage.adopt_keys(&keys.ids()).await?;
        adopted.map_err(|key| Failure::Refused(format!("the key {key} of the database is not in keys.folder")))?;
        storage.rename_cabinet(&names).await?;
        let knock = Knock { named: names.newest, id: CabinetId::draw(&mut UnwrapErr(SysRng)) };
        let done = act(&*storage, &knock).await;
        storage.close().await?;
        done
    })
}

fn organisation(found: &ArgMatches) -> Result<OrganisationNumber, Failure> {
    found.get_one(ORGANISATION).cloned().ok_or_else(|| Failure::system("the organisation is missing"))
}

/// Read from the standard input, so that neither the list of processes nor a shell's history has it.
fn number() -> Result<PersonalNumber, Failure> {
    let mut text = Zeroizing::new(String::new());
    io::stdin().take(INPUT_MAX_SIZE).read_to_string(&mut text).map_err(Failure::system)?;
    PersonalNumber::parse(&text).map_err(|_| Failure::Refused("the standard input has no personal number".to_owned()))
}
