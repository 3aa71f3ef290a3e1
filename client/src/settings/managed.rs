//! What an administrator has set for everybody on this computer. It can add sites, forbid sites and fix settings; there
//! is no key in it that leaves out a question or lets in what the program refuses.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use latchkey_crypto::assertion::Origin;
use latchkey_crypto::x509::{CERTIFICATE_MAX_SIZE, Certificate, TrustStore};
use serde::Deserialize;

use super::file;
use super::status_service::StatusServiceTable;
use super::store::our_user;
use super::terminals::{Terminal, TerminalSettings};
use super::value::{Choices, InvalidValue};
use super::{Fault, SettingsFailure, SiteState};
use crate::documents::pem_blocks;
use crate::portal::{CA_FILE_MAX_SIZE, ExtraTrust, PortalFailure};
use crate::sign_in::status::StatusService;
use crate::update::UpdateSource;

/// Where the administrator's settings are, unless a command line names another file.
pub const MANAGED_FILE: &str = "/etc/latchkey/managed.toml";

/// What an administrator has set.
#[derive(Debug, Clone, Default)]
pub struct Managed {
    named: BTreeSet<Origin>,
    forbidden: BTreeSet<Origin>,
    only_named: bool,
    port: Option<u16>,
    trust: ExtraTrust,
    developer_origins: BTreeSet<LoopbackOrigin>,
    guest: GuestDefaults,
    updates: Option<UpdateSource>,
    status_service: Option<StatusService>,
    terminals: Arc<TerminalSettings>,
    defaults: Choices,
    fixed: Choices,
}

/// What an administrator has set for guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestDefaults {
    /// The portals that a guest can open.
    pub portals: Vec<Origin>,
    /// The browser for it, in place of the first that is found.
    pub browser: Option<PathBuf>,
    /// How long the browser stays open after the card was removed, so that the page can end its session.
    pub grace: Duration,
}

impl Default for GuestDefaults {
    fn default() -> Self {
        Self { portals: Vec::new(), browser: None, grace: DEFAULT_GRACE }
    }
}

const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// The origin of a page that a developer serves on his own computer without TLS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct LoopbackOrigin(String);

impl LoopbackOrigin {
    /// Reads the one spelling that browsers report: `http`, this computer by `localhost`, `127.0.0.1` or `[::1]`, and a
    /// port unless it is 80.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let rest = HOSTS.into_iter().find_map(|host| text.strip_prefix("http://")?.strip_prefix(host));
        let is_origin = rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
        if is_origin { Ok(Self(text.to_owned())) } else { Err(InvalidValue { wanted: WANTED_LOOPBACK }) }
    }

    /// The origin as browsers report it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LoopbackOrigin {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        Self::parse(&text)
    }
}

const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
const WANTED_LOOPBACK: &str = "a page of this computer without TLS, like http://localhost:3000";

/// Browsers leave the port 80 out.
fn is_port(text: &str) -> bool {
    !text.starts_with('0')
        && text.bytes().all(|octet| octet.is_ascii_digit())
        && text.parse::<u16>().is_ok_and(|port| port != 80)
}

impl Managed {
    /// The settings of [`MANAGED_FILE`], which must be root's alone to write to. Without the file nothing is set.
    ///
    /// # Errors
    /// [`SettingsFailure::ManagedFaulty`], [`SettingsFailure::ManagedUnreadable`].
    pub fn of_this_computer() -> Result<Self, SettingsFailure> {
        Ok(Self::load(Path::new(MANAGED_FILE), &[ROOT])?.unwrap_or_default())
    }

    /// The settings of a file that a command line named. It must be there, and be root's or the user's own.
    ///
    /// # Errors
    /// [`SettingsFailure::ManagedFaulty`], [`SettingsFailure::ManagedUnreadable`].
    pub fn of_file(path: &Path) -> Result<Self, SettingsFailure> {
        let missing = || unreadable(path, "there is no such file");
        Self::load(path, &[ROOT, our_user()])?.ok_or_else(missing)
    }

    fn load(path: &Path, owners: &[u32]) -> Result<Option<Self>, SettingsFailure> {
        let Some(text) = read_trusted(path, owners, file::FILE_MAX_SIZE)? else { return Ok(None) };
        let mut document =
            Document::parse(&text).map_err(|fault| SettingsFailure::ManagedFaulty { path: path.to_owned(), fault })?;
        let mut trust = ExtraTrust::default();
        for authorities in &document.certificate_authorities {
            trust.add(read_authorities(&authorities.0, owners)?);
        }
        let mut authorities = Vec::new();
        for path in document.terminal.request_authorities() {
            authorities.extend(read_request_authorities(path, owners)?);
        }
        let request_trust = trust_in(authorities).map_err(|reason| unreadable(path, reason))?;
        let status_service =
            document.status_service.take().map(|table| read_status_service(path, table, owners)).transpose()?;
        Ok(Some(document.into_managed(trust, request_trust, status_service)))
    }

    /// Whether the administrator forbids this site: by its name, or because he allows only others.
    #[must_use]
    pub fn is_forbidden(&self, origin: &Origin) -> bool {
        self.forbidden.contains(origin) || self.only_named && !self.named.contains(origin)
    }

    /// Whether the administrator named this site as one of this computer's people. It answers no question for them.
    #[must_use]
    pub fn is_named(&self, origin: &Origin) -> bool {
        self.named.contains(origin) && !self.forbidden.contains(origin)
    }

    /// The sites that the administrator named or forbade.
    pub fn sites(&self) -> impl Iterator<Item = (&Origin, SiteState)> {
        let named = self.named.difference(&self.forbidden).map(|origin| (origin, SiteState::AllowedByAdministrator));
        named.chain(self.forbidden.iter().map(|origin| (origin, SiteState::ForbiddenByAdministrator)))
    }

    /// The port of the local service, if it is not the usual one.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Certificate authorities that are trusted beside the system's.
    #[must_use]
    pub const fn trust(&self) -> &ExtraTrust {
        &self.trust
    }

    /// Pages of this computer without TLS that may call the local service.
    #[must_use]
    pub const fn developer_origins(&self) -> &BTreeSet<LoopbackOrigin> {
        &self.developer_origins
    }

    /// What holds for guests.
    #[must_use]
    pub const fn guest(&self) -> &GuestDefaults {
        &self.guest
    }

    /// Where to ask for newer versions; nowhere unless this is set.
    #[must_use]
    pub const fn updates(&self) -> Option<&UpdateSource> {
        self.updates.as_ref()
    }

    /// Who is asked about the certificates that people sign in with; nobody unless this is set.
    #[must_use]
    pub const fn status_service(&self) -> Option<&StatusService> {
        self.status_service.as_ref()
    }

    /// What holds for terminals and the pages that drive them.
    #[must_use]
    pub const fn terminals(&self) -> &Arc<TerminalSettings> {
        &self.terminals
    }

    pub(super) const fn defaults(&self) -> &Choices {
        &self.defaults
    }

    pub(super) const fn fixed(&self) -> &Choices {
        &self.fixed
    }
}

const ROOT: u32 = 0;

/// Reads a text that nobody but these users can have written or exchanged. `None` if there is none.
fn read_trusted(path: &Path, owners: &[u32], max_size: u64) -> Result<Option<String>, SettingsFailure> {
    let Some(octets) = read_trusted_octets(path, owners, max_size)? else { return Ok(None) };
    String::from_utf8(octets).map(Some).map_err(|error| unreadable(path, error.to_string()))
}

/// The same with a file that need not be text.
fn read_trusted_octets(path: &Path, owners: &[u32], max_size: u64) -> Result<Option<Vec<u8>>, SettingsFailure> {
    let octets = file::read_octets(path, owners, max_size).map_err(|reason| unreadable(path, reason))?;
    if octets.is_some() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let metadata = fs::metadata(folder).map_err(|error| unreadable(folder, error.to_string()))?;
        // In a sticky folder nobody can exchange another's file.
        let is_sticky = metadata.mode() & 0o1000 != 0;
        if metadata.mode() & 0o022 != 0 && !is_sticky {
            return Err(unreadable(folder, "others may exchange files in this folder"));
        }
        if !is_sticky && !owners.contains(&metadata.uid()) {
            return Err(unreadable(folder, "this folder belongs to somebody else"));
        }
    }
    Ok(octets)
}

fn read_authorities(path: &Path, owners: &[u32]) -> Result<ExtraTrust, SettingsFailure> {
    let text =
        read_trusted(path, owners, CA_FILE_MAX_SIZE)?.ok_or_else(|| unreadable(path, "there is no such file"))?;
    ExtraTrust::from_pem(text.as_bytes()).map_err(|failure| {
        let reason = match failure {
            PortalFailure::CaFileUnreadable { reason } => reason,
            other => other.to_string(),
        };
        unreadable(path, reason)
    })
}

/// The authorities of signed requests in a PEM file.
fn read_request_authorities(path: &Path, owners: &[u32]) -> Result<Vec<Certificate>, SettingsFailure> {
    let text =
        read_trusted(path, owners, CA_FILE_MAX_SIZE)?.ok_or_else(|| unreadable(path, "there is no such file"))?;
    let blocks = pem_blocks(&text).ok_or_else(|| unreadable(path, "no certificate in PEM form"))?;
    let read = |der: Vec<u8>| Certificate::from_der(&der).map_err(|error| unreadable(path, error.to_string()));
    blocks.into_iter().map(read).collect()
}

/// The status service that the file at `managed` names, with its authorities, each of which stands for itself.
fn read_status_service(
    managed: &Path,
    table: StatusServiceTable,
    owners: &[u32],
) -> Result<StatusService, SettingsFailure> {
    let (address, paths) = table.into_parts();
    let issuers = paths.iter().map(|path| read_issuer(path, owners)).collect::<Result<_, _>>()?;
    let issuers = TrustStore::new(issuers, Vec::new()).map_err(|error| unreadable(managed, error.to_string()))?;
    Ok(StatusService::new(address, issuers))
}

/// The certificate of an authority in a file in DER.
fn read_issuer(path: &Path, owners: &[u32]) -> Result<Certificate, SettingsFailure> {
    let octets = read_trusted_octets(path, owners, ISSUER_MAX_SIZE)?;
    let octets = octets.ok_or_else(|| unreadable(path, "there is no such file"))?;
    Certificate::from_der(&octets).map_err(|error| unreadable(path, error.to_string()))
}

const ISSUER_MAX_SIZE: u64 = CERTIFICATE_MAX_SIZE as u64;

/// Those that issued themselves are trusted, the others are steps on the way.
fn trust_in(authorities: Vec<Certificate>) -> Result<Option<TrustStore>, String> {
    if authorities.is_empty() {
        return Ok(None);
    }
    let is_anchor = |certificate: &Certificate| certificate.issuer() == certificate.subject();
    let (anchors, steps) = authorities.into_iter().partition(is_anchor);
    TrustStore::new(anchors, steps).map(Some).map_err(|error| error.to_string())
}

fn unreadable(path: &Path, reason: impl Into<String>) -> SettingsFailure {
    SettingsFailure::ManagedUnreadable { path: path.to_owned(), reason: reason.into() }
}

/// The file's shape. A key that is not here is a fault.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Document {
    port: Option<ServicePort>,
    certificate_authorities: Vec<AbsolutePath>,
    developer_loopback_origins: Vec<LoopbackOrigin>,
    sites: Sites,
    guest: Guest,
    terminal: Terminal,
    updates: Option<Updates>,
    status_service: Option<StatusServiceTable>,
    defaults: Choices,
    fixed: Choices,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sites {
    allowed: Vec<Site>,
    forbidden: Vec<Site>,
    only_allowed: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Guest {
    portals: Vec<Site>,
    browser: Option<AbsolutePath>,
    grace_seconds: Option<Grace>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "UpdatesText")]
struct Updates(UpdateSource);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdatesText {
    address: String,
    key: String,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "i64")]
struct ServicePort(u16);

#[derive(Debug, Deserialize)]
#[serde(try_from = "i64")]
struct Grace(u8);

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct AbsolutePath(pub(super) PathBuf);

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Site(pub(super) Origin);

impl Document {
    fn parse(text: &str) -> Result<Self, Fault> {
        toml::from_str(text).map_err(|error| Fault::at(text, error.span().map(|span| span.start), error.message()))
    }

    fn into_managed(
        self,
        trust: ExtraTrust,
        request_trust: Option<TrustStore>,
        status_service: Option<StatusService>,
    ) -> Managed {
        let origins = |sites: Vec<Site>| sites.into_iter().map(|site| site.0);
        Managed {
            named: origins(self.sites.allowed).collect(),
            forbidden: origins(self.sites.forbidden).collect(),
            only_named: self.sites.only_allowed,
            port: self.port.map(|port| port.0),
            trust,
            developer_origins: self.developer_loopback_origins.into_iter().collect(),
            guest: GuestDefaults {
                portals: origins(self.guest.portals).collect(),
                browser: self.guest.browser.map(|path| path.0),
                grace: self.guest.grace_seconds.map_or(DEFAULT_GRACE, |grace| Duration::from_secs(grace.0.into())),
            },
            terminals: Arc::new(self.terminal.into_settings(request_trust)),
            updates: self.updates.map(|updates| updates.0),
            status_service,
            defaults: self.defaults,
            fixed: self.fixed,
        }
    }
}

/// Ports that pages call other programs on, or portals expect a terminal behind.
const PORTS_OF_OTHERS: [u16; 2] = [24_727, 48_777];

impl TryFrom<i64> for ServicePort {
    type Error = InvalidValue;

    fn try_from(number: i64) -> Result<Self, InvalidValue> {
        let port = u16::try_from(number).ok().filter(|port| *port >= 1024 && !PORTS_OF_OTHERS.contains(port));
        port.map(Self).ok_or(InvalidValue { wanted: "a port from 1024 to 65535 that is not another program's" })
    }
}

impl TryFrom<UpdatesText> for Updates {
    type Error = InvalidValue;

    fn try_from(text: UpdatesText) -> Result<Self, InvalidValue> {
        let key = text.key.parse().map_err(|_| InvalidValue { wanted: "with a key of 32 octets in base64" })?;
        let source = UpdateSource::new(&text.address, key);
        source.map(Self).ok_or(InvalidValue { wanted: "with an address that begins with https://" })
    }
}

impl TryFrom<i64> for Grace {
    type Error = InvalidValue;

    fn try_from(number: i64) -> Result<Self, InvalidValue> {
        let seconds = u8::try_from(number).ok().filter(|seconds| *seconds <= 60);
        seconds.map(Self).ok_or(InvalidValue { wanted: "a number of seconds from 0 to 60" })
    }
}

impl TryFrom<String> for AbsolutePath {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let path = PathBuf::from(text);
        if path.is_absolute() { Ok(Self(path)) } else { Err(InvalidValue { wanted: "a path that begins with /" }) }
    }
}

impl TryFrom<String> for Site {
    type Error = InvalidValue;

    /// Only the one spelling of an origin, so that nobody believes to have named a site that he has not.
    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let origin = Origin::parse(&text).ok().filter(|origin| origin.as_str() == text);
        origin.map(Self).ok_or(InvalidValue { wanted: "a site's origin like https://portal.example" })
    }
}
