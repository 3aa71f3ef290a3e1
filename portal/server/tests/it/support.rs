//! A service in process, browsers that keep cookies, and cards that sign.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use latchkey_crypto::assertion::{Assertion, AssertionAlgorithm, ChallengeText, Origin, signed_hash};
use latchkey_crypto::belt;
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::x509::{Certificate, TrustStore};
use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::pki::{CARD_HELD_KEY_POLICY, PersonOrder, Revocation, SOFTWARE_KEY_POLICY, TestPki, Validity};
use latchkey_fixtures::random::Seeded;
use latchkey_portal::audit::Audit;
use latchkey_portal::configuration::Configuration;
use latchkey_portal::http::router;
use latchkey_portal::outside_account::OutsideAccounts;
use latchkey_portal::portal::{CabinetSurroundings, Portal, PortalName, PortalSettings, Surroundings};
use latchkey_portal::provider::{Provider, ProviderMaterial};
use latchkey_portal::rates::RateSettings;
use latchkey_portal::revocation::{ListFile, ListsOnDisk, StatusService};
use latchkey_portal::storage::{Memory, PostgresSettings, PostgresStorage, SqliteSettings, SqliteStorage, Storage};
use latchkey_portal::terminal::Terminal;
use latchkey_portal::token::Token;
use latchkey_verify::{Assurance, Grace, PolicyLevels, SignInPolicy};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;
use tower::ServiceExt as _;
use url::Url;

use crate::cabinet::cabinet_keys;

pub(crate) const NOW: OffsetDateTime = datetime!(2026-05-04 09:00 UTC);
pub(crate) const ORIGIN: &str = "https://portal.example";
pub(crate) const CHALLENGE_COOKIE: &str = "__Host-latchkey-pre";
pub(crate) const SESSION_COOKIE: &str = "__Host-latchkey-session";

/// A service in process, with its database and revocation lists in a directory of its own, and a clock to turn.
pub(crate) struct World {
    pub(crate) portal: Arc<Portal>,
    pub(crate) provider: Option<Arc<Provider>>,
    pub(crate) pki: TestPki,
    pub(crate) lists: Arc<ListsOnDisk>,
    router: Router,
    clock: Arc<Mutex<OffsetDateTime>>,
    directory: TempDir,
}

/// What not every service has around it.
type Around = (Option<StatusService>, Option<CabinetSurroundings>, Option<OutsideAccounts>);

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = open(&directory.path().join("portal.sqlite")).await;
        Self::with_storage(directory, storage, |_| {})
    }

    /// With its database in a file, whatever database this run is for.
    pub(crate) async fn on_a_file() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = Arc::new(open_file(&directory.path().join("portal.sqlite")).await);
        Self::with_storage(directory, storage, |_| {})
    }

    /// With somebody at that address who tells whether certificates are revoked, and with grace as long as may be.
    pub(crate) async fn with_status_service(address: Url) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = open(&directory.path().join("portal.sqlite")).await;
        let service = StatusService::new(address).unwrap();
        let change = |settings: &mut PortalSettings| settings.policy.grace = Grace::LONGEST;
        Self::put_together(directory, storage, (Some(service), None, None), change, |_| None)
    }

    /// A service with a provider whose files `prepare` writes.
    pub(crate) async fn with_provider(
        change: impl FnOnce(&mut PortalSettings),
        prepare: impl FnOnce(&Path) -> ProviderMaterial,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = open(&directory.path().join("portal.sqlite")).await;
        let (material, grants) = (prepare(directory.path()), Arc::clone(&storage));
        let provider = |portal| Some(Provider::new(portal, grants, material, None));
        Self::put_together(directory, storage, (None, None, None), change, provider)
    }

    /// With cabinets.
    pub(crate) async fn with_cabinets() -> Self {
        Self::with_cabinets_and(|_| None).await
    }

    /// With cabinets, and a provider if `prepare` writes files for one.
    pub(crate) async fn with_cabinets_and(prepare: impl FnOnce(&Path) -> Option<ProviderMaterial>) -> Self {
        Self::with_terminal(|_| {}, prepare, None).await
    }

    /// With cabinets, and a provider that has this terminal ask cards.
    pub(crate) async fn with_terminal(
        change: impl FnOnce(&mut PortalSettings),
        prepare: impl FnOnce(&Path) -> Option<ProviderMaterial>,
        terminal: Option<Arc<Terminal>>,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = open(&directory.path().join("portal.sqlite")).await;
        let keys = cabinet_keys(directory.path(), 1);
        storage.adopt_keys(&keys.ids()).await.unwrap().unwrap();
        let cabinets = CabinetSurroundings { naming: keys, storage: Arc::clone(&storage) as _ };
        let (material, grants) = (prepare(directory.path()), Arc::clone(&storage));
        let provider = |portal| material.map(|material| Provider::new(portal, grants, material, terminal));
        Self::put_together(directory, storage, (None, Some(cabinets), None), change, provider)
    }

    /// With cabinets, a provider, and another provider whose accounts may sign in; everybody is let in.
    pub(crate) async fn with_outside_accounts(
        prepare: impl FnOnce(&Path) -> (ProviderMaterial, OutsideAccounts),
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = open(&directory.path().join("portal.sqlite")).await;
        let (material, accounts) = prepare(directory.path());
        let keys = cabinet_keys(directory.path(), 1);
        storage.adopt_keys(&keys.ids()).await.unwrap().unwrap();
        let cabinets = CabinetSurroundings { naming: keys, storage: Arc::clone(&storage) as _ };
        let grants = Arc::clone(&storage);
        let provider = |portal| Some(Provider::new(portal, grants, material, None));
        let change = |settings: &mut PortalSettings| settings.policy.minimum_assurance = Assurance::Low;
        Self::put_together(directory, storage, (None, Some(cabinets), Some(accounts)), change, provider)
    }

    pub(crate) fn with_storage(
        directory: TempDir,
        storage: Arc<dyn Storage>,
        change: impl FnOnce(&mut PortalSettings),
    ) -> Self {
        Self::put_together(directory, storage, (None, None, None), change, |_| None)
    }

    fn put_together(
        directory: TempDir,
        storage: Arc<dyn Storage>,
        (status_service, cabinets, outside_accounts): Around,
        change: impl FnOnce(&mut PortalSettings),
        provider: impl FnOnce(Arc<Portal>) -> Option<Arc<Provider>>,
    ) -> Self {
        let pki = TestPki::new("portal", NOW).unwrap();
        write_lists(directory.path(), &pki, &[], NOW);
        let trust = trust(&pki);
        let files =
            ["root.crl.der", "authority.crl.der"].map(|name| ListFile::kept(directory.path().join(name))).into();
        let lists = Arc::new(ListsOnDisk::load(files, &trust).unwrap());
        let clock = Arc::new(Mutex::new(NOW));
        let told = Arc::clone(&clock);
        let surroundings = Surroundings {
            storage,
            revocation: Arc::clone(&lists),
            status_service,
            audit: Arc::new(audit(directory.path())),
            cabinets,
            outside_accounts,
            clock: Box::new(move || *told.lock().unwrap()),
            random: Box::new(Seeded::new("portal")),
        };
        let mut settings = settings(trust);
        change(&mut settings);
        let portal = Portal::new(settings, surroundings);
        let provider = provider(Arc::clone(&portal));
        let router = router(Arc::clone(&portal), provider.clone());
        Self { router, portal, provider, pki, lists, clock, directory }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new() }
    }

    /// A card that the PKI's authority certified.
    pub(crate) fn card(&self) -> Card {
        Card::issue(&self.pki, |_| {})
    }

    pub(crate) fn set_clock(&self, now: OffsetDateTime) {
        *self.clock.lock().unwrap() = now;
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("portal.sqlite")
    }
}

/// Opens a database with patience enough for a machine that has much else to do: that file, or what stands for it with
/// the database server of this run.
pub(crate) async fn open(path: &Path) -> Arc<dyn Memory> {
    match of_server(path).await {
        None => Arc::new(open_file(path).await),
        Some(settings) => Arc::new(PostgresStorage::open(settings).await.unwrap()),
    }
}

/// Opens a file, whatever database this run is for.
pub(crate) async fn open_file(path: &Path) -> SqliteStorage {
    let settings = SqliteSettings { path: path.to_owned(), patience: PATIENCE };
    SqliteStorage::open(settings).await.unwrap()
}

/// The place at the database server that stands for a file; nothing if this run is for files.
pub(crate) async fn of_server(path: &Path) -> Option<PostgresSettings> {
    let address = address_of(path)?;
    let name = schema_of(path);
    let server = std::env::var(DATABASE_SERVER).unwrap();
    let mut connection = PgConnection::connect(&server).await.unwrap();
    // Of two that come at the same moment one finds that there is one.
    let made = sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {name}"))).execute(&mut connection).await;
    if let Err(error) = made {
        assert!(error.as_database_error().is_some_and(|error| error.is_unique_violation()), "{error}");
    }
    connection.close().await.unwrap();
    let mut settings: PostgresSettings = address.parse().unwrap();
    settings.patience = PATIENCE;
    Some(settings)
}

/// The address of the place at the database server that stands for a file, as a configuration has it.
pub(crate) fn address_of(path: &Path) -> Option<String> {
    let server = std::env::var(DATABASE_SERVER).ok()?;
    let joint = if server.contains('?') { '&' } else { '?' };
    Some(format!("{server}{joint}options[search_path]={}", schema_of(path)))
}

fn schema_of(path: &Path) -> String {
    format!("of_{}", &hex::encode(belt::hash(&[path.as_os_str().as_encoded_bytes()]))[..32])
}

/// Runs a statement behind the service's back.
pub(crate) async fn change(path: &Path, statement: &'static str) {
    match address_of(path) {
        None => {
            let mut database = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
            sqlx::query(statement).execute(&mut database).await.unwrap();
            database.close().await.unwrap();
        }
        Some(address) => {
            let mut database = PgConnection::connect(&address).await.unwrap();
            sqlx::query(statement).execute(&mut database).await.unwrap();
            database.close().await.unwrap();
        }
    }
}

/// Octets that a statement finds behind the service's back.
pub(crate) async fn octets_of(path: &Path, statement: &'static str) -> Vec<u8> {
    match address_of(path) {
        None => {
            let mut database = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
            sqlx::query_scalar(statement).fetch_one(&mut database).await.unwrap()
        }
        Some(address) => {
            let mut database = PgConnection::connect(&address).await.unwrap();
            sqlx::query_scalar(statement).fetch_one(&mut database).await.unwrap()
        }
    }
}

/// Pairs that a statement finds behind the service's back.
pub(crate) async fn pairs_of(path: &Path, statement: &'static str) -> Vec<(bool, bool)> {
    match address_of(path) {
        None => {
            let mut database = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
            sqlx::query_as(statement).fetch_all(&mut database).await.unwrap()
        }
        Some(address) => {
            let mut database = PgConnection::connect(&address).await.unwrap();
            sqlx::query_as(statement).fetch_all(&mut database).await.unwrap()
        }
    }
}

/// Everything that the database has: its files, or every row of every table.
pub(crate) async fn everything_in(path: &Path) -> Vec<u8> {
    let Some(address) = address_of(path) else {
        let files = ["", "-wal", "-shm"].map(|suffix| std::fs::read(format!("{}{suffix}", path.display())));
        return files.into_iter().filter_map(Result::ok).flatten().collect();
    };
    let mut database = PgConnection::connect(&address).await.unwrap();
    let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut database).await.unwrap();
    let mut found = Vec::new();
    for table in tables {
        let columns = "SELECT column_name::text FROM information_schema.columns \
            WHERE table_schema = current_schema() AND table_name = $1 AND data_type = $2";
        for (kind, of_row) in
            [("bytea", "coalesce(COLUMN, ''::bytea)"), ("text", "convert_to(coalesce(COLUMN, ''), 'UTF8')")]
        {
            let columns: Vec<String> =
                sqlx::query_scalar(columns).bind(&table).bind(kind).fetch_all(&mut database).await.unwrap();
            for column in columns {
                let rows = format!("SELECT {} FROM {table}", of_row.replace("COLUMN", &column));
                let rows: Vec<Vec<u8>> =
                    sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(&mut database).await.unwrap();
                found.extend(rows.into_iter().flatten());
            }
        }
    }
    assert!(!found.is_empty(), "the search finds nothing at all");
    found
}

/// Names the database server that tests are to use in the place of files; `./dev test` runs them once so, and once without.
pub(crate) const DATABASE_SERVER: &str = "LATCHKEY_TEST_DATABASE";
/// On a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// The audit log of every world, in its directory.
pub(crate) fn audit(directory: &Path) -> Audit {
    let text = include_str!("../../portal.example.toml").replace("#audit = ", "audit = ");
    let configuration = Configuration::parse(&text, directory).unwrap();
    Audit::open(configuration.audit_log.as_ref()).unwrap()
}

fn settings(trust: TrustStore) -> PortalSettings {
    PortalSettings {
        name: PortalName {
            belarusian: "Выдуманы партал".to_owned(),
            russian: "Выдуманный портал".to_owned(),
            english: "An invented portal".to_owned(),
        },
        client_port: 8084,
        utc_offset: time::UtcOffset::UTC,
        challenge_lifetime: time::Duration::seconds(120),
        challenge_limit: 1000,
        session_lifetime: time::Duration::minutes(30),
        rates: RateSettings::boundless(),
        request_time_limit: Duration::from_secs(15),
        policy: SignInPolicy {
            origin: Origin::parse(ORIGIN).unwrap(),
            trust,
            levels: PolicyLevels {
                card_held_key: vec![CARD_HELD_KEY_POLICY.to_string().parse().unwrap()],
                other_key: vec![SOFTWARE_KEY_POLICY.to_string().parse().unwrap()],
            },
            minimum_assurance: Assurance::Substantial,
            grace: Grace::NONE,
        },
    }
}

pub(crate) fn trust(pki: &TestPki) -> TrustStore {
    let certificate = |der: &[u8]| Certificate::from_der(der).unwrap();
    let anchors = vec![certificate(&pki.root().certificate().der)];
    let intermediates = vec![certificate(&pki.authority().certificate().der)];
    TrustStore::new(anchors, intermediates).unwrap()
}

/// The revocation lists of root and authority as they stand at `now`.
pub(crate) fn write_lists(directory: &Path, pki: &TestPki, revoked: &[Revocation], now: OffsetDateTime) {
    std::fs::write(directory.join("root.crl.der"), pki.root().revocation_list(&[], now, 1).unwrap()).unwrap();
    let list = pki.authority().revocation_list(revoked, now, 1).unwrap();
    std::fs::write(directory.join("authority.crl.der"), list).unwrap();
}

/// A certificate and its key.
pub(crate) struct Card {
    pub(crate) certificate: Vec<u8>,
    pub(crate) serial_number: Vec<u8>,
    key: PrivateKey,
}

impl Card {
    pub(crate) fn issue(pki: &TestPki, change: impl FnOnce(&mut PersonOrder)) -> Self {
        let key = pki.key_of("holder");
        let validity = Validity::days_around(pki.now(), -100, 630);
        let person = &sample_holders()[0].person;
        let mut order = PersonOrder::card_held(person, &key.public_key(), "holder", validity).unwrap();
        change(&mut order);
        let issued = pki.authority().issue_to_person(&order).unwrap();
        Self { certificate: issued.der, serial_number: issued.serial_number, key }
    }

    pub(crate) fn sign(&self, origin: &str, challenge: &str) -> String {
        self.sign_with(origin, challenge, None)
    }

    /// The same with what a status service is said to have answered.
    pub(crate) fn sign_with(&self, origin: &str, challenge: &str, status_answer: Option<Vec<u8>>) -> String {
        let algorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);
        let (origin, challenge) = (Origin::parse(origin).unwrap(), ChallengeText::parse(challenge).unwrap());
        let hash = signed_hash(algorithm, &origin, &challenge).try_into().unwrap();
        let signature = self.key.sign_hash(&hash).to_vec();
        let agent = "https://client.example/0.1".to_owned();
        let assertion = Assertion::new(self.certificate.clone(), algorithm, signature, agent).unwrap();
        match status_answer {
            Some(answer) => assertion.with_status_answer(answer).unwrap().to_json(),
            None => assertion.to_json(),
        }
    }
}

/// A browser: keeps cookies as it is told.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    pub(crate) cookies: BTreeMap<String, String>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A challenge as the service issued it.
#[derive(Debug, Clone)]
pub(crate) struct Challenge {
    pub(crate) text: String,
    pub(crate) path: String,
}

impl Browser {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post_json(&mut self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn post_form(&mut self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Answer {
        self.send(Request::builder().method(Method::DELETE).uri(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Answer {
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.headers_mut().insert("cookie", pairs.join("; ").parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        for cookie in head.headers.get_all("set-cookie") {
            self.keep(cookie.to_str().unwrap());
        }
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: head.status, headers: head.headers, body }
    }

    fn keep(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        if attributes.contains("Max-Age=0;") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    pub(crate) async fn challenge(&mut self) -> Challenge {
        let answer = self.post_json("/api/v1/challenges", "{}").await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let json = answer.json();
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        Challenge { text: text("challenge"), path: text("assertionPath") }
    }

    pub(crate) async fn sign_in(&mut self, card: &Card) -> Answer {
        self.sign_in_from(card, None).await
    }

    /// Signs in with the header `Origin` as a browser sends it, or without one as programs do.
    pub(crate) async fn sign_in_from(&mut self, card: &Card, origin: Option<&str>) -> Answer {
        let challenge = self.challenge().await;
        let mut request = Request::post(&challenge.path).header("content-type", "application/json");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        self.send(request.body(card.sign(ORIGIN, &challenge.text).into()).unwrap()).await
    }

    /// The token in the cookie of the session.
    pub(crate) fn session_token(&self) -> Token {
        Token::parse(&self.cookies[SESSION_COOKIE]).unwrap()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap().to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The `Set-Cookie` header for the cookie `name`.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        cookies.into_iter().find(|cookie| cookie.starts_with(&format!("{name}=")))
    }
}
