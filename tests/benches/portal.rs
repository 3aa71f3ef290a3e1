//! Accepted sign-ins through the portal's HTTP server, over TLS, on SQLite: a challenge, its assertion, a session each,
//! every write on the disk before its answer. The portal runs in this process, on threads of its own whose processor time
//! is told apart: that of TLS, HTTP, the check and the database, in the program and in the kernel. Measured with
//! connections that stay open, and with a connection and its handshake for each sign-in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that panics has nothing to measure")]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use getrandom::SysRng;
use latchkey_crypto::assertion::{Assertion, AssertionAlgorithm, ChallengeText, Origin, signed_hash};
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::pki::tls::TlsFiles;
use latchkey_fixtures::pki::{CARD_HELD_KEY_POLICY, PersonOrder, TestPki, Validity};
use latchkey_portal::configuration::Configuration;
use latchkey_portal::material::Material;
use latchkey_portal::serve::Service;
use latchkey_tests::benchmark::{Benchmark, Figure};
use rand_core::UnwrapErr;
use reqwest::{Certificate, Client};
use serde_json::Value;
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

const VISITORS: usize = 16;
/// Of the portal's processor time, for an accepted sign-in, in microseconds.
const PROCESSOR_TIME_AT_MOST: f64 = 400.0;
const ROUNDS: usize = 9;
const ORIGIN: &str = "https://portal.example";
const THREADS: &str = "portal";
/// What SQLite's own threads are called.
const DATABASE_THREADS: &str = "sqlx-sqlite";

fn main() -> ExitCode {
    let mut benchmark = match Benchmark::from_arguments() {
        Ok(benchmark) => benchmark,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let (rounds, sign_ins) = if benchmark.is_measurement() { (ROUNDS, 40) } else { (1, 1) };
    let stage = Stage::set();
    let visitors = Builder::new_multi_thread().worker_threads(1).thread_name("visitors").enable_all().build().unwrap();
    println!("Sign-ins through the portal, {VISITORS} visitors at a time");
    let kept = stage.measure(&visitors, rounds, sign_ins, Connections::Kept);
    let new = stage.measure(&visitors, rounds, sign_ins, Connections::New);
    let figure = |name: &str, value, unit| Figure { name: name.to_owned(), value, unit, peer: None };
    benchmark.record(figure("portal-sign-ins", kept.per_second, "sign-ins/s"));
    benchmark.limit(figure("portal-processor-time", kept.microseconds, "µs a sign-in"), PROCESSOR_TIME_AT_MOST);
    benchmark.record(figure("portal-processor-time-with-handshake", new.microseconds, "µs a sign-in"));
    stage.strike();
    benchmark.finish()
}

/// How visitors come.
#[derive(Clone, Copy)]
enum Connections {
    /// On one connection for all their sign-ins.
    Kept,
    /// On a new one for each, which serves both requests.
    New,
}

struct Measured {
    per_second: f64,
    microseconds: f64,
}

/// A running portal, and a card that it accepts.
struct Stage {
    portal: Runtime,
    card: Arc<Card>,
    client: Client,
    stop: oneshot::Sender<()>,
    stopped: tokio::task::JoinHandle<()>,
    _directory: TempDir,
}

struct Card {
    certificate: Vec<u8>,
    key: PrivateKey,
    portal: String,
}

impl Stage {
    fn set() -> Self {
        let pki = TestPki::new("benchmark", present()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let authority = install(directory.path(), &pki);
        let configuration = Configuration::load(&directory.path().join("portal.toml")).unwrap();
        let material = Material::load(&configuration, present()).unwrap();
        let portal = Builder::new_multi_thread().thread_name(THREADS).enable_all().build().unwrap();
        let service = Service::prepare(&configuration, material, present, || Box::new(UnwrapErr(SysRng)));
        let service = portal.block_on(service).unwrap();
        let port = service.addresses().unwrap()[0].port();
        let (stop, stopping) = oneshot::channel();
        // The files do not change; nobody asks to look at them.
        let (_, renewals) = mpsc::channel(1);
        let stopped = portal.spawn(async move {
            let stop = async move { stopping.await.unwrap_or_default() };
            service.run(stop, renewals).await.unwrap();
        });
        let builder = Client::builder().tls_backend_native().no_proxy().pool_max_idle_per_host(VISITORS);
        let client = builder.tls_certs_only([Certificate::from_pem(&authority).unwrap()]).build().unwrap();
        let card = Arc::new(Card::issue(&pki, format!("https://localhost:{port}")));
        Self { portal, card, client, stop, stopped, _directory: directory }
    }

    fn measure(&self, visitors: &Runtime, rounds: usize, sign_ins: usize, connections: Connections) -> Measured {
        self.round(visitors, 1, connections);
        let (mut per_second, mut microseconds) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (clock, processor) = (Instant::now(), processor_time());
            self.round(visitors, sign_ins, connections);
            #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
            let count = (VISITORS * sign_ins) as f64;
            per_second.push(count / clock.elapsed().as_secs_f64());
            microseconds.push((processor_time() - processor).as_secs_f64() * 1e6 / count);
        }
        Measured { per_second: median(per_second), microseconds: median(microseconds) }
    }

    fn round(&self, visitors: &Runtime, sign_ins: usize, connections: Connections) {
        let mut open = JoinSet::new();
        for _ in 0..VISITORS {
            let (client, card) = (self.client.clone(), Arc::clone(&self.card));
            let visit = async move {
                for _ in 0..sign_ins {
                    card.sign_in(&client, connections).await;
                }
            };
            open.spawn_on(visit, visitors.handle());
        }
        visitors.block_on(open.join_all());
    }

    fn strike(self) {
        self.stop.send(()).unwrap();
        drop(self.client);
        self.portal.block_on(self.stopped).unwrap();
    }
}

impl Card {
    fn issue(pki: &TestPki, portal: String) -> Self {
        let key = pki.key_of("visitor");
        let validity = Validity::days_around(pki.now(), -100, 100);
        let person = &sample_holders()[0].person;
        let order = PersonOrder::card_held(person, &key.public_key(), "visitor", validity).unwrap();
        Self { certificate: pki.authority().issue_to_person(&order).unwrap().der, key, portal }
    }

    async fn sign_in(&self, client: &Client, connections: Connections) {
        let ask = client.post(format!("{}/api/v1/challenges", self.portal)).header("content-type", "application/json");
        let issued = ask.body("{}").send().await.unwrap();
        let cookie = issued.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let issued: Value = issued.json().await.unwrap();
        let address = format!("{}{}", self.portal, issued["assertionPath"].as_str().unwrap());
        let present = client.post(address).header("content-type", "application/json").header("cookie", cookie);
        let present = match connections {
            Connections::Kept => present,
            Connections::New => present.header("connection", "close"),
        };
        let answer = present.body(self.sign(issued["challenge"].as_str().unwrap())).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        // Read whole, so that the connection can serve again.
        answer.bytes().await.unwrap();
    }

    fn sign(&self, challenge: &str) -> String {
        let algorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);
        let (origin, challenge) = (Origin::parse(ORIGIN).unwrap(), ChallengeText::parse(challenge).unwrap());
        let hash = signed_hash(algorithm, &origin, &challenge).try_into().unwrap();
        let signature = self.key.sign_hash(&hash).to_vec();
        let agent = "https://client.example/benchmark".to_owned();
        Assertion::new(self.certificate.clone(), algorithm, signature, agent).unwrap().to_json()
    }
}

/// Writes everything that a portal needs; gives the authority of its HTTPS certificate.
fn install(directory: &Path, pki: &TestPki) -> Vec<u8> {
    let write = |name: &str, octets: &[u8]| std::fs::write(directory.join(name), octets).unwrap();
    let tls = TlsFiles::issue(present()).unwrap();
    write("portal.cert.pem", &tls.certificate);
    write("portal.key.pem", &tls.key);
    close_to_others(&directory.join("portal.key.pem"));
    write("root.cert.der", &pki.root().certificate().der);
    write("authority.cert.der", &pki.authority().certificate().der);
    write("root.crl.der", &pki.root_revocation_list(&[]).unwrap());
    write("authority.crl.der", &pki.authority_revocation_list(&[]).unwrap());
    let configuration = format!(
        r#"
public_origin = "{ORIGIN}"
listen = ["127.0.0.1:0"]
database = "portal.sqlite"
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
"#
    );
    write("portal.toml", configuration.as_bytes());
    tls.authority
}

fn close_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// What the portal's threads and the database's have had of the processors so far.
fn processor_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let of_portal = tasks.filter(|task| {
        std::fs::read_to_string(task.join("comm"))
            .is_ok_and(|name| name.starts_with(THREADS) || name.starts_with(DATABASE_THREADS))
    });
    // A thread may end meanwhile; then so has what it did.
    let nanoseconds = of_portal.filter_map(|task| std::fs::read_to_string(task.join("schedstat")).ok());
    Duration::from_nanos(nanoseconds.filter_map(|line| line.split(' ').next()?.parse::<u64>().ok()).sum())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a running portal has the machine's clock")]
fn present() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
