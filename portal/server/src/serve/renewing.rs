//! Renewing the terminal's certificate before it is over, without anybody's hand.

use std::sync::{Arc, Mutex, PoisonError};

use latchkey_crypto::cv::Date;
use rand_core::CryptoRng;
use time::{Duration, OffsetDateTime};
use tokio::task::JoinHandle;

use crate::audit::Event;
use crate::configuration::CredentialFiles;
use crate::metrics::Metrics;
use crate::terminal::Terminal;
use crate::terminal::authority::Authority;
use crate::terminal::renewal::{self, RequestedKey, SharedRandom};

/// How long after a failure the authority is asked again, unless the files are to be looked at at once.
const RETRY_INTERVAL: Duration = Duration::minutes(10);

/// What renews the certificate, and when it did last.
#[derive(Clone)]
pub(super) struct Renewing {
    files: CredentialFiles,
    authority: Authority,
    metrics: Arc<Metrics>,
    clock: fn() -> OffsetDateTime,
    random: SharedRandom,
    last: Arc<Mutex<Option<Try>>>,
}

/// A renewal that was begun.
struct Try {
    begun_at: OffsetDateTime,
    task: JoinHandle<()>,
    /// Whether another one was asked for meanwhile, at once.
    again: bool,
}

impl Renewing {
    pub(super) fn new(
        files: CredentialFiles,
        authority: Authority,
        metrics: Arc<Metrics>,
        clock: fn() -> OffsetDateTime,
        random: Box<dyn CryptoRng + Send>,
    ) -> Self {
        let random = Arc::new(Mutex::new(random));
        Self { files, authority, metrics, clock, random, last: Arc::default() }
    }

    /// Begins a renewal if it is time for one and none is under way. `at_once`: however short ago the last one failed, and
    /// if one is under way, with the look after its end.
    pub(super) fn look(&self, terminal: &Arc<Terminal>, at_once: bool) {
        let now = (self.clock)();
        let Ok(today) = Date::try_from(now.date()) else { return };
        if !terminal.wants_another_certificate(today) {
            return;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.as_mut() {
            last.again |= at_once;
            let waits = !last.again && now < last.begun_at.saturating_add(RETRY_INTERVAL);
            if waits || !last.task.is_finished() {
                return;
            }
        }
        let (renewing, terminal) = (self.clone(), Arc::clone(terminal));
        let task = tokio::spawn(async move { renewing.renew(terminal, today).await });
        *last = Some(Try { begun_at: now, task, again: false });
    }

    async fn renew(self, terminal: Arc<Terminal>, today: Date) {
        let random = Arc::clone(&self.random);
        match renewal::renew(&self.files, RequestedKey::New, &self.authority, today, random).await {
            Ok(until) => {
                self.metrics.terminal_renewal("renewed");
                terminal.note(&Event::TerminalRenewed);
                tracing::info!(%until, "the terminal's certificate was renewed");
                if let Err(error) = tokio::task::spawn_blocking(move || terminal.renew()).await {
                    tracing::error!(%error, "taking the renewed certificate into use ended without an outcome");
                }
            }
            Err(error) => {
                self.metrics.terminal_renewal(error.code());
                terminal.note(&Event::TerminalNotRenewed { code: error.code() });
                tracing::error!(%error, code = error.code(), "the terminal's certificate could not be renewed");
            }
        }
    }
}
