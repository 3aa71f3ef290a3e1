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
/// After how long without an instruction another page of the same site may begin anew: the one that opened the session is
/// gone then, more likely than not.
const TAKE_OVER_AFTER: Duration = Duration::from_secs(3);

/// Sessions of this program.
#[derive(Default)]
pub(in crate::service) struct Sessions {
    open: Mutex<Option<Arc<OpenSession>>>,
    request: Mutex<Option<(SelectedRequest, Instant)>>,
}

/// A signed request that waits for its session, for so long yet. A program that starts anew in place goes on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRequest {
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
    /// With a request that waited before.
    pub(in crate::service) fn with_request(waiting: Option<WaitingRequest>) -> Self {
        let waiting =
            waiting.map(|WaitingRequest { request, left }| (request, Instant::now() + left.min(REQUEST_WAITS)));
        Self { request: Mutex::new(waiting), ..Self::default() }
    }

    /// The request that waits.
    pub(in crate::service) fn waiting(&self) -> Option<WaitingRequest> {
        let waiting = lock(&self.request);
        let (request, until) = waiting.as_ref()?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| WaitingRequest { request: request.clone(), left })
    }

    /// Keeps a verified request for the session that one of its sites will open. There is one at a time.
    pub(super) fn remember(&self, site: &Origin, request: SelectedRequest) -> Result<(), ServiceRefusal> {
        if !request.origins.contains(site) {
            return Err(ServiceRefusal::RequestOfOtherSite);
        }
        *lock(&self.request) = Some((request, Instant::now() + REQUEST_WAITS));
        Ok(())
    }

    /// The request that waits for a session of this site, once.
    pub(super) fn take_request(&self, site: &Origin) -> Option<SelectedRequest> {
        let mut waiting = lock(&self.request);
        waiting.take_if(|(_, until)| *until <= Instant::now());
        waiting.take_if(|(request, _)| request.origins.contains(site)).map(|(request, _)| request)
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

    #[tokio::test(start_paused = true)]
    async fn a_request_that_was_handed_in_waits_five_minutes_for_one_session() {
        let site = Origin::parse("https://portal.example").unwrap();
        let request = SelectedRequest {
            signer: "A portal".to_owned(),
            origins: vec![site.clone()],
            hash: [7; 32],
            purpose: None,
        };
        for (passed, is_there) in [(REQUEST_WAITS - Duration::from_secs(1), true), (REQUEST_WAITS, false)] {
            let sessions = Sessions::default();
            sessions.remember(&site, request.clone()).unwrap();
            tokio::time::advance(passed).await;
            let waiting = sessions.waiting();
            assert_eq!(waiting.is_some(), is_there, "after {passed:?}");
            let gone_on_with = Sessions::with_request(waiting);
            assert_eq!(gone_on_with.take_request(&site).is_some(), is_there, "after {passed:?}, by another service");
            assert_eq!(sessions.take_request(&site).is_some(), is_there, "after {passed:?}");
            assert_eq!(sessions.take_request(&site), None, "used twice");
        }
    }
}
