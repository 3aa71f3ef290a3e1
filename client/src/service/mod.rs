//! The local HTTP service: how pages of portals reach the program, on 127.0.0.1 and ::1 only. Before the holder agreed
//! to anything, a page learns that the program answers, and nothing else.

mod body;
mod callers;
mod card_removed;
mod connections;
mod documents;
mod failure;
mod guard;
mod language;
mod listen;
mod openapi;
mod operations;
mod proc_net;
mod refusal;
mod requests;
mod terminal;

use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{MethodRouter, any, get, post};
use latchkey_agent::{CardAgent, Clock};

pub use body::{BODY_MAX_SIZE, DOCUMENTS_BODY_MAX_SIZE};
pub use callers::{Caller, Callers, CallersOfSystem};
pub use connections::{BODY_TIME, CONNECTIONS, HEADER_TIME};
pub use failure::ServiceFailure;
pub use listen::Listeners;
pub use openapi::description;
pub use operations::AskedSignIn;
pub use proc_net::PortOwner;
pub use refusal::ServiceRefusal;
pub use requests::{LONG_POLL_TIME, REMEMBERED_REQUESTS, REQUESTS_UNDER_WAY_OF_SITE, RequestId, UsedName};
pub use terminal::{
    Purposes, REQUEST_ORIGINS_MAX_COUNT, REQUEST_WAITS, SelectedRequest, SignedRequest, TERMINAL_BODY_MAX_SIZE,
    TicketRequest, Unverifiable, WAITING_REQUESTS, WaitingRequest,
};

use crate::desk::{Desk, Sites};
use crate::settings::TerminalSettings;

/// The port that portals' pages call unless the administrator chose another.
pub const DEFAULT_PORT: u16 = 8084;

/// What the service works with.
pub struct Surroundings {
    /// Where requests meet the holder.
    pub desk: Desk,
    /// Watches for the card's removal.
    pub agent: Arc<dyn CardAgent>,
    /// What was said about sites.
    pub sites: Arc<dyn Sites>,
    /// Whose program it is that calls.
    pub callers: Arc<dyn Callers>,
    /// Whether a guest uses this computer.
    pub guest: Arc<dyn GuestMode>,
    /// What the administrator has set for terminals and the pages that drive them.
    pub terminals: Arc<TerminalSettings>,
    /// Tells the time.
    pub clock: Clock,
}

/// Whether this is a public computer whose sessions end with the card's removal.
pub trait GuestMode: Send + Sync {
    /// Whether it is so now.
    fn is_on(&self) -> bool;
}

/// This is the holder's own computer.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoGuest;

impl GuestMode for NoGuest {
    fn is_on(&self) -> bool {
        false
    }
}

/// What must not be forgotten when another service goes on where one has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// The names of requests that sites have used, the oldest first.
    pub used: Vec<UsedName>,
    /// The signed requests that wait for their sessions, the oldest first.
    pub waiting: Vec<WaitingRequest>,
}

/// What all handlers share.
struct Shared {
    surroundings: Surroundings,
    requests: requests::Requests,
    sessions: terminal::Sessions,
    request_lists: terminal::RequestLists,
    port: u16,
}

/// The service at work. Dropped, it hangs up on everybody.
pub struct Service {
    shared: Arc<Shared>,
    doors: connections::Doors,
}

impl Service {
    /// Serves whoever calls there, on the Tokio runtime that the caller is in.
    ///
    /// # Errors
    /// [`ServiceFailure::NotStarted`] if the runtime cannot take the sockets over.
    pub fn start(listeners: Listeners, surroundings: Surroundings) -> Result<Self, ServiceFailure> {
        Self::resume(listeners, Memory::default(), surroundings)
    }

    /// The same, with what another one remembered.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn resume(listeners: Listeners, memory: Memory, surroundings: Surroundings) -> Result<Self, ServiceFailure> {
        let port = listeners.port();
        let shared = Arc::new(Shared {
            surroundings,
            requests: requests::Requests::remembering(memory.used),
            sessions: terminal::Sessions::with_requests(memory.waiting),
            request_lists: terminal::RequestLists::default(),
            port,
        });
        let doors = connections::Doors::open(listeners, &shared, &router(&shared))?;
        Ok(Self { shared, doors })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.shared.port
    }

    /// Serves nobody any more if nobody is connected, and gives what another goes on with: sockets that listen all the
    /// time, and what it remembers. `None` if somebody is connected; it goes on serving then.
    pub async fn leave_if_idle(&mut self) -> Option<(Vec<TcpListener>, Memory)> {
        let sockets = self.doors.leave_if_empty().await?;
        Some((sockets, Memory { used: self.shared.requests.used(), waiting: self.shared.sessions.waiting() }))
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Service").field("port", &self.port()).finish_non_exhaustive()
    }
}

fn router(shared: &Arc<Shared>) -> Router {
    let only = |allowed: MethodRouter<Arc<Shared>>| allowed.fallback(refusal::method_not_allowed);
    let api = Router::new()
        .route("/status", only(get(operations::status)))
        .route("/sign-in", only(post(operations::sign_in)))
        .route("/sign", only(post(documents::sign)))
        .route("/requests/{request}/progress", only(get(operations::progress)))
        .route("/requests/{request}/cancel", only(post(operations::cancel)))
        .route("/requests/{request}/card-removed", only(post(card_removed::card_removed)))
        .route("/ticket", only(post(terminal::ticket)))
        .route("/terminal/close", only(post(terminal::close)))
        .route("/renewal", only(post(terminal::renew)))
        .route("/renewal/confirm", only(post(terminal::confirm)))
        .route("/openapi.json", only(get(openapi::serve)));
    Router::new()
        .nest("/latchkey/v1", api)
        .merge(terminal::routes())
        .fallback(any(refusal::not_found))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), guard::guard))
        .with_state(Arc::clone(shared))
}
