//! A service with a provider, and sites that ask it.

use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::pki::SOFTWARE_KEY_POLICY;
use latchkey_fixtures::pki::tls::TlsFiles;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::configuration::{Configuration, ProviderSettings};
use latchkey_portal::keys::{self, KeyUse};
use latchkey_portal::provider::ProviderMaterial;
use latchkey_portal::provider::jws::{Algorithm, FileKey, VerificationKey, sign, verify};
use latchkey_portal::provider::ticket_keys::TicketKeys;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::sha::sha256;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::own_keys;
use crate::process::{present, set_mode};
use crate::support::{Answer, Browser, Card, NOW, ORIGIN, World};

const EXAMPLE: &str = include_str!("../../../portal.example.toml");
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The secret of the shop.
pub(crate) const SECRET: &str = "the shop's secret: 100% & more";

/// An RSA key, made once for all tests.
pub(crate) static RSA_KEY: LazyLock<Vec<u8>> =
    LazyLock::new(|| PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap().private_key_to_pem_pkcs8().unwrap());

/// The key of the clinic.
static CLINIC_KEY: LazyLock<Vec<u8>> =
    LazyLock::new(|| FileKey::draw(Algorithm::Es256).unwrap().to_pem(None).unwrap().to_vec());

/// By what sites show themselves, if the operator has named an authority of theirs.
static SITES_TLS: LazyLock<TlsFiles> = LazyLock::new(|| TlsFiles::issue(present()).unwrap());

/// The sites: a shop with a secret, a clinic with a key, an app that can keep nothing.
pub(crate) fn clients() -> String {
    let secret = hex::encode(sha256(SECRET.as_bytes()));
    format!(
        r#"
[[client]]
id = "shop"
name = {{ be = "Крама", ru = "Магазин", en = "Shop" }}
redirect_uris = ["https://shop.example/back", "https://shop.example/back?from=portal"]
post_logout_redirect_uris = ["https://shop.example/bye"]
scopes = ["openid", "profile", "personal_number", "acting_account", "age_over_18"]
authentication = "secret"
secret_sha256 = "{secret}"
algorithm = "ES256"
refresh_tokens = true

[[client]]
id = "clinic"
name = {{ be = "Паліклініка", ru = "Поликлиника", en = "Clinic" }}
redirect_uris = ["https://clinic.example/back"]
scopes = ["openid", "profile"]
authentication = "keys"
keys = ["clinic.pub.pem"]

[[client]]
id = "app"
name = {{ be = "Праграма", ru = "Приложение", en = "App" }}
redirect_uris = ["http://127.0.0.1:8765/back"]
scopes = ["openid"]
authentication = "public"
algorithm = "ES256"
"#
    )
}

/// The example with its sections `[keys]` and `[provider]`.
pub(crate) fn configured() -> String {
    with_provider(EXAMPLE)
}

/// A configuration made of the example, with its section `[provider]`.
pub(crate) fn with_provider(text: &str) -> String {
    let text = own_keys::with_folder(text);
    let (rest, provider) = text.split_once("#[provider]\n").unwrap();
    let setting = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => setting.to_owned(),
        _ => line.to_owned(),
    };
    let provider: Vec<_> = provider.lines().map(setting).collect();
    format!("{rest}[provider]\n{}\n", provider.join("\n"))
}

/// Writes the provider's files, as the example names them.
pub(crate) fn write_files(directory: &Path, clients: &str) {
    let provider = directory.join("provider");
    std::fs::create_dir_all(&provider).unwrap();
    own_keys::make(directory, &[KeyUse::Subject, KeyUse::Seal, KeyUse::Ticket(Algorithm::Es256)]);
    let rsa = provider.join("rsa.pem");
    std::fs::write(&rsa, &*RSA_KEY).unwrap();
    set_mode(&rsa, 0o600);
    let of = KeyUse::Ticket(Algorithm::Rs256);
    keys::take(&own_keys::settings(directory), of, &rsa, &mut Seeded::new("none")).unwrap();
    let clinic = PKey::private_key_from_pem(&CLINIC_KEY).unwrap().public_key_to_pem().unwrap();
    std::fs::write(provider.join("clinic.pub.pem"), clinic).unwrap();
    std::fs::write(provider.join("sites-tls.pem"), &SITES_TLS.authority).unwrap();
    std::fs::write(provider.join("clients.toml"), clients).unwrap();
}

pub(crate) fn settings(directory: &Path) -> ProviderSettings {
    Configuration::parse(&configured(), directory).unwrap().provider.unwrap()
}

/// A service with a provider.
pub(crate) async fn world() -> World {
    world_of(&clients()).await
}

/// A service with a provider of those sites.
pub(crate) async fn world_of(clients: &str) -> World {
    world_with_files(clients, |_| {}).await
}

/// The same with files that are altered before they are read.
pub(crate) async fn world_with_files(clients: &str, alter: impl FnOnce(&Path)) -> World {
    let prepare = |directory: &Path| {
        write_files(directory, clients);
        alter(directory);
        ProviderMaterial::load(&settings(directory)).unwrap()
    };
    World::with_provider(|_| {}, prepare).await
}

/// A service with cabinets, and a provider of those sites.
pub(crate) async fn world_with_cabinets(clients: &str) -> World {
    World::with_cabinets_and(|directory| {
        write_files(directory, clients);
        Some(ProviderMaterial::load(&settings(directory)).unwrap())
    })
    .await
}

/// The sites, some of which are told at these addresses when people have signed out.
pub(crate) fn clients_told(addresses: &[(&str, &str)]) -> String {
    addresses.iter().fold(clients(), |clients, (id, address)| {
        let told = format!("backchannel_logout_uri = \"{address}\"\nbackchannel_logout_private = true");
        clients.replace(&format!("id = \"{id}\"\n"), &format!("id = \"{id}\"\n{told}\n"))
    })
}

/// A site, as its visitors and the provider meet it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    pub(crate) id: &'static str,
    pub(crate) address: &'static str,
    pub(crate) scope: &'static str,
}

pub(crate) const SHOP: Site =
    Site { id: "shop", address: "https://shop.example/back?from=portal", scope: "openid profile personal_number" };
pub(crate) const CLINIC: Site = Site { id: "clinic", address: "https://clinic.example/back", scope: "openid profile" };
pub(crate) const APP: Site = Site { id: "app", address: "http://127.0.0.1:8765/back", scope: "openid" };

impl Site {
    /// The address that it has browsers open, with `changes`: another value, or none.
    pub(crate) fn request(&self, changes: &[(&str, Option<&str>)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
        let sound = [
            ("client_id", self.id),
            ("redirect_uri", self.address),
            ("response_type", "code"),
            ("scope", self.scope),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("state", "s & t"),
            ("nonce", "n-0S6"),
        ];
        let mut query = Serializer::new(String::new());
        for (name, value) in sound.into_iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name)) {
            query.append_pair(name, value);
        }
        for (name, value) in changes {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        format!("/authorize?{}", query.finish())
    }

    /// Has a browser whose visitor is signed in, and agrees if asked, get a code.
    pub(crate) async fn code(&self, browser: &mut Browser) -> String {
        let answer = browser.get(&self.request(&[])).await;
        let answer = if answer.status == 200 { agree(browser, &answer).await } else { answer };
        sent(&answer, "code").unwrap()
    }

    /// Asks for what a code is good for.
    pub(crate) async fn exchange(&self, world: &World, code: &str) -> Answer {
        self.exchange_with(world, code, &[]).await
    }

    pub(crate) async fn exchange_with(&self, world: &World, code: &str, changes: &[(&str, Option<&str>)]) -> Answer {
        self.call(world, "/token", &changed(&self.exchanging(code), changes)).await
    }

    /// What it sends to exchange a code.
    pub(crate) fn exchanging<'a>(&self, code: &'a str) -> [(&'static str, &'a str); 4] {
        [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.address),
            ("code_verifier", VERIFIER),
        ]
    }

    /// Signs in and lets the site know, in a new browser.
    pub(crate) async fn tokens(&self, world: &World) -> Value {
        let mut browser = world.browser();
        browser.sign_in(&world.card()).await;
        let code = self.code(&mut browser).await;
        self.exchange(world, &code).await.json()
    }

    pub(crate) async fn refresh(&self, world: &World, token: &str) -> Answer {
        self.call(world, "/token", &pairs(&[("grant_type", "refresh_token"), ("refresh_token", token)])).await
    }

    /// Calls an address as the site that it is.
    pub(crate) async fn call(&self, world: &World, path: &str, parameters: &[(String, String)]) -> Answer {
        self.call_with(world, path, parameters, &[]).await
    }

    /// The same with proofs that it holds a key.
    pub(crate) async fn call_with(
        &self,
        world: &World,
        path: &str,
        parameters: &[(String, String)],
        proofs: &[&str],
    ) -> Answer {
        let mut parameters = parameters.to_vec();
        let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        match self.id {
            "shop" => request = request.header("authorization", basic("shop", SECRET)),
            "clinic" => {
                let statement = statement(&json!({}), &another_name());
                parameters
                    .extend(pairs(&[("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &statement)]));
            }
            _ => parameters.extend(pairs(&[("client_id", self.id)])),
        }
        world.browser().send(request.body(form(&parameters).into()).unwrap()).await
    }
}

pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A name that no other statement of this process has had.
fn another_name() -> String {
    static STATEMENTS: AtomicUsize = AtomicUsize::new(0);
    format!("statement {}", STATEMENTS.fetch_add(1, Ordering::Relaxed))
}

/// What the clinic signs to prove who it is, with `changes`.
pub(crate) fn statement(changes: &Value, name: &str) -> String {
    let now = NOW.unix_timestamp();
    let mut claims = json!({"iss": "clinic", "sub": "clinic", "aud": ORIGIN, "exp": now + 60, "jti": name});
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    sign(&FileKey::from_pem(&CLINIC_KEY).unwrap(), "JWT", &claims).unwrap()
}

pub(crate) fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}

pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn changed(sound: &[(&str, &str)], changes: &[(&str, Option<&str>)]) -> Vec<(String, String)> {
    let kept = sound.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let added = changes.iter().filter_map(|(name, value)| value.map(|value| (*name, value)));
    pairs(&kept.copied().chain(added).collect::<Vec<_>>())
}

pub(crate) fn form(parameters: &[(String, String)]) -> String {
    Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// Presses "Allow" on a page that asks.
pub(crate) async fn agree(browser: &mut Browser, page: &Answer) -> Answer {
    decide(browser, page, "allow").await
}

pub(crate) async fn decide(browser: &mut Browser, page: &Answer, decision: &str) -> Answer {
    let fields = ["request", "key", "acting"].map(|name| (name, field(page, name)));
    let mut fields: Vec<_> = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    fields.push(("decision".to_owned(), decision.to_owned()));
    browser.post_form("/authorize/decision", form(&fields)).await
}

/// A hidden field of a page's form.
pub(crate) fn field(page: &Answer, name: &str) -> Option<String> {
    let (_, rest) = page.text().split_once(&format!("name=\"{name}\" value=\""))?;
    Some(rest.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&"))
}

/// A parameter with which the browser is sent away.
pub(crate) fn sent(answer: &Answer, name: &str) -> Option<String> {
    assert_eq!(answer.status, 303, "{}", answer.text());
    let address = Url::parse(answer.header("location")).unwrap();
    address.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// The claims of a ticket, checked as sites do: by the key that the provider publishes.
pub(crate) async fn ticket(world: &World, ticket: &str) -> Value {
    let published = world.browser().get("/jwks").await.json();
    assert!(published["keys"].as_array().unwrap().iter().all(|key| key.get("d").is_none()));
    verify(ticket, &published_keys(world)).unwrap()
}

fn published_keys(world: &World) -> Vec<VerificationKey> {
    let keys = own_keys::loaded(world.directory(), &KeyUse::OF_TICKETS);
    TicketKeys::of(&keys).unwrap().public().cloned().collect()
}

/// A card whose key may be in a file: `substantial`.
pub(crate) fn software_card(world: &World) -> Card {
    Card::issue(&world.pki, |order| order.policies = vec![SOFTWARE_KEY_POLICY])
}

/// A card of somebody else.
pub(crate) fn card_of_another(world: &World) -> Card {
    Card::issue(&world.pki, |order| order.person = sample_holders()[1].person.clone())
}

pub(crate) async fn userinfo(world: &World, token: &str) -> Answer {
    let request = Request::get("/userinfo").header("authorization", format!("Bearer {token}"));
    world.browser().send(request.body(Body::empty()).unwrap()).await
}
