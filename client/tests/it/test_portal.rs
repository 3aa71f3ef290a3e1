//! A portal on loopback, under HTTPS, that answers as a test says and keeps everything it was sent.

use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex, OnceLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, Uri, header};
use axum_server::tls_openssl::{OpenSSLAcceptor, OpenSSLConfig};
use latchkey_fixtures::pki::tls::TlsFiles;
use serde_json::{Value, json};
use time::macros::datetime;

/// The challenge that it gives.
pub(crate) const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What it answers.
#[derive(Clone)]
pub(crate) struct Answers {
    pub(crate) to_challenge: Answer,
    pub(crate) to_assertion: Answer,
    /// To a client that fetches what a link is about.
    pub(crate) to_link: Answer,
    /// To the assertion for a link.
    pub(crate) to_link_assertion: Answer,
    /// Whether assertions are never answered.
    pub(crate) keeps_silent: bool,
    /// The page at its root, as HTML.
    pub(crate) page: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json".into())], body: body.to_string() }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.into()));
        self
    }
}

pub(crate) fn challenge() -> Value {
    json!({
        "format": "latchkey-challenge:1",
        "challenge": CHALLENGE,
        "expiresAt": "2030-01-01T00:00:00Z",
        "portalName": "Test portal",
        "purpose": "sign-in",
        "assertionPath": "/api/v1/assertions/17",
    })
}

/// Where the default answer sends the browser: the test puts the portal's address before it.
pub(crate) const COMPLETION: &str = "ORIGIN/complete/AbCdEfGh_-";

pub(crate) fn linked_challenge() -> Value {
    let mut linked = challenge();
    linked["assertionPath"] = "/api/v1/links/token/assertion".into();
    linked["shortCode"] = "0042".into();
    linked
}

pub(crate) fn verdict() -> Value {
    json!({
        "result": "accepted",
        "assurance": "high",
        "holder": {
            "personalNumber": "PNOBY-3000000A000PB0",
            "name": { "family": "ВЫДУМАННАЯ", "given": "АННА", "patronymic": "ТЕСТОВНА" },
            "belarusianName": { "family": "ВЫДУМАНАЯ", "given": "ГАННА", "patronymic": "ТЭСТАЎНА" },
            "latinName": "HANNA VYDUMANAYA",
        },
        "checks": [
            { "check": "signature", "against": "https://portal.example, bign-with-hbelt" },
            { "check": "of-another-day", "against": "something new, ".repeat(20) },
        ],
        "session": { "expiresAt": "2030-01-01T00:30:00Z" },
    })
}

impl Default for Answers {
    fn default() -> Self {
        let cookie = "__Host-latchkey-pre=abc; Path=/; Secure; HttpOnly; SameSite=Strict";
        Self {
            to_challenge: Answer::json(201, &challenge()).with_header("set-cookie", cookie),
            to_assertion: Answer::json(200, &verdict()),
            to_link: Answer::json(200, &linked_challenge()),
            to_link_assertion: Answer::json(200, &json!({ "result": "signed", "completionAddress": COMPLETION })),
            keeps_silent: false,
            page: None,
        }
    }
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Clone)]
struct Shared {
    answers: Answers,
    received: Arc<(Mutex<Vec<Received>>, Condvar)>,
}

/// A running portal. Ends with the test's process.
pub(crate) struct TestPortal {
    pub(crate) address: String,
    received: Arc<(Mutex<Vec<Received>>, Condvar)>,
    _runtime: tokio::runtime::Runtime,
}

/// The test CA and the server's files.
pub(crate) fn tls() -> &'static TlsFiles {
    static FILES: OnceLock<TlsFiles> = OnceLock::new();
    // Valid at the moment of the test, which is the clock of both ends of the connection.
    FILES.get_or_init(|| TlsFiles::issue(datetime!(2026-11-22 0:00 UTC).max(now())).unwrap())
}

#[expect(clippy::disallowed_methods, reason = "TLS looks at the clock")]
pub(crate) fn now() -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc()
}

/// Serves what `router` gives for the server's own address, under HTTPS, as long as the runtime lives.
pub(crate) fn serve(router: impl FnOnce(&str) -> Router) -> (String, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let config = OpenSSLConfig::from_pem(&tls().certificate, &tls().key).unwrap();
    let router = router(&address);
    runtime.spawn(async move {
        let server = axum_server::from_tcp(listener).unwrap().acceptor(OpenSSLAcceptor::new(config));
        server.serve(router.into_make_service()).await.unwrap();
    });
    (address, runtime)
}

impl TestPortal {
    pub(crate) fn start(answers: Answers) -> Self {
        let received = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let shared = Arc::clone(&received);
        let (address, runtime) = serve(|address| {
            let mut answers = answers;
            answers.to_link_assertion.body = answers.to_link_assertion.body.replace("ORIGIN", address);
            Router::new().fallback(answer).with_state(Shared { answers, received: shared })
        });
        Self { address, received, _runtime: runtime }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.0.lock().unwrap().clone()
    }

    /// Waits until so many requests have arrived.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        let (received, arrived) = &*self.received;
        drop(arrived.wait_while(received.lock().unwrap(), |received| received.len() < count).unwrap());
    }
}

async fn answer(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let is_assertion = uri.path().starts_with("/api/v1/assertions");
    let has_cookie = headers.get(header::COOKIE).is_some_and(|cookie| cookie == "__Host-latchkey-pre=abc");
    let (received, arrived) = &*shared.received;
    received.lock().unwrap().push(Received { path: uri.path().to_owned(), headers, body });
    arrived.notify_all();
    if is_assertion && shared.answers.keeps_silent {
        std::future::pending::<()>().await;
    }
    let of_link = uri.path().strip_prefix("/api/v1/links/");
    let answer = match (uri.path(), is_assertion) {
        _ if of_link.is_some_and(|rest| rest.ends_with("/assertion")) => shared.answers.to_link_assertion,
        _ if of_link.is_some() => shared.answers.to_link,
        ("/api/v1/challenges", _) => shared.answers.to_challenge,
        (_, true) if has_cookie => shared.answers.to_assertion,
        (_, true) => Answer::json(403, &json!({ "code": "challenge-of-other-session", "message": "no cookie" })),
        ("/", _) if let Some(page) = shared.answers.page => {
            Answer { status: 200, headers: vec![("content-type", "text/html".to_owned())], body: page }
        }
        _ => Answer::json(404, &json!({ "code": "not-found", "message": "nothing here" })),
    };
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).unwrap());
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}
