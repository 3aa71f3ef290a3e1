//! Another provider of OpenID Connect on the loopback, whose accounts may sign in to the portal.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use latchkey_fixtures::outside_provider::{CLIENT_ID, OutsideProvider, parameters};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::provider::world::basic;
use crate::support::{NOW, ORIGIN};

/// How it answers who asks what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it should.
    Sound,
    /// It says that its answers always name it.
    NamesItself,
    /// It takes the portal's secret in the body only.
    SecretInBody,
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
    mood: Mutex<Mood>,
    provider: Mutex<OutsideProvider>,
}

impl OutsideHost {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Mutex::new(OutsideProvider::new(&issuer).unwrap());
        let shared = Arc::new(Shared { mood: Mutex::new(Mood::Sound), provider });
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

    pub(crate) fn provider(&self) -> MutexGuard<'_, OutsideProvider> {
        self.shared.provider.lock().unwrap()
    }

    /// How often a code was presented.
    pub(crate) fn exchanges(&self) -> u32 {
        self.provider().exchanges()
    }

    /// Signs in the person who has come to this address; where the browser is sent back. The ticket has these `changes`, a
    /// claim that is null being left out.
    pub(crate) fn sign_in(&self, address: &Url, subject: &str, changes: &Value) -> String {
        assert_eq!(address.as_str().split('?').next().unwrap(), format!("{}/authorize", self.issuer));
        let sent = parameters(address.query().unwrap().as_bytes());
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
        let back = self.provider().sign_in(&sent, subject, changes, NOW).unwrap();
        back.strip_prefix(ORIGIN).unwrap().to_owned()
    }
}

/// Where a browser is sent back with that.
pub(crate) fn back(parameters: &[(&str, &str)]) -> String {
    let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/outside-account/return?{query}")
}

async fn configuration(State(shared): State<Arc<Shared>>) -> Response {
    let mood = *shared.mood.lock().unwrap();
    match mood {
        Mood::Sound | Mood::NamesItself | Mood::SecretInBody => {
            let mut itself = shared.provider.lock().unwrap().configuration();
            let way = if mood == Mood::SecretInBody { "client_secret_post" } else { "client_secret_basic" };
            itself["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt", way]);
            itself["authorization_response_iss_parameter_supported"] = json!(mood == Mood::NamesItself);
            Json(itself).into_response()
        }
        Mood::Busy => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Endless => {
            let dots = futures_util::stream::repeat_with(|| Ok::<_, String>(Bytes::from_static(&[b'.'; 65_536])));
            ([(CONTENT_TYPE, "application/json")], Body::from_stream(dots)).into_response()
        }
    }
}

async fn keys(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.provider.lock().unwrap().keys().unwrap())
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let in_header = headers.get(AUTHORIZATION).map(|shown| shown.to_str().unwrap().to_owned());
    let sent = parameters(&body);
    let authorization = if *shared.mood.lock().unwrap() == Mood::SecretInBody {
        assert_eq!(in_header, None);
        basic(&sent["client_id"], &sent["client_secret"])
    } else {
        assert!(!sent.contains_key("client_secret"));
        in_header.unwrap()
    };
    match shared.provider.lock().unwrap().tokens(&authorization, &body) {
        Ok(tokens) => Json(tokens).into_response(),
        Err(refusal) => (StatusCode::BAD_REQUEST, Json(refusal)).into_response(),
    }
}
