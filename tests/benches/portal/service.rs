//! The portal as a process of its own: this program, started with other arguments.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use getrandom::SysRng;
use latchkey_fixtures::pki::tls::TlsFiles;
use latchkey_fixtures::pki::{CARD_HELD_KEY_POLICY, TestPki};
use latchkey_portal::configuration::Configuration;
use latchkey_portal::keys::{self, KeyUse};
use latchkey_portal::material::Material;
use latchkey_portal::provider::jws::Algorithm;
use latchkey_portal::serve::Service;
use openssl::sha::sha256;
use rand_core::UnwrapErr;
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::runtime::Builder;
use tokio::sync::mpsc;

pub(crate) const ORIGIN: &str = "https://portal.example";
/// The site, where it expects its visitors back, and its secret.
pub(crate) const SITE: &str = "shop";
pub(crate) const BACK: &str = "https://shop.example/back";
pub(crate) const SECRET: &str = "the-secret-of-the-shop";
const PLAY: &str = "--play-portal";
const LISTENING: &str = "listening on ";

/// Plays the portal, if that is what the arguments ask for.
pub(crate) fn played(arguments: impl Iterator<Item = String>) -> Option<ExitCode> {
    let mut words = arguments.skip_while(|word| word != PLAY).skip(1);
    serve(Path::new(&words.next()?));
    Some(ExitCode::SUCCESS)
}

/// Until whoever has started it closes the standard input.
fn serve(configuration: &Path) {
    let configuration = Configuration::load(configuration).unwrap();
    let material = Material::load(&configuration, present()).unwrap();
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let service = Service::prepare(&configuration, material, present, || Box::new(UnwrapErr(SysRng)));
        let service = service.await.unwrap();
        println!("{LISTENING}{}", service.addresses().unwrap()[0].port());
        let stop = async {
            let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
            closed.await.unwrap().unwrap();
        };
        // The files do not change; nobody asks to look at them.
        let (_asking, renewals) = mpsc::channel(1);
        service.run(stop, renewals).await.unwrap();
    });
}

/// A running portal, and what its visitors need to know.
pub(crate) struct PortalProcess {
    child: Child,
    pub(crate) pki: TestPki,
    pub(crate) address: String,
    /// The authority of its HTTPS certificate, PEM.
    pub(crate) authority: Vec<u8>,
    _directory: TempDir,
}

impl PortalProcess {
    pub(crate) fn start(database: &str) -> Self {
        let pki = TestPki::new("benchmark", present()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let authority = install(directory.path(), &pki, database);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(PLAY).arg(directory.path().join("portal.toml")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = format!("https://localhost:{}", line.trim().strip_prefix(LISTENING).unwrap());
        Self { child, pki, address, authority, _directory: directory }
    }

    /// What all its threads have had of the processors so far.
    pub(crate) fn processor_time(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        // A thread may end meanwhile.
        let lines = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
        Duration::from_nanos(lines.filter_map(|line| line.split(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// The most memory that it has had so far, in MB.
    pub(crate) fn most_memory(&self) -> f64 {
        memory(&format!("/proc/{}/status", self.child.id()), "VmHWM:")
    }

    pub(crate) fn stop(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for PortalProcess {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of a process's status, in MB.
pub(crate) fn memory(status: &str, line: &str) -> f64 {
    let status = std::fs::read_to_string(status).unwrap();
    let found = status.lines().find_map(|found| found.strip_prefix(line)).unwrap();
    found.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1000.0
}

/// Writes everything that a portal needs; gives the authority of its HTTPS certificate.
fn install(directory: &Path, pki: &TestPki, database: &str) -> Vec<u8> {
    let write = |name: &str, octets: &[u8]| std::fs::write(directory.join(name), octets).unwrap();
    let tls = TlsFiles::issue(present()).unwrap();
    write("portal.cert.pem", &tls.certificate);
    write("portal.key.pem", &tls.key);
    std::fs::set_permissions(directory.join("portal.key.pem"), std::fs::Permissions::from_mode(0o600)).unwrap();
    write("root.cert.der", &pki.root().certificate().der);
    write("authority.cert.der", &pki.authority().certificate().der);
    write("root.crl.der", &pki.root_revocation_list(&[]).unwrap());
    write("authority.crl.der", &pki.authority_revocation_list(&[]).unwrap());
    let secret = sha256(SECRET.as_bytes()).map(|octet| format!("{octet:02x}")).concat();
    let clients = format!(
        r#"
[[client]]
id = "{SITE}"
name = {{ be = "Крама", ru = "Магазин", en = "Shop" }}
redirect_uris = ["{BACK}"]
scopes = ["openid", "profile"]
authentication = "secret"
secret_sha256 = "{secret}"
algorithm = "ES256"
"#
    );
    write("clients.toml", clients.as_bytes());
    let configuration = format!(
        r#"
public_origin = "{ORIGIN}"
listen = ["127.0.0.1:0"]
database = "{database}"
[name]
be = "Выдуманы партал"
ru = "Выдуманный портал"
en = "An invented portal"
[tls]
certificate = "portal.cert.pem"
key = "portal.key.pem"
[trust]
anchors = ["root.cert.der"]
intermediates = ["authority.cert.der"]
revocation_lists = ["root.crl.der", "authority.crl.der"]
card_held_policies = ["{CARD_HELD_KEY_POLICY}"]
other_policies = []
minimum_assurance = "high"
[rates]
requests = 100000000
challenges = 100000000
site = 100000000
[keys]
folder = "keys"
[cabinet]
[provider]
clients = "clients.toml"
"#
    );
    write("portal.toml", configuration.as_bytes());
    let settings = Configuration::load(&directory.join("portal.toml")).unwrap().keys.unwrap();
    for of in [KeyUse::Cabinet, KeyUse::Subject, KeyUse::Seal, KeyUse::Ticket(Algorithm::Es256)] {
        keys::make(&settings, of, &mut UnwrapErr(SysRng)).unwrap();
    }
    tls.authority
}

#[expect(clippy::disallowed_methods, reason = "a running portal has the machine's clock")]
pub(crate) fn present() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
