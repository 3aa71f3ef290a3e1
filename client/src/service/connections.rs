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
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
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

/// The doors through which callers come, one for each socket. Dropped, they are shut, and everybody is hung up on.
pub(super) struct Doors {
    /// Shut for a moment, to see whether anybody is inside.
    shut: watch::Sender<bool>,
    kept: Vec<Kept>,
}

struct Kept(JoinHandle<Door>);

struct Door {
    listener: TcpListener,
    inside: JoinSet<()>,
    places: Arc<Semaphore>,
    shared: Arc<Shared>,
    router: Router,
}

impl Doors {
    pub(super) fn open(listeners: Listeners, shared: &Arc<Shared>, router: &Router) -> Result<Self, ServiceFailure> {
        let port = listeners.port();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut doors = Self { shut: watch::Sender::new(false), kept: Vec::new() };
        for socket in listeners.sockets {
            let listener = TcpListener::from_std(socket)
                .map_err(|error| ServiceFailure::NotStarted { port, reason: error.to_string() })?;
            let (shared, router) = (Arc::clone(shared), router.clone());
            doors.keep(Door { listener, inside: JoinSet::new(), places: Arc::clone(&places), shared, router });
        }
        Ok(doors)
    }

    fn keep(&mut self, door: Door) {
        self.kept.push(Kept(tokio::spawn(door.keep(self.shut.subscribe()))));
    }

    /// Shuts them for good if nobody is inside, and gives their sockets, which go on listening: whoever comes now waits
    /// for the one who accepts at them next. `None` if somebody is inside; they are open again then.
    pub(super) async fn leave_if_empty(&mut self) -> Option<Vec<std::net::TcpListener>> {
        self.shut.send_replace(true);
        let mut doors = Vec::new();
        for mut kept in std::mem::take(&mut self.kept) {
            doors.extend((&mut kept.0).await);
        }
        if doors.iter_mut().all(Door::is_empty) {
            return doors.into_iter().map(|door| door.listener.into_std().ok()).collect();
        }
        self.shut.send_replace(false);
        for door in doors {
            self.keep(door);
        }
        None
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Door {
    /// Lets callers in, as many as there are places, until the door is shut. Ends their connections when it is ended
    /// itself.
    async fn keep(mut self, mut shut: watch::Receiver<bool>) -> Self {
        loop {
            let came = tokio::select! {
                biased;
                _ = shut.wait_for(|shut| *shut) => return self,
                came = next(&self.places, &self.listener) => came,
                Some(_) = self.inside.join_next() => continue,
            };
            match came {
                Ok((stream, remote, place)) => {
                    let Ok(local) = stream.local_addr() else { continue };
                    let (shared, router) = (Arc::clone(&self.shared), self.router.clone());
                    self.inside.spawn(talk(stream, local, remote, shared, router, place));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn is_empty(&mut self) -> bool {
        while self.inside.try_join_next().is_some() {}
        self.inside.is_empty()
    }
}

/// The next caller, as soon as there is a place for one.
async fn next(
    places: &Arc<Semaphore>,
    listener: &TcpListener,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, remote) = listener.accept().await?;
    Ok((stream, remote, place))
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
