//! The commands for the provider: its registered sites.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use getrandom::SysRng;
use latchkey_portal::configuration::{Configuration, ConfigurationError, Fault, ProviderSettings};
use latchkey_portal::http::Language;
use latchkey_portal::provider::jws::Algorithm;
use latchkey_portal::provider::registered::read_registry;
use latchkey_portal::provider::registration::{self, Order, OrderedAuthentication};
use rand_core::UnwrapErr;

use crate::keys::open_log;
use crate::{Failure, configuration_file, now};

const ID: &str = "id";
const NAMES: [(&str, &str); 3] = [
    ("name-be", "What people are told that the site is called, in Belarusian"),
    ("name-ru", "The same in Russian"),
    ("name-en", "The same in English"),
];
const REDIRECT_URI: &str = "redirect-uri";
const POST_LOGOUT_REDIRECT_URI: &str = "post-logout-redirect-uri";
const SCOPE: &str = "scope";
const PUBLIC: &str = "public";
const KEY: &str = "key";
const ALGORITHM: &str = "algorithm";
const REFRESH_TOKENS: &str = "refresh-tokens";
const MUST_PUSH: &str = "require-pushed-requests";
const DPOP_BOUND: &str = "dpop-bound-access-tokens";
const BACKCHANNEL_LOGOUT_URI: &str = "backchannel-logout-uri";
const BACKCHANNEL_LOGOUT_PRIVATE: &str = "backchannel-logout-private";

pub(crate) fn clients_arguments(config: impl Fn() -> Arg) -> Command {
    let many =
        |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value).action(ArgAction::Append);
    let mut add = Command::new("add")
        .about(
            "Register a site; a running service knows it within ten seconds. Prints the site's secret, which is kept \
             nowhere, unless the site is public or has a key",
        )
        .arg(config())
        .arg(Arg::new(ID).long(ID).value_name("NAME").required(true).help("client_id"));
    for (name, help) in NAMES {
        add = add.arg(Arg::new(name).long(name).value_name("TEXT").required(true).help(help));
    }
    Command::new("clients")
        .about("The sites that may ask who is signed in")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("check").about("Check the file of registered sites, and list them").arg(config()))
        .subcommand(
            add.arg(
                many(REDIRECT_URI, "ADDRESS")
                    .required(true)
                    .help("Where people are sent back, letter by letter; may be repeated"),
            )
            .arg(
                many(POST_LOGOUT_REDIRECT_URI, "ADDRESS")
                    .help("Where people are sent after signing out; may be repeated"),
            )
            .arg(many(SCOPE, "SCOPE").help(
                "What the site may learn: profile, personal_number, acting_account, age_over_18; may be repeated",
            ))
            .arg(Arg::new(PUBLIC).long(PUBLIC).action(ArgAction::SetTrue).help("The site cannot keep a secret"))
            .arg(
                many(KEY, "FILE")
                    .value_parser(value_parser!(PathBuf))
                    .conflicts_with(PUBLIC)
                    .help("The site's public key (PEM), for private_key_jwt; may be repeated"),
            )
            .arg(algorithm().default_value("RS256").help("By what the site's tickets are signed: ES256 or RS256"))
            .arg(
                Arg::new(REFRESH_TOKENS)
                    .long(REFRESH_TOKENS)
                    .action(ArgAction::SetTrue)
                    .help("The site gets refresh tokens"),
            )
            .arg(
                Arg::new(MUST_PUSH)
                    .long(MUST_PUSH)
                    .action(ArgAction::SetTrue)
                    .help("The site must send its requests ahead of its visitors"),
            )
            .arg(
                Arg::new(DPOP_BOUND)
                    .long(DPOP_BOUND)
                    .action(ArgAction::SetTrue)
                    .help("The site gets no tokens but those that are bound to a key of its own (DPoP)"),
            )
            .arg(
                Arg::new(BACKCHANNEL_LOGOUT_URI)
                    .long(BACKCHANNEL_LOGOUT_URI)
                    .value_name("ADDRESS")
                    .help("Where the site is told that a person has signed out"),
            )
            .arg(
                Arg::new(BACKCHANNEL_LOGOUT_PRIVATE)
                    .long(BACKCHANNEL_LOGOUT_PRIVATE)
                    .action(ArgAction::SetTrue)
                    .requires(BACKCHANNEL_LOGOUT_URI)
                    .help("That may be an address that is not public"),
            ),
        )
}

fn algorithm() -> Arg {
    let parse = |name: &str| name.parse::<Algorithm>();
    Arg::new(ALGORITHM).long(ALGORITHM).value_name("NAME").value_parser(parse)
}

pub(crate) fn clients(found: &ArgMatches) -> Result<(), Failure> {
    match found.subcommand() {
        Some(("add", found)) => add(found),
        Some((_, found)) => check(found),
        None => Ok(()),
    }
}

fn check(found: &ArgMatches) -> Result<(), Failure> {
    let path = configuration_file(found);
    let (_, settings) = settings(found)?;
    let registry = read_registry(&settings.clients).map_err(|fault| ConfigurationError::Fault { path, fault })?;
    for client in registry.clients() {
        let (id, name) = (client.id.as_str(), client.name(Language::English));
        let addresses: Vec<_> = client.redirect_uris.iter().map(|address| address.as_str()).collect();
        let (scopes, algorithm) = (client.scopes.text(), client.algorithm.name());
        let proof = format!("{:?}", client.authentication);
        writeln!(io::stdout(), "{id}: {name}; {scopes}; {proof}; {algorithm}; {}", addresses.join(" "))
            .map_err(Failure::system)?;
    }
    Ok(())
}

fn add(found: &ArgMatches) -> Result<(), Failure> {
    let (configuration, settings) = settings(found)?;
    let text = |name: &str| found.get_one::<String>(name).cloned().unwrap_or_default();
    let texts = |name: &str| found.get_many::<String>(name).unwrap_or_default().cloned().collect::<Vec<_>>();
    let keys = found.get_many::<PathBuf>(KEY).unwrap_or_default();
    // The file of sites is perhaps elsewhere than whoever calls.
    let keys = keys.map(std::path::absolute).collect::<Result<Vec<_>, _>>().map_err(Failure::system)?;
    let authentication = match (found.get_flag(PUBLIC), keys.is_empty()) {
        (true, _) => OrderedAuthentication::Public,
        (false, true) => OrderedAuthentication::Secret,
        (false, false) => OrderedAuthentication::Keys(keys),
    };
    let order = Order {
        id: text(ID),
        names: NAMES.map(|(name, _)| text(name)),
        redirect_uris: texts(REDIRECT_URI),
        post_logout_redirect_uris: texts(POST_LOGOUT_REDIRECT_URI),
        scopes: texts(SCOPE),
        authentication,
        algorithm: found.get_one(ALGORITHM).copied().unwrap_or(Algorithm::Rs256),
        refresh_tokens: found.get_flag(REFRESH_TOKENS),
        require_pushed_requests: found.get_flag(MUST_PUSH),
        dpop_bound_access_tokens: found.get_flag(DPOP_BOUND),
        backchannel_logout_uri: found.get_one(BACKCHANNEL_LOGOUT_URI).cloned(),
        backchannel_logout_private: found.get_flag(BACKCHANNEL_LOGOUT_PRIVATE),
    };
    let mut log = open_log(found, &configuration, "clients add")?;
    let added = registration::add(&settings.clients.value, &order, &mut UnwrapErr(SysRng));
    let outcome = added.as_ref().map_or_else(ToString::to_string, |_| "done".to_owned());
    log.note(now(), &outcome, &[("client", order.id.clone())]).map_err(Failure::system)?;
    let secret = added?;
    let told = match secret {
        Some(secret) => format!("{}: added\nclient_secret: {secret}", order.id),
        None => format!("{}: added", order.id),
    };
    writeln!(io::stdout(), "{told}").map_err(Failure::system)
}

fn settings(found: &ArgMatches) -> Result<(Configuration, ProviderSettings), Failure> {
    let path = configuration_file(found);
    let configuration = Configuration::load(&path)?;
    let provider = configuration.provider.clone();
    let provider = provider.ok_or_else(|| ConfigurationError::Fault { path, fault: Fault::missing("provider") })?;
    Ok((configuration, provider))
}
