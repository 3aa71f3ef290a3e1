//! Another provider of OpenID Connect on the loopback, whose accounts may sign in to the portal.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_portal::provider::jws::{Algorithm, FileKey, TicketKey as _, sign};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sha::sha256;
use openssl::sign::Signer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::provider::world::basic;
use crate::support::{NOW, ORIGIN};

/// What the portal is called there, and its secret.
const CLIENT_ID: &str = "portal";
pub(crate) const CLIENT_SECRET: &str = "the portal's secret: 100% & more";

/// How the provider behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it should.
    Sound,
    /// It signs tickets with a key that it does not publish.
    OtherKey,
    /// It signs them with the secret that it shares with the portal.
    BySecret,
    /// It does not sign them at all.
    Unsigned,
    /// It gives tokens without a ticket.
    NoTicket,
    /// It asks to be asked later.
    Busy,
    /// It begins an answer and never ends it.
    Endless,
}

pub(crate) struct OutsideHost {
    pub(crate) issuer: String,
    shared: Arc<Shared>,
}

struct Shared {
    issuer: String,
    mood: Mutex<Mood>,
    key: Mutex<FileKey>,
    codes: Mutex<BTreeMap<String, Run>>,
    exchanges: Mutex<u32>,
}

/// What a browser has come with.
struct Run {
    claims: Value,
    challenge: String,
}

impl OutsideHost {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            issuer: issuer.clone(),
            mood: Mutex::new(Mood::Sound),
            key: Mutex::new(FileKey::draw(Algorithm::Es256).unwrap()),
            codes: Mutex::default(),
            exchanges: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/jwks", get(keys))
            .route("/token", post(token))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, shared }
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    /// Goes on with another key.
    pub(crate) fn change_key(&self) {
        *self.shared.key.lock().unwrap() = FileKey::draw(Algorithm::Es256).unwrap();
    }

    /// How often a code was presented.
    pub(crate) fn exchanges(&self) -> u32 {
        *self.shared.exchanges.lock().unwrap()
    }

    /// Signs in the person who has come to this address; where the browser is sent back. The ticket has these `changes`, a
    /// claim that is null being left out.
    pub(crate) fn sign_in(&self, address: &Url, subject: &str, changes: &Value) -> String {
        let sent: BTreeMap<String, String> = address.query_pairs().into_owned().collect();
        assert_eq!(address.as_str().split('?').next().unwrap(), format!("{}/authorize", self.issuer));
        let expected = [
            ("client_id", CLIENT_ID),
            ("response_type", "code"),
            ("scope", "openid profile"),
            ("code_challenge_method", "S256"),
            ("redirect_uri", &format!("{ORIGIN}/outside-account/return")),
        ];
        for (name, value) in expected {
            assert_eq!(sent[name], value, "{name}");
        }
        let mut claims = json!({
            "iss": self.issuer,
            "sub": subject,
            "aud": CLIENT_ID,
            "iat": NOW.unix_timestamp(),
            "exp": NOW.unix_timestamp() + 600,
            "nonce": sent["nonce"],
            "name": format!("{subject} of Elsewhere"),
            "personal_number": "PNOBY-3000000A000PB0",
            "acr": "urn:latchkey:acr:high",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let mut codes = self.shared.codes.lock().unwrap();
        let code = format!("code {} & more", codes.len());
        codes.insert(code.clone(), Run { claims, challenge: sent["code_challenge"].clone() });
        back(&[("code", &code), ("state", &sent["state"]), ("iss", &self.issuer)])
    }
}

/// Where a browser is sent back with that.
pub(crate) fn back(parameters: &[(&str, &str)]) -> String {
    let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/outside-account/return?{query}")
}

async fn configuration(State(shared): State<Arc<Shared>>) -> Response {
    match *shared.mood.lock().unwrap() {
        Mood::Busy => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Endless => {
            let dots = futures_util::stream::repeat_with(|| Ok::<_, String>(Bytes::from_static(&[b'.'; 65_536])));
            return ([(CONTENT_TYPE, "application/json")], Body::from_stream(dots)).into_response();
        }
        _ => {}
    }
    let issuer = &shared.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
    }))
    .into_response()
}

async fn keys(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "keys": [shared.key.lock().unwrap().public().jwk()] }))
}

/// Gives tokens for a code, once, to whoever has the secret and the verifier.
async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    *shared.exchanges.lock().unwrap() += 1;
    let sent: BTreeMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if headers.get(AUTHORIZATION).unwrap().to_str().unwrap() != basic(CLIENT_ID, CLIENT_SECRET) {
        return refused("invalid_client");
    }
    let Some(run) = shared.codes.lock().unwrap().remove(&sent["code"]) else { return refused("invalid_grant") };
    if URL_SAFE_NO_PAD.encode(sha256(sent["code_verifier"].as_bytes())) != run.challenge {
        return refused("invalid_grant");
    }
    let mut tokens = json!({ "access_token": "of no use", "token_type": "Bearer", "expires_in": 60 });
    let mood = *shared.mood.lock().unwrap();
    if mood != Mood::NoTicket {
        tokens["id_token"] = Value::from(ticket(&shared, mood, &run.claims));
    }
    Json(tokens).into_response()
}

fn ticket(shared: &Shared, mood: Mood, claims: &Value) -> String {
    let headed = |header: &Value| {
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
    };
    match mood {
        Mood::OtherKey => sign(&FileKey::draw(Algorithm::Es256).unwrap(), "JWT", claims).unwrap(),
        Mood::Unsigned => format!("{}.", headed(&json!({ "alg": "none" }))),
        Mood::BySecret => {
            let input = headed(&json!({ "alg": "HS256" }));
            let key = PKey::hmac(CLIENT_SECRET.as_bytes()).unwrap();
            let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
            let signature = signer.sign_oneshot_to_vec(input.as_bytes()).unwrap();
            format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
        }
        _ => sign(&*shared.key.lock().unwrap(), "JWT", claims).unwrap(),
    }
}
