//! The section `[terminal]`.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use url::Url;

use super::document::{Fault, Located, Table};
use super::{KeySettings, TlsFiles, database, listen_address, path, paths, some};
use crate::storage::DatabasePlace;
use crate::terminal::authority::authority_address;
use crate::terminal::{Sources, UnknownDocuments};

/// The terminal, where the configuration has one.
#[derive(Debug, Clone)]
pub struct TerminalSettings {
    /// Where to listen for the back ends of portals; without TLS on loopback addresses only.
    pub listen: Vec<Located<SocketAddr>>,
    /// Who may call.
    pub sources: Sources,
    /// The TLS identity, without which nothing but this computer is listened to.
    pub tls: Option<TlsFiles>,
    /// The database of open sessions.
    pub steps: Located<DatabasePlace>,
    /// How many sessions are kept at most.
    pub sessions: u32,
    /// Where the key is under which records of sessions are sealed.
    pub keys: KeySettings,
    /// How the terminal shows itself to cards, and which cards it believes.
    pub credentials: CredentialFiles,
    /// What has become of documents.
    pub documents: Option<Located<PathBuf>>,
    /// What happens with documents of which nobody says anything.
    pub unknown_documents: UnknownDocuments,
    /// Whose requests for tickets are taken, if tickets are issued.
    pub tickets: Option<TicketFiles>,
    /// Where certificates are asked for, if that goes over HTTP.
    pub authority: Option<AuthoritySettings>,
}

/// The issuing authority, as it is asked over HTTP.
#[derive(Debug, Clone)]
pub struct AuthoritySettings {
    /// The address below which it answers, with a slash at its end.
    pub address: Located<Url>,
    /// Whose TLS certificates are trusted there, PEM; those that the system trusts, without it.
    pub tls_authorities: Option<Located<PathBuf>>,
}

/// The files for tickets. Certificates are X.509, DER.
#[derive(Debug, Clone)]
pub struct TicketFiles {
    /// The address by which requests name this terminal.
    pub address: Located<Url>,
    /// The certificates of the relying parties whose requests are taken.
    pub clients: Vec<Located<PathBuf>>,
    /// The certificate that tickets are signed with.
    pub certificate: Located<PathBuf>,
    /// Its private key: a PBES2 container of STB 34.101.78.
    pub key: Located<PathBuf>,
    /// The container's password.
    pub password: Located<PathBuf>,
}

/// The files of the terminal's credentials. Certificates are CV certificates, the octets of one data object `7F21` each.
#[derive(Debug, Clone)]
pub struct CredentialFiles {
    /// The terminal's own certificate. What stands in front of it takes the place of `path`.
    pub certificate: Located<PathBuf>,
    /// Its private key: a PBES2 container of STB 34.101.78.
    pub key: Located<PathBuf>,
    /// The container's password.
    pub password: Located<PathBuf>,
    /// What stands between a card's root and the certificate: a link certificate perhaps, then an authority's.
    pub path: Vec<Located<PathBuf>>,
    /// The roots that are trusted.
    pub roots: Vec<Located<PathBuf>>,
    /// Link certificates by which further roots come to be trusted.
    pub links: Vec<Located<PathBuf>>,
    /// The authorities that certify cards, below the roots.
    pub card_authorities: Vec<Located<PathBuf>>,
}

impl TerminalSettings {
    pub(super) fn read(mut table: Table<'_>, keys: Option<&KeySettings>, directory: &Path) -> Result<Self, Fault> {
        table.is_in_folder("record_key", "record")?;
        let keys = keys.ok_or_else(|| table.fault("needs the section [keys]"))?.clone();
        let listen = some(table.strings("listen")?)?;
        let listen: Vec<_> =
            listen.into_iter().map(|address| address.parse(listen_address)).collect::<Result<_, _>>()?;
        let callers = table.optional_strings("callers")?.map(some).transpose()?;
        let callers =
            callers.map(|callers| callers.into_iter().map(caller).collect::<Result<Vec<_>, _>>()).transpose()?;
        let tls = table.optional_table("tls")?.map(|table| tls(table, directory)).transpose()?;
        let tickets = table.optional_table("tickets")?.map(|table| tickets(table, directory)).transpose()?;
        let authority = table.optional_table("authority")?.map(|table| authority(table, directory)).transpose()?;
        let has_certificates = tls.as_ref().is_some_and(|tls| tls.caller_authorities.is_some());
        let sources = match callers {
            Some(callers) => Sources::Listed(callers),
            None if has_certificates => Sources::AnyWithCertificate,
            None => Sources::Loopback,
        };
        for address in listen.iter().filter(|address| !address.value.ip().to_canonical().is_loopback()) {
            if tls.is_none() || sources == Sources::Loopback {
                return Err(address.fault(BEYOND_LOOPBACK));
            }
        }
        let settings = Self {
            listen,
            sources,
            tls,
            steps: database(table.string("steps")?, directory)?,
            sessions: table.number("sessions", 10..=1_000_000, 10_000)?,
            keys,
            credentials: CredentialFiles {
                certificate: path(table.string("certificate")?, directory)?,
                key: path(table.string("key")?, directory)?,
                password: path(table.string("password")?, directory)?,
                path: paths(table.strings("path")?.value, directory)?,
                roots: paths(some(table.strings("roots")?)?, directory)?,
                links: optional_paths(&mut table, "links", directory)?,
                card_authorities: paths(table.strings("card_authorities")?.value, directory)?,
            },
            documents: table.optional_string("documents")?.map(|file| path(file, directory)).transpose()?,
            unknown_documents: table.string("unknown_documents")?.parse(unknown_documents)?.value,
            tickets,
            authority,
        };
        table.end()?;
        Ok(settings)
    }
}

const BEYOND_LOOPBACK: &str =
    "is not of this computer: that needs terminal.tls, and terminal.callers or terminal.tls.caller_authorities";

fn tls(mut table: Table<'_>, directory: &Path) -> Result<TlsFiles, Fault> {
    let authorities = table.optional_string("caller_authorities")?;
    let files = TlsFiles {
        certificate: path(table.string("certificate")?, directory)?,
        key: path(table.string("key")?, directory)?,
        caller_authorities: authorities.map(|file| path(file, directory)).transpose()?,
    };
    table.end()?;
    Ok(files)
}

fn tickets(mut table: Table<'_>, directory: &Path) -> Result<TicketFiles, Fault> {
    let files = TicketFiles {
        address: table.string("address")?.parse(address)?,
        clients: paths(some(table.strings("clients")?)?, directory)?,
        certificate: path(table.string("certificate")?, directory)?,
        key: path(table.string("key")?, directory)?,
        password: path(table.string("password")?, directory)?,
    };
    table.end()?;
    Ok(files)
}

fn authority(mut table: Table<'_>, directory: &Path) -> Result<AuthoritySettings, Fault> {
    let settings = AuthoritySettings {
        address: table.string("address")?.parse(authority_address)?,
        tls_authorities: table.optional_string("tls_authorities")?.map(|file| path(file, directory)).transpose()?,
    };
    table.end()?;
    Ok(settings)
}

fn address(text: String) -> Result<Url, String> {
    let url = Url::parse(&text).ok().filter(|url| url.scheme() == "https" && url.as_str() == text);
    url.ok_or_else(|| format!("must be an HTTPS address as browsers write it, not {text}"))
}

fn optional_paths(table: &mut Table<'_>, key: &str, directory: &Path) -> Result<Vec<Located<PathBuf>>, Fault> {
    table.optional_strings(key)?.map_or(Ok(Vec::new()), |texts| paths(texts.value, directory))
}

fn caller(address: Located<String>) -> Result<IpAddr, Fault> {
    let parsed = address
        .parse(|text| text.parse::<IpAddr>().map_err(|_| format!("must be IP addresses like 192.0.2.7, not {text}")))?;
    Ok(parsed.value.to_canonical())
}

fn unknown_documents(name: String) -> Result<UnknownDocuments, String> {
    match name.as_str() {
        "refuse" => Ok(UnknownDocuments::Refuse),
        "report" => Ok(UnknownDocuments::Report),
        _ => Err(format!("must be \"refuse\" or \"report\", not \"{name}\"")),
    }
}
