//! The issuing authority of the sample set, at a port of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use latchkey_fixtures::authority::{Answered, Asked, IssuingAuthority, JSON};
use latchkey_fixtures::holders::sample_authority;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The authority at work.
pub(crate) struct AtWork {
    pub(crate) port: u16,
    authority: Arc<Mutex<IssuingAuthority>>,
    refuses: Arc<AtomicBool>,
    runtime: Option<Runtime>,
}

impl AtWork {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let authority = Arc::new(Mutex::new(sample_authority(now()).unwrap()));
        let refuses = Arc::new(AtomicBool::new(false));
        let (answering, refusing) = (Arc::clone(&authority), Arc::clone(&refuses));
        let router = Router::new().fallback(move |request: Request| {
            let (authority, refuses) = (Arc::clone(&answering), refusing.load(Ordering::Relaxed));
            async move {
                let (head, body) = request.into_parts();
                let body = to_bytes(body, 1 << 20).await.unwrap();
                let content_type = head.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap());
                let asked = Asked { method: head.method.as_str(), path: head.uri.path(), content_type, body: &body };
                let answered = if refuses { refusal() } else { authority.lock().unwrap().answer(asked, now()) };
                let Answered { status, content_type, body } = answered;
                Response::builder().status(status).header(CONTENT_TYPE, content_type).body(Body::from(body)).unwrap()
            }
        });
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        Self { port, authority, refuses, runtime: Some(runtime) }
    }

    /// Whether it takes its time with certificates.
    pub(crate) fn hold_back(&self, held_back: bool) {
        self.authority.lock().unwrap().hold_back(held_back);
    }

    /// Whether it refuses everything.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn refusal() -> Answered {
    Answered { status: 503, content_type: JSON, body: br#"{"code":"not-today","message":"?"}"#.to_vec() }
}

#[expect(clippy::disallowed_methods, reason = "the programs have the machine's clock")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
