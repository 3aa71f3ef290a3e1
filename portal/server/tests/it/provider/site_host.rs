//! A site on the loopback that is told when people have signed out.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum_server::tls_openssl::{OpenSSLAcceptor, OpenSSLConfig};
use latchkey_fixtures::pki::tls::TlsFiles;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What the site does with the next messages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mood {
    /// It answers with this status.
    Status(u16),
    /// It sends whoever calls elsewhere, which is here too.
    Redirect,
    /// It does not answer.
    Silent,
    /// It thanks, and never ends to.
    Endless,
}

pub(crate) struct SiteHost {
    pub(crate) address: String,
    mood: Arc<Mutex<Mood>>,
    told: UnboundedReceiver<Message>,
    router: Router,
}

/// What came.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) path: String,
    pub(crate) kind: String,
    pub(crate) body: String,
}

type Shared = (Arc<Mutex<Mood>>, UnboundedSender<Message>);

impl SiteHost {
    pub(crate) async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = format!("http://{}/told?by=portal", listener.local_addr().unwrap());
        let (telling, told) = unbounded_channel();
        let mood = Arc::new(Mutex::new(mood));
        let router = Router::new().fallback(answer).with_state((Arc::clone(&mood), telling));
        let served = router.clone();
        tokio::spawn(async move { axum::serve(listener, served).await });
        Self { address, mood, told, router }
    }

    /// The same over TLS: its address.
    pub(crate) fn over_tls(&self, files: &TlsFiles) -> String {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("https://localhost:{}/told", listener.local_addr().unwrap().port());
        let acceptor = OpenSSLAcceptor::new(OpenSSLConfig::from_pem(&files.certificate, &files.key).unwrap());
        let server = axum_server::from_tcp(listener).unwrap().acceptor(acceptor);
        tokio::spawn(server.serve(self.router.clone().into_make_service()));
        address
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Waits for the next message.
    pub(crate) async fn message(&mut self) -> Message {
        self.told.recv().await.unwrap()
    }

    /// The next message's token.
    pub(crate) async fn token(&mut self) -> String {
        self.message().await.token()
    }

    /// What has come and was not looked at.
    pub(crate) fn messages(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }
}

impl Message {
    pub(crate) fn token(&self) -> String {
        self.body.strip_prefix("logout_token=").unwrap().to_owned()
    }
}

async fn answer(State((mood, telling)): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap()).to_owned();
    let body = String::from_utf8(body.to_vec()).unwrap();
    telling.send(Message { path: uri.to_string(), kind, body }).unwrap();
    let mood = *mood.lock().unwrap();
    match mood {
        Mood::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Mood::Redirect => (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "/elsewhere")]).into_response(),
        Mood::Silent => std::future::pending().await,
        Mood::Endless => {
            let thanks = futures_util::stream::repeat_with(|| Ok::<_, String>(Bytes::from_static(&[b'.'; 65_536])));
            Response::new(Body::from_stream(thanks))
        }
    }
}
