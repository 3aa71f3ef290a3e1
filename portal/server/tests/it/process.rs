//! The real binary: listening over TLS, logging, stopping.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use latchkey_fixtures::pki::TestPki;
use latchkey_fixtures::pki::tls::TlsFiles;
use openssl::ssl::{SslConnector, SslMethod, SslStream};
use reqwest::Certificate;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::runtime::Runtime;

use crate::support::{Card, ORIGIN, address_of, of_server, write_lists};

/// No service that works needs this long for one step, even on a machine with much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A directory with everything that a service needs, made for the present time.
pub(crate) struct Installation {
    pub(crate) pki: TestPki,
    pub(crate) directory: TempDir,
    /// The address of its database, if that is not a file.
    address: Option<String>,
}

impl Installation {
    /// With a database in the directory, or what stands for it with the database server of this run.
    pub(crate) fn new() -> Self {
        Self::with_database(|directory| {
            let file = directory.join("portal.sqlite");
            let address = address_of(&file)?;
            // On a thread of its own: this one may be part of a runtime already.
            let making = std::thread::spawn(move || Runtime::new().unwrap().block_on(of_server(&file)).is_some());
            assert!(making.join().unwrap());
            Some(address)
        })
    }

    /// With a database in the directory, whatever database this run is for.
    pub(crate) fn in_a_file() -> Self {
        Self::with_database(|_| None)
    }

    /// With the database at that address.
    pub(crate) fn on(address: &str) -> Self {
        Self::with_database(|_| Some(address.to_owned()))
    }

    fn with_database(address: impl FnOnce(&Path) -> Option<String>) -> Self {
        let now = present();
        let pki = TestPki::new("process", now).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, octets: &[u8]| std::fs::write(directory.path().join(name), octets).unwrap();
        for folder in ["pki", "tls"] {
            std::fs::create_dir(directory.path().join(folder)).unwrap();
        }
        write("pki/root.cert.der", &pki.root().certificate().der);
        write("pki/authority.cert.der", &pki.authority().certificate().der);
        write_lists(&directory.path().join("pki"), &pki, &[], now);
        let tls = TlsFiles::issue(now).unwrap();
        write("tls/ca.pem", &tls.authority);
        write("tls/portal.cert.pem", &tls.certificate);
        write("tls/portal.key.pem", &tls.key);
        set_mode(&directory.path().join("tls/portal.key.pem"), 0o600);
        let address = address(directory.path());
        let database = address.as_deref().unwrap_or("portal.sqlite");
        let configuration = include_str!("../../portal.example.toml")
            .replace("\"127.0.0.1:8443\", \"[::1]:8443\"", "\"127.0.0.1:0\"")
            .replace("format = \"text\"", "format = \"json\"")
            // All that a test does comes from one address, at once.
            .replace("requests = 1200", "requests = 100000000")
            .replace("challenges = 120\n", "challenges = 100000000\n")
            .replace("level = \"info\"", "level = \"debug\"")
            .replace("database = \"portal.sqlite\"", &format!("database = {database:?}"));
        write("portal.toml", configuration.as_bytes());
        Self { pki, directory, address }
    }

    pub(crate) fn card(&self) -> Card {
        Card::issue(&self.pki, |_| {})
    }

    pub(crate) fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-portal"));
        command.arg(subcommand).arg("--config").arg(self.directory.path().join("portal.toml"));
        command
    }

    pub(crate) fn start(&self) -> Process {
        Process::start(self)
    }

    /// A client that keeps cookies and trusts the test CA.
    pub(crate) fn client(&self) -> reqwest::Client {
        self.client_builder().cookie_store(true).build().unwrap()
    }

    /// A browser that keeps cookies and tells where it is sent.
    pub(crate) fn browser(&self) -> reqwest::Client {
        self.client_builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).build().unwrap()
    }

    pub(crate) fn client_without_redirects(&self) -> reqwest::Client {
        self.client_builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
    }

    pub(crate) fn client_without_cookies(&self) -> reqwest::Client {
        self.client_builder().build().unwrap()
    }

    /// A number that a statement finds behind the service's back.
    pub(crate) async fn number(&self, statement: &'static str) -> i64 {
        match &self.address {
            None => {
                let file = self.directory.path().join("portal.sqlite");
                let mut database = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
                sqlx::query_scalar(statement).fetch_one(&mut database).await.unwrap()
            }
            Some(address) => {
                let mut database = PgConnection::connect(address).await.unwrap();
                sqlx::query_scalar(statement).fetch_one(&mut database).await.unwrap()
            }
        }
    }

    pub(crate) fn client_builder(&self) -> reqwest::ClientBuilder {
        let authority = std::fs::read(self.directory.path().join("tls/ca.pem")).unwrap();
        let authority = Certificate::from_pem(&authority).unwrap();
        reqwest::Client::builder().tls_backend_native().no_proxy().tls_certs_only([authority])
    }
}

#[expect(clippy::disallowed_methods, reason = "a process has the machine's clock")]
pub(crate) fn present() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A service that runs until it is told to stop, or dropped.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    log: Vec<String>,
    pub(crate) port: u16,
}

impl Process {
    fn start(installation: &Installation) -> Self {
        Self::spawn(installation.command("serve"))
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stderr.take().unwrap());
        let (told, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
        let mut process = Self { child, lines, log: Vec::new(), port: 0 };
        let listening = process.wait_for("listening");
        process.port = listening["address"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        process
    }

    /// Reads the log up to the event with this message.
    pub(crate) fn wait_for(&mut self, message: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {message} in {:#?}", self.log));
            let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            self.log.push(line);
            if event["message"] == message {
                return event;
            }
        }
    }

    /// An event that was read before.
    pub(crate) fn logged(&self, message: &str) -> Value {
        let events = self.log.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.into_iter().find(|event| event["message"] == message).unwrap_or_else(|| panic!("no {message}"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// The most memory that the process has had so far, in MB.
    pub(crate) fn most_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        most.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1000
    }

    /// Waits for the end; gives the exit status and the whole log.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        let mut log = std::mem::take(&mut self.log);
        log.extend(self.lines.iter());
        (status, log.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_leaves_nothing_of_the_person_in_the_log() {
    let installation = Installation::new();
    let service = installation.start();
    let client = installation.client();
    let issued = client.post(service.url("/api/v1/challenges")).json(&serde_json::json!({})).send().await.unwrap();
    let pre_cookie = issued.cookies().next().unwrap().value().to_owned();
    let issued: Value = issued.json().await.unwrap();
    let assertion = installation.card().sign(ORIGIN, issued["challenge"].as_str().unwrap());
    let path = issued["assertionPath"].as_str().unwrap();
    let present = || {
        let request = client.post(service.url(path)).header("content-type", "application/json");
        request.body(assertion.clone()).send()
    };
    let accepted = present().await.unwrap();
    assert_eq!(accepted.status(), 200);
    let session_cookie = accepted.cookies().next().unwrap().value().to_owned();
    let accepted: Value = accepted.json().await.unwrap();
    assert_eq!(present().await.unwrap().status(), 403, "the cookie is gone");
    let garbled = client.post(service.url("/api/v1/challenges")).json(&accepted["holder"]).send().await.unwrap();
    assert_eq!(garbled.status(), 400);

    let personal_number = accepted["holder"]["personalNumber"].as_str().unwrap();
    let issued_again =
        client.post(service.url("/api/v1/challenges")).json(&serde_json::json!({})).send().await.unwrap();
    let issued_again: Value = issued_again.json().await.unwrap();
    let misplaced = client.post(service.url(issued_again["assertionPath"].as_str().unwrap()));
    let misplaced = misplaced.json(&serde_json::json!({ personal_number: 1 })).send().await.unwrap();
    assert_eq!(misplaced.status(), 422);

    service.signal("TERM");
    let (status, log) = service.end();
    assert_eq!(status.code(), Some(0));
    assert!(log.contains("malformed-assertion"), "{log}");
    assert!(log.contains("challenge-of-other-session") && log.contains("body-malformed"), "{log}");
    let holder = &accepted["holder"];
    let names = [&holder["name"]["family"], &holder["name"]["given"], &holder["latinName"], &holder["personalNumber"]];
    let secrets = [&pre_cookie, &session_cookie, &issued["challenge"].as_str().unwrap().to_owned()];
    for personal in names.iter().map(|name| name.as_str().unwrap()).chain(secrets.iter().map(|secret| secret.as_str()))
    {
        assert!(!log.contains(personal), "{personal} is in the log:\n{log}");
    }
    assert!(!log.contains("127.0.0.1:") || log.matches("127.0.0.1:").count() == 1, "addresses of visitors:\n{log}");
}

#[test]
fn a_stopped_service_finishes_the_requests_that_are_open() {
    for signal in ["TERM", "INT"] {
        let installation = Installation::new();
        let mut service = installation.start();
        let mut open = connect(&installation, service.port);
        open.write_all(
            b"POST /api/v1/assertions/00000000000000000000000000000000 HTTP/1.1\r\nhost: portal.example\r\n\
              content-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n",
        )
        .unwrap();
        // Told when the body is wanted: the request is being answered.
        let mut told = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        open.read_exact(&mut told).unwrap();
        assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");

        service.signal(signal);
        service.wait_for("stopping");
        while TcpStream::connect(("127.0.0.1", service.port)).is_ok() {
            std::thread::yield_now();
        }
        open.write_all(b"{}").unwrap();
        let mut answer = String::new();
        open.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{signal}: {answer}");
        assert!(answer.contains("challenge-of-other-session"), "{signal}: {answer}");
        let (status, log) = service.end();
        assert_eq!(status.code(), Some(0), "{signal}: {log}");
        assert!(log.contains("stopped"), "{signal}: {log}");
        let log_of_changes = installation.directory.path().join("portal.sqlite-wal");
        assert!(!log_of_changes.exists(), "{signal}: the database is whole");
    }
}

#[test]
fn a_service_that_was_killed_starts_again_and_knows_its_sessions() {
    let installation = Installation::new();
    let service = installation.start();
    let challenge = exchange(
        &installation,
        service.port,
        "POST /api/v1/challenges HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
         connection: close\r\n\r\n{}",
    );
    assert!(challenge.starts_with("HTTP/1.1 201"), "{challenge}");
    service.signal("KILL");
    let (status, _) = service.end();
    assert_eq!(status.code(), None);
    let service = installation.start();
    let (head, json) = challenge.split_once("\r\n\r\n").unwrap();
    let issued: Value = serde_json::from_str(json).unwrap();
    let (_, cookie) = head.split_once("set-cookie: ").unwrap();
    let assertion = installation.card().sign(ORIGIN, issued["challenge"].as_str().unwrap());
    let accepted = exchange(
        &installation,
        service.port,
        &format!(
            "POST {} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncookie: {}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{assertion}",
            issued["assertionPath"].as_str().unwrap(),
            cookie.split(';').next().unwrap(),
            assertion.len()
        ),
    );
    assert!(accepted.starts_with("HTTP/1.1 200"), "{accepted}");
}

#[test]
fn renewed_files_are_taken_into_use_while_running() {
    let installation = Installation::new();
    let mut service = installation.start();
    // Put in place by renaming: the service may look at any moment.
    let write = |name: &str, octets: &[u8]| {
        let file = installation.directory.path().join(name);
        let beside = file.with_extension("new");
        std::fs::write(&beside, octets).unwrap();
        set_mode(&beside, 0o600);
        std::fs::rename(beside, file).unwrap();
    };
    let renewed = TlsFiles::issue(present()).unwrap();

    write("tls/portal.cert.pem", &renewed.certificate);
    service.signal("HUP");
    let told = service.wait_for("the changed TLS files are not usable; the former ones stay in use");
    assert!(told["error"].as_str().unwrap().ends_with("is not the key of the certificate"), "{told}");
    drop(connect(&installation, service.port));

    write("tls/portal.key.pem", &renewed.key);
    service.signal("HUP");
    service.wait_for("the changed TLS certificate is in use");
    write("tls/ca.pem", &renewed.authority);
    drop(connect(&installation, service.port));

    write_lists(&installation.directory.path().join("pki"), &installation.pki, &[], present());
    service.signal("HUP");
    service.wait_for("a changed revocation list is in use");
}

/// Only TLS of version 1.2 and above, and nothing without it.
#[test]
fn nothing_is_answered_without_tls() {
    let installation = Installation::new();
    let service = installation.start();
    let mut plain = TcpStream::connect(("127.0.0.1", service.port)).unwrap();
    plain.write_all(b"GET /health/live HTTP/1.1\r\nhost: portal.example\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // A reset is as good as an end.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");

    let mut builder = connector(&installation);
    builder.set_max_proto_version(Some(openssl::ssl::SslVersion::TLS1_1)).unwrap();
    builder.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    let stream = TcpStream::connect(("127.0.0.1", service.port)).unwrap();
    assert!(builder.build().connect("localhost", stream).is_err());
}

/// Keys that are agreed on for each connection, and ciphers that protect what they encrypt: no other suite of TLS 1.2.
#[test]
fn no_weak_cipher_suite_is_agreed_to() {
    let installation = Installation::new();
    let service = installation.start();
    let rows = [
        ("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256", true),
        ("ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-CHACHA20-POLY1305", true),
        ("ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256", false),
        ("ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES256-SHA", false),
        ("AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA", false),
        ("ADH-AES256-GCM-SHA384:ADH-AES128-SHA", false),
    ];
    for (suites, is_agreed) in rows {
        let mut builder = connector(&installation);
        builder.set_max_proto_version(Some(openssl::ssl::SslVersion::TLS1_2)).unwrap();
        builder.set_cipher_list(&format!("{suites}:@SECLEVEL=0")).unwrap();
        let stream = TcpStream::connect(("127.0.0.1", service.port)).unwrap();
        assert_eq!(builder.build().connect("localhost", stream).is_ok(), is_agreed, "{suites}");
    }
}

pub(crate) fn connector(installation: &Installation) -> openssl::ssl::SslConnectorBuilder {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_ca_file(installation.directory.path().join("tls/ca.pem")).unwrap();
    builder
}

pub(crate) fn connect(installation: &Installation, port: u16) -> SslStream<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connector(installation).build().connect("localhost", stream).unwrap()
}

/// One exchange on a connection of its own.
pub(crate) fn exchange(installation: &Installation, port: u16, request: &str) -> String {
    let mut stream = connect(installation, port);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
