//! An authority's host on the loopback: it serves a revocation list and answers questions about certificates, as it is told.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use latchkey_fixtures::pki::{Status, StatusOrder, TestPki, status_service_busy};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use url::Url;

/// What the host does with the next requests.
#[derive(Clone)]
pub(crate) enum Mood {
    /// It serves this list, under this mark if it has one.
    List(Vec<u8>, Option<&'static str>),
    /// It has none.
    Missing,
    /// It sends the visitor elsewhere.
    Redirect,
    /// It begins an answer and never ends it.
    Dripping,
    /// It says that of every certificate, as it stands at that moment.
    Status(Status, OffsetDateTime),
    /// The same, with a nonce of its own choice.
    OtherNonce(Status, OffsetDateTime),
    /// It asks to be asked later.
    Busy,
    /// It breaks off.
    Failing,
}

pub(crate) struct AuthorityHost {
    pub(crate) address: Url,
    shared: Arc<Shared>,
}

struct Shared {
    mood: Mutex<Mood>,
    visits: Mutex<u32>,
    visited: Notify,
    answering: Option<(TestPki, Vec<u8>)>,
}

impl AuthorityHost {
    /// A host that serves lists.
    pub(crate) async fn of_lists(mood: Mood) -> Self {
        Self::start(mood, None).await
    }

    /// A host that answers for the authority of `pki` about the certificate with that number.
    pub(crate) async fn of_status(mood: Mood, pki: TestPki, serial_number: Vec<u8>) -> Self {
        Self::start(mood, Some((pki, serial_number))).await
    }

    async fn start(mood: Mood, answering: Option<(TestPki, Vec<u8>)>) -> Self {
        let shared =
            Arc::new(Shared { mood: Mutex::new(mood), visits: Mutex::default(), visited: Notify::new(), answering });
        let router = Router::new().route("/list.crl", get(list)).route("/status", post(status));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let router = router.with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    pub(crate) fn visits(&self) -> u32 {
        *self.shared.visits.lock().unwrap()
    }

    /// Waits until somebody has asked for something more.
    pub(crate) async fn visited(&self) {
        self.shared.visited.notified().await;
    }
}

impl Shared {
    fn visit(&self) -> Mood {
        *self.visits.lock().unwrap() += 1;
        self.visited.notify_one();
        self.mood.lock().unwrap().clone()
    }
}

async fn list(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    match shared.visit() {
        Mood::List(_, Some(mark)) if headers.get(IF_NONE_MATCH).is_some_and(|known| known == mark) => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        Mood::List(list, mark) => match mark {
            Some(mark) => ([(ETAG, mark)], list).into_response(),
            None => list.into_response(),
        },
        Mood::Redirect => (StatusCode::FOUND, [(LOCATION, "http://127.0.0.1:9/")]).into_response(),
        other => other.generally(),
    }
}

async fn status(State(shared): State<Arc<Shared>>, headers: HeaderMap, question: Bytes) -> Response {
    assert_eq!(headers.get(CONTENT_TYPE).unwrap(), "application/ocsp-request");
    let (pki, serial_number) = shared.answering.as_ref().unwrap();
    // The nonce is the last thing in a question.
    let nonce = &question[question.len() - 32..];
    let answer = |status, this_update, nonce| {
        let order = StatusOrder { serial_number, status, this_update, next_update: None, nonce: Some(nonce) };
        pki.authority().status_answer(&order).unwrap().into_response()
    };
    match shared.visit() {
        Mood::Status(status, at) => answer(status, at, nonce),
        Mood::OtherNonce(status, at) => answer(status, at, b"another question".as_slice()),
        Mood::Busy => status_service_busy().into_response(),
        other => other.generally(),
    }
}

impl Mood {
    fn generally(self) -> Response {
        match self {
            Self::Dripping => {
                Response::new(Body::from_stream(futures_util::stream::pending::<Result<Bytes, String>>()))
            }
            Self::Failing => {
                let broken =
                    futures_util::stream::iter([Ok(Bytes::from_static(b"half")), Err("broken off".to_owned())]);
                Response::new(Body::from_stream(broken))
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }
}
