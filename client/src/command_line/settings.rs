//! `latchkey settings`: what is set, what is remembered about sites, and how to change both.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command};
use latchkey_crypto::assertion::Origin;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::arguments::json as json_argument;
use super::failure::CommandFailure;
use super::output::Output;
use super::table::{columns, table};
use super::tasks::Work;
use crate::portal::parse_address;
use crate::settings::{
    Autostart, Managed, Places, RememberedSite, Setting, SettingName, Settings, SettingsFailure, SettingsStore,
    SiteState,
};
use crate::texts::Texts;

/// What to do with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsTask {
    /// Show them.
    Show,
    /// Change one.
    Set {
        /// Its name as it was typed.
        name: String,
        /// The value as it was typed.
        value: String,
    },
    /// Show what is known about sites.
    Sites,
    /// Forget what the holder said about a site.
    Forget {
        /// Its origin as it was typed.
        origin: String,
    },
}

impl SettingsTask {
    /// Reads what clap matched, and whether the result is wanted as JSON.
    pub(super) fn from_matches(matches: &ArgMatches) -> Option<(Self, bool)> {
        let (name, own) = matches.subcommand()?;
        let text = |id| own.get_one::<String>(id).cloned();
        let task = match name {
            "show" => Self::Show,
            "set" => Self::Set { name: text("name")?, value: text("value")? },
            "sites" => Self::Sites,
            "forget" => Self::Forget { origin: text("origin")? },
            _ => return None,
        };
        Some((task, own.get_flag("json")))
    }
}

pub(super) fn command(texts: &Texts) -> Command {
    let command = |name: &'static str, about| Command::new(name).about(texts.say(about)).arg(json_argument(texts));
    let text =
        |id: &'static str, name: &'static str, help| Arg::new(id).value_name(name).required(true).help(texts.say(help));
    Command::new("settings")
        .about(texts.say("help-settings"))
        .subcommand_required(true)
        .subcommand_value_name("COMMAND")
        .subcommand(command("show", "help-settings-show"))
        .subcommand(command("set", "help-settings-set").arg(text("name", "NAME", "help-settings-name")).arg(text(
            "value",
            "VALUE",
            "help-settings-value",
        )))
        .subcommand(command("sites", "help-settings-sites"))
        .subcommand(command("forget", "help-settings-forget").arg(text("origin", "ORIGIN", "help-settings-origin")))
}

/// The holder's settings under the administrator's.
pub(super) fn held(arguments: &[OsString], clock: fn() -> OffsetDateTime) -> Result<SettingsStore, SettingsFailure> {
    let managed = match super::option(arguments, "--managed") {
        Some(file) => Managed::of_file(Path::new(file)),
        None => Managed::of_this_computer(),
    }?;
    let places = Places::of_this_process();
    // Without a home there is no file, and nothing can be changed.
    let file = places.as_ref().map(Places::settings_file).unwrap_or_default();
    let store = SettingsStore::new(file, Arc::new(managed), clock);
    let program = std::env::current_exe().ok().map(|program| program.with_file_name(WINDOW_PROGRAM));
    Ok(match (places, program) {
        (Some(places), Some(program)) => store.with_autostart(Autostart::new(places.autostart_folder(), program)),
        _ => store,
    })
}

/// The program that starts with the holder's session.
const WINDOW_PROGRAM: &str = "latchkey-desktop";

impl Work {
    pub(super) fn change_settings(&self, task: &SettingsTask, as_json: bool) -> Result<(), CommandFailure> {
        let texts = &self.console.texts;
        let store = &self.settings;
        match task {
            SettingsTask::Show => shown(texts, store),
            SettingsTask::Sites => sites(texts, &store.sites()),
            SettingsTask::Set { name, value } => {
                let name = SettingName::of_key(name).ok_or_else(|| SettingsFailure::Unknown { name: name.clone() })?;
                let setting = Setting::parse(name, value).map_err(|problem| SettingsFailure::Value {
                    name: name.key(),
                    value: value.clone(),
                    problem: problem.to_string(),
                })?;
                store.change(&setting)?;
                shown(texts, store)
            }
            SettingsTask::Forget { origin } => {
                let origin: Origin = parse_address(origin)?;
                store.forget_site(&origin)?;
                sites(texts, &store.sites())
            }
        }
        .write(as_json)
    }
}

fn shown(texts: &Texts, store: &SettingsStore) -> Output {
    let settings = store.settings();
    let fixed = store.fixed();
    let row = |name: SettingName| {
        let value = value(&settings, name).unwrap_or_else(|| texts.say("setting-none"));
        let note = if fixed.contains(&name) { texts.say("setting-fixed-note") } else { String::new() };
        (name.key().to_owned(), format!("{value}{note}"))
    };
    let mut rows: Vec<_> = SettingName::ALL.into_iter().map(row).collect();
    rows.push((texts.say("settings-file"), store.path().display().to_string()));
    let values = SettingName::ALL.into_iter().map(|name| (name.key().to_owned(), value(&settings, name).into()));
    let values: serde_json::Map<String, Value> = values.collect();
    let fixed: Vec<_> = fixed.into_iter().map(SettingName::key).collect();
    Output {
        json: json!({ "settings": values, "fixed": fixed, "file": store.path().display().to_string() }),
        text: table(&rows, columns()),
    }
}

/// A setting's value as it is written on the command line.
fn value(settings: &Settings, name: SettingName) -> Option<String> {
    Some(match name {
        SettingName::Language => settings.language.map_or("system", |language| language.code()).to_owned(),
        SettingName::Theme => settings.theme.code().to_owned(),
        SettingName::Autostart => settings.autostart.to_string(),
        SettingName::Tray => settings.tray.to_string(),
        SettingName::PinPad => settings.pin_pad.to_string(),
        SettingName::Proxy => settings.proxy.code().to_owned(),
        SettingName::ProxyAddress => settings.proxy_address.as_ref()?.as_str().to_owned(),
        SettingName::History => settings.history.to_string(),
    })
}

fn sites(texts: &Texts, sites: &[RememberedSite]) -> Output {
    let since = |site: &RememberedSite| site.since.and_then(|since| since.format(&Rfc3339).ok());
    let row = |site: &RememberedSite| {
        let state = match site.state {
            SiteState::Allowed => texts.say("site-allowed"),
            SiteState::RefusedToday => texts.say("site-refused-today"),
            SiteState::AllowedByAdministrator => texts.say("site-allowed-by-administrator"),
            SiteState::ForbiddenByAdministrator => texts.say("site-forbidden-by-administrator"),
            SiteState::HasTerminal => texts.say("site-has-terminal"),
        };
        let since = since(site).map(|since| format!(" ({since})")).unwrap_or_default();
        (site.origin.to_string(), format!("{state}{since}"))
    };
    let rows: Vec<_> = sites.iter().map(row).collect();
    let list = sites
        .iter()
        .map(|site| json!({ "origin": site.origin.as_str(), "state": site.state.code(), "since": since(site) }));
    let list: Vec<_> = list.collect();
    let text = if rows.is_empty() { texts.say("sites-none") } else { table(&rows, columns()) };
    Output { json: json!({ "sites": list }), text }
}
