//! Connections: how many, and for how long somebody may take to say what he wants. An idle service sleeps: the times run
//! only while somebody is connected.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::task::{AbortHandle, JoinSet};
use tower::ServiceExt as _;

use super::callers::Caller;
use super::guard::Ends;
use super::{Listeners, ServiceFailure, Shared};

/// Most connections at a time; whoever comes then waits until one ends.
pub const CONNECTIONS: usize = 64;
/// Longest time for the head of a request to arrive, also on a connection that said nothing yet.
pub const HEADER_TIME: Duration = Duration::from_secs(10);
/// Longest time for the body of a request to arrive.
pub const BODY_TIME: Duration = Duration::from_secs(10);
/// Longest head of a request, in octets.
const HEADER_MAX_SIZE: usize = 16 * 1024;
/// How long nobody is let in after the system could not let somebody in.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) fn accept(
    listeners: Listeners,
    shared: &Arc<Shared>,
    router: &Router,
) -> Result<Vec<AbortHandle>, ServiceFailure> {
    let port = listeners.port();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut accepting = Vec::new();
    for socket in listeners.sockets {
        let listener = TcpListener::from_std(socket)
            .map_err(|error| ServiceFailure::NotStarted { port, reason: error.to_string() })?;
        let door = Door { places: Arc::clone(&places), shared: Arc::clone(shared), router: router.clone() };
        accepting.push(tokio::spawn(door.keep(listener)).abort_handle());
    }
    Ok(accepting)
}

struct Door {
    places: Arc<Semaphore>,
    shared: Arc<Shared>,
    router: Router,
}

impl Door {
    /// Lets callers in, as many as there are places. Ends their connections when it is ended itself.
    async fn keep(self, listener: TcpListener) {
        let mut inside = JoinSet::new();
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
            let came = tokio::select! {
                came = listener.accept() => came,
                Some(_) = inside.join_next() => continue,
            };
            match came {
                Ok((stream, remote)) => {
                    let Ok(local) = stream.local_addr() else { continue };
                    let (shared, router) = (Arc::clone(&self.shared), self.router.clone());
                    inside.spawn(talk(stream, local, remote, shared, router, place));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn talk(
    stream: TcpStream,
    local: SocketAddr,
    remote: SocketAddr,
    shared: Arc<Shared>,
    router: Router,
    place: OwnedSemaphorePermit,
) {
    let _place = place;
    let caller = Arc::new(OnceCell::new());
    let answer = service_fn(move |mut request: Request<Incoming>| {
        let (shared, router, caller) = (Arc::clone(&shared), router.clone(), Arc::clone(&caller));
        async move {
            // Asked once there is a request: browsers open connections that they never use.
            let caller = *caller.get_or_init(|| whose(shared, local, remote)).await;
            request.extensions_mut().insert(ConnectInfo(Ends { caller }));
            let response: Result<Response<Body>, Infallible> = router.oneshot(request).await;
            response
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_MAX_SIZE)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection broke off");
    }
}

async fn whose(shared: Arc<Shared>, local: SocketAddr, remote: SocketAddr) -> Caller {
    let told = tokio::task::spawn_blocking(move || shared.surroundings.callers.caller(local, remote)).await;
    told.unwrap_or(Caller::OtherUser)
}
