//! The terminal's certificate renewed over HTTP: what is taken, what is refused, and what is left when it breaks off.

use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_crypto::bign::PublicKey;
use latchkey_crypto::cv::rights::Rights;
use latchkey_crypto::cv::{Certificate, CertificateBody, Date, Name, Period};
use latchkey_fixtures::authority::{Answered, Asked, IssuingAuthority, JSON};
use latchkey_fixtures::cv::{CvPki, RegisteredTerminal};
use latchkey_fixtures::holders::{sample_authority, sample_enrolment};
use latchkey_fixtures::random::Seeded;
use latchkey_portal::configuration::{Configuration, CredentialFiles};
use latchkey_portal::files::Renewal;
use latchkey_portal::terminal::Credentials;
use latchkey_portal::terminal::authority::Authority;
use latchkey_portal::terminal::renewal::{RenewalError, RequestedKey, SharedRandom, finish, renew};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;

use super::credentials::{configured, files, pki, terminal, today, write, write_files};
use super::processes::Installed;
use crate::process::present;
use crate::support::NOW;

/// What the authority does with a request: answers it, or something else with what it would answer.
type Twist = Box<dyn Fn(Answered) -> Answered + Send>;

/// The authority of the test set behind a listener.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) authority: Arc<Mutex<IssuingAuthority>>,
    twist: Arc<Mutex<Option<Twist>>>,
}

impl Served {
    pub(crate) async fn start(authority: IssuingAuthority, clock: fn() -> OffsetDateTime) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let authority = Arc::new(Mutex::new(authority));
        let twist: Arc<Mutex<Option<Twist>>> = Arc::default();
        let (answering, twisting) = (Arc::clone(&authority), Arc::clone(&twist));
        let router = Router::new().fallback(move |request: Request| {
            let (authority, twist) = (Arc::clone(&answering), Arc::clone(&twisting));
            async move {
                let (head, body) = request.into_parts();
                let body = to_bytes(body, usize::MAX).await.unwrap();
                let content_type = head.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap());
                let asked = Asked { method: head.method.as_str(), path: head.uri.path(), content_type, body: &body };
                let mut answer = authority.lock().unwrap().answer(asked, clock());
                if let Some(twist) = &*twist.lock().unwrap() {
                    answer = twist(answer);
                }
                let Answered { status, content_type, body } = answer;
                Response::builder().status(status).header(CONTENT_TYPE, content_type).body(Body::from(body)).unwrap()
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, authority, twist }
    }

    pub(crate) fn twist(&self, twist: impl Fn(Answered) -> Answered + Send + 'static) {
        *self.twist.lock().unwrap() = Some(Box::new(twist));
    }

    pub(crate) fn straight(&self) {
        *self.twist.lock().unwrap() = None;
    }

    /// The section that names it.
    pub(crate) fn section(&self) -> String {
        section(self.address)
    }

    fn reached(&self) -> Authority {
        reached(self.address)
    }
}

fn section(address: SocketAddr) -> String {
    format!("\n[terminal.authority]\naddress = \"http://{address}/\"\n")
}

fn reached(address: SocketAddr) -> Authority {
    let configuration = Configuration::parse(&(configured() + &section(address)), Path::new("/")).unwrap();
    Authority::new(&configuration.terminal.unwrap().authority.unwrap()).unwrap()
}

fn random() -> SharedRandom {
    Arc::new(Mutex::new(Box::new(Seeded::new("renewal"))))
}

/// A terminal's files and the authority that knows it.
struct Installation {
    directory: TempDir,
    pki: CvPki,
    files: CredentialFiles,
    served: Served,
}

impl Installation {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let pki = pki();
        let own = terminal(&pki);
        write_files(directory.path(), &pki, &own);
        let CertificateBody { holder, key, rights, .. } = own.certificate.body().clone();
        let known = RegisteredTerminal { name: holder, key, next_key: None, rights };
        let authority = IssuingAuthority::new(sample_enrolment(NOW).unwrap(), super::credentials::pki(), vec![known]);
        let served = Served::start(authority, || NOW).await;
        Self { files: files(directory.path()), directory, pki, served }
    }

    async fn renew(&self) -> Result<Date, RenewalError> {
        renew(&self.files, RequestedKey::New, &self.served.reached(), today(), random()).await
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.directory.path().join("terminal").join(name)).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.directory.path().join("terminal").join(name).exists()
    }

    /// Has the authority answer with this instead.
    fn answers(&self, status: u16, body: Vec<u8>) {
        self.served.twist(move |_| Answered { status, content_type: JSON, body: body.clone() });
    }

    fn key_in_use(&self) -> [u8; 64] {
        Credentials::load(self.files.clone(), today()).unwrap().current().key.public_key()
    }
}

fn encoded(certificate: &Certificate) -> String {
    STANDARD.encode(certificate.to_octets())
}

fn answer(certificate: &Certificate, path: &[Certificate]) -> Vec<u8> {
    let path: Vec<_> = path.iter().map(encoded).collect();
    serde_json::to_vec(&json!({ "certificate": encoded(certificate), "path": path })).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_certified_and_taken() {
    let it = Installation::new().await;
    let credentials = Credentials::load(it.files.clone(), today()).unwrap();
    let former = credentials.current().key.public_key();
    let until = it.renew().await.unwrap();
    assert_eq!(time::Date::from(until), NOW.date() + Duration::days(2));
    assert_eq!(credentials.renew(today(), NOW).unwrap(), Renewal::Taken);
    assert_ne!(credentials.current().key.public_key(), former);
    assert!(!it.has("terminal.sk.next") && !it.has("terminal.cert.taken"));
    // And once more, with the key that the authority has certified before.
    it.renew().await.unwrap();
    assert_eq!(credentials.renew(today(), NOW).unwrap(), Renewal::Taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_authority_nothing_changes_and_the_new_key_waits() {
    let it = Installation::new().await;
    let before = (it.read("terminal.cert"), it.read("terminal.sk"));
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let nobody = reached(closed.local_addr().unwrap());
    drop(closed);
    let error = renew(&it.files, RequestedKey::New, &nobody, today(), random()).await.unwrap_err();
    assert_eq!(error.code(), "authority-unreachable");
    assert_eq!((it.read("terminal.cert"), it.read("terminal.sk")), before);
    let waiting = it.read("terminal.sk.next");
    it.renew().await.unwrap();
    assert_eq!(it.read("terminal.sk"), waiting, "the key that waited");
}

/// The authority has certified the key, and its answer does not arrive.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_asked_for_again() {
    let it = Installation::new().await;
    it.answers(502, Vec::new());
    for _ in 0..2 {
        let error = it.renew().await.unwrap_err();
        assert_eq!(error.code(), "authority-refused");
    }
    it.served.straight();
    it.renew().await.unwrap();
    it.renew().await.unwrap();
}

/// Each row is an answer; nothing of it is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_changes_nothing() {
    let it = Installation::new().await;
    let pki = &it.pki;
    let asked = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&asked);
    it.served.twist(move |answer| {
        *seen.lock().unwrap() = Some(answer);
        Answered { status: 503, content_type: JSON, body: b"{\"code\":\"no\"}".to_vec() }
    });
    assert_eq!(it.renew().await.unwrap_err().to_string(), "the authority refuses with 503: no");
    let good: Value = serde_json::from_slice(&asked.lock().unwrap().take().unwrap().body).unwrap();
    let good = STANDARD.decode(good["certificate"].as_str().unwrap()).unwrap();
    let good = Certificate::parse(&good).unwrap();
    let body = || good.body().clone();
    let signed = |body: CertificateBody| answer(&body.sign(&pki.authority().key), &[]);
    let day = |after| Date::try_from(NOW.date() + Duration::days(after)).unwrap();
    let stranger = CvPki::new("stranger", NOW.date()).unwrap();
    let other_key = PublicKey::from_octets(&pki.key_of("another").public_key()).unwrap();
    let over = Period::new(day(-3), day(-1)).unwrap();
    let by_stranger = body().sign(&stranger.authority().key);
    let foreign_path = answer(&by_stranger, &[stranger.authority().certificate.clone()]);
    let before = (it.read("terminal.cert"), it.read("terminal.sk"));
    for (name, status, octets, code) in [
        ("nothing", 200, Vec::new(), "authority-answer-malformed"),
        ("no JSON", 200, b"yes".to_vec(), "authority-answer-malformed"),
        ("no certificate", 200, b"{\"certificate\":\"AAAA\"}".to_vec(), "authority-answer-malformed"),
        ("no base64", 200, b"{\"certificate\":\"?\"}".to_vec(), "authority-answer-malformed"),
        ("a path without end", 200, answer(&good, &vec![good.clone(); 3]), "authority-answer-malformed"),
        ("an answer without end", 200, vec![b' '; 20_000], "authority-answer-malformed"),
        ("another status", 204, Vec::new(), "authority-refused"),
        ("elsewhere", 302, Vec::new(), "authority-refused"),
        (
            "another terminal's",
            200,
            signed(CertificateBody { holder: Name::parse(b"980000000002").unwrap(), ..body() }),
            "certificate-unfit",
        ),
        ("another key's", 200, signed(CertificateBody { key: other_key, ..body() }), "certificate-unfit"),
        ("for work with the CAN", 200, signed(CertificateBody { rights: Rights::ALL, ..body() }), "certificate-unfit"),
        ("one that is over", 200, signed(CertificateBody { period: over, ..body() }), "certificate-unfit"),
        ("a stranger's", 200, answer(&by_stranger, &[]), "certificate-unfit"),
        ("a stranger's with its path", 200, foreign_path, "certificate-unfit"),
    ] {
        it.answers(status, octets);
        let error = it.renew().await.unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
        assert_eq!((it.read("terminal.cert"), it.read("terminal.sk")), before, "{name}");
        assert!(!it.has("terminal.cert.taken"), "{name}");
    }
    it.served.straight();
    it.renew().await.unwrap();
}

/// The authority has a certificate below the next root: its path goes into the file with the terminal's own.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_by_a_link_to_the_next_root_is_followed() {
    let it = Installation::new().await;
    let next = it.pki.next_root().unwrap();
    let link = it.pki.root().link(&next);
    let holder = Name::parse(b"BYCA1901").unwrap();
    let (root, former) = (next.certificate.body().holder.clone(), it.pki.authority().certificate.body().clone());
    let period = Period::new(today(), former.period.until()).unwrap();
    let authority = CertificateBody { authority: root, holder: holder.clone(), period, ..former }.sign(&next.key);
    let issuer = it.pki.key_of("BYCA1900");
    let path = [link.clone(), authority.clone()];
    it.served.twist(move |answered| {
        let good: Value = serde_json::from_slice(&answered.body).unwrap();
        let good = Certificate::parse(&STANDARD.decode(good["certificate"].as_str().unwrap()).unwrap()).unwrap();
        let body = CertificateBody { authority: holder.clone(), ..good.body().clone() };
        Answered { body: answer(&body.sign(&issuer), &path), ..answered }
    });
    it.renew().await.unwrap();
    let shown = Credentials::load(it.files.clone(), today()).unwrap().current();
    assert_eq!(shown.path[..2], [link, authority]);
    // What the present path has is kept from then on: the next one is asked for of the new authority.
    let error = {
        it.served.straight();
        it.renew().await.unwrap_err()
    };
    assert_eq!(error.to_string(), "the authority refuses with 422: request-for-other-authority");
    Credentials::load(it.files.clone(), today()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_over_can_still_be_renewed() {
    let it = Installation::new().await;
    let past = CvPki::new("terminal", (NOW - Duration::days(10)).date()).unwrap();
    write(it.directory.path(), "terminal.cert", &terminal(&past).certificate.to_octets(), 0o644);
    assert!(Credentials::load(it.files.clone(), today()).is_err());
    it.renew().await.unwrap();
    Credentials::load(it.files.clone(), today()).unwrap();
}

/// Killed after each file: what is there serves, or is put in place by the next start.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_was_broken_off_is_ended() {
    let it = Installation::new().await;
    let former = (it.read("terminal.cert"), it.read("terminal.sk"), it.key_in_use());
    it.renew().await.unwrap();
    let renewed = (it.read("terminal.cert"), it.read("terminal.sk"), it.key_in_use());
    let at = |certificate: &[u8], key: &[u8], next: Option<&[u8]>, taken: Option<&[u8]>| {
        let directory = it.directory.path();
        write(directory, "terminal.cert", certificate, 0o644);
        write(directory, "terminal.sk", key, 0o600);
        for (name, octets, mode) in [("terminal.sk.next", next, 0o600), ("terminal.cert.taken", taken, 0o644)] {
            match octets {
                Some(octets) => write(directory, name, octets, mode),
                None => _ = std::fs::remove_file(directory.join("terminal").join(name)),
            }
        }
    };
    let (old, new) = (&former, &renewed);
    at(&old.0, &old.1, Some(&new.1), None);
    assert!(!finish(&it.files).unwrap(), "no certificate has come");
    assert_eq!(it.key_in_use(), old.2);
    at(&old.0, &old.1, Some(&new.1), Some(&new.0));
    assert_eq!(it.key_in_use(), old.2, "the former ones serve");
    assert!(finish(&it.files).unwrap());
    assert_eq!(it.key_in_use(), new.2);
    at(&old.0, &new.1, None, Some(&new.0));
    assert!(finish(&it.files).unwrap());
    assert_eq!(it.key_in_use(), new.2);
    assert!(!finish(&it.files).unwrap(), "once");
    // What does not fit together is not put together.
    at(&old.0, &old.1, None, Some(&new.0));
    assert_eq!(finish(&it.files).unwrap_err().code(), "certificate-unfit");
    at(&old.0, &old.1, None, Some(b"half a certificate"));
    assert_eq!(finish(&it.files).unwrap_err().code(), "certificate-unfit");
    assert_eq!(it.key_in_use(), old.2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_renewals_do_not_go_on_beside_each_other() {
    let it = Installation::new().await;
    let lock = it.directory.path().join("terminal/terminal.sk.lock");
    let held = OpenOptions::new().create(true).append(true).open(lock).unwrap();
    held.lock().unwrap();
    assert_eq!(it.renew().await.unwrap_err().code(), "renewal-under-way");
    drop(held);
    it.renew().await.unwrap();
}

#[test]
fn the_authoritys_address_is_checked() {
    let parse = |address: &str| {
        let text = configured() + &format!("\n[terminal.authority]\naddress = \"{address}\"\n");
        Configuration::parse(&text, Path::new("/"))
    };
    for good in ["https://authority.example/", "https://authority.example/a/", "http://127.0.0.1:80/", "http://[::1]/"]
    {
        // The port of HTTP is not written.
        assert_eq!(parse(good).is_ok(), !good.ends_with(":80/"), "{good}");
    }
    for bad in [
        "http://authority.example/",
        "http://localhost/",
        "https://authority.example",
        "https://authority.example/a",
        "https://authority.example/?a",
        "https://user@authority.example/",
        "https://Authority.example/",
        "ftp://127.0.0.1/",
        "authority.example/",
    ] {
        let fault = parse(bad).unwrap_err();
        assert_eq!(fault.key, "terminal.authority.address", "{bad}");
    }
}

/// The sample terminal's certificate has a day left of two: a service renews it when it begins, and the command does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_renews_by_itself_and_the_command_when_told() {
    let served = Served::start(sample_authority(present()).unwrap(), present).await;
    let installed = Installed::new(|text| text.replace("#audit = ", "audit = ") + &served.section());
    let path = installed.installation.directory.path().join("terminal/terminal.cert");
    let before = std::fs::read(&path).unwrap();
    served.twist(|answer| Answered { status: 503, ..answer });
    let (mut process, _port) = installed.start();
    let told = process.wait_for("the terminal's certificate could not be renewed");
    assert_eq!(told["code"], "authority-refused");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    served.straight();
    process.signal("HUP");
    process.wait_for("the terminal's certificate was renewed");
    process.wait_for("the terminal's changed certificate is in use");
    let renewed = std::fs::read(&path).unwrap();
    assert_ne!(renewed, before);
    let port = process.port;
    let metrics =
        installed.installation.client().get(format!("https://localhost:{port}/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for outcome in ["authority-refused", "renewed"] {
        let line = format!("latchkey_portal_terminal_renewals_total{{outcome=\"{outcome}\"}} 1");
        assert!(metrics.contains(&line), "{metrics}");
    }
    let noted = std::fs::read_to_string(installed.installation.directory.path().join("audit.log")).unwrap();
    let failed = r#""code":"authority-refused","event":"terminal-not-renewed""#;
    assert!(noted.contains(failed) && noted.contains(r#""event":"terminal-renewed""#), "{noted}");
    let configuration = installed.installation.directory.path().join("portal.toml");
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-portal"));
        command.args(["terminal", "renew", "--config"]).arg(&configuration).output().unwrap()
    };
    let ran = tokio::task::block_in_place(run);
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(String::from_utf8_lossy(&ran.stdout).contains("renewed, in force until"));
    assert_ne!(std::fs::read(&path).unwrap(), renewed);
    served.twist(|answer| Answered { status: 500, ..answer });
    let ran = tokio::task::block_in_place(run);
    assert_eq!(ran.status.code(), Some(6));
}

/// Killed between key and certificate; the next start goes on with the new ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_ends_what_was_broken_off() {
    let served = Served::start(sample_authority(present()).unwrap(), present).await;
    let installed = Installed::new(|text| text);
    let directory = installed.installation.directory.path();
    let credentials = {
        let text = std::fs::read_to_string(directory.join("portal.toml")).unwrap();
        Configuration::parse(&text, directory).unwrap().terminal.unwrap().credentials
    };
    let former = std::fs::read(directory.join("terminal/terminal.cert")).unwrap();
    let day = Date::try_from(present().date()).unwrap();
    renew(&credentials, RequestedKey::New, &served.reached(), day, random()).await.unwrap();
    std::fs::rename(directory.join("terminal/terminal.cert"), directory.join("terminal/terminal.cert.taken")).unwrap();
    write(directory, "terminal.cert", &former, 0o644);
    let checked = installed.command("check").output().unwrap();
    assert_eq!(checked.status.code(), Some(3), "half replaced");
    let (process, _port) = installed.start();
    process.logged("a renewal of the terminal's certificate that had been broken off was ended");
    process.signal("TERM");
    process.end();
    assert_eq!(installed.command("check").output().unwrap().status.code(), Some(0));
}
