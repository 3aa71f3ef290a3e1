//! The real surroundings: this computer, an agent, and the network.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use latchkey_agent::{
    Answer, CardAgent, CardRequest, CardStatus, CardTask, Failure, ReaderChoice, ReaderName, ReaderReport, Request,
};
use latchkey_crypto::assertion::Origin;
use rustix::process::{DumpableBehavior, Resource};
use time::OffsetDateTime;

use super::permissions::permissions_in;
use super::surroundings::{
    AgentState, Browser, CardService, CertificateLook, Confinement, LinkHandler, Loopback, LoopbackPermission,
    PortHolder, PortalLook, Surroundings,
};
use crate::portal::{Access, ExtraTrust, PortalFailure, look_at};
use crate::service::{DEFAULT_PORT, Listeners, ServiceFailure};
use crate::settings::{Autostart, Places, Proxy, SettingsStore};
use crate::sign_in::status::{StatusService, StatusServiceLook};

/// What to look at, as the program is set up.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The card service's socket.
    pub card_service: PathBuf,
    /// Where its program may be.
    pub card_service_programs: Vec<PathBuf>,
    /// The local service's port.
    pub port: u16,
    /// The proxy that is set.
    pub proxy: Proxy,
    /// Who is trusted beside the system's certificate authorities.
    pub trust: ExtraTrust,
    /// Who is asked about certificates, if anybody.
    pub status_service: Option<StatusService>,
    /// Where programs are looked for.
    pub program_folders: Vec<PathBuf>,
    /// Where browsers have their folders.
    pub browser_folders: Vec<PathBuf>,
    /// Where the desktop notes down who opens what, the most important first.
    pub application_folders: Vec<PathBuf>,
    /// Whether the program is to start with the session, and whether it will.
    pub autostart: (bool, bool),
}

impl Plan {
    /// What to look at, by the settings and this process' environment.
    #[must_use]
    pub fn of_this_process(store: &SettingsStore) -> Self {
        let settings = store.settings();
        let is_listed = Places::of_this_process()
            .is_some_and(|places| Autostart::new(places.autostart_folder(), PathBuf::new()).is_set());
        let plan = Self::of_variables(|name| std::env::var_os(name));
        Self {
            port: store.managed().port().unwrap_or(plan.port),
            proxy: settings.proxy(),
            trust: store.managed().trust().clone(),
            status_service: store.managed().status_service().cloned(),
            autostart: (settings.autostart, is_listed),
            ..plan
        }
    }

    /// The usual places of this computer, with what these variables of the environment say.
    #[must_use]
    pub fn of_variables(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Self {
        let paths = |name: &str, usual: &str| -> Vec<PathBuf> {
            let value = variable(name).filter(|value| !value.is_empty()).unwrap_or_else(|| usual.into());
            std::env::split_paths(&value).filter(|path| path.is_absolute()).collect()
        };
        let home = variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let below = |rest: &str| home.iter().map(|home| home.join(rest)).collect::<Vec<_>>();
        let or_below_home = |name: &str, rest: &str| {
            let named = variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
            named.map_or_else(|| below(rest), |path| vec![path])
        };
        let mut program_folders = paths("PATH", "/usr/local/bin:/usr/bin:/bin");
        program_folders.extend(["/usr/bin", "/snap/bin", "/var/lib/flatpak/exports/bin"].map(PathBuf::from));
        program_folders.extend(below(".local/share/flatpak/exports/bin"));
        let config =
            or_below_home("XDG_CONFIG_HOME", ".config").into_iter().chain(paths("XDG_CONFIG_DIRS", "/etc/xdg"));
        let data = or_below_home("XDG_DATA_HOME", ".local/share")
            .into_iter()
            .chain(paths("XDG_DATA_DIRS", "/usr/local/share:/usr/share"));
        Self {
            card_service: variable("PCSCLITE_CSOCK_NAME").map_or_else(|| "/run/pcscd/pcscd.comm".into(), PathBuf::from),
            card_service_programs: ["/usr/sbin/pcscd", "/usr/bin/pcscd", "/usr/local/sbin/pcscd"]
                .map(Into::into)
                .into(),
            port: DEFAULT_PORT,
            proxy: Proxy::System,
            trust: ExtraTrust::default(),
            status_service: None,
            program_folders,
            browser_folders: or_below_home("XDG_CONFIG_HOME", ".config"),
            application_folders: config.chain(data.map(|folder| folder.join("applications"))).collect(),
            autostart: (false, false),
        }
    }
}

/// This computer.
pub struct System {
    plan: Plan,
    agent: Arc<dyn CardAgent>,
    clock: fn() -> OffsetDateTime,
    certificate: CertificateLook,
}

impl System {
    /// This computer, seen through that agent and by that clock.
    #[must_use]
    pub fn new(plan: Plan, agent: Arc<dyn CardAgent>, clock: fn() -> OffsetDateTime) -> Self {
        Self { plan, agent, clock, certificate: CertificateLook::NotRead }
    }

    /// The same with what was seen of the holder's certificate.
    #[must_use]
    pub fn with_certificate(self, certificate: CertificateLook) -> Self {
        Self { certificate, ..self }
    }

    /// How portals are reached.
    fn access(&self) -> Access {
        Access { trust: self.plan.trust.clone(), proxy: self.plan.proxy.clone() }
    }
}

impl Surroundings for System {
    fn card_service(&self) -> CardService {
        match UnixStream::connect(&self.plan.card_service) {
            Ok(stream) => match ask_version(stream) {
                Ok(protocol) => CardService::Answers { protocol },
                Err(error) => CardService::Strange { reason: error.to_string() },
            },
            Err(error) if error.kind() == ErrorKind::PermissionDenied => CardService::Forbidden,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                let is_installed = self.plan.card_service_programs.iter().any(|program| program.exists());
                if is_installed { CardService::NotRunning } else { CardService::NotInstalled }
            }
            Err(error) => CardService::Strange { reason: error.to_string() },
        }
    }

    fn readers(&self) -> Result<Vec<ReaderReport>, Failure> {
        match self.agent.send(Request::ListReaders).finish(|_| ())? {
            Answer::Readers(readers) => Ok(readers),
            _ => Err(Failure::AgentFault),
        }
    }

    fn card(&self, reader: &ReaderName) -> Result<CardStatus, Failure> {
        let reader = ReaderChoice::Reader(reader.clone());
        let request = CardRequest { reader, patience: Duration::ZERO, task: CardTask::Status };
        match self.agent.send(Request::OfCard(request)).finish(|_| ())? {
            Answer::CardStatus(status) => Ok(status),
            _ => Err(Failure::AgentFault),
        }
    }

    fn agent(&self) -> AgentState {
        match self.agent.send(Request::ListReaders).finish(|_| ()) {
            Err(failure @ (Failure::AgentStopped | Failure::AgentMissing { .. })) => AgentState::Silent(failure),
            // Whether there are readers is another question.
            _ if is_agent_protected() => AgentState::Protected,
            _ => AgentState::Exposed,
        }
    }

    fn service_port(&self) -> PortHolder {
        let port = self.plan.port;
        if is_ours(port) {
            return PortHolder::Ours { port };
        }
        match Listeners::bind(port) {
            Ok(_) => PortHolder::Nobody { port },
            Err(ServiceFailure::PortTaken { owner, .. }) => {
                PortHolder::Other { port, program: owner.map(|owner| owner.program) }
            }
            Err(_) => PortHolder::Other { port, program: None },
        }
    }

    fn loopback(&self) -> Loopback {
        let works = |address: SocketAddr| {
            let there = TcpListener::bind(address).and_then(|listener| listener.local_addr().map(|at| (listener, at)));
            there.is_ok_and(|(_listener, at)| TcpStream::connect_timeout(&at, CONNECT_TIME).is_ok())
        };
        Loopback { ipv4: works((Ipv4Addr::LOCALHOST, 0).into()), ipv6: works((Ipv6Addr::LOCALHOST, 0).into()) }
    }

    fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }

    fn proxy(&self) -> (Proxy, bool) {
        let is_reached = match &self.plan.proxy {
            Proxy::System | Proxy::Direct => true,
            Proxy::Through(address) => {
                let places = reqwest::Url::parse(address.as_str()).ok().and_then(|url| url.socket_addrs(|| None).ok());
                places.into_iter().flatten().any(|place| TcpStream::connect_timeout(&place, CONNECT_TIME).is_ok())
            }
        };
        (self.plan.proxy.clone(), is_reached)
    }

    fn portal(&self, origin: &Origin) -> PortalLook {
        match in_the_network(look_at(origin, self.access())) {
            Some((date, challenge)) => PortalLook { date, challenge },
            None => PortalLook { date: None, challenge: Err(PortalFailure::Unreachable) },
        }
    }

    fn status_service(&self) -> Option<(Origin, StatusServiceLook)> {
        let service = self.plan.status_service.as_ref()?;
        let look = in_the_network(service.look_at(self.access()));
        Some((service.origin().clone(), look.unwrap_or(StatusServiceLook::Silent)))
    }

    fn browsers(&self) -> Vec<Browser> {
        browsers_in(&self.plan.program_folders)
    }

    fn loopback_permissions(&self, portal: &Origin) -> Vec<LoopbackPermission> {
        permissions_in(&self.plan.browser_folders, portal)
    }

    fn certificate(&self) -> CertificateLook {
        self.certificate.clone()
    }

    fn link_handler(&self) -> LinkHandler {
        let found = self.plan.application_folders.iter().find_map(|folder| {
            ["mimeapps.list", "mimeinfo.cache"].into_iter().find_map(|list| handler_in(&folder.join(list)))
        });
        match found {
            None => LinkHandler::Nobody,
            Some(entry) if entry.to_ascii_lowercase().contains("latchkey") => LinkHandler::Ours,
            Some(entry) => LinkHandler::Other(entry),
        }
    }

    fn autostart(&self) -> (bool, bool) {
        self.plan.autostart
    }
}

/// What comes of calling somebody; nothing if there can be no network.
fn in_the_network<T>(call: impl Future<Output = T>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.inspect_err(|error| tracing::error!(%error, "there can be no network")).ok()?;
    Some(runtime.block_on(call))
}

/// The browsers of these folders, the first program of each.
#[must_use]
pub fn browsers_in(folders: &[PathBuf]) -> Vec<Browser> {
    BROWSERS
        .iter()
        .filter_map(|(name, programs)| {
            let places = programs.iter().flat_map(|program| folders.iter().map(move |folder| folder.join(program)));
            let program = places.into_iter().find(|place| is_program(place))?;
            let confinement = confinement(&program);
            Some(Browser { name, program, confinement })
        })
        .collect()
}

/// Longest time for a connection within this computer or to a proxy.
const CONNECT_TIME: Duration = Duration::from_secs(3);

/// Browsers by the names of their programs, flatpaks last.
const BROWSERS: &[(&str, &[&str])] = &[
    ("Chromium", &["chromium", "chromium-browser", "org.chromium.Chromium"]),
    ("Google Chrome", &["google-chrome-stable", "google-chrome", "com.google.Chrome"]),
    ("Microsoft Edge", &["microsoft-edge-stable", "microsoft-edge", "com.microsoft.Edge"]),
    ("Brave", &["brave-browser", "com.brave.Browser"]),
    ("Yandex Browser", &["yandex-browser-stable", "yandex-browser", "ru.yandex.Browser"]),
    ("Opera", &["opera", "com.opera.Opera"]),
    ("Firefox", &["firefox-esr", "firefox", "org.mozilla.firefox"]),
];

/// Asks the card service for the version of its protocol: a header of length and command, then major, minor and status,
/// each four octets in the machine's order; the answer is such a version without a header.
fn ask_version(mut stream: UnixStream) -> std::io::Result<(u32, u32)> {
    const VERSION: u32 = 0x11;
    const LENGTH: u32 = 12;
    let question = [LENGTH, VERSION, 4, 4, 0].map(u32::to_ne_bytes).concat();
    stream.set_read_timeout(Some(CONNECT_TIME))?;
    stream.set_write_timeout(Some(CONNECT_TIME))?;
    stream.write_all(&question)?;
    let mut major = [0; 4];
    let mut minor = [0; 4];
    stream.read_exact(&mut major)?;
    stream.read_exact(&mut minor)?;
    let version = (u32::from_ne_bytes(major), u32::from_ne_bytes(minor));
    if (1..=99).contains(&version.0) { Ok(version) } else { Err(ErrorKind::InvalidData.into()) }
}

/// Whether other programs of the user are kept out of the agent's memory, and none of it is written to disk: the agent's
/// own process if this one has started any, otherwise this one.
fn is_agent_protected() -> bool {
    let ours = rustix::process::getpid().as_raw_nonzero().get().to_string();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let agents: Vec<_> = processes.filter(|process| is_agent_of(process, &ours)).collect();
    if agents.is_empty() {
        let no_dump = rustix::process::getrlimit(Resource::Core).current == Some(0);
        let is_hidden = rustix::process::dumpable_behavior().is_ok_and(|dump| dump == DumpableBehavior::NotDumpable);
        return no_dump && is_hidden;
    }
    agents.iter().all(|agent| {
        let limits = fs::read_to_string(agent.join("limits")).unwrap_or_default();
        let no_dump = limits.lines().any(|line| {
            let mut fields = line.strip_prefix("Max core file size").unwrap_or_default().split_whitespace();
            (fields.next(), fields.next()) == (Some("0"), Some("0"))
        });
        // What belongs to root of a process that is not root's is hidden from everybody else.
        let is_hidden = fs::metadata(agent.join("mem")).is_ok_and(|memory| memory.uid() == 0);
        no_dump && is_hidden
    })
}

fn is_agent_of(process: &Path, parent: &str) -> bool {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let field = |name: &str| status.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()));
    // The kernel cuts names at 15 octets.
    field("Name:").is_some_and(|name| name.starts_with("latchkey-agent")) && field("PPid:").as_deref() == Some(parent)
}

/// Whether this program answers at the port, as it answers every page.
fn is_ours(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), CONNECT_TIME)?;
        stream.set_read_timeout(Some(CONNECT_TIME))?;
        stream.set_write_timeout(Some(CONNECT_TIME))?;
        let question = format!(
            "GET /latchkey/v1/status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://latchkey.invalid\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(question.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(ANSWER_MAX_SIZE).read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"program\":\"latchkey\""))
}

const ANSWER_MAX_SIZE: u64 = 16 * 1024;

fn is_program(place: &Path) -> bool {
    fs::metadata(place).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
}

/// How a browser is kept apart: by where its program really is, or by the script that starts it.
fn confinement(program: &Path) -> Confinement {
    let really = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    let is_below = |folder: &str| program.starts_with(folder) || really.starts_with(folder);
    let is_flatpak = program.components().any(|component| component.as_os_str() == "flatpak");
    let mut head = Vec::new();
    if let Ok(file) = fs::File::open(&really) {
        // Scripts are short; a program's own octets say nothing here.
        file.take(ANSWER_MAX_SIZE).read_to_end(&mut head).ok();
    }
    let is_script_with = |word: &str| head.starts_with(b"#!") && String::from_utf8_lossy(&head).contains(word);
    if is_flatpak || is_script_with("flatpak run") {
        Confinement::Flatpak
    } else if is_below("/snap") || really.ends_with("usr/bin/snap") || is_script_with("/snap/bin/") {
        Confinement::Snap
    } else {
        Confinement::None
    }
}

/// Who opens links of this program by that list of the desktop.
fn handler_in(list: &Path) -> Option<String> {
    let text = fs::read_to_string(list).ok()?;
    let mut counts = false;
    for line in text.lines().map(str::trim) {
        if let Some(heading) = line.strip_prefix('[') {
            counts = matches!(heading, "Default Applications]" | "MIME Cache]");
        } else if let Some(entries) = line.strip_prefix("x-scheme-handler/latchkey=").filter(|_| counts) {
            return entries.split(';').map(str::trim).find(|entry| !entry.is_empty()).map(str::to_owned);
        }
    }
    None
}
