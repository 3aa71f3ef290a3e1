//! The configuration file. `portal.example.toml` documents every key.

mod document;
mod keys;
mod outside_account;
mod provider;
mod rates;
mod registry;
mod revocation;
mod terminal;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use document::{Fault, Located};
pub use keys::{CabinetSettings, KeySettings};
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::x509::ObjectIdentifier;
use latchkey_verify::{Assurance, PolicyLevels};
pub use outside_account::OutsideAccountSettings;
pub use provider::ProviderSettings;
pub use registry::REGISTRY_MAX_SIZE;
pub use revocation::RevocationSettings;
pub use terminal::{AuthoritySettings, CredentialFiles, TerminalSettings, TicketFiles};
use time::UtcOffset;
use time::macros::format_description;

use crate::portal::PortalName;
use crate::rates::RateSettings;
use crate::storage::{DatabasePlace, InvalidDatabaseAddress, PostgresSettings, SqliteSettings};
use document::Table;

/// A configuration that was read and checked; the files that it names were not opened yet.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// The origin under which browsers see the service.
    pub origin: Origin,
    /// What the portal calls itself.
    pub name: PortalName,
    /// Where to listen, always with TLS.
    pub listen: Vec<Located<SocketAddr>>,
    /// Where client programs listen on their users' computers.
    pub client_port: u16,
    /// In which time people are told of moments, ahead of UTC.
    pub utc_offset: UtcOffset,
    /// The database.
    pub database: Located<DatabasePlace>,
    /// The server's certificate and key.
    pub tls: TlsFiles,
    /// Whose certificates are accepted.
    pub trust: TrustFiles,
    /// How revocation data is kept current.
    pub revocation: RevocationSettings,
    /// How long things may last, and how many there may be.
    pub limits: Limits,
    /// How much one source, or one site, may ask for in a minute.
    pub rates: RateSettings,
    /// How to write the log.
    pub log: LogSettings,
    /// Where commands of operators are noted; on the standard error output without it.
    pub command_log: Option<Located<PathBuf>>,
    /// Where events are written for auditors, if they are.
    pub audit_log: Option<Located<PathBuf>>,
    /// The service's own keys, if it needs any.
    pub keys: Option<KeySettings>,
    /// The cabinets, if there are to be any.
    pub cabinet: Option<CabinetSettings>,
    /// The terminal, if there is to be one.
    pub terminal: Option<TerminalSettings>,
    /// Another provider whose accounts may sign in, if one may.
    pub outside_account: Option<OutsideAccountSettings>,
    /// The provider of OpenID Connect, if there is to be one.
    pub provider: Option<ProviderSettings>,
}

/// The files of the server's TLS identity, PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate, followed by those of its issuers.
    pub certificate: Located<PathBuf>,
    /// The private key, not encrypted, not readable by everybody.
    pub key: Located<PathBuf>,
    /// The authorities one of which must have certified whoever calls, if callers need a certificate.
    pub caller_authorities: Option<Located<PathBuf>>,
}

/// The files that say whose cards are accepted, DER.
#[derive(Debug, Clone)]
pub struct TrustFiles {
    /// Root certificates.
    pub anchors: Vec<Located<PathBuf>>,
    /// Certificates of issuing authorities.
    pub intermediates: Vec<Located<PathBuf>>,
    /// Revocation lists, read again when they change.
    pub revocation_lists: Vec<Located<PathBuf>>,
    /// Which certificate policies mean which assurance.
    pub levels: PolicyLevels,
    /// The least assurance that is let in.
    pub minimum_assurance: Assurance,
}

/// How long things may last, and how many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From issuing a challenge to its expiry.
    pub challenge: Duration,
    /// How many challenges are kept at most, those among them that were used or have expired.
    pub challenges: u32,
    /// From signing in to the end of the session.
    pub session: Duration,
    /// From the first octet of a request to its answer; and how long a connection may wait for the next request, or for
    /// the visitor to take more of an answer.
    pub request: Duration,
    /// From the signal to stop to the end of requests that are still open.
    pub stop: Duration,
}

/// A file that something is noted in, if it is.
type NotedIn = Option<Located<PathBuf>>;

/// How to write the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// Its format.
    pub format: LogFormat,
    /// The least grave that is written.
    pub level: tracing::Level,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The configuration file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{}: {fault}", path.display())]
    Fault {
        /// The configuration file.
        path: PathBuf,
        /// What, and where.
        #[source]
        fault: Fault,
    },
}

impl Configuration {
    /// Reads the configuration file. Relative paths in it are meant from the directory it lies in.
    ///
    /// # Errors
    /// [`ConfigurationError`] if the file cannot be read or has a fault.
    pub fn load(path: &Path) -> Result<Self, ConfigurationError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigurationError::Unreadable { path: path.to_owned(), source })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, directory).map_err(|fault| ConfigurationError::Fault { path: path.to_owned(), fault })
    }

    /// Reads a configuration from its text. Relative paths are meant from `directory`.
    ///
    /// # Errors
    /// [`Fault`]: the first thing that is wrong, with its line and key.
    pub fn parse(text: &str, directory: &Path) -> Result<Self, Fault> {
        let mut root = Table::root(text)?;
        let origin = root.string("public_origin")?.parse(public_origin)?.value;
        let listen = some(root.strings("listen")?)?;
        let listen = listen.into_iter().map(|address| address.parse(listen_address)).collect::<Result<_, _>>()?;
        let client_port = root.number("client_port", 1..=u32::from(u16::MAX), 8084)?;
        let offset =
            root.optional_string("utc_offset")?.map(|text| text.parse(|text| utc_offset(&text))).transpose()?;
        let database = database(root.string("database")?, directory)?;
        let mut name = root.table("name")?;
        let mut tls = root.table("tls")?;
        let mut trust = root.table("trust")?;
        let limits = Limits::read(root.optional_table("limits")?)?;
        let rates = RateSettings::read(root.optional_table("rates")?)?;
        let lists = paths(some(trust.strings("revocation_lists")?)?, directory)?;
        let revocation = RevocationSettings::read(root.optional_table("revocation")?, lists.len())?;
        let (log, command_log, audit_log) = LogSettings::read(root.optional_table("log")?, directory)?;
        let keys = root.optional_table("keys")?.map(|table| KeySettings::read(table, directory)).transpose()?;
        let cabinet = root.optional_table("cabinet")?;
        let cabinet = cabinet.map(|table| CabinetSettings::read(table, keys.is_some())).transpose()?;
        let terminal = root.optional_table("terminal")?;
        let terminal = terminal.map(|table| TerminalSettings::read(table, keys.as_ref(), directory)).transpose()?;
        let provider = root.optional_table("provider")?;
        let provider = provider.map(|table| ProviderSettings::read(table, keys.as_ref(), directory)).transpose()?;
        let minimum_assurance = trust.string("minimum_assurance")?.parse(|name| name.parse::<Assurance>())?.value;
        let outside_account = root
            .optional_table("outside_account")?
            .map(|table| OutsideAccountSettings::read(table, keys.as_ref(), minimum_assurance, directory))
            .transpose()?;
        root.end()?;
        let configuration = Self {
            origin,
            listen,
            client_port: u16::try_from(client_port).unwrap_or(u16::MAX),
            utc_offset: offset.map_or(UtcOffset::UTC, |offset| offset.value),
            database,
            name: PortalName {
                belarusian: portal_name(name.string("be")?)?,
                russian: portal_name(name.string("ru")?)?,
                english: portal_name(name.string("en")?)?,
            },
            tls: TlsFiles {
                certificate: path(tls.string("certificate")?, directory)?,
                key: path(tls.string("key")?, directory)?,
                caller_authorities: None,
            },
            trust: TrustFiles {
                anchors: paths(some(trust.strings("anchors")?)?, directory)?,
                intermediates: paths(trust.strings("intermediates")?.value, directory)?,
                revocation_lists: lists,
                levels: PolicyLevels {
                    card_held_key: policies(trust.strings("card_held_policies")?)?,
                    other_key: policies(trust.strings("other_policies")?)?,
                },
                minimum_assurance,
            },
            revocation,
            limits,
            rates,
            log,
            command_log,
            audit_log,
            keys,
            cabinet,
            terminal,
            outside_account,
            provider,
        };
        name.end()?;
        tls.end()?;
        trust.end()?;
        Ok(configuration)
    }
}

impl Configuration {
    /// Where the keys are that cabinets are named with, if there are to be cabinets.
    #[must_use]
    pub const fn cabinet_keys(&self) -> Option<&KeySettings> {
        if self.cabinet.is_some() { self.keys.as_ref() } else { None }
    }
}

impl Limits {
    fn read(table: Option<Table<'_>>) -> Result<Self, Fault> {
        let mut seconds = [300, 1800, 15, 30];
        let mut challenges = 1_000_000;
        if let Some(mut table) = table {
            seconds = [
                table.number("challenge_seconds", 30..=300, 300)?,
                table.number("session_seconds", 60..=86_400, 1800)?,
                table.number("request_seconds", 1..=120, 15)?,
                table.number("stop_seconds", 1..=300, 30)?,
            ];
            challenges = table.number("challenges", 1_000..=100_000_000, challenges)?;
            table.end()?;
        }
        let [challenge, session, request, stop] = seconds.map(|seconds| Duration::from_secs(seconds.into()));
        Ok(Self { challenge, challenges, session, request, stop })
    }
}

impl LogSettings {
    /// How to write the log, and where commands and events are noted.
    fn read(table: Option<Table<'_>>, directory: &Path) -> Result<(Self, NotedIn, NotedIn), Fault> {
        let mut settings = Self { format: LogFormat::Text, level: tracing::Level::INFO };
        let Some(mut table) = table else { return Ok((settings, None, None)) };
        if let Some(format) = table.optional_string("format")? {
            settings.format = format.parse(log_format)?.value;
        }
        if let Some(level) = table.optional_string("level")? {
            settings.level = level.parse(log_level)?.value;
        }
        let commands = table.optional_string("commands")?.map(|file| path(file, directory)).transpose()?;
        let audit = table.optional_string("audit")?.map(|file| path(file, directory)).transpose()?;
        table.end()?;
        Ok((settings, commands, audit))
    }
}

fn public_origin(text: String) -> Result<Origin, String> {
    let origin = Origin::parse(&text).map_err(|error| error.to_string())?;
    if origin.as_str() == text { Ok(origin) } else { Err(format!("must be written as browsers do: {origin}")) }
}

fn listen_address(text: String) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("must be an IP address and a port like 192.0.2.1:443 or [::1]:443, not {text}"))
}

/// Other lengths fit no window in which a person is asked.
fn utc_offset(text: &str) -> Result<UtcOffset, &'static str> {
    let format = format_description!("[offset_hour sign:mandatory]:[offset_minute]");
    let offset = UtcOffset::parse(text, format).ok().filter(|offset| offset.whole_hours().abs() <= 14);
    offset.ok_or("a difference to UTC is like +03:00, at most 14 hours")
}

fn portal_name(name: Located<String>) -> Result<String, Fault> {
    let named = name.parse(|name| {
        let length = name.chars().count();
        if !(1..=100).contains(&length) {
            Err(format!("must have 1 to 100 characters, not {length}"))
        } else if name.trim() != name || name.chars().any(char::is_control) {
            Err("must have no control characters and no space at its ends".to_owned())
        } else {
            Ok(name)
        }
    })?;
    Ok(named.value)
}

fn path(text: Located<String>, directory: &Path) -> Result<Located<PathBuf>, Fault> {
    text.parse(|text| if text.is_empty() { Err("must name a file") } else { Ok(directory.join(text)) })
}

/// A file, or the address of a database server.
fn database(text: Located<String>, directory: &Path) -> Result<Located<DatabasePlace>, Fault> {
    text.parse(|text| match text.as_str() {
        "" => Err("must name a file or a PostgreSQL database".to_owned()),
        address if PostgresSettings::is_address(address) => address
            .parse()
            .map(|settings| DatabasePlace::Server(Box::new(settings)))
            .map_err(|error: InvalidDatabaseAddress| error.to_string()),
        file => Ok(DatabasePlace::File(SqliteSettings::new(directory.join(file)))),
    })
}

fn paths(texts: Vec<Located<String>>, directory: &Path) -> Result<Vec<Located<PathBuf>>, Fault> {
    texts.into_iter().map(|text| path(text, directory)).collect()
}

fn policies(texts: Located<Vec<Located<String>>>) -> Result<Vec<ObjectIdentifier>, Fault> {
    texts.value.into_iter().map(|text| Ok(text.parse(|text| text.parse::<ObjectIdentifier>())?.value)).collect()
}

/// An array that must not be empty.
fn some(array: Located<Vec<Located<String>>>) -> Result<Vec<Located<String>>, Fault> {
    let array = array.parse(|array| if array.is_empty() { Err("must not be empty") } else { Ok(array) })?;
    Ok(array.value)
}

fn log_format(name: String) -> Result<LogFormat, String> {
    match name.as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("must be \"text\" or \"json\", not \"{name}\"")),
    }
}

fn log_level(name: String) -> Result<tracing::Level, String> {
    match name.as_str() {
        "error" => Ok(tracing::Level::ERROR),
        "warn" => Ok(tracing::Level::WARN),
        "info" => Ok(tracing::Level::INFO),
        "debug" => Ok(tracing::Level::DEBUG),
        _ => Err(format!("must be \"error\", \"warn\", \"info\" or \"debug\", not \"{name}\"")),
    }
}
