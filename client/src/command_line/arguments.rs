//! The command line's shape. Built at run time, because every word of its help comes from the catalogue.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use super::doctor::{self, DoctorTask};
use super::documents::{self, SignTask, VerifyTask};
use super::guest;
use super::history;
use super::manual::Manual;
use super::probe::{self, ProbeTask};
use super::renew::{self, RenewTask};
use super::settings::{self, SettingsTask};
use crate::texts::{Language, Texts};

/// The whole command line in that language.
#[must_use]
pub fn command(texts: &Texts) -> Command {
    let command = Command::new("latchkey")
        .version(env!("CARGO_PKG_VERSION"))
        .about(texts.say("help-about"))
        .long_about(texts.say("help-long-about"))
        .after_long_help(texts.say("help-exit-codes"))
        .help_template(template(texts))
        .subcommand_help_heading(texts.say("help-commands"))
        .subcommand_value_name("COMMAND")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args_override_self(false)
        .args(global_arguments(texts))
        .subcommand(readers(texts))
        .subcommand(card(texts))
        .subcommand(sign_in(texts))
        .subcommand(open(texts))
        .subcommand(documents::sign_command(texts))
        .subcommand(documents::verify_command(texts))
        .subcommand(pin(texts))
        .subcommand(Command::new("serve").about(texts.say("help-serve")).args([record(texts), json(texts)]))
        .subcommand(guest::command(texts))
        .subcommand(doctor::command(texts))
        .subcommand(settings::command(texts))
        .subcommand(history::command(texts))
        .subcommand(Command::new("update").about(texts.say("help-update")).arg(json(texts)))
        .subcommand(
            Command::new("man").hide(true).about(texts.say("help-man")).arg(
                Arg::new("program")
                    .value_name("PROGRAM")
                    .value_parser(Manual::ALL.map(Manual::program))
                    .hide_possible_values(true)
                    .help(texts.say("help-man-program")),
            ),
        )
        .subcommand(Command::new("openapi").hide(true).about(texts.say("help-openapi")))
        .subcommand(
            Command::new("completions").hide(true).about(texts.say("help-completions")).arg(
                Arg::new("shell")
                    .value_name("SHELL")
                    .required(true)
                    .value_parser(value_parser!(Shell))
                    .help(texts.say("help-shell")),
            ),
        );
    in_language(command, texts, "latchkey")
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// How much is logged: 0 nothing, 1 what happens, 2 every exchange.
    pub verbosity: u8,
    /// What to do.
    pub task: Task,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// List readers.
    Readers {
        /// Go on with events.
        watch: bool,
        /// As JSON.
        json: bool,
    },
    /// Show a card.
    Card {
        /// Which card, and how to talk.
        common: Common,
        /// With the certificates.
        pin: bool,
    },
    /// Examine a card of any kind.
    Probe(ProbeTask),
    /// Have a terminal renew the card's key and certificate.
    Renew(RenewTask),
    /// Sign in.
    SignIn {
        /// Which card, and how to talk.
        common: Common,
        /// The portal's address.
        address: String,
        /// More trusted authorities.
        ca_file: Option<PathBuf>,
        /// What was agreed to in advance.
        consent: Consent,
    },
    /// Sign in as a link says.
    Open {
        /// Which card, and how to talk.
        common: Common,
        /// The link.
        link: String,
        /// More trusted authorities.
        ca_file: Option<PathBuf>,
        /// What was agreed to in advance.
        consent: Consent,
    },
    /// Sign documents.
    Sign(SignTask),
    /// Verify a signed document.
    Verify(VerifyTask),
    /// Open a portal for a guest.
    Guest {
        /// The portal's address; without it, the administrator's first.
        address: Option<String>,
        /// What happens as JSON.
        json: bool,
    },
    /// Serve pages of portals.
    Serve {
        /// Where what is said to cards is recorded.
        record: Option<PathBuf>,
        /// What happens as JSON.
        json: bool,
    },
    /// Write the description of the service for pages.
    OpenApi,
    /// Show the state of the PIN.
    PinStatus(Common),
    /// Change the PIN.
    PinChange(Common),
    /// Unblock the PIN.
    PinUnblock {
        /// Which card, and how to talk.
        common: Common,
        /// Set a new PIN too.
        new_pin: bool,
    },
    /// Put the PIN into use.
    PinActivate(Common),
    /// Put the PIN out of use.
    PinDeactivate {
        /// Which card, and how to talk.
        common: Common,
        /// With the PUK.
        puk: bool,
    },
    /// Look for the cause when something does not work.
    Doctor(DoctorTask),
    /// Show or change settings.
    Settings {
        /// What to do with them.
        task: SettingsTask,
        /// As JSON.
        json: bool,
    },
    /// Show or delete the sign-ins that are remembered.
    History {
        /// Delete them.
        delete: bool,
        /// As JSON.
        json: bool,
    },
    /// Ask for a newer version.
    Update {
        /// As JSON.
        json: bool,
    },
    /// Write a manual page.
    Man(Manual),
    /// Write a completion script.
    Completions(Shell),
}

/// What the commands that need a card have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// The reader's name as it was typed.
    pub reader: Option<String>,
    /// How many seconds to wait for a card.
    pub wait: Option<u16>,
    /// The result as JSON.
    pub json: bool,
    /// Where secrets come from instead of the terminal.
    pub pin_fd: Option<u16>,
    /// Whether the last try may be spent unasked.
    pub allow_last_try: bool,
    /// Where what is said to the card is recorded.
    pub record: Option<PathBuf>,
}

/// What the holder agreed to before he was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    /// The host may be contacted.
    pub host: bool,
    /// Certificate and signature may be handed over.
    pub hand_over: bool,
}

impl Invocation {
    /// Reads what clap matched. `None` only if the command line above and this disagree.
    #[must_use]
    pub fn from_matches(matches: &ArgMatches) -> Option<Self> {
        let (name, own) = matches.subcommand()?;
        let task = match name {
            "readers" => Task::Readers { watch: own.get_flag("watch"), json: own.get_flag("json") },
            "card" => match own.subcommand() {
                Some(("renew", own)) => Task::Renew(RenewTask::from_matches(own)?),
                Some((_, own)) => Task::Probe(ProbeTask::from_matches(own)?),
                None => Task::Card { common: Common::from_matches(own), pin: own.get_flag("pin") },
            },
            "sign-in" => Task::SignIn {
                common: Common::from_matches(own),
                address: own.get_one::<String>("url")?.clone(),
                ca_file: own.get_one("ca-file").cloned(),
                consent: Consent::from_matches(own),
            },
            "open" => Task::Open {
                common: Common::from_matches(own),
                link: own.get_one::<String>("link")?.clone(),
                ca_file: own.get_one("ca-file").cloned(),
                consent: Consent::from_matches(own),
            },
            "sign" => Task::Sign(SignTask::from_matches(own)),
            "verify" => Task::Verify(VerifyTask::from_matches(own)?),
            "pin" => pin_task(own)?,
            "guest" => Task::Guest { address: own.get_one("url").cloned(), json: own.get_flag("json") },
            "serve" => Task::Serve { record: own.get_one("record").cloned(), json: own.get_flag("json") },
            "openapi" => Task::OpenApi,
            "doctor" => Task::Doctor(DoctorTask::from_matches(own)),
            "settings" => {
                let (task, json) = SettingsTask::from_matches(own)?;
                Task::Settings { task, json }
            }
            "history" => Task::History { delete: own.get_flag("delete"), json: own.get_flag("json") },
            "update" => Task::Update { json: own.get_flag("json") },
            "man" => {
                Task::Man(own.get_one("program").map_or(Some(Manual::CommandLine), |name: &String| Manual::of(name))?)
            }
            "completions" => Task::Completions(*own.get_one("shell")?),
            _ => return None,
        };
        Some(Self { verbosity: matches.get_count("verbose"), task })
    }
}

impl Common {
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        let asks = |id| matches.try_contains_id(id).is_ok();
        Self {
            reader: matches.get_one::<String>("reader").cloned(),
            wait: matches.get_one("wait").copied(),
            json: matches.get_flag("json"),
            pin_fd: if asks("pin-fd") { matches.get_one("pin-fd").copied() } else { None },
            allow_last_try: asks("allow-last-try") && matches.get_flag("allow-last-try"),
            record: matches.get_one("record").cloned(),
        }
    }
}

impl Consent {
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        let all = matches.get_flag("yes");
        Self { host: matches.get_flag("yes-to-host") || all, hand_over: all }
    }
}

fn pin_task(matches: &ArgMatches) -> Option<Task> {
    let (name, own) = matches.subcommand()?;
    let common = Common::from_matches(own);
    Some(match name {
        "status" => Task::PinStatus(common),
        "change" => Task::PinChange(common),
        "unblock" => Task::PinUnblock { common, new_pin: own.get_flag("new-pin") },
        "activate" => Task::PinActivate(common),
        "deactivate" => Task::PinDeactivate { common, puk: own.get_flag("puk") },
        _ => return None,
    })
}

fn readers(texts: &Texts) -> Command {
    Command::new("readers")
        .about(texts.say("help-readers"))
        .arg(flag("watch", None).help(texts.say("help-watch")))
        .arg(json(texts))
}

fn card(texts: &Texts) -> Command {
    Command::new("card")
        .about(texts.say("help-card"))
        .arg(flag("pin", None).help(texts.say("help-card-pin")))
        .args(secret_arguments(texts))
        .args(card_arguments(texts))
        .subcommand_value_name("COMMAND")
        .args_conflicts_with_subcommands(true)
        .subcommand(probe::command(texts))
        .subcommand(renew::command(texts))
}

fn sign_in(texts: &Texts) -> Command {
    Command::new("sign-in")
        .about(texts.say("help-sign-in"))
        .arg(Arg::new("url").value_name("URL").required(true).help(texts.say("help-sign-in-url")))
        .args(portal_arguments(texts))
        .args(secret_arguments(texts))
        .args(card_arguments(texts))
}

fn open(texts: &Texts) -> Command {
    Command::new("open")
        .about(texts.say("help-open"))
        .arg(Arg::new("link").value_name("LINK").required(true).help(texts.say("help-open-link")))
        .args(portal_arguments(texts))
        .args(secret_arguments(texts))
        .args(card_arguments(texts))
}

fn pin(texts: &Texts) -> Command {
    let command =
        |name: &'static str, about: &str| Command::new(name).about(texts.say(about)).args(card_arguments(texts));
    let with_secret = |name, about| command(name, about).args(secret_arguments(texts));
    Command::new("pin")
        .about(texts.say("help-pin"))
        .subcommand_required(true)
        .subcommand_value_name("COMMAND")
        .subcommand(command("status", "help-pin-status"))
        .subcommand(with_secret("change", "help-pin-change"))
        .subcommand(
            with_secret("unblock", "help-pin-unblock").arg(flag("new-pin", None).help(texts.say("help-new-pin"))),
        )
        .subcommand(with_secret("activate", "help-pin-activate"))
        .subcommand(
            with_secret("deactivate", "help-pin-deactivate").arg(flag("puk", None).help(texts.say("help-with-puk"))),
        )
}

pub(super) fn portal_arguments(texts: &Texts) -> [Arg; 3] {
    [
        Arg::new("ca-file")
            .long("ca-file")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help(texts.say("help-ca-file")),
        flag("yes-to-host", None).help(texts.say("help-yes-to-host")),
        flag("yes", None).help(texts.say("help-yes")),
    ]
}

pub(super) fn card_arguments(texts: &Texts) -> [Arg; 4] {
    [
        Arg::new("reader").long("reader").value_name("NAME").help(texts.say("help-reader")),
        Arg::new("wait")
            .long("wait")
            .value_name("SECONDS")
            .value_parser(value_parser!(u16))
            .help(texts.say("help-wait")),
        record(texts),
        json(texts),
    ]
}

fn record(texts: &Texts) -> Arg {
    Arg::new("record")
        .long("record")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help(texts.say("help-record"))
}

pub(super) fn secret_arguments(texts: &Texts) -> [Arg; 2] {
    [pin_fd(texts), flag("allow-last-try", None).requires("pin-fd").help(texts.say("help-allow-last-try"))]
}

pub(super) fn pin_fd(texts: &Texts) -> Arg {
    Arg::new("pin-fd").long("pin-fd").value_name("N").value_parser(value_parser!(u16)).help(texts.say("help-pin-fd"))
}

pub(super) fn json(texts: &Texts) -> Arg {
    flag("json", None).help(texts.say("help-json"))
}

fn global_arguments(texts: &Texts) -> [Arg; 5] {
    let heading = texts.say("help-global-options");
    [
        Arg::new("lang")
            .long("lang")
            .value_name("LANGUAGE")
            .value_parser(Language::ALL.map(Language::code))
            .hide_possible_values(true)
            .help(texts.say("help-lang")),
        Arg::new("managed")
            .long("managed")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help(texts.say("help-managed")),
        flag("verbose", Some('v')).action(ArgAction::Count).help(texts.say("help-verbose")),
        flag("help", Some('h')).action(ArgAction::Help).help(texts.say("help-help")),
        flag("version", Some('V')).action(ArgAction::Version).help(texts.say("help-version")),
    ]
    .map(|argument| {
        // A version is the program's, not a command's.
        let everywhere = argument.get_id() != "version";
        argument.global(everywhere).help_heading(heading.clone())
    })
}

pub(super) fn flag(name: &'static str, short: Option<char>) -> Arg {
    Arg::new(name).long(name).short(short).action(ArgAction::SetTrue)
}

/// Headings, usage lines and templates are a command's own: every subcommand is given them in the same language.
fn in_language(command: Command, texts: &Texts, name: &str) -> Command {
    let options = texts.say("help-options");
    let arguments = texts.say("help-arguments");
    let usage = usage(&command, texts, name);
    command
        .override_usage(usage)
        .help_template(template(texts))
        .subcommand_help_heading(texts.say("help-commands"))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .mut_args(|argument| {
            let heading = if argument.is_positional() { &arguments } else { &options };
            if argument.get_help_heading().is_some() { argument } else { argument.help_heading(heading.clone()) }
        })
        .mut_subcommands(|subcommand| {
            let name = format!("{name} {}", subcommand.get_name());
            in_language(subcommand, texts, &name)
        })
}

fn usage(command: &Command, texts: &Texts, name: &str) -> String {
    let mut usage = format!("{name} {}", texts.say("help-usage-options"));
    for argument in command.get_positionals() {
        usage.push(' ');
        usage.push_str(&argument.to_string());
    }
    if command.is_subcommand_required_set() {
        usage.push(' ');
        usage.push_str(&texts.say("help-usage-command"));
    } else if command.has_subcommands() {
        usage.push_str(&format!(" [{}]", texts.say("help-usage-command")));
    }
    usage
}

fn template(texts: &Texts) -> String {
    format!("{{about-with-newline}}\n{} {{usage}}\n\n{{all-args}}{{after-help}}\n", texts.say("help-usage"))
}
