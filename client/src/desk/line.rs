//! The line of requests: one is at work, the others wait; nobody holds the place of the first for ever. Knows no clock
//! and no thread: both are its caller's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use latchkey_agent::{Failure, Report, SessionReport};
use latchkey_crypto::assertion::Origin;
use tokio::time::Instant;

use super::request::{Action, AtDesk, Event};
use super::source::Source;
use super::{ArrivedBy, DeskView, Phase, RequestFailure, RequestNumber, RequestView, Sites, Standing};

/// How long a question may stay open without an action of the holder.
pub const HOLDER_TIME: Duration = Duration::from_secs(120);
/// How long before its end the holder is told.
pub const WARNING_TIME: Duration = Duration::from_secs(30);
/// How long the page of an open terminal session may let it wait while somebody else wants the card. A page that is there
/// asks for the next thing at once, unless a person thinks in between; one that was closed asks for nothing any more, and
/// need not say so. While nobody else wants the card, [`latchkey_agent::SESSION_IDLE_TIME`] counts.
pub const GIVES_WAY_AFTER: Duration = Duration::from_secs(10);
/// Most requests that are open at a time.
pub const OPEN_REQUESTS: usize = 16;
/// Most of them that are of one site.
pub const OPEN_REQUESTS_OF_SITE: usize = 4;

pub(super) struct Line {
    sites: Arc<dyn Sites>,
    /// The one at work, or what is still on show of the last one.
    first: Option<First>,
    waiting: VecDeque<(RequestNumber, AtDesk)>,
}

struct First {
    number: RequestNumber,
    request: AtDesk,
    /// When the holder last did something for it, or the question that is open was put.
    since: Instant,
    /// When its page last wanted something done in its terminal session, or it was done.
    driven: Instant,
    /// Something is being done in its terminal session.
    is_driven: bool,
    /// The holder wants the card for something that is not at the desk.
    is_in_the_way: bool,
}

/// What has to be done, and for which request.
pub(super) type Actions = Vec<(RequestNumber, Action)>;

impl Line {
    pub(super) fn new(sites: Arc<dyn Sites>) -> Self {
        Self { sites, first: None, waiting: VecDeque::new() }
    }

    /// A request arrives.
    pub(super) fn submit(&mut self, now: Instant, number: RequestNumber, source: Source) -> Actions {
        let mut request = AtDesk::new(source);
        let origin = request.label.origin.clone();
        let from_page = request.label.arrived_by == ArrivedBy::Page;
        let barred = match self.sites.standing(&origin) {
            Standing::Forbidden if from_page => Some(RequestFailure::SiteForbidden),
            Standing::RefusedToday if from_page => Some(RequestFailure::RefusedToday),
            _ if self.view(now).is_crowded(&origin) => Some(RequestFailure::TooManyRequests),
            _ => None,
        };
        if let Some(failure) = barred {
            return request.advance(Event::Closed(failure)).map(|action| (number, action)).into_iter().collect();
        }
        self.waiting.push_back((number, request));
        let mut actions = self.next_turn(now);
        actions.extend(self.pass(now));
        actions
    }

    /// Something happened to a request. What comes too late for it changes nothing.
    pub(super) fn happened(&mut self, now: Instant, number: RequestNumber, event: Event) -> Actions {
        let mut actions = Actions::new();
        if let Some(first) = self.first.as_mut().filter(|first| first.number == number) {
            let before = first.request.phase();
            // Anybody can make a link that names a site.
            let is_no = matches!(event, Event::Refused)
                && before == Phase::AskHandOver
                && first.request.label.arrived_by == ArrivedBy::Page;
            let is_yes = matches!(event, Event::Agreed) && before == Phase::AskHandOver;
            // That a terminal was looked at is told in between.
            let is_done = matches!(&event, Event::Reported(Report::Session(report))
                if !matches!(report, SessionReport::Terminal(_)));
            let origin = first.request.label.origin.clone();
            actions.extend(first.request.advance(event).map(|action| (number, action)));
            if first.request.phase() != before {
                first.since = now;
            }
            if is_done {
                first.driven = now;
                first.is_driven = false;
            }
            // A yes to documents, or to a terminal, is one to these alone.
            let is_sign_in = first.request.label.documents.is_empty() && first.request.label.disclosure.is_none();
            if is_yes && is_sign_in {
                self.sites.agreed(&origin);
            }
            if is_no {
                self.sites.refused(&origin);
                actions.extend(self.close_waiting_of(&origin));
            }
        } else if let Some((_, request)) = self.waiting.iter_mut().find(|(waiting, _)| *waiting == number) {
            actions.extend(request.advance(event).map(|action| (number, action)));
            self.waiting.retain(|(_, request)| !request.is_over());
        }
        if self.first.as_ref().is_some_and(|first| !first.request.is_shown()) {
            self.first = None;
        }
        actions.extend(self.next_turn(now));
        actions
    }

    /// The holder did something that shows he is there.
    pub(super) fn holder_acted(&mut self, now: Instant, number: RequestNumber) {
        if let Some(first) = self.first.as_mut().filter(|first| first.number == number) {
            first.since = now;
        }
    }

    /// A page wants something done in its terminal session.
    pub(super) fn driven(&mut self, now: Instant, number: RequestNumber) {
        if let Some(first) = self.first.as_mut().filter(|first| first.number == number) {
            first.driven = now;
            first.is_driven = true;
        }
    }

    /// The holder wants the card for something that is not at the desk.
    pub(super) fn make_way(&mut self, now: Instant) -> Actions {
        if let Some(first) = &mut self.first {
            first.is_in_the_way = true;
        }
        self.pass(now)
    }

    /// Time passed.
    pub(super) fn pass(&mut self, now: Instant) -> Actions {
        match &self.first {
            Some(first) if self.gives_way_in(now) == Some(Duration::ZERO) => {
                tracing::info!(number = first.number.0, "a terminal session gives way to who wants the card");
                self.happened(now, first.number, Event::Closed(Failure::TerminalSessionIdle.into()))
            }
            Some(first) if first.time_left(now) == Some(Duration::ZERO) => {
                let failure = match first.request.phase() {
                    // It says more to the page than that nobody tried again.
                    Phase::Failed { failure } => failure,
                    _ => Failure::HolderSilent.into(),
                };
                self.happened(now, first.number, Event::Closed(failure))
            }
            _ => Actions::new(),
        }
    }

    /// Ends everything.
    pub(super) fn stop(&mut self) -> Actions {
        let mut actions = Actions::new();
        let first = self.first.take().map(|first| (first.number, first.request));
        for (number, mut request) in first.into_iter().chain(self.waiting.drain(..)) {
            actions.extend(request.advance(Event::Closed(RequestFailure::Stopping)).map(|action| (number, action)));
        }
        actions
    }

    /// When [`Line::pass`] has to be called, or the view changes by itself. `None` while nothing waits for the holder, and
    /// nobody for a terminal session's end.
    pub(super) fn next_wake(&self, now: Instant) -> Option<Instant> {
        let Some(left) = self.first.as_ref()?.time_left(now) else {
            return now.checked_add(self.gives_way_in(now)?);
        };
        let pause = match left.checked_sub(WARNING_TIME) {
            Some(until_warning) if !until_warning.is_zero() => until_warning,
            // To the next whole second of what is left.
            _ => left.saturating_sub(Duration::from_secs(u64::from(whole_seconds(left)).saturating_sub(1))),
        };
        now.checked_add(pause)
    }

    pub(super) fn view(&self, now: Instant) -> DeskView {
        let first = self.first.iter().map(|first| {
            let warned = first.time_left(now).filter(|left| *left <= WARNING_TIME);
            view_of(first.number, &first.request, warned.map(whole_seconds))
        });
        let waiting = self.waiting.iter().map(|(number, request)| view_of(*number, request, None));
        DeskView { requests: first.chain(waiting).collect() }
    }

    fn next_turn(&mut self, now: Instant) -> Actions {
        let mut actions = Actions::new();
        while self.first.as_ref().is_none_or(|first| first.request.is_over()) {
            let Some((number, mut request)) = self.waiting.pop_front() else { break };
            let standing = self.sites.standing(&request.label.origin);
            actions.extend(request.advance(Event::Begin(standing)).map(|action| (number, action)));
            let first = First { number, request, since: now, driven: now, is_driven: false, is_in_the_way: false };
            self.first = Some(first).filter(|first| first.request.is_shown());
        }
        actions
    }

    /// How long a terminal session goes on yet that nobody drives; `None` if nothing ends it here.
    fn gives_way_in(&self, now: Instant) -> Option<Duration> {
        let first = self.first.as_ref().filter(|first| first.is_in_the_way || !self.waiting.is_empty())?;
        let is_left_alone = !first.is_driven && matches!(first.request.phase(), Phase::TerminalAtWork { .. });
        is_left_alone.then(|| GIVES_WAY_AFTER.saturating_sub(now.saturating_duration_since(first.driven)))
    }

    fn close_waiting_of(&mut self, origin: &Origin) -> Actions {
        let mut actions = Actions::new();
        for (number, request) in &mut self.waiting {
            if request.label.origin == *origin {
                let closed = request.advance(Event::Closed(RequestFailure::RefusedToday));
                actions.extend(closed.map(|action| (*number, action)));
            }
        }
        self.waiting.retain(|(_, request)| !request.is_over());
        actions
    }
}

impl First {
    /// How long the holder has left; `None` while nothing waits for him.
    fn time_left(&self, now: Instant) -> Option<Duration> {
        let waits = !self.request.is_over() && self.request.phase().needs_holder();
        waits.then(|| HOLDER_TIME.saturating_sub(now.saturating_duration_since(self.since)))
    }
}

/// What is left, as people count: the second that has begun is a second.
fn whole_seconds(left: Duration) -> u32 {
    let begun = u64::from(left.subsec_nanos() > 0);
    u32::try_from(left.as_secs().saturating_add(begun)).unwrap_or(u32::MAX)
}

fn view_of(number: RequestNumber, request: &AtDesk, seconds_left: Option<u32>) -> RequestView {
    RequestView {
        id: number,
        origin: request.label.origin.to_string(),
        says_it_is: request.label.says_it_is.clone(),
        arrived_by: request.label.arrived_by,
        short_code: request.label.short_code.clone(),
        documents: request.label.documents.clone(),
        disclosure: request.label.disclosure.clone(),
        phase: request.phase(),
        step: request.step,
        is_over: request.is_over(),
        seconds_left,
    }
}
