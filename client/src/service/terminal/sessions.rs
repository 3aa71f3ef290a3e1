//! The one terminal session that may be open, whose it is, and the signed request that was handed in before it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_agent::{
    CardModel, Failure, Instruction, KnownTerminal, SessionReport, ShownTerminal, TERMINAL_TRUST_MAX_COUNT,
    TerminalTrust,
};
use latchkey_crypto::assertion::Origin;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::SelectedRequest;
use crate::desk::{PageRequest, PageTicket, PageWish, ProgressPhase, RequestFailure, TerminalWish};
use crate::service::{ServiceRefusal, Shared};

/// How long a signed request that was handed in waits for its session.
pub const REQUEST_WAITS: Duration = Duration::from_secs(5 * 60);
/// Most signed requests that wait at a time, each of another site: the oldest goes first.
pub const WAITING_REQUESTS: usize = 4;
/// After how long without an instruction another page of the same site may begin anew: the one that opened the session is
/// gone then, more likely than not.
const TAKE_OVER_AFTER: Duration = Duration::from_secs(3);

/// Sessions of this program.
#[derive(Default)]
pub(in crate::service) struct Sessions {
    open: Mutex<Option<Arc<OpenSession>>>,
    /// The oldest first.
    requests: Mutex<Vec<(WaitingRequest, Instant)>>,
}

/// A signed request that waits for its session, for so long yet. A program that starts anew in place goes on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRequest {
    /// The site whose page handed it in: one of the request's.
    pub by: Origin,
    /// The request.
    pub request: SelectedRequest,
    /// At most [`REQUEST_WAITS`].
    pub left: Duration,
}

/// A session that the card is open for.
struct OpenSession {
    /// Whose pages may drive it.
    origins: Vec<Origin>,
    ticket: tokio::sync::Mutex<PageTicket>,
    used: Mutex<Instant>,
    /// Told when its page ends it while an instruction is under way.
    closed: Notify,
}

/// What a page learns when the card is open.
pub(super) struct Opened {
    pub(super) cert_hats: Vec<u8>,
    pub(super) model: CardModel,
    pub(super) security_signer: Option<Vec<u8>>,
}

impl Sessions {
    /// With requests that waited before.
    pub(in crate::service) fn with_requests(waiting: Vec<WaitingRequest>) -> Self {
        let now = Instant::now();
        let waiting = waiting.into_iter().map(|waiting| {
            let until = now + waiting.left.min(REQUEST_WAITS);
            (waiting, until)
        });
        Self { requests: Mutex::new(waiting.collect()), ..Self::default() }
    }

    /// The requests that wait, the oldest first.
    pub(in crate::service) fn waiting(&self) -> Vec<WaitingRequest> {
        let now = Instant::now();
        let requests = lock(&self.requests);
        let left = requests.iter().map(|(waiting, until)| (waiting, until.saturating_duration_since(now)));
        let waits = left.filter(|(_, left)| !left.is_zero());
        waits.map(|(waiting, left)| WaitingRequest { left, ..waiting.clone() }).collect()
    }

    /// Keeps a verified request for the session that one of its sites will open. Another one of the page's own site takes
    /// its place; those that other sites' pages handed in stay.
    pub(super) fn remember(&self, site: &Origin, request: SelectedRequest) -> Result<(), ServiceRefusal> {
        if !request.origins.contains(site) {
            return Err(ServiceRefusal::RequestOfOtherSite);
        }
        let now = Instant::now();
        let mut requests = lock(&self.requests);
        requests.retain(|(waiting, until)| *until > now && waiting.by != *site);
        if requests.len() >= WAITING_REQUESTS {
            requests.remove(0);
        }
        let waiting = WaitingRequest { by: site.clone(), request, left: REQUEST_WAITS };
        requests.push((waiting, now + REQUEST_WAITS));
        Ok(())
    }

    /// The request that waits for a session of this site, once: the one that its own page handed in, else the latest that
    /// names it.
    pub(super) fn take_request(&self, site: &Origin) -> Option<SelectedRequest> {
        let now = Instant::now();
        let mut requests = lock(&self.requests);
        requests.retain(|(_, until)| *until > now);
        let own = requests.iter().position(|(waiting, _)| waiting.by == *site);
        let place = own.or_else(|| requests.iter().rposition(|(waiting, _)| waiting.request.origins.contains(site)))?;
        Some(requests.remove(place).0.request)
    }

    /// The session that this site may drive.
    fn of_site(&self, site: &Origin) -> Option<Arc<OpenSession>> {
        lock(&self.open).as_ref().filter(|session| session.origins.contains(site)).cloned()
    }

    /// Ends a session, if it is still the one that is open.
    fn forget(&self, session: &Arc<OpenSession>) {
        lock(&self.open).take_if(|open| Arc::ptr_eq(open, session));
    }

    /// Ends the session of this site. Says whether there was one.
    pub(super) fn close(&self, site: &Origin) -> bool {
        let closed = lock(&self.open).take_if(|open| open.origins.contains(site));
        closed.inspect(|session| session.closed.notify_one()).is_some()
    }
}

impl OpenSession {
    /// Whether a page still drives it.
    fn is_driven(&self) -> bool {
        let Ok(ticket) = self.ticket.try_lock() else { return true };
        let is_over = ticket.progress().borrow().phase == ProgressPhase::Done;
        !is_over && lock(&self.used).elapsed() < TAKE_OVER_AFTER
    }
}

impl Shared {
    /// Has the card opened for a terminal. Whoever stops waiting takes that back.
    pub(super) async fn open_session(
        &self,
        site: &Origin,
        origins: Vec<Origin>,
        wish: TerminalWish,
    ) -> Result<Opened, ServiceRefusal> {
        if let Some(session) = self.sessions.of_site(site) {
            if session.is_driven() {
                return Err(ServiceRefusal::TerminalOrder);
            }
            self.sessions.forget(&session);
        }
        let wish = PageWish::TerminalSession(Box::new(wish));
        let page = PageRequest { origin: site.clone(), wish, says_it_is: None };
        let mut ticket = self.surroundings.desk.submit(page);
        let opened = loop {
            if let SessionReport::Open { cert_hats, model, security_signer } = ticket.session_report().await? {
                break Opened { cert_hats, model, security_signer };
            }
        };
        let origins = if origins.contains(site) { origins } else { vec![site.clone()] };
        let (ticket, used) = (tokio::sync::Mutex::new(ticket), Mutex::new(Instant::now()));
        *lock(&self.sessions.open) = Some(Arc::new(OpenSession { origins, ticket, used, closed: Notify::new() }));
        Ok(opened)
    }

    /// Has the next thing done in the session that this site drives. A failure ends the session, and so does a page that
    /// stops waiting; what does not fit what went before changes nothing.
    pub(super) async fn instruct(&self, site: &Origin, instruction: Instruction) -> Result<Vec<u8>, ServiceRefusal> {
        let session = self.sessions.of_site(site).ok_or(ServiceRefusal::TerminalOrder)?;
        let Ok(mut ticket) = session.ticket.try_lock() else { return Err(ServiceRefusal::TerminalOrder) };
        let under_way = UnderWay { sessions: &self.sessions, session: &session, is_over: false };
        *lock(&session.used) = Instant::now();
        ticket.instruct(instruction);
        let mut shown = None;
        let answer = loop {
            let report = tokio::select! {
                report = ticket.session_report() => report?,
                () = session.closed.notified() => return Err(RequestFailure::TakenBack.into()),
            };
            match report {
                SessionReport::Terminal(terminal) => shown = Some(terminal),
                SessionReport::Answer(octets) => break octets,
                SessionReport::SignatureAllowed | SessionReport::Confirmed => break Vec::new(),
                SessionReport::OutOfOrder => {
                    under_way.goes_on();
                    return Err(ServiceRefusal::TerminalOrder);
                }
                SessionReport::Open { .. } => return Err(RequestFailure::Card(Failure::AgentFault).into()),
            }
        };
        // Whose terminal it is that has a title the administrator has said.
        if let Some(ShownTerminal { number, title: None, .. }) = shown {
            self.surroundings.sites.let_in(&number, site);
        }
        *lock(&session.used) = Instant::now();
        under_way.goes_on();
        Ok(answer)
    }
}

/// An instruction under way. Dropped before its end, it ends the session.
struct UnderWay<'sessions> {
    sessions: &'sessions Sessions,
    session: &'sessions Arc<OpenSession>,
    is_over: bool,
}

impl UnderWay<'_> {
    fn goes_on(mut self) {
        self.is_over = true;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.sessions.forget(self.session);
        }
    }
}

/// What the administrator said of terminals, and which sites drove others that the holder let in.
pub(super) fn trust(managed: &TerminalTrust, met: BTreeMap<String, Origin>) -> TerminalTrust {
    let mut trust = managed.clone();
    let room = TERMINAL_TRUST_MAX_COUNT.saturating_sub(trust.known.len());
    let learnt = met.into_iter().filter(|(holder, _)| managed.known.iter().all(|known| known.holder != *holder));
    let learnt = learnt.map(|(holder, origin)| KnownTerminal { holder, title: None, origins: vec![origin] });
    trust.known.extend(learnt.take(room));
    trust
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
mod tests {
    use super::*;

    fn site(name: &str) -> Origin {
        Origin::parse(&format!("https://{name}.example")).unwrap()
    }

    fn request(signer: &str, sites: &[&str]) -> SelectedRequest {
        let origins = sites.iter().map(|name| site(name)).collect();
        SelectedRequest { signer: signer.to_owned(), origins, hash: [7; 32], purpose: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_was_handed_in_waits_five_minutes_for_one_session() {
        let (site, request) = (site("portal"), request("A portal", &["portal"]));
        for (passed, is_there) in [(REQUEST_WAITS - Duration::from_secs(1), true), (REQUEST_WAITS, false)] {
            let sessions = Sessions::default();
            sessions.remember(&site, request.clone()).unwrap();
            tokio::time::advance(passed).await;
            let waiting = sessions.waiting();
            assert_eq!(!waiting.is_empty(), is_there, "after {passed:?}");
            let gone_on_with = Sessions::with_requests(waiting);
            assert_eq!(gone_on_with.take_request(&site).is_some(), is_there, "after {passed:?}, by another service");
            assert_eq!(sessions.take_request(&site).is_some(), is_there, "after {passed:?}");
            assert_eq!(sessions.take_request(&site), None, "used twice");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_of_several_sites_wait_beside_each_other() {
        let sessions = Sessions::default();
        let signer = |name: &str| sessions.take_request(&site(name)).map(|request| request.signer);
        sessions.remember(&site("portal"), request("replaced", &["portal", "provider"])).unwrap();
        sessions.remember(&site("portal"), request("the portal", &["portal", "provider"])).unwrap();
        sessions.remember(&site("other"), request("the other", &["other", "portal", "provider"])).unwrap();
        assert_eq!(signer("portal").as_deref(), Some("the portal"), "another site has displaced it");
        assert_eq!(signer("provider").as_deref(), Some("the other"));
        assert_eq!(signer("provider"), None);

        for number in 0..=WAITING_REQUESTS {
            let name = format!("site-{number}");
            sessions.remember(&site(&name), request(&name, &[&name])).unwrap();
        }
        assert_eq!(sessions.waiting().len(), WAITING_REQUESTS);
        assert_eq!(signer("site-0"), None, "the oldest");
        assert_eq!(signer("site-1").as_deref(), Some("site-1"));
    }
}
