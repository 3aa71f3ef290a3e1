//! Running the service: listening, upkeep, stopping.

mod caller;
mod renewing;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::Request;
use axum_server::Handle;
use axum_server::accept::{Accept, DefaultAcceptor};
use axum_server::service::SendService;
use axum_server::tls_openssl::OpenSSLAcceptor;
use hyper::body::Incoming;
use hyper_util::rt::TokioTimer;
use latchkey_crypto::x509::TrustStore;
use latchkey_verify::SignInPolicy;
use rand_core::CryptoRng;
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::audit::{Audit, Event};
use crate::configuration::{Configuration, Located, TerminalSettings};
use crate::files::Renewal;
use crate::http::{router, terminal_router};
use crate::material::{Material, TerminalMaterial};
use crate::metrics::Metrics;
use crate::patience::PatientAcceptor;
use crate::portal::{CabinetSurroundings, Portal, PortalSettings, Surroundings};
use crate::provider::Provider;
use crate::provider::telling::Telling;
use crate::revocation::{Fetching, ListsOnDisk};
use crate::storage::{Memory, Steps, StorageError};
use crate::terminal::{Terminal, TerminalRules, TerminalSurroundings};
use crate::tls::TlsIdentity;
use caller::CallerAcceptor;
use renewing::Renewing;

/// How often files are looked at for changes and the database is rid of what is over.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(10);
/// How long a client may take for the TLS handshake, unless a request may not even take as long.
const HANDSHAKE_TIME_LIMIT: Duration = Duration::from_secs(10);
/// Most octets of a request's head.
const HEAD_MAX_SIZE: usize = 32 * 1024;

/// A service that listens and is ready to answer.
pub struct Service {
    portal: Arc<Portal>,
    provider: Option<Arc<Provider>>,
    storage: Arc<dyn Memory>,
    tls: Arc<TlsIdentity>,
    listeners: Vec<TcpListener>,
    terminal: Option<TerminalService>,
    fetching: Option<Fetching>,
    request_time_limit: Duration,
    stop_time_limit: Duration,
}

/// The terminal beside it, on addresses of its own.
struct TerminalService {
    terminal: Arc<Terminal>,
    steps: Arc<dyn Steps>,
    tls: Option<Arc<TlsIdentity>>,
    listeners: Vec<TcpListener>,
    renewing: Option<Renewing>,
}

/// Why the service could not start, or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The database cannot be used.
    #[error("the database cannot be opened: {0}")]
    Storage(#[from] StorageError),
    /// The database has cabinets that are named with a key which is not there: they would not be found.
    #[error("cabinets in the database are named with the key {0}, which is not in keys.folder")]
    CabinetKey(String),
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
    /// Opens the databases and begins to listen; connections wait until [`Service::run`].
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn prepare(
        configuration: &Configuration,
        material: Material,
        clock: fn() -> OffsetDateTime,
        mut random: impl FnMut() -> Box<dyn CryptoRng + Send>,
    ) -> Result<Self, ServeError> {
        let storage = configuration.database.value.open().await?;
        let listeners = configuration.listen.iter().map(listen).collect::<Result<_, _>>()?;
        let Material {
            tls,
            trust,
            revocation,
            fetching,
            status_service,
            audit,
            cabinets,
            outside_accounts,
            terminal,
            provider,
        } = material;
        let audit = Arc::new(audit);
        if let Some(keys) = &cabinets {
            storage.adopt_keys(&keys.ids()).await?.map_err(ServeError::CabinetKey)?;
        }
        let surroundings = Surroundings {
            storage: Arc::clone(&storage) as _,
            revocation: Arc::clone(&revocation),
            status_service,
            audit: Arc::clone(&audit),
            cabinets: cabinets.map(|keys| CabinetSurroundings { naming: keys, storage: Arc::clone(&storage) as _ }),
            outside_accounts,
            clock: Box::new(clock),
            random: random(),
        };
        let portal = Portal::new(portal_settings(configuration, trust.clone()), surroundings);
        let terminal = match (&configuration.terminal, terminal) {
            (Some(settings), Some(material)) => {
                let rules = terminal_rules(settings, configuration.limits.request, trust);
                let beside = Beside { metrics: portal.metrics(), revocation, audit, clock, random };
                Some(TerminalService::prepare(settings, material, rules, beside).await?)
            }
            _ => None,
        };
        let grants = Arc::clone(&storage);
        let asks = terminal.as_ref().map(|service| Arc::clone(&service.terminal));
        let provider = provider.map(|material| Provider::new(Arc::clone(&portal), grants, material, asks));
        Ok(Self {
            portal,
            provider,
            storage,
            tls: Arc::new(tls),
            listeners,
            terminal,
            fetching,
            request_time_limit: configuration.limits.request,
            stop_time_limit: configuration.limits.stop,
        })
    }

    /// The addresses that are listened on, with the ports that the system chose for port 0.
    ///
    /// # Errors
    /// [`ServeError::Listener`] if the system does not tell.
    pub fn addresses(&self) -> Result<Vec<SocketAddr>, ServeError> {
        addresses(&self.listeners)
    }

    /// The terminal's addresses, as [`Service::addresses`]; none if there is no terminal.
    ///
    /// # Errors
    /// [`ServeError::Listener`] if the system does not tell.
    pub fn terminal_addresses(&self) -> Result<Vec<SocketAddr>, ServeError> {
        self.terminal.as_ref().map_or(Ok(Vec::new()), |terminal| addresses(&terminal.listeners))
    }

    /// Answers until `stop`; then takes no new connections and gives the requests that are still open the configured
    /// time to end. Files are looked at for changes every ten seconds, and at once for each message of `renew`.
    ///
    /// # Errors
    /// [`ServeError::Listener`] if a listener breaks.
    pub async fn run(mut self, stop: impl Future<Output = ()>, renew: mpsc::Receiver<()>) -> Result<(), ServeError> {
        self.portal.note(&Event::ServiceStarted { version: env!("CARGO_PKG_VERSION") });
        let upkeep = self.begin_upkeep(renew);
        let telling = self.provider.clone().map(begin_telling);
        let mut servers = self.begin_serving()?;
        let broken = tokio::select! {
            () = stop => None,
            ended = servers.running.join_next() => ended,
        };
        let stopped = Instant::now();
        tracing::info!("stopping");
        self.portal.stop();
        if let Some(terminal) = &self.terminal {
            terminal.terminal.stop();
        }
        upkeep.abort();
        let telling = telling.map(|(stop_telling, telling)| {
            drop(stop_telling);
            telling
        });
        let outcome = servers.end(broken, self.stop_time_limit).await;
        if let Some(telling) = telling {
            let left = self.stop_time_limit.saturating_sub(stopped.elapsed());
            // What is cut off is told again, by whoever runs next.
            drop(tokio::time::timeout(left, telling).await);
        }
        self.close().await;
        if stopped.elapsed() >= self.stop_time_limit {
            tracing::warn!("requests were still open after the time for stopping and were cut off");
        }
        self.portal.note(&Event::ServiceStopped);
        outcome.map_err(ServeError::Listener)
    }

    fn begin_serving(&mut self) -> Result<Servers, ServeError> {
        let mut servers = Servers { running: JoinSet::new(), handles: Vec::new(), limit: self.request_time_limit };
        for listener in std::mem::take(&mut self.listeners) {
            let router = router(Arc::clone(&self.portal), self.provider.clone());
            servers.begin(listener, CallerAcceptor(servers.tls(&self.tls)), router)?;
        }
        let Some(TerminalService { terminal, tls, listeners, .. }) = &mut self.terminal else { return Ok(servers) };
        for listener in std::mem::take(listeners) {
            let router = terminal_router(Arc::clone(terminal));
            match tls {
                Some(tls) => servers.begin(listener, CallerAcceptor(servers.tls(tls)), router)?,
                None => servers.begin(listener, CallerAcceptor(DefaultAcceptor), router)?,
            }
        }
        Ok(servers)
    }

    async fn close(&self) {
        let mut closed = self.storage.close().await;
        if let Some(terminal) = &self.terminal {
            closed = closed.and(terminal.steps.close().await);
        }
        if let Err(error) = closed {
            tracing::warn!(%error, "a database could not be closed");
        }
    }

    fn begin_upkeep(&self, mut renew: mpsc::Receiver<()>) -> JoinHandle<()> {
        let (portal, tls) = (Arc::clone(&self.portal), Arc::clone(&self.tls));
        let terminal = self.terminal.as_ref().map(|service| (Arc::clone(&service.terminal), service.tls.clone()));
        let fetching = self.fetching.clone();
        let provider = self.provider.clone();
        let own_renewing = self.terminal.as_ref().and_then(|service| service.renewing.clone());
        tokio::spawn(async move {
            let mut rounds = tokio::time::interval(UPKEEP_INTERVAL);
            rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let at_once = tokio::select! {
                    _ = rounds.tick() => false,
                    Some(()) = renew.recv() => true,
                };
                let (renewing, tls, beside) = (Arc::clone(&portal), Arc::clone(&tls), terminal.clone());
                let renewed_provider = provider.clone();
                let renewal = tokio::task::spawn_blocking(move || {
                    renewing.renew_revocation();
                    renew_tls(&tls);
                    if let Some(provider) = renewed_provider {
                        provider.renew();
                    }
                    if let Some((terminal, tls)) = beside {
                        terminal.renew();
                        tls.as_deref().into_iter().for_each(renew_tls);
                    }
                });
                if let Err(error) = renewal.await {
                    tracing::error!(%error, "looking at the files ended without an outcome");
                }
                if let (Some(renewing), Some((terminal, _))) = (&own_renewing, &terminal) {
                    renewing.look(terminal, at_once);
                }
                if let Some(fetching) = &fetching {
                    fetching.look(&portal, at_once);
                }
                match portal.purge().await {
                    Ok(purged) => tracing::debug!(purged.challenges, purged.sessions, "purged"),
                    Err(error) => tracing::error!(%error, "the database could not be purged"),
                }
                if let Some(provider) = &provider
                    && let Err(error) = provider.purge().await
                {
                    tracing::error!(%error, "the database could not be purged of grants");
                }
                if let Some((terminal, _)) = &terminal
                    && let Err(error) = terminal.purge().await
                {
                    tracing::error!(%error, "the terminal's database could not be purged");
                }
            }
        })
    }
}

/// What a terminal has in common with the portal beside it.
struct Beside<'a, R> {
    metrics: &'a Arc<Metrics>,
    revocation: Arc<ListsOnDisk>,
    audit: Arc<Audit>,
    clock: fn() -> OffsetDateTime,
    random: R,
}

impl TerminalService {
    /// Opens its database and begins to listen.
    async fn prepare(
        settings: &TerminalSettings,
        material: TerminalMaterial,
        rules: TerminalRules,
        beside: Beside<'_, impl FnMut() -> Box<dyn CryptoRng + Send>>,
    ) -> Result<Self, ServeError> {
        let Beside { metrics, revocation, audit, clock, mut random } = beside;
        let steps = settings.steps.value.open_steps().await?;
        let listeners = settings.listen.iter().map(listen).collect::<Result<_, _>>()?;
        let renewing = material.authority.clone().map(|authority| {
            Renewing::new(settings.credentials.clone(), authority, Arc::clone(metrics), clock, random())
        });
        let around = TerminalSurroundings {
            steps: Arc::clone(&steps),
            record_key: material.record_key,
            credentials: Arc::new(material.credentials),
            register: Arc::new(material.register),
            revocation,
            tickets: material.tickets,
            authority: material.authority,
            audit,
            metrics: Arc::clone(metrics),
            clock: Box::new(clock),
            random: random(),
        };
        let terminal = Terminal::new(rules, around);
        Ok(Self { terminal, steps, tls: material.tls.map(Arc::new), listeners, renewing })
    }
}

/// Tells sites until what comes back first is dropped.
fn begin_telling(provider: Arc<Provider>) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let telling = Telling::new(provider).run(async { drop(stopped.await) });
    (stop, tokio::spawn(telling))
}

fn portal_settings(configuration: &Configuration, trust: TrustStore) -> PortalSettings {
    PortalSettings {
        name: configuration.name.clone(),
        client_port: configuration.client_port,
        utc_offset: configuration.utc_offset,
        challenge_lifetime: time_span(configuration.limits.challenge),
        challenge_limit: configuration.limits.challenges.into(),
        session_lifetime: time_span(configuration.limits.session),
        rates: configuration.rates.clone(),
        request_time_limit: configuration.limits.request,
        policy: SignInPolicy {
            origin: configuration.origin.clone(),
            trust,
            levels: configuration.trust.levels.clone(),
            minimum_assurance: configuration.trust.minimum_assurance,
            grace: configuration.revocation.grace,
        },
    }
}

fn terminal_rules(settings: &TerminalSettings, request_time_limit: Duration, trust: TrustStore) -> TerminalRules {
    TerminalRules {
        sources: settings.sources.clone(),
        session_limit: settings.sessions.into(),
        request_time_limit,
        unknown_documents: settings.unknown_documents,
        trust,
    }
}

/// What answers on the listeners.
struct Servers {
    running: JoinSet<io::Result<()>>,
    handles: Vec<Handle<SocketAddr>>,
    limit: Duration,
}

impl Servers {
    fn tls(&self, identity: &TlsIdentity) -> OpenSSLAcceptor {
        OpenSSLAcceptor::new(identity.acceptor()).handshake_timeout(self.limit.min(HANDSHAKE_TIME_LIMIT))
    }

    fn begin<A>(&mut self, listener: TcpListener, acceptor: A, router: Router) -> Result<(), ServeError>
    where
        A: Accept<TcpStream, Router, Future: Send + 'static> + Clone + Send + Sync + 'static,
        A::Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        A::Service: SendService<Request<Incoming>> + Send + 'static,
    {
        let handle = Handle::new();
        let acceptor = PatientAcceptor { acceptor, limit: self.limit };
        let server = axum_server::from_tcp(listener).map_err(ServeError::Listener)?;
        let mut server = server.acceptor(acceptor).handle(handle.clone()).http1_only();
        let mut http = server.http_builder().http1();
        http.timer(TokioTimer::new()).header_read_timeout(self.limit).max_buf_size(HEAD_MAX_SIZE);
        self.running.spawn(server.serve(router.into_make_service()));
        self.handles.push(handle);
        Ok(())
    }

    /// Takes no new connections, and waits for those that are open at most as long as `limit`. One may have `broken` before.
    async fn end(mut self, broken: Option<Result<io::Result<()>, JoinError>>, limit: Duration) -> io::Result<()> {
        for handle in &self.handles {
            handle.graceful_shutdown(Some(limit));
        }
        let mut outcome = broken.map_or(Ok(()), ended);
        while let Some(end) = self.running.join_next().await {
            outcome = outcome.and(ended(end));
        }
        outcome
    }
}

fn addresses(listeners: &[TcpListener]) -> Result<Vec<SocketAddr>, ServeError> {
    listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>().map_err(ServeError::Listener)
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
