//! Fuzz targets for what the portal reads of browsers, of sites, of another provider, and of its operator.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, Response};
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::secret::BeltKey;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::configuration::{Configuration, KeySettings};
use latchkey_portal::keys::{KeptKeys, Key, KeySecret, KeyUse};
use latchkey_portal::outside_account::{Call, NoAnswer, OutsideAccounts, Returned, UnderWay, WayThere};
use latchkey_portal::provider::clients::{ClientAuthentication, Registry};
use latchkey_portal::provider::jws::{Algorithm, FileKey, TicketKey as _, sign};
use latchkey_portal::rates::RateSettings;
use latchkey_portal::token::Token;
use tempfile::TempDir;

use super::{NOW, RUNTIME, portal};

/// The settings of a portal with everything, as its package has them.
const EXAMPLE: &str = include_str!("../../../portal/server/portal.example.toml");
const ORIGIN: &str = "https://portal.example";
const ISSUER: &str = "https://accounts.example";
/// Stands in an input for the ticket that the other provider has signed.
const TICKET: &str = "TICKET";

/// The headers that a portal reads: a line for each, of which the first octet says which, and the rest is its value. The first
/// octet of all says of which address.
pub(super) fn request_head(octets: &[u8]) {
    static PORTAL: LazyLock<Router> = LazyLock::new(portal);
    const NAMES: [&str; 10] = [
        "cookie",
        "accept-language",
        "x-forwarded-for",
        "authorization",
        "origin",
        "content-type",
        "content-length",
        "sec-fetch-site",
        "user-agent",
        "host",
    ];
    let Some((place, lines)) = octets.split_first() else { return };
    let request = match place % 4 {
        0 => Request::get("/"),
        1 => Request::get("/api/v1/session"),
        2 => Request::post("/api/v1/challenges"),
        _ => Request::post("/language"),
    };
    let mut request = request.body(Body::from("{}")).expect("a request");
    for line in lines.split(|octet| *octet == b'\n') {
        let Some((which, value)) = line.split_first() else { continue };
        let Some(name) = NAMES.get(usize::from(*which) % NAMES.len()) else { continue };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            request.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    is_an_address_that_was_told(&request);
    let answer = RUNTIME.block_on(tower::ServiceExt::oneshot(PORTAL.clone(), request)).expect("an answer");
    assert!(!answer.status().is_server_error(), "{}", answer.status());
}

/// Whatever proxies say: the other end of the connection, or what stands there.
fn is_an_address_that_was_told(request: &Request<Body>) {
    static RATES: LazyLock<RateSettings> = LazyLock::new(|| {
        let proxies = "proxies = [\"10.0.0.0/8\", \"::1\"]";
        let lines = EXAMPLE.lines().map(|line| if line.starts_with("#proxies = ") { proxies } else { line });
        let text = lines.collect::<Vec<_>>().join("\n");
        let settings = Configuration::parse(&text, Path::new("")).expect("the example").rates;
        assert!(!settings.proxies.is_empty(), "the example has no line for proxies");
        settings
    });
    let told = request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let told: Vec<&str> = told.collect();
    let peer = IpAddr::from([10, 0, 0, 1]);
    let source = RATES.source_address(peer, told.iter().copied());
    let is_told = told.iter().flat_map(|value| value.split(',')).any(|text| {
        let text = text.trim().trim_matches('"');
        let bare = text.strip_prefix('[').and_then(|text| text.split(']').next()).unwrap_or(text);
        let bare = bare.parse::<IpAddr>().or_else(|_| bare.rsplit_once(':').map_or(bare, |(it, _)| it).parse());
        bare.is_ok_and(|address| address.to_canonical() == source)
    });
    assert!(source == peer || is_told, "{source} is nobody's word");
}

/// What comes of another provider, by way of a browser or directly. The first octet says what of it is the input; the rest is
/// as it should be.
pub(super) fn outside_account(octets: &[u8]) {
    static OUTSIDE: LazyLock<Outside> = LazyLock::new(Outside::new);
    let Some((which, text)) = octets.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    if let Some(read) = UnderWay::parse(text) {
        assert_eq!(read.expose_for_cookie(), text, "a cookie has one spelling");
    }
    OUTSIDE.try_with(which % 4, text);
}

struct Outside {
    accounts: OutsideAccounts,
    played: Arc<Played>,
    under_way: UnderWay,
    state: String,
    _folder: TempDir,
}

/// Answers with what is put here: of itself, its keys, its tokens.
#[derive(Default)]
struct Played(Mutex<[String; 3]>);

impl WayThere for Played {
    fn call(&self, request: Request<Vec<u8>>) -> Call {
        let place = match request.uri().path() {
            "/.well-known/openid-configuration" => 0,
            "/jwks" => 1,
            _ => 2,
        };
        let answers = self.0.lock().expect("nobody panics here");
        let answer = answers.get(place).cloned().unwrap_or_default();
        let answer = Response::builder().header("content-type", "application/json").body(answer.into_bytes());
        Box::pin(async { answer.map_err(|error| NoAnswer::Unreachable(error.to_string())) })
    }
}

impl Outside {
    fn new() -> Self {
        let folder = TempDir::new().expect("there is room for files");
        let played = Arc::new(Played::default());
        let accounts = accounts(folder.path()).by(Arc::clone(&played) as _);
        let under_way = UnderWay { since: NOW, token: Token::draw(&mut Seeded::new("fuzzed")) };
        let key = FileKey::draw(Algorithm::Es256).expect("a key");
        let keys = format!("{{\"keys\":[{}]}}", key.public().jwk());
        let itself = format!(
            "{{\"issuer\":\"{ISSUER}\",\"authorization_endpoint\":\"{ISSUER}/authorize\",\"token_endpoint\":\
             \"{ISSUER}/token\",\"jwks_uri\":\"{ISSUER}/jwks\",\"response_types_supported\":[\"code\"],\
             \"subject_types_supported\":[\"public\"],\"id_token_signing_alg_values_supported\":[\"ES256\"]}}"
        );
        *played.0.lock().expect("nobody panics here") = [itself, keys, String::new()];
        let origin = Origin::parse(ORIGIN).expect("an origin");
        let address = RUNTIME.block_on(accounts.address(&origin, &under_way, false, NOW)).expect("an address");
        let sent = |name: &str| {
            let found = address.query_pairs().find(|(other, _)| other == name);
            found.map(|(_, value)| value.into_owned()).expect("it is sent")
        };
        let claims = format!(
            "{{\"iss\":\"{ISSUER}\",\"sub\":\"anna\",\"aud\":\"portal\",\"iat\":{},\"exp\":{},\"nonce\":\"{}\",\"name\":\"Anna\"}}",
            NOW.unix_timestamp(),
            NOW.unix_timestamp() + 3600,
            sent("nonce"),
        );
        let claims = claims.parse().expect("claims");
        let ticket = sign(&key, "JWT", &claims).expect("a ticket");
        let state = sent("state");
        if let Ok(mut answers) = played.0.lock() {
            answers[2] = format!("{{\"access_token\":\"x\",\"token_type\":\"Bearer\",\"id_token\":\"{ticket}\"}}");
        }
        let outside = Self { accounts, played, under_way, state, _folder: folder };
        let anna = outside.signed_in("code=x", NOW);
        assert!(anna.is_some_and(|(subject, _)| subject == "anna"), "nothing is found if nobody is ever let in");
        outside
    }

    fn try_with(&self, which: u8, text: &str) {
        let sound = self.played.0.lock().expect("nobody panics here").clone();
        let ticket = sound[2].split('"').nth(11).unwrap_or_default().to_owned();
        let place = usize::from(which);
        let mut now = NOW;
        if let Some(answer) = self.played.0.lock().expect("nobody panics here").get_mut(place) {
            *answer = text.replace(TICKET, &ticket);
            // What was asked before is asked again.
            now += time::Duration::minutes(if place < 2 { 10 } else { 0 });
        }
        let query = if place == 3 { text } else { "code=x" };
        let signed_in = self.signed_in(query, now);
        *self.played.0.lock().expect("nobody panics here") = sound;
        if place < 2 {
            // What was found there is not what the next one is to find.
            let _ = self.signed_in("code=x", NOW);
        }
        if let Some((subject, name)) = signed_in {
            assert_eq!(subject, "anna", "an account that the provider has not named");
            assert!(name.is_none_or(|name| name == "Anna"), "a name that the provider has not told");
        }
    }

    fn signed_in(&self, query: &str, now: time::OffsetDateTime) -> Option<(String, Option<String>)> {
        let origin = Origin::parse(ORIGIN).ok()?;
        let parameters = latchkey_portal::provider::parameters::Parameters::parse(query.as_bytes()).ok()?;
        let returned = Returned {
            state: parameters.get("state").or(Some(&self.state)),
            code: parameters.get("code"),
            issuer: parameters.get("iss"),
            error: parameters.get("error"),
        };
        let account = RUNTIME.block_on(self.accounts.account(&origin, &self.under_way, returned, now));
        account.ok().map(|(account, _)| (account.subject, account.name))
    }
}

/// As the example has them, with their section in force.
fn accounts(folder: &Path) -> OutsideAccounts {
    let text = EXAMPLE.replace("minimum_assurance = \"high\"", "minimum_assurance = \"low\"");
    let text = text.replace("#[keys]", "[keys]").replace("#folder = ", "folder = ");
    let (rest, section) = text.split_once("#[outside_account]\n").expect("the example has the section");
    let (section, after) = section.split_once("\n\n").expect("an empty line ends it");
    let setting = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') && !setting.starts_with("tls_") => setting.to_owned(),
        _ => line.to_owned(),
    };
    let section = section.lines().map(setting).collect::<Vec<_>>().join("\n");
    let text = format!("{rest}[outside_account]\n{section}\n\n{after}");
    let settings = Configuration::parse(&text, folder).expect("the example").outside_account.expect("the section");
    let secret = &settings.client_secret.value;
    fs::write(secret, "of nobody").expect("there is room for a file");
    let owner = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    fs::set_permissions(secret, owner).expect("it is ours");
    let key = Key::new(KeyUse::Seal, 1, KeySecret::Mac(BeltKey::new([0x5E; 32])));
    OutsideAccounts::load(&settings, Arc::new([key].into_iter().collect::<KeptKeys>())).expect("the files are there")
}

/// The file of registered sites: nobody is registered whom people could be sent to without TLS.
pub(super) fn sites_file(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    let Ok(registry) = Registry::parse(text, Path::new("/nowhere")) else { return };
    for client in registry.clients() {
        assert!(!client.redirect_uris.is_empty(), "a site has an address");
        for address in client.redirect_uris.iter().chain(&client.post_logout_redirect_uris) {
            let is_safe = ["https://", "http://127.", "http://[::1]"];
            assert!(is_safe.iter().any(|begin| address.as_str().starts_with(begin)), "sent without TLS");
        }
        assert!(!matches!(client.authentication, ClientAuthentication::Keys(_)), "there are no keys to be read");
    }
}

/// The portal's configuration: what is taken has an origin with TLS, and keys in one folder.
pub(super) fn portal_settings(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    let Ok(configuration) = Configuration::parse(text, Path::new("/nowhere")) else { return };
    assert!(configuration.origin.as_str().starts_with("https://"), "people sign in over TLS");
    assert!(!configuration.listen.is_empty(), "it listens somewhere");
    let keys: Option<&KeySettings> = configuration.keys.as_ref();
    assert!(keys.is_some() || configuration.provider.is_none(), "a provider has keys");
}
