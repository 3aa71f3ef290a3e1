//! Running the service: listening, upkeep, stopping.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum_server::Handle;
use axum_server::tls_openssl::OpenSSLAcceptor;
use hyper_util::rt::TokioTimer;
use latchkey_verify::SignInPolicy;
use rand_core::CryptoRng;
use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::configuration::{Configuration, Located};
use crate::files::Renewal;
use crate::http::router;
use crate::material::Material;
use crate::patience::PatientAcceptor;
use crate::portal::{Portal, PortalSettings, Surroundings};
use crate::storage::{SqliteSettings, SqliteStorage, StorageError};
use crate::tls::TlsIdentity;

/// How often files are looked at for changes and the database is rid of what is over.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(10);
/// How long a client may take for the TLS handshake, unless a request may not even take as long.
const HANDSHAKE_TIME_LIMIT: Duration = Duration::from_secs(10);
/// Most octets of a request's head.
const HEAD_MAX_SIZE: usize = 32 * 1024;

/// A service that listens and is ready to answer.
pub struct Service {
    portal: Arc<Portal>,
    storage: Arc<SqliteStorage>,
    tls: Arc<TlsIdentity>,
    listeners: Vec<TcpListener>,
    request_time_limit: Duration,
    stop_time_limit: Duration,
}

/// Why the service could not start, or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The database cannot be used.
    #[error("the database cannot be opened: {0}")]
    Storage(#[from] StorageError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A listener broke while the service was running.
    #[error("a listener broke: {0}")]
    Listener(#[source] io::Error),
}

impl Service {
    /// Opens the database and begins to listen; connections wait until [`Service::run`].
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn prepare(
        configuration: &Configuration,
        material: Material,
        clock: Box<dyn Fn() -> OffsetDateTime + Send + Sync>,
        random: Box<dyn CryptoRng + Send>,
    ) -> Result<Self, ServeError> {
        let storage = SqliteStorage::open(SqliteSettings::new(configuration.database.value.clone())).await?;
        let storage = Arc::new(storage);
        let listeners = configuration.listen.iter().map(listen).collect::<Result<_, _>>()?;
        let Material { tls, trust, revocation } = material;
        let settings = PortalSettings {
            name: configuration.name.clone(),
            client_port: configuration.client_port,
            challenge_lifetime: time_span(configuration.limits.challenge),
            challenge_limit: configuration.limits.challenges.into(),
            session_lifetime: time_span(configuration.limits.session),
            request_time_limit: configuration.limits.request,
            policy: SignInPolicy {
                origin: configuration.origin.clone(),
                trust,
                levels: configuration.trust.levels.clone(),
                minimum_assurance: configuration.trust.minimum_assurance,
            },
        };
        let surroundings = Surroundings { storage: Arc::clone(&storage) as _, revocation, clock, random };
        Ok(Self {
            portal: Portal::new(settings, surroundings),
            storage,
            tls: Arc::new(tls),
            listeners,
            request_time_limit: configuration.limits.request,
            stop_time_limit: configuration.limits.stop,
        })
    }

    /// The addresses that are listened on, with the ports that the system chose for port 0.
    ///
    /// # Errors
    /// [`ServeError::Listener`] if the system does not tell.
    pub fn addresses(&self) -> Result<Vec<SocketAddr>, ServeError> {
        let addresses = self.listeners.iter().map(TcpListener::local_addr);
        addresses.collect::<Result<_, _>>().map_err(ServeError::Listener)
    }

    /// Answers until `stop`; then takes no new connections and gives the requests that are still open the configured
    /// time to end. Files are looked at for changes every ten seconds, and at once for each message of `renew`.
    ///
    /// # Errors
    /// [`ServeError::Listener`] if a listener breaks.
    pub async fn run(self, stop: impl Future<Output = ()>, renew: mpsc::Receiver<()>) -> Result<(), ServeError> {
        let upkeep = self.begin_upkeep(renew);
        let mut servers = JoinSet::new();
        let mut handles = Vec::new();
        for listener in self.listeners {
            let handle = Handle::new();
            let handshake = self.request_time_limit.min(HANDSHAKE_TIME_LIMIT);
            let acceptor = OpenSSLAcceptor::new(self.tls.acceptor()).handshake_timeout(handshake);
            let acceptor = PatientAcceptor { acceptor, limit: self.request_time_limit };
            let server = axum_server::from_tcp(listener).map_err(ServeError::Listener)?;
            let mut server = server.acceptor(acceptor).handle(handle.clone()).http1_only();
            let mut http = server.http_builder().http1();
            http.timer(TokioTimer::new()).header_read_timeout(self.request_time_limit).max_buf_size(HEAD_MAX_SIZE);
            servers.spawn(server.serve(router(Arc::clone(&self.portal)).into_make_service()));
            handles.push(handle);
        }
        let broken = tokio::select! {
            () = stop => None,
            ended = servers.join_next() => ended,
        };
        let stopped = Instant::now();
        tracing::info!("stopping");
        self.portal.stop();
        upkeep.abort();
        for handle in &handles {
            handle.graceful_shutdown(Some(self.stop_time_limit));
        }
        let mut outcome = broken.map_or(Ok(()), ended);
        while let Some(end) = servers.join_next().await {
            outcome = outcome.and(ended(end));
        }
        self.storage.close().await;
        if stopped.elapsed() >= self.stop_time_limit {
            tracing::warn!("requests were still open after the time for stopping and were cut off");
        }
        outcome.map_err(ServeError::Listener)
    }

    fn begin_upkeep(&self, mut renew: mpsc::Receiver<()>) -> JoinHandle<()> {
        let (portal, tls) = (Arc::clone(&self.portal), Arc::clone(&self.tls));
        tokio::spawn(async move {
            let mut rounds = tokio::time::interval(UPKEEP_INTERVAL);
            rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = rounds.tick() => {}
                    Some(()) = renew.recv() => {}
                }
                let (renewing, tls) = (Arc::clone(&portal), Arc::clone(&tls));
                let renewal = tokio::task::spawn_blocking(move || {
                    renewing.renew_revocation();
                    renew_tls(&tls);
                });
                if let Err(error) = renewal.await {
                    tracing::error!(%error, "looking at the files ended without an outcome");
                }
                match portal.purge().await {
                    Ok(purged) => tracing::debug!(purged.challenges, purged.sessions, "purged"),
                    Err(error) => tracing::error!(%error, "the database could not be purged"),
                }
            }
        })
    }
}

fn renew_tls(tls: &TlsIdentity) {
    match tls.renew() {
        Ok(Renewal::Unchanged) => {}
        Ok(Renewal::Taken) => tracing::info!("the changed TLS certificate is in use"),
        Err(error) => tracing::error!(%error, "the changed TLS files are not usable; the former ones stay in use"),
    }
}

fn ended(end: Result<io::Result<()>, JoinError>) -> io::Result<()> {
    end.unwrap_or_else(|panic| Err(panic.into()))
}

fn listen(address: &Located<SocketAddr>) -> Result<TcpListener, ServeError> {
    let failed = |source| ServeError::Listen { address: address.value, source };
    let listener = TcpListener::bind(address.value).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

fn time_span(duration: Duration) -> time::Duration {
    time::Duration::try_from(duration).unwrap_or(time::Duration::MAX)
}
