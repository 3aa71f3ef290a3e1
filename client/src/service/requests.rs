//! The requests of sites, by the names that their pages gave them. A name is its site's: another site's page, and one
//! that guesses, learns nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_crypto::assertion::Origin;
use serde::Deserialize;
use tokio::sync::{Notify, watch};

use super::ServiceRefusal;
use super::card_removed::Removal;
use crate::desk::{Progress, ProgressPhase, RequestFailure};

/// How long a page's question about something to come stays open before it has to be repeated.
pub const LONG_POLL_TIME: Duration = Duration::from_secs(50);
/// Most requests that are remembered; the oldest of the same site that is over is forgotten first, then the oldest of all.
pub const REMEMBERED_REQUESTS: usize = 64;
/// Most HTTP requests of one site that are answered at a time.
pub const REQUESTS_UNDER_WAY_OF_SITE: usize = 16;

/// The name of a request: a UUID as browsers write it, chosen by the page.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RequestId(String);

impl RequestId {
    /// Reads a name: 32 lower-case hexadecimal digits in groups of 8, 4, 4, 4 and 12 (RFC 9562, clause 4).
    ///
    /// # Errors
    /// [`ServiceRefusal::Body`].
    pub fn parse(text: &str) -> Result<Self, ServiceRefusal> {
        let is_hexadecimal = |octet: u8| octet.is_ascii_digit() || matches!(octet, b'a'..=b'f');
        let groups: Vec<_> = text.split('-').collect();
        let is_uuid = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
            && groups.iter().all(|group| group.bytes().all(is_hexadecimal));
        if is_uuid { Ok(Self(text.to_owned())) } else { Err(ServiceRefusal::Body) }
    }
}

impl RequestId {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RequestId {
    type Error = ServiceRefusal;

    fn try_from(text: String) -> Result<Self, ServiceRefusal> {
        Self::parse(&text)
    }
}

impl std::fmt::Debug for RequestId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RequestId(hidden)")
    }
}

/// The name that a site gave a request that is over. A program that starts anew in place goes on remembering it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedName {
    /// Whose page chose it.
    pub site: Origin,
    /// The name.
    pub request: RequestId,
    /// How often the request had changed.
    pub step: u32,
    /// Whether a guest signed in with it whose card was removed since.
    pub card_removed: bool,
}

/// All requests that are under way or remembered.
#[derive(Default)]
pub(super) struct Requests {
    remembered: Mutex<VecDeque<Remembered>>,
    under_way: Arc<Mutex<HashMap<Origin, usize>>>,
}

/// One request of a site. Clones are the same request.
#[derive(Clone)]
pub(super) struct Remembered {
    site: Origin,
    id: RequestId,
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) cancelled: Arc<Notify>,
    end: watch::Sender<End>,
}

/// Whether a request is over.
#[derive(Clone)]
pub(super) enum End {
    NotYet,
    /// With what watches for the removal of the card, if it signed and a guest uses this computer.
    Over(Option<Arc<Removal>>),
}

/// A sign-in that is under way. Dropped, it is over.
pub(super) struct UnderWay(Remembered);

/// An HTTP request that is answered.
pub(super) struct Presence {
    site: Origin,
    under_way: Arc<Mutex<HashMap<Origin, usize>>>,
}

impl Requests {
    /// Remembers these, the oldest first.
    pub(super) fn remembering(used: Vec<UsedName>) -> Self {
        let remembered = used.into_iter().take(REMEMBERED_REQUESTS).map(Remembered::of).collect();
        Self { remembered: Mutex::new(remembered), ..Self::default() }
    }

    /// The names of the requests that are over, the oldest first.
    pub(super) fn used(&self) -> Vec<UsedName> {
        lock(&self.remembered).iter().filter_map(Remembered::used).collect()
    }

    /// A site's request is about to be answered.
    pub(super) fn enter(&self, site: &Origin) -> Result<Presence, ServiceRefusal> {
        let mut under_way = lock(&self.under_way);
        let count = under_way.entry(site.clone()).or_default();
        if *count >= REQUESTS_UNDER_WAY_OF_SITE {
            return Err(RequestFailure::TooManyRequests.into());
        }
        *count = count.saturating_add(1);
        Ok(Presence { site: site.clone(), under_way: Arc::clone(&self.under_way) })
    }

    /// A sign-in begins, unless the site has used this name before.
    pub(super) fn begin(
        &self,
        site: &Origin,
        id: &RequestId,
        progress: impl FnOnce() -> watch::Receiver<Progress>,
    ) -> Result<UnderWay, ServiceRefusal> {
        let mut remembered = lock(&self.remembered);
        if remembered.iter().any(|request| request.is(site, id)) {
            return Err(ServiceRefusal::RequestRepeated);
        }
        if remembered.len() >= REMEMBERED_REQUESTS {
            let is_over = |request: &Remembered| matches!(*request.end.borrow(), End::Over(_));
            // A site that asks much has its own forgotten first: no other's page loses its request by that.
            let own = remembered.iter().position(|request| request.site == *site && is_over(request));
            let oldest = own.or_else(|| remembered.iter().position(is_over)).ok_or(RequestFailure::TooManyRequests)?;
            remembered.remove(oldest);
        }
        let request = Remembered {
            site: site.clone(),
            id: id.clone(),
            progress: progress(),
            cancelled: Arc::default(),
            end: watch::Sender::new(End::NotYet),
        };
        remembered.push_back(request.clone());
        Ok(UnderWay(request))
    }

    /// The request of that name, if it is that site's.
    pub(super) fn find(&self, site: &Origin, id: &str) -> Result<Remembered, ServiceRefusal> {
        let id = RequestId::parse(id).map_err(|_| ServiceRefusal::RequestUnknown)?;
        let remembered = lock(&self.remembered);
        remembered.iter().find(|request| request.is(site, &id)).cloned().ok_or(ServiceRefusal::RequestUnknown)
    }
}

impl Remembered {
    fn of(used: UsedName) -> Self {
        let UsedName { site, request, step, card_removed } = used;
        let removal = card_removed.then(|| Arc::new(Removal::that_happened()));
        Self {
            site,
            id: request,
            progress: watch::channel(Progress { step, phase: ProgressPhase::Done }).1,
            cancelled: Arc::default(),
            end: watch::Sender::new(End::Over(removal)),
        }
    }

    fn used(&self) -> Option<UsedName> {
        let End::Over(removal) = &*self.end.borrow() else { return None };
        Some(UsedName {
            site: self.site.clone(),
            request: self.id.clone(),
            step: self.progress.borrow().step,
            card_removed: removal.as_ref().is_some_and(|removal| removal.has_happened()),
        })
    }

    fn is(&self, site: &Origin, id: &RequestId) -> bool {
        self.site == *site && self.id == *id
    }

    /// Waits until it is over.
    pub(super) async fn end(&self) -> Option<Arc<Removal>> {
        let mut end = self.end.subscribe();
        let over = end.wait_for(|end| matches!(end, End::Over(_))).await;
        match over.as_deref() {
            Ok(End::Over(removal)) => removal.clone(),
            _ => None,
        }
    }
}

impl UnderWay {
    /// Until the page takes it back.
    pub(super) async fn cancelled(&self) {
        self.0.cancelled.notified().await;
    }

    /// The card signed; `removal` watches for its removal.
    pub(super) fn signed_in(self, removal: Option<Removal>) {
        self.0.end.send_replace(End::Over(removal.map(Arc::new)));
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.end.send_if_modified(|end| {
            let was_open = matches!(end, End::NotYet);
            if was_open {
                *end = End::Over(None);
            }
            was_open
        });
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut under_way = lock(&self.under_way);
        if let Some(count) = under_way.get_mut(&self.site) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                under_way.remove(&self.site);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
