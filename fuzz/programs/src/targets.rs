//! Fuzz targets for what whole programs read: requests, messages between processes, links, files. The fixtures must not
//! see those programs; so the targets stand here, and an ordinary test of the workspace takes this file in to replay what
//! was kept.

#[path = "portal.rs"]
mod portal_targets;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use latchkey_agent::wire::{FromAgent, ToAgent};
use latchkey_card::profile::Profile;
use latchkey_card::rights::DataGroup;
use latchkey_client::hand_over::{LETTER_MAX_SIZE, Letter};
use latchkey_client::service::{AskedSignIn, REQUEST_ORIGINS_MAX_COUNT, SignedRequest};
use latchkey_client::settings::{Managed, SettingsStore};
use latchkey_client::sign_in::link::Link;
use latchkey_client::single_instance::Wish;
use latchkey_client::texts::Language;
use latchkey_crypto::assertion::{ChallengeText, Origin};
use latchkey_crypto::cv::Certificate as CvCertificate;
use latchkey_crypto::cv::rights::EidRights;
use latchkey_crypto::secret::BeltKey;
use latchkey_crypto::x509::{Certificate, TrustStore};
use latchkey_fixtures::fuzz::Target;
use latchkey_fixtures::holders::sample_pki;
use latchkey_fixtures::pki::TestPki;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::audit::Audit;
use latchkey_portal::cabinet::{Barred, Entered};
use latchkey_portal::challenge::ChallengeId;
use latchkey_portal::http::router;
use latchkey_portal::keys::{KeptKeys, Key, KeySecret, KeyUse};
use latchkey_portal::portal::{Portal, PortalName, PortalSettings, Surroundings};
use latchkey_portal::provider::clients::{Client, ClientAuthentication, Registry};
use latchkey_portal::provider::dpop;
use latchkey_portal::provider::jws::{self, VerificationKey};
use latchkey_portal::provider::parameters::Parameters;
use latchkey_portal::provider::pending::SealKey;
use latchkey_portal::provider::proof::{NotProven, Presented};
use latchkey_portal::provider::request::{AuthorizationRequest, RequestFault};
use latchkey_portal::rates::RateSettings;
use latchkey_portal::revocation::ListsOnDisk;
use latchkey_portal::session::Session;
use latchkey_portal::storage::{
    Answer, Completed, Completing, KeptChallenge, KeptCompletion, LinkSpent, NotCompleted, NotTaken, Opening, Purged,
    Storage,
};
use latchkey_portal::terminal::authority::{AuthorityError, CERTIFICATE_MAX_SIZE, Collected, IssuedToTerminal};
use latchkey_portal::terminal::{Attributes, PersonalData};
use latchkey_portal::token::TokenHash;
use latchkey_verify::{Assurance, Grace, PolicyLevels, Purpose, SignInPolicy};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// Every target.
pub(crate) const TARGETS: &[Target] = &[
    Target { name: "agent-report", run: agent_report },
    Target { name: "agent-request", run: agent_request },
    Target { name: "authority-answer", run: authority_answer },
    Target { name: "hand-over", run: hand_over },
    Target { name: "link", run: link },
    Target { name: "outside-account", run: portal_targets::outside_account },
    Target { name: "portal-request", run: portal_request },
    Target { name: "portal-settings", run: portal_targets::portal_settings },
    Target { name: "possession-proof", run: possession_proof },
    Target { name: "request-head", run: portal_targets::request_head },
    Target { name: "service-body", run: service_body },
    Target { name: "settings-file", run: settings_file },
    Target { name: "signed-request", run: signed_request },
    Target { name: "site-request", run: site_request },
    Target { name: "sites-file", run: portal_targets::sites_file },
    Target { name: "terminal-group", run: terminal_group },
    Target { name: "wish", run: wish },
];

/// What the agent reads from the pipe: a message that is accepted is written as it was read.
fn agent_request(octets: &[u8]) {
    if let Ok(Some(message)) = ToAgent::read(&mut &*octets) {
        let mut written = Vec::new();
        message.write(&mut written).expect("a message that was read can be written");
        assert!(octets.starts_with(&written), "a message is written as it was read");
    }
}

/// What the client reads from the agent's pipe.
fn agent_report(octets: &[u8]) {
    if let Ok(Some(message)) = FromAgent::read(&mut &*octets) {
        let mut written = Vec::new();
        message.write(&mut written).expect("a message that was read can be written");
        assert!(octets.starts_with(&written), "a message is written as it was read");
    }
}

/// What an issuing authority answers the terminal: the first octet says with which status, the rest is the body.
fn authority_answer(octets: &[u8]) {
    let Some((which, body)) = octets.split_first() else { return };
    let status = [200, 202, 404, 422][usize::from(which % 4)];
    match IssuedToTerminal::of_answer(status, body) {
        Ok(issued) => {
            assert_eq!(status, 200, "a refusal is no certificate");
            for certificate in issued.path.iter().chain([&issued.certificate]) {
                let again = CvCertificate::parse(&certificate.to_octets());
                assert_eq!(again.as_ref().ok(), Some(certificate), "a certificate is written as it was read");
            }
        }
        Err(AuthorityError::Refused { code, .. }) => {
            assert!(code.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-'), "a code can be logged");
        }
        Err(_) => {}
    }
    if let Ok(Collected::Issued(certificate)) = Collected::of_answer(status, body.to_vec()) {
        assert!(certificate.len() <= CERTIFICATE_MAX_SIZE, "a certificate fits a card");
    }
}

/// What a program that starts anew in place finds.
fn hand_over(octets: &[u8]) {
    if let Some(letter) = Letter::parse(octets) {
        let written = letter.to_octets().expect("a letter that was read can be written");
        assert!(written.len() <= LETTER_MAX_SIZE || octets.len() > LETTER_MAX_SIZE, "it cannot be handed over again");
        assert_eq!(Letter::parse(&written).as_ref(), Some(&letter), "a letter is read as it was written");
    }
}

/// What a relying party has signed: a message as it is, and contents that the organisation of the fixtures has signed.
fn signed_request(octets: &[u8]) {
    static PKI: LazyLock<(TestPki, Vec<u8>, TrustStore)> = LazyLock::new(|| {
        let pki = sample_pki(NOW).expect("the fixtures' authorities");
        let operator = pki.operator_certificate().expect("an organisation").der;
        let certificate = |der: &[u8]| Certificate::from_der(der).expect("a certificate");
        let (root, authority) = (&pki.root().certificate().der, &pki.authority().certificate().der);
        let trust = TrustStore::new(vec![certificate(root)], vec![certificate(authority)]).expect("a root");
        (pki, operator, trust)
    });
    let (pki, operator, trust) = &*PKI;
    let judged = |message: &[u8]| SignedRequest::verify(message, Some(trust), None, NOW);
    let message = pki.signed_by_operator(operator, octets).expect("contents can be signed");
    for request in [judged(octets), judged(&message)].into_iter().flatten() {
        assert!((1..=REQUEST_ORIGINS_MAX_COUNT).contains(&request.origins.len()), "a request has its sites");
        assert!(request.origins.iter().all(|origin| Origin::parse(origin.as_str()).is_ok()), "sites have TLS");
        if let Some(ticket) = &request.ticket {
            let (required, optional) = ticket.rights().expect("a ticket is for some groups");
            assert_eq!(required.eid & optional.eid, EidRights::NONE, "what is required is not left out");
        }
        let shown = request.selected().shown(Language::English, true);
        assert!(shown.purpose.is_none_or(|purpose| !purpose.trim().is_empty()), "a purpose can be shown");
    }
}

/// What the terminal reads of a card: the first octet says which group, and on which kind of card.
fn terminal_group(octets: &[u8]) {
    let Some((which, file)) = octets.split_first() else { return };
    let mut attributes = Attributes::default();
    let profile = &Profile::KNOWN[usize::from(which & 0x20 != 0)];
    let Some(group) = DataGroup::new(which & 0x1F) else { return };
    let taken = attributes.take(profile, group, file);
    if taken.is_ok()
        && let Ok(data) = PersonalData::of(&attributes)
    {
        for key in data.keys() {
            let value = data.get(key).expect("a key that is listed has a value");
            assert!(!value.is_empty() && !value.chars().any(char::is_control), "a value can be shown");
            assert!(value.len() <= 2 * file.len() + 64, "a value is not much longer than what it was made of");
        }
    }
}

fn link(octets: &[u8]) {
    if let Ok(text) = std::str::from_utf8(octets)
        && let Ok(link) = Link::parse(text)
    {
        assert_eq!(link.to_string(), text, "a link has one spelling");
        assert!(Origin::parse(link.origin().as_str()).is_ok(), "a link leads to an HTTPS address");
    }
}

/// What a later start of the program tells the first one.
fn wish(octets: &[u8]) {
    if let Some(wish) = Wish::parse(octets) {
        assert_eq!(wish.to_octets(), octets, "a wish is written as it was read");
    }
}

fn service_body(octets: &[u8]) {
    if let Ok(asked) = AskedSignIn::parse(octets) {
        let again = ChallengeText::parse(asked.challenge.as_str());
        assert_eq!(again.as_ref(), Ok(&asked.challenge), "a challenge is signed as the text it is");
        assert!(asked.says_it_is.is_none_or(|name| !name.trim().is_empty()), "a name without a letter was accepted");
    }
}

/// The same octets as the holder's file and as the administrator's: what the holder's file says or cannot say never
/// fails, and what the administrator's file says is read in full or refused.
fn settings_file(octets: &[u8]) {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("there is room for a file"));
    let path: PathBuf = FOLDER.path().join(format!("{:?}.toml", std::thread::current().id()));
    fs::write(&path, octets).expect("there is room for a file");
    let store = SettingsStore::new(path.clone(), Arc::new(Managed::default()), || NOW);
    if std::str::from_utf8(octets).is_ok() && store.failure().is_none() {
        // Whatever was understood, the sites in it are sites.
        assert!(store.sites().iter().all(|site| site.origin.as_str().starts_with("http")));
    }
    if let Ok(managed) = Managed::of_file(&path) {
        assert!(managed.sites().all(|(origin, _)| origin.as_str().starts_with("https://")));
    }
}

/// What sites have browsers bring to the provider, and what they send themselves. The first octet chooses the reader.
fn site_request(octets: &[u8]) {
    static SITES: LazyLock<Registry> = LazyLock::new(|| {
        let text = r#"
[[client]]
id = "shop"
name = { be = "Крама", ru = "Магазин", en = "Shop" }
redirect_uris = ["https://shop.example/back"]
scopes = ["openid", "profile"]
authentication = "public"
"#;
        Registry::parse(text, Path::new("")).expect("a registry")
    });
    static KEY: LazyLock<VerificationKey> =
        LazyLock::new(|| VerificationKey::from_pem(SITES_KEY.as_bytes()).expect("a key"));
    static KEY_HOLDER: LazyLock<Client> = LazyLock::new(|| {
        let shop = SITES.client("shop").expect("a site");
        let authentication = ClientAuthentication::Keys(vec![KEY.clone()]);
        Client {
            id: shop.id.clone(),
            names: shop.names.clone(),
            redirect_uris: shop.redirect_uris.clone(),
            post_logout_redirect_uris: Vec::new(),
            scopes: shop.scopes,
            authentication,
            algorithm: shop.algorithm,
            may_refresh: false,
            must_push: false,
            must_bind: false,
            logout: None,
        }
    });
    let Some((reader, text)) = octets.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    match reader % 4 {
        0 => match AuthorizationRequest::parse(text, &SITES) {
            Ok(request) => {
                assert!(request.answer("x", "y").starts_with("https://shop.example/back?code=x"), "sent elsewhere");
                assert!(request.scopes.openid && !request.scopes.personal_number, "more than was registered");
            }
            Err(RequestFault::Sent(answer)) => {
                assert!(answer.address("y").starts_with("https://shop.example/back?error="), "sent elsewhere");
            }
            Err(RequestFault::Told(_)) => {}
        },
        1 => {
            if let Ok(claims) = jws::verify(text, [&*KEY]) {
                assert_eq!(claims.to_string(), r#"{"sub":"x"}"#, "a claim that nobody has signed");
            }
        }
        2 => {
            let (authorization, body) = text.split_once('\n').unwrap_or(("", text));
            let Ok(parameters) = Parameters::parse(body.as_bytes()) else { return };
            let authorization = Some(authorization).filter(|authorization| !authorization.is_empty());
            if let Ok(presented) = Presented::of(authorization, &parameters) {
                let named = parameters.get("client_id").is_none_or(|named| named == presented.id);
                assert!(named, "one site under another's name");
                let judged = presented.judge(&KEY_HOLDER, "https://portal.example", NOW);
                assert_eq!(judged.err(), Some(NotProven), "a statement that nobody has signed");
            }
        }
        _ => {
            let key = SealKey::new(seal_keys()).expect("a key");
            assert_eq!(key.open(text, NOW), None, "a request that this service has not sealed");
        }
    }
}

/// What a site proves to hold: no proof is found for a key whose private half nobody has.
fn possession_proof(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    let purpose = dpop::Purpose { method: "POST", address: "https://portal.example/token", access_token: None };
    if let Ok(sound) = dpop::judge(text, &purpose, NOW) {
        assert_eq!(sound.key.to_string(), PROVEN_KEY, "a proof that nobody has made");
        assert!(sound.until > NOW, "a proof is remembered as long as it serves");
    }
}

/// The key of the proofs in the corpus.
const PROVEN_KEY: &str = "QKDThcfDzKtjRog24K4Z9dSoaptgO7vGvPEaaKMbtgs";

fn seal_keys() -> Arc<KeptKeys> {
    let key = Key::new(KeyUse::Seal, 1, KeySecret::Mac(BeltKey::new([0x5E; 32])));
    Arc::new([key].into_iter().collect())
}

/// The key to one statement in the corpus. Nobody has the private half any more.
const SITES_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4oS/JUpOiW0qgglZDobjFNE0w8z+
CxZf0u6hCGslbXKyeW/v/gSnseWbG5lPQPe9DOIHE52/zH+tIigNcLIz+Q==
-----END PUBLIC KEY-----
";

const NOW: OffsetDateTime = datetime!(2026-05-04 09:00 UTC);

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime"));

/// The first octet chooses where the rest is sent. No answer is the service's own fault, and each has a length of time.
fn portal_request(octets: &[u8]) {
    static PORTAL: LazyLock<Router> = LazyLock::new(portal);
    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";
    const CHALLENGE: &str = "/api/v1/assertions/000102030405060708090a0b0c0d0e0f";
    const LINK: &str = "/api/v1/links/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let Some((place, body)) = octets.split_first() else { return };
    let (path, kind) = match place % 7 {
        0 => ("/api/v1/challenges".to_owned(), JSON),
        1 => (CHALLENGE.to_owned(), JSON),
        2 => (LINK.to_owned(), JSON),
        3 => (format!("{LINK}/assertion"), JSON),
        4 => ("/sign-out".to_owned(), FORM),
        5 => ("/link".to_owned(), FORM),
        _ => ("/language".to_owned(), FORM),
    };
    let token = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let cookies = format!("__Host-latchkey-pre={token}; __Host-latchkey-session={token}");
    let request = Request::post(path).header("content-type", kind).header("cookie", cookies);
    let request = request.body(Body::from(body.to_vec())).expect("a request");
    let answer = RUNTIME.block_on(PORTAL.clone().oneshot(request)).expect("an answer");
    assert!(!answer.status().is_server_error(), "{}", answer.status());
}

/// A portal that trusts nobody, on a memory that has whatever it is asked for.
fn portal() -> Router {
    let trust = TrustStore::new(Vec::new(), Vec::new()).expect("nobody can be trusted by nobody");
    let settings = PortalSettings {
        name: PortalName {
            belarusian: "Выдуманы партал".to_owned(),
            russian: "Выдуманный портал".to_owned(),
            english: "An invented portal".to_owned(),
        },
        client_port: 8084,
        utc_offset: time::UtcOffset::UTC,
        challenge_lifetime: time::Duration::seconds(120),
        challenge_limit: u64::MAX,
        session_lifetime: time::Duration::minutes(30),
        rates: RateSettings::boundless(),
        request_time_limit: Duration::from_secs(15),
        policy: SignInPolicy {
            origin: Origin::parse("https://portal.example").expect("an origin"),
            trust: trust.clone(),
            levels: PolicyLevels { card_held_key: Vec::new(), other_key: Vec::new() },
            minimum_assurance: Assurance::High,
            grace: Grace::NONE,
        },
    };
    let surroundings = Surroundings {
        storage: Arc::new(Obliging),
        revocation: Arc::new(ListsOnDisk::load(Vec::new(), &trust).expect("no lists")),
        status_service: None,
        audit: Arc::new(Audit::none()),
        cabinets: None,
        outside_accounts: None,
        clock: Box::new(|| NOW),
        random: Box::new(Seeded::new("fuzzed portal")),
    };
    router(Portal::new(settings, surroundings), None)
}

/// A memory that has every challenge and link, and no session.
struct Obliging;

impl Obliging {
    fn challenge() -> KeptChallenge {
        KeptChallenge {
            id: ChallengeId::from([0; 16]),
            browser: TokenHash::from([0; 32]),
            text: ChallengeText::parse(&"A".repeat(44)).expect("a challenge"),
            purpose: Purpose::SignIn,
            issued_at: NOW,
            expires_at: NOW + time::Duration::minutes(2),
            link: None,
        }
    }
}

impl Storage for Obliging {
    fn keep_challenge<'a>(&'a self, _: &'a KeptChallenge) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn take_challenge<'a>(
        &'a self,
        _: ChallengeId,
        _: &'a TokenHash,
        _: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, NotTaken>> {
        Box::pin(async { Ok(Ok(Self::challenge())) })
    }

    fn fetch_link<'a>(&'a self, _: &'a TokenHash, _: OffsetDateTime) -> Answer<'a, Result<KeptChallenge, LinkSpent>> {
        Box::pin(async { Ok(Err(LinkSpent::Unknown)) })
    }

    fn take_link<'a>(&'a self, _: &'a TokenHash, _: OffsetDateTime) -> Answer<'a, Result<KeptChallenge, LinkSpent>> {
        Box::pin(async { Ok(Ok(Self::challenge())) })
    }

    fn keep_completion<'a>(&'a self, _: &'a KeptCompletion) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn complete<'a>(&'a self, _: &'a Completing, _: OffsetDateTime) -> Answer<'a, Result<Completed, NotCompleted>> {
        Box::pin(async { Ok(Err(NotCompleted::Unknown)) })
    }

    fn open_session<'a>(&'a self, _: &'a Opening) -> Answer<'a, Result<Entered, Barred>> {
        Box::pin(async { Ok(Ok(Entered { cabinet: None, opened: false })) })
    }

    fn session<'a>(&'a self, _: &'a TokenHash, _: OffsetDateTime) -> Answer<'a, Option<Session>> {
        Box::pin(async { Ok(None) })
    }

    fn end_session<'a>(&'a self, _: &'a TokenHash) -> Answer<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn purge(&self, _: OffsetDateTime) -> Answer<'_, Purged> {
        Box::pin(async { Ok(Purged { challenges: 0, sessions: 0, challenges_left: 0 }) })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
