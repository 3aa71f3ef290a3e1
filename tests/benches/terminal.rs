//! Sign-ins through the terminal: card and terminal authenticate each other, five groups are read and fetched. The terminal
//! runs in this process, on threads of its own whose processor time is told apart, beside the curve arithmetic that such a
//! sign-in cannot do without, measured in the same run. Then one session at a time through the client program, with a card
//! whose own time is taken off: what client and terminal each add to an exchange.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that panics has nothing to measure"
)]

// Readers with virtual cards, as the agent's own tests have them.
#[allow(dead_code, reason = "the agent's tests use all of it")]
#[path = "../../card/agent/tests/it/desk.rs"]
mod readers;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use getrandom::SysRng;
use latchkey_agent::{
    Agent, Asking, Can, KnownTerminal, NoSecret, Password as _, Pin, Pin2, Puk, Question, SecretPrompt, TerminalTrust,
};
use latchkey_card::bauth::{Mode, TerminalTemplate, terminal_certificates};
use latchkey_card::bpace::AuthenticationTemplate;
use latchkey_card::dialogue::{AgreedActs, PinStatus, Selected, TerminalAuthenticating};
use latchkey_card::profile::Profile;
use latchkey_card::terminal::{AfterM1, AwaitingM1, CardTrustAnchors, TerminalEditions};
use latchkey_client::desk::{Desk, Phase, SitesOfThisRun};
use latchkey_client::service::{CallersOfSystem, Listeners, NoGuest, Service as ClientService, Surroundings};
use latchkey_client::settings::TerminalSettings;
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::cv::{Date, TrustAnchor, TrustAnchors};
use latchkey_fixtures::card_image::CardImage;
use latchkey_fixtures::faults::{Exchanged, FaultyCard};
use latchkey_fixtures::holders::{
    SAMPLE_TERMINAL, issue_card, sample_cv_pki, sample_holders, sample_pki, write_sample_set,
};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::store::InProcess;
use latchkey_fixtures::vcard::VirtualCard;
use latchkey_portal::configuration::Configuration;
use latchkey_portal::keys::{KeyUse, make};
use latchkey_portal::material::Material;
use latchkey_portal::serve::Service;
use latchkey_tests::benchmark::{Benchmark, Figure};
use rand_core::UnwrapErr;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

const VISITORS: usize = 8;
const ROUNDS: usize = 9;
const SITE: &str = "https://clinic.example";
const GROUPS: [&str; 5] = ["dg1", "dg2", "dg3", "dg4", "dg5"];
const THREADS: &str = "terminal";
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
    let (rounds, sign_ins) = if benchmark.is_measurement() { (ROUNDS, 6) } else { (1, 1) };
    let stage = Stage::set();
    let figure = |name: &str, value, unit, peer| Figure { name: name.to_owned(), value, unit, peer };
    println!("Sign-ins through the terminal, {VISITORS} back ends at a time");
    let mut arithmetic = Arithmetic::of(&stage.image);
    let (mut needed, mut taken) = (Vec::new(), Vec::new());
    stage.round(1);
    for _ in 0..rounds {
        needed.push(arithmetic.microseconds(if benchmark.is_measurement() { 200 } else { 1 }));
        taken.push(stage.round(sign_ins));
    }
    let (needed, taken) = (median(needed), median(taken));
    benchmark.record(figure("terminal-curve-arithmetic", needed, "µs a sign-in", None));
    benchmark.record(figure("terminal-processor-time", taken, "µs a sign-in", None));
    let peer = Some("its curve arithmetic: BAUTH, the card's path and proof");
    benchmark.record(figure("terminal-processor-time-vs-arithmetic", taken / needed, "ratio", peer));
    println!("One session at a time through the client program");
    let added = stage.latencies(if benchmark.is_measurement() { 30 } else { 1 });
    benchmark.record(figure("terminal-exchange-added-by-client", added.by_client, "µs", None));
    benchmark.record(figure("terminal-exchange-added-by-terminal", added.by_terminal, "µs", None));
    benchmark.record(figure("terminal-exchange-of-virtual-card", added.by_card, "µs", None));
    stage.strike();
    benchmark.finish()
}

/// What nobody can leave out: the terminal's role in BAUTH, and whether the card's certificate and proof hold.
struct Arithmetic {
    template: TerminalTemplate,
    rights: Vec<u8>,
    key: latchkey_crypto::bign::PrivateKey,
    anchors: TrustAnchors,
    issuers: Vec<latchkey_crypto::cv::Certificate>,
    today: Date,
    m1: Vec<u8>,
    m3: Vec<u8>,
}

impl Arithmetic {
    /// With what a card has said once to a terminal that draws the same random values each time.
    fn of(image: &CardImage) -> Self {
        let pki = sample_cv_pki(present()).unwrap();
        let (profile, template) = (Profile::standard(), TerminalTemplate::new(Mode::Bilateral, None, None));
        let anchor = TrustAnchor::of_root(pki.root().certificate.clone()).unwrap();
        let mut arithmetic = Self {
            rights: cert_hats(&profile),
            key: pki.key_of(SAMPLE_TERMINAL),
            anchors: TrustAnchors::new(vec![anchor]),
            issuers: vec![pki.authority().certificate.clone()],
            today: Date::try_from(present().date()).unwrap(),
            template,
            m1: Vec::new(),
            m3: Vec::new(),
        };
        let terminal =
            pki.terminal(SAMPLE_TERMINAL, latchkey_fixtures::cv::CvPki::sign_in_rights()).unwrap().certificate;
        let certificates = [pki.authority().certificate.to_octets(), terminal.to_octets()].concat();
        let mut card = inserted(image);
        let (authenticating, m1) = open_card(&mut card, &profile, &certificates, arithmetic.template.octets());
        arithmetic.m1 = m1;
        let (_, m2) = arithmetic.answer();
        arithmetic.m3 = authenticating.relay_m2(&m2).unwrap().1;
        arithmetic
    }

    fn answer(&self) -> (latchkey_card::terminal::AwaitingM3, Vec<u8>) {
        let [profile, _] = Profile::KNOWN;
        let editions = TerminalEditions { hello: profile.hello_terminal, mac: profile.editions.mac() };
        let awaiting = AwaitingM1::new(&self.template, &self.rights, profile, editions);
        match awaiting.receive(&self.m1, &self.key, &mut Seeded::new("the same each time")).unwrap() {
            (AfterM1::Bilateral(confirming), m2) => (confirming, m2.data),
            (AfterM1::Unilateral(_), _) => panic!("the template is of the bilateral mode"),
        }
    }

    /// Of this thread's processor time, on average over so many.
    fn microseconds(&mut self, times: u32) -> f64 {
        let trust = CardTrustAnchors { anchors: &self.anchors, issuers: &self.issuers, today: self.today };
        let before = thread_time();
        for _ in 0..times {
            let (confirming, _) = self.answer();
            std::hint::black_box(confirming.receive(&self.m3, &trust).unwrap());
        }
        (thread_time() - before).as_secs_f64() * 1e6 / f64::from(times)
    }
}

/// What is added to an exchange, in microseconds.
struct Added {
    by_client: f64,
    by_terminal: f64,
    by_card: f64,
}

/// A running terminal, and a sample holder's card.
struct Stage {
    portal: Runtime,
    terminal: String,
    image: CardImage,
    stop: oneshot::Sender<()>,
    stopped: tokio::task::JoinHandle<()>,
    _directory: TempDir,
}

impl Stage {
    fn set() -> Self {
        let directory = tempfile::tempdir().unwrap();
        install(directory.path());
        let configuration = Configuration::load(&directory.path().join("portal.toml")).unwrap();
        let material = Material::load(&configuration, present()).unwrap();
        let portal = Builder::new_multi_thread().thread_name(THREADS).enable_all().build().unwrap();
        let service = Service::prepare(&configuration, material, present, || Box::new(UnwrapErr(SysRng)));
        let service = portal.block_on(service).unwrap();
        let terminal = format!("http://{}/api/v1", service.terminal_addresses().unwrap()[0]);
        let (stop, stopping) = oneshot::channel();
        // The files do not change; nobody asks to look at them.
        let (_, renewals) = mpsc::channel(1);
        let stopped = portal.spawn(async move {
            let stop = async move { stopping.await.unwrap_or_default() };
            service.run(stop, renewals).await.unwrap();
        });
        let image = issue_card(&sample_pki(present()).unwrap(), &sample_holders()[0], present()).unwrap();
        Self { portal, terminal, image, stop, stopped, _directory: directory }
    }

    /// Gives the terminal's processor time for a sign-in, in microseconds.
    fn round(&self, sign_ins: usize) -> f64 {
        let before = processor_time();
        thread::scope(|scope| {
            for _ in 0..VISITORS {
                scope.spawn(|| self.visit(sign_ins));
            }
        });
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let count = (VISITORS * sign_ins) as f64;
        (processor_time() - before).as_secs_f64() * 1e6 / count
    }

    /// A back end whose card is beside it.
    fn visit(&self, sign_ins: usize) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let terminal = Caller { client: client(), address: self.terminal.clone() };
        runtime.block_on(async {
            for _ in 0..sign_ins {
                self.sign_in(&terminal).await;
            }
        });
    }

    async fn sign_in(&self, terminal: &Caller) {
        let (mut card, profile) = (inserted(&self.image), Profile::standard());
        let begun = terminal.ask("bauth_init", json!({ "so_certificate": "" })).await;
        let hreq = &begun["hreq"];
        let (certificates, template) = (octets(&begun["terminal_certificate"]), octets(&begun["cmd_to_card"]));
        let (authenticating, m1) = open_card(&mut card, &profile, &certificates, &template);
        let answer = |octets: &[u8]| json!({ "hreq": hreq, "card_response": STANDARD.encode(octets) });
        let next = terminal.ask("bauth_process", answer(&m1)).await;
        let (mut channel, m3) = authenticating.relay_m2(&octets(&next["cmd_to_card"])).unwrap();
        terminal.ask("bauth_process", answer(&m3)).await;
        let wanted = json!({ "hreq": hreq, "data_groups_to_read": GROUPS });
        let mut step = terminal.ask("read_dg_init", wanted).await;
        while step["is_last_dg_readed"] != true {
            let header = octets(&step["header_cmd_to_card"]).try_into().unwrap();
            let said = channel.relay(header, &octets(&step["cmd_to_card"])).unwrap();
            step = terminal.ask("read_dg", answer(&said)).await;
        }
        let data = terminal.ask("request_dg", json!({ "hreq": hreq })).await;
        assert_eq!(data["personal_data"]["Sex"], "F");
        terminal.ask("bauth_logout", json!({ "hreq": hreq })).await;
    }

    /// What an exchange takes at each, in the middle of all that so many sessions have.
    fn latencies(&self, sessions: usize) -> Added {
        let client = ClientProgram::start(&self.image);
        let page = Caller { client: self::client(), address: format!("http://127.0.0.1:{}", client.service.port()) };
        let terminal = Caller { client: self::client(), address: self.terminal.clone() };
        let (mut by_client, mut by_terminal, mut by_card) = (Vec::new(), Vec::new(), Vec::new());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for _ in 0..sessions {
                let opened = page.ask("auth_sign", json!({ "init": "true" })).await;
                let begun = terminal.ask("bauth_init", json!({ "so_certificate": opened["SO_CERT"] })).await;
                let hreq = &begun["hreq"];
                let mut answer = page.ask("api/v1/terminal_proxy_bauth_init", begun.clone()).await;
                for relay in ["api/v1/terminal_proxy_bauth", ""] {
                    let said = json!({ "hreq": hreq, "card_response": answer["card_response"] });
                    let step = terminal.ask("bauth_process", said).await;
                    if step["is_bauth_established"] != true {
                        answer = page.ask(relay, step).await;
                    }
                }
                let wanted = json!({ "hreq": hreq, "data_groups_to_read": GROUPS });
                let mut step = terminal.ask("read_dg_init", wanted).await;
                while step["is_last_dg_readed"] != true {
                    client.card.lock().unwrap().take();
                    let began = Instant::now();
                    let answer = page.ask("api/v1/terminal_proxy_command", step).await;
                    let (took, of_card) = (began.elapsed(), client.card.lock().unwrap().take());
                    by_client.push((took - of_card).as_secs_f64() * 1e6);
                    by_card.push(of_card.as_secs_f64() * 1e6);
                    let said = json!({ "hreq": hreq, "card_response": answer["card_response"] });
                    let began = Instant::now();
                    step = terminal.ask("read_dg", said).await;
                    by_terminal.push(began.elapsed().as_secs_f64() * 1e6);
                }
                terminal.ask("bauth_logout", json!({ "hreq": hreq })).await;
                page.ask("latchkey/v1/terminal/close", json!({})).await;
            }
        });
        Added { by_client: median(by_client), by_terminal: median(by_terminal), by_card: median(by_card) }
    }

    fn strike(self) {
        self.stop.send(()).unwrap();
        self.portal.block_on(self.stopped).unwrap();
    }
}

/// Somebody who keeps a connection to a service.
struct Caller {
    client: Client,
    address: String,
}

impl Caller {
    async fn ask(&self, path: &str, body: Value) -> Value {
        let mut request = self.client.post(format!("{}/{path}", self.address)).json(&body);
        if !self.address.ends_with("/api/v1") {
            request = request.header("Origin", SITE);
        }
        let answer = request.send().await.unwrap();
        let (status, answer): (_, Value) = (answer.status(), answer.json().await.unwrap());
        assert!(status.is_success() && answer["err"].as_str().is_none_or(|err| err == "0"), "{path}: {answer}");
        answer
    }
}

/// The client program with its agent, and a holder who agrees at once.
struct ClientProgram {
    service: ClientService,
    card: Arc<Mutex<OfCard>>,
    _runtime: Runtime,
}

/// How long a card took since somebody asked.
#[derive(Default)]
struct OfCard(Duration);

impl OfCard {
    const fn take(&mut self) -> Duration {
        std::mem::replace(&mut self.0, Duration::ZERO)
    }
}

struct Timed {
    card: FaultyCard,
    took: Arc<Mutex<OfCard>>,
}

impl readers::Played for Timed {
    fn exchange(&mut self, command: &[u8]) -> Exchanged {
        let began = Instant::now();
        let exchanged = self.card.exchange(command);
        self.took.lock().unwrap().0 += began.elapsed();
        exchanged
    }

    fn reset(&mut self) {
        self.card.card_mut().reset();
    }
}

impl ClientProgram {
    fn start(image: &CardImage) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("client").enable_all().build().unwrap();
        let (desk, card) = (readers::Desk::default(), Arc::default());
        desk.plug_in("Reader");
        desk.insert_played("Reader", Box::new(Timed { card: inserted(image).into(), took: Arc::clone(&card) }));
        let prompt = Box::new(Knowing(image.passwords.pin.ascii().to_vec()));
        let agent = Agent::start(Arc::new(desk), prompt, Box::new(UnwrapErr(SysRng)), present).unwrap();
        let (agent, sites) = (Arc::new(agent), Arc::new(SitesOfThisRun::new(present)));
        let service = runtime.block_on(async {
            let desk = Desk::open(agent.clone(), sites.clone(), None);
            tokio::spawn(agree_to_everything(desk.clone()));
            let surroundings = Surroundings {
                desk,
                agent,
                sites,
                callers: Arc::new(CallersOfSystem),
                guest: Arc::new(NoGuest),
                terminals: Arc::new(settings()),
                clock: present,
            };
            ClientService::start(Listeners::bind(0).unwrap(), surroundings).unwrap()
        });
        Self { service, card, _runtime: runtime }
    }
}

async fn agree_to_everything(desk: Desk) {
    let mut changes = desk.changes();
    loop {
        let view = Arc::clone(&changes.borrow_and_update());
        for request in view.requests.iter().filter(|request| request.phase == Phase::AskHandOver) {
            desk.agree(request.id);
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// The terminal is the site's.
fn settings() -> TerminalSettings {
    let root = sample_cv_pki(present()).unwrap().root().certificate.to_octets();
    let origins = vec![Origin::parse(SITE).unwrap()];
    let known = KnownTerminal { holder: SAMPLE_TERMINAL.to_owned(), title: None, origins };
    let trust = TerminalTrust { roots: vec![root], known: vec![known] };
    TerminalSettings { trust, ..TerminalSettings::default() }
}

/// Knows the PIN and needs no time to enter it.
struct Knowing(Vec<u8>);

impl SecretPrompt for Knowing {
    fn pin(&mut self, question: &Question, _: &Asking) -> Result<Pin, NoSecret> {
        Ok(Pin::parse(&self.0, question.digits).unwrap())
    }

    fn pin2(&mut self, _: &Question, _: &Asking) -> Result<Pin2, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn new_pin(&mut self, _: &Question, _: &Asking) -> Result<Pin, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn can(&mut self, _: &Question, _: &Asking) -> Result<Can, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn puk(&mut self, _: &Question, _: &Asking) -> Result<Puk, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn confirm_last_try(&mut self, _: &Question, _: &Asking) -> Result<(), NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn consent(&mut self, _: &Question, _: &Asking) -> Result<(), NoSecret> {
        Err(NoSecret::NoPrompt)
    }
}

fn inserted(image: &CardImage) -> VirtualCard {
    VirtualCard::new(image.clone(), Box::new(InProcess::default()), Box::new(Seeded::new("the card"))).unwrap()
}

/// A client program that has agreed with the card's holder, and the card's first answer to the terminal.
fn open_card<'c>(
    card: &'c mut VirtualCard,
    profile: &'c Profile,
    certificates: &[u8],
    template: &[u8],
) -> (TerminalAuthenticating<'c>, Vec<u8>) {
    let pin = Pin::parse(card.image().passwords.pin.ascii(), 6).unwrap();
    let selected = Selected::select(card, profile).unwrap();
    let shown = PinStatus::Usable { tries_left: 3 };
    let secured = selected.secure_with_pin(pin, shown, &profile.words, &mut Seeded::new("the client")).unwrap();
    let certificates = terminal_certificates(certificates).unwrap();
    let template = TerminalTemplate::parse(template).unwrap();
    secured.authenticate_terminal(&template, &certificates, AgreedActs::NONE).unwrap()
}

fn cert_hats(profile: &Profile) -> Vec<u8> {
    AuthenticationTemplate::new(profile.pin.id, &profile.words, profile.rights_order).cert_hats().to_vec()
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

fn octets(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

/// Writes everything that a portal with a terminal needs.
fn install(directory: &Path) {
    write_sample_set(directory, present()).unwrap();
    let configuration = format!(
        r#"
public_origin = "https://portal.example"
listen = ["127.0.0.1:0"]
database = "portal.sqlite"
[name]
be = "Выдуманы партал"
ru = "Выдуманный портал"
en = "An invented portal"
[tls]
certificate = "tls/portal.cert.pem"
key = "tls/portal.key.pem"
[trust]
anchors = ["pki/root.cert.der"]
intermediates = ["pki/authority.cert.der"]
revocation_lists = ["pki/root.crl.der", "pki/authority.crl.der"]
card_held_policies = ["{policy}"]
other_policies = []
minimum_assurance = "high"
[terminal]
listen = ["127.0.0.1:0"]
steps = "terminal.sqlite"
certificate = "cv/terminal.cert"
key = "cv/terminal.key"
password = "cv/terminal.password"
path = ["cv/authority.cert"]
roots = ["cv/root.cert"]
card_authorities = ["cv/authority.cert"]
unknown_documents = "report"
[keys]
folder = "keys"
"#,
        policy = latchkey_fixtures::pki::CARD_HELD_KEY_POLICY,
    );
    let file = directory.join("portal.toml");
    fs::write(&file, configuration).unwrap();
    let keys = Configuration::load(&file).unwrap().keys.unwrap();
    make(&keys, KeyUse::Record, &mut Seeded::new("records")).unwrap();
}

/// What the terminal's threads and the database's have had of the processors so far.
fn processor_time() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let of_terminal = tasks.filter(|task| {
        fs::read_to_string(task.join("comm"))
            .is_ok_and(|name| name.starts_with(THREADS) || name.starts_with(DATABASE_THREADS))
    });
    // A thread may end meanwhile; then so has what it did.
    let nanoseconds = of_terminal.filter_map(|task| fs::read_to_string(task.join("schedstat")).ok());
    Duration::from_nanos(nanoseconds.filter_map(|line| line.split(' ').next()?.parse::<u64>().ok()).sum())
}

fn thread_time() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "running programs have the machine's clock")]
fn present() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
