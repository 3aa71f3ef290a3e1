//! Fetching revocation lists in the background, so that no sign-in waits for them. A list is checked before it takes the
//! place of its file; what happens then is the same as if somebody else had replaced the file.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkey_crypto::x509::{REVOCATION_LIST_MAX_SIZE, VerifiedRevocationList};
use reqwest::Client;
use time::OffsetDateTime;
use tokio::task::JoinHandle;
use url::Url;

use super::remote::{self, Edition, Fetched, RemoteError};
use super::{ListFault, ListsOnDisk, verified};
use crate::metrics::{Metrics, UNREACHABLE};
use crate::portal::Portal;

/// How long after a first failure a list is fetched again; after each further one twice as long, up to the usual time.
const FIRST_RETRY: time::Duration = time::Duration::MINUTE;

/// A list that is fetched.
#[derive(Debug, Clone)]
pub struct ListSource {
    /// From where.
    pub address: Url,
    /// Into which file.
    pub file: PathBuf,
}

/// What fetches lists, and when it did last.
#[derive(Clone)]
pub struct Fetching {
    client: Client,
    interval: time::Duration,
    lists: Arc<ListsOnDisk>,
    places: Arc<Vec<Place>>,
}

/// Why a list was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// There is no answer, or none that can be used.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// What came is no list that may take the former one's place.
    #[error(transparent)]
    List(#[from] ListFault),
    /// The file cannot be written.
    #[error("the fetched list cannot be kept: {0}")]
    File(#[from] io::Error),
    /// The check ended without an outcome.
    #[error("the check of the fetched list ended without an outcome")]
    Unfinished,
}

struct Place {
    source: ListSource,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    due: Option<OffsetDateTime>,
    failures: u32,
    edition: Edition,
    task: Option<JoinHandle<()>>,
    /// Whether the list was asked for at once while it was being fetched.
    again: bool,
}

impl Fetching {
    /// Fetches each list every `interval`, and before it is out of date; no answer may take longer than `limit`.
    ///
    /// # Errors
    /// What the library for HTTP says if it cannot begin.
    pub fn new(
        sources: Vec<ListSource>,
        interval: Duration,
        limit: Duration,
        lists: Arc<ListsOnDisk>,
    ) -> Result<Self, reqwest::Error> {
        let place = |source| Place { source, state: Mutex::default() };
        Ok(Self {
            client: remote::client(limit)?,
            interval: time::Duration::try_from(interval).unwrap_or(time::Duration::DAY),
            lists,
            places: Arc::new(sources.into_iter().map(place).collect()),
        })
    }

    /// Begins to fetch what is due and not under way. `at_once`: however short ago the last one was fetched, and if it is
    /// under way, with the look after its end.
    pub fn look(&self, portal: &Arc<Portal>, at_once: bool) {
        let now = portal.time();
        for (number, place) in self.places.iter().enumerate() {
            let mut state = place.lock();
            state.again |= at_once;
            let is_due = state.again || state.due.is_none_or(|due| due <= now);
            if is_due && state.task.as_ref().is_none_or(JoinHandle::is_finished) {
                let (fetching, portal) = (self.clone(), Arc::clone(portal));
                state.again = false;
                state.task = Some(tokio::spawn(async move { fetching.fetch(number, portal).await }));
            }
        }
    }

    async fn fetch(self, number: usize, portal: Arc<Portal>) {
        let Some(place) = self.places.get(number) else { return };
        let known = place.lock().edition.clone();
        let outcome = self.try_fetch(place, &known).await;
        count(portal.metrics(), &outcome);
        let has_changed = self.note(place, outcome, portal.time());
        if has_changed && tokio::task::spawn_blocking(move || portal.renew_revocation()).await.is_err() {
            tracing::error!("taking a fetched revocation list into use ended without an outcome");
        }
    }

    /// Says when the list is due again, and tells whether there is a new one.
    fn note(&self, place: &Place, outcome: Result<Option<Edition>, FetchError>, now: OffsetDateTime) -> bool {
        let mut state = place.lock();
        match outcome {
            Ok(edition) => {
                state.failures = 0;
                state.due = Some(self.next_time(now));
                let has_changed = edition.is_some();
                if let Some(edition) = edition {
                    state.edition = edition;
                }
                has_changed
            }
            Err(error) => {
                let retry = FIRST_RETRY.saturating_mul(1_i32.checked_shl(state.failures.min(16)).unwrap_or(1));
                state.failures = state.failures.saturating_add(1);
                state.due = Some(now.saturating_add(retry.min(self.interval)));
                let host = place.source.address.host_str().unwrap_or_default();
                tracing::error!(%error, host, "a revocation list could not be fetched; the former one stays in use");
                false
            }
        }
    }

    /// What tells the new edition apart, if there is one.
    async fn try_fetch(&self, place: &Place, known: &Edition) -> Result<Option<Edition>, FetchError> {
        let ListSource { address, file } = &place.source;
        // Without the file there is nothing that could be unchanged.
        let none = Edition::default();
        let known = if file.exists() { known } else { &none };
        match remote::fetch(&self.client, address, known, REVOCATION_LIST_MAX_SIZE).await? {
            Fetched::Unchanged => Ok(None),
            Fetched::Octets(octets, edition) => {
                let (lists, file) = (Arc::clone(&self.lists), file.clone());
                let kept = tokio::task::spawn_blocking(move || keep(&lists, &file, &octets)).await;
                kept.map_err(|_| FetchError::Unfinished)??;
                Ok(Some(edition))
            }
        }
    }

    /// After the usual time, or a minute before the first list is out of date.
    fn next_time(&self, now: OffsetDateTime) -> OffsetDateTime {
        let usual = now.saturating_add(self.interval);
        let last = self.lists.current_until().map(|until| until.saturating_sub(time::Duration::MINUTE));
        last.filter(|last| *last > now).map_or(usual, |last| last.min(usual))
    }
}

impl Place {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts the list in its file's place, whole, if it may displace what is in use.
fn keep(lists: &ListsOnDisk, file: &Path, octets: &[u8]) -> Result<(), FetchError> {
    let list: VerifiedRevocationList = verified(octets, &lists.authorities)?;
    if lists.current().of_the_authority_of(&list).is_some_and(|known| list.is_older_than(known)) {
        return Err(ListFault::Older.into());
    }
    let mut name = file.as_os_str().to_owned();
    name.push(".fetched");
    let new = PathBuf::from(name);
    let mut written = File::create(&new)?;
    written.write_all(octets)?;
    written.sync_all()?;
    std::fs::rename(&new, file)?;
    Ok(())
}

fn count(metrics: &Metrics, outcome: &Result<Option<Edition>, FetchError>) {
    metrics.revocation_fetched(match outcome {
        Ok(Some(_)) => "taken",
        Ok(None) => "unchanged",
        Err(FetchError::Remote(RemoteError::Unreachable(_))) => UNREACHABLE,
        Err(FetchError::Remote(RemoteError::Status(_))) => "refused",
        Err(FetchError::Remote(RemoteError::TooLong(_))) => "too-long",
        Err(FetchError::List(_)) => "unusable",
        Err(FetchError::File(_) | FetchError::Unfinished) => "not-kept",
    });
}
