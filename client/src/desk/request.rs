//! One request from its arrival to its end: steps, each consumed by the next event.

use latchkey_agent::{
    Answer, DocumentResults, Failure, PinStatus, ReaderChoice, ReaderName, Report, Request, SecretKind, SessionReport,
    Step,
};
use latchkey_crypto::assertion::Assertion;
use latchkey_crypto::cv::rights::Rights;

use super::source::{FetchedLink, Label, Link, PageWish, Source, Wanted};
use super::{Phase, RequestFailure, Secret, Standing, TerminalDisclosure, TerminalWork};

/// A request.
pub(super) struct AtDesk {
    pub(super) label: Label,
    at: At,
    /// Counts the phases.
    pub(super) step: u32,
    /// Where the card is that was used last.
    reader: Option<ReaderName>,
}

/// The step that a request is at.
enum At {
    InLine(Source),
    AskHost(Box<dyn Link>),
    Fetching,
    AskHandOver(Wanted),
    Card {
        wanted: Wanted,
        choice: ReaderChoice,
        doing: Doing,
        pin: Option<PinStatus>,
    },
    ChooseReader {
        wanted: Wanted,
        readers: Vec<ReaderName>,
    },
    /// The holder may repeat it with the same challenge.
    Failed {
        wanted: Wanted,
        choice: ReaderChoice,
        failure: RequestFailure,
    },
    /// The card has signed; something may be added to its assertion.
    Stapling(Wanted),
    Sending(Assertion),
    /// A terminal session is open.
    Session {
        work: TerminalWork,
        /// What the holder is asked meanwhile.
        asking: Option<Secret>,
        pin: Option<PinStatus>,
        /// The terminal has worked with the card: what comes after that can be the end as it should be.
        established: bool,
    },
    /// Over. What stays on show, if anything.
    Over(Option<Phase>),
}

/// What the agent does meanwhile.
enum Doing {
    WaitingForReader,
    WaitingForCard,
    Reading,
    Asking(Secret),
    Signing,
}

/// What can happen to a request.
pub(super) enum Event {
    /// Its turn has come; this was said about its site before.
    Begin(Standing),
    /// The holder's yes to the question that is open.
    Agreed,
    /// The holder keeps only these of the rights that he may leave out.
    Narrowed(Rights),
    /// The holder's no.
    Refused,
    /// The holder takes it off the list.
    Ended,
    /// The holder wants another try.
    Retried,
    /// The holder says which card.
    ReaderChosen(ReaderName),
    /// The host of the link answered.
    Fetched(Result<Box<dyn FetchedLink>, RequestFailure>),
    /// The agent reported.
    Reported(Report),
    /// What there is to add to the assertion was added.
    Stapled(Assertion),
    /// The host of the link took the assertion, or not.
    Presented(Result<(), RequestFailure>),
    /// It ends for a reason outside of it.
    Closed(RequestFailure),
}

/// What has to be done because of an event.
pub(super) enum Action {
    Fetch(Box<dyn Link>),
    AskAgent(Request),
    Staple(Assertion),
    Present(Box<dyn FetchedLink>, Assertion),
    /// The page learns this about its terminal session.
    TellPage(SessionReport),
    /// It is over: whoever asked is answered, and what is still under way for it is taken back.
    Finish(Outcome),
}

/// What a request comes to.
pub(super) type Outcome = Result<Fulfilled, RequestFailure>;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fulfilled {
    /// A sign-in.
    SignedIn(SignedIn),
    /// A signature over each document, or why there is none.
    DocumentsSigned(DocumentResults),
    /// A terminal session that is over.
    TerminalSessionEnded,
}

/// The card signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// For the portal.
    pub assertion: Assertion,
    /// Where the card is.
    pub reader: Option<ReaderName>,
}

impl AtDesk {
    pub(super) fn new(source: Source) -> Self {
        Self { label: source.label(), at: At::InLine(source), step: 0, reader: None }
    }

    pub(super) fn phase(&self) -> Phase {
        match &self.at {
            At::InLine(_) => Phase::WaitingInLine,
            At::AskHost(_) => Phase::AskHost,
            At::Fetching => Phase::Fetching,
            At::AskHandOver(_) => Phase::AskHandOver,
            At::Card { doing, pin, .. } => match doing {
                Doing::WaitingForReader => Phase::ConnectReader,
                Doing::WaitingForCard => Phase::InsertCard,
                Doing::Reading => Phase::ReadingCard,
                Doing::Asking(secret) => asking(*secret, *pin),
                Doing::Signing => Phase::Signing,
            },
            At::Session { work, asking: None, .. } => Phase::TerminalAtWork { work: *work },
            At::Session { asking: Some(secret), pin, .. } => asking(*secret, *pin),
            At::ChooseReader { readers, .. } => {
                Phase::ChooseReader { readers: readers.iter().map(ReaderName::to_string).collect() }
            }
            At::Failed { failure, .. } => Phase::Failed { failure: failure.clone() },
            At::Stapling(_) => Phase::Signing,
            At::Sending(_) => Phase::Sending,
            At::Over(shown) => shown.clone().unwrap_or(Phase::Done),
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.at, At::Over(_))
    }

    /// Whether there is something left to see of a request that is over.
    pub(super) const fn is_shown(&self) -> bool {
        !matches!(self.at, At::Over(None))
    }

    /// Takes the request to its next step. An event that does not fit the step, such as a click that came too late,
    /// changes nothing.
    pub(super) fn advance(&mut self, event: Event) -> Option<Action> {
        let before = self.phase();
        let at = std::mem::replace(&mut self.at, At::Over(None));
        let (at, action) = self.next(at, event);
        self.at = at;
        if self.phase() != before {
            self.step = self.step.saturating_add(1);
        }
        action
    }

    fn next(&mut self, at: At, event: Event) -> (At, Option<Action>) {
        match (at, event) {
            // The holder has seen it.
            (At::Over(_), Event::Ended) => (At::Over(None), None),
            (at @ At::Over(_), _) => (at, None),
            (_, Event::Closed(failure)) => closed(failure),
            (At::Failed { failure, .. }, Event::Ended) => finish(None, Err(failure)),
            (_, Event::Ended) => closed(RequestFailure::HolderEnded),
            (At::InLine(source), Event::Begin(standing)) => Self::begin(source, standing),
            (At::AskHost(_) | At::AskHandOver(_), Event::Refused) => closed(RequestFailure::HolderRefused),
            (At::AskHost(link), Event::Agreed) => (At::Fetching, Some(Action::Fetch(link))),
            (At::Fetching, Event::Fetched(Ok(link))) => {
                self.label.says_it_is = Some(link.says_it_is().to_owned());
                self.label.short_code = link.short_code().map(str::to_owned);
                (At::AskHandOver(Wanted::Link(link)), None)
            }
            (At::Fetching, Event::Fetched(Err(failure))) => failed_for_good(failure),
            (At::AskHandOver(Wanted::Page(mut page)), Event::Narrowed(kept)) => {
                page.wish.narrow(kept);
                if let (Some(shown), PageWish::TerminalSession(wish)) = (&mut self.label.disclosure, &page.wish) {
                    shown.rights = wish.session.rights;
                }
                (At::AskHandOver(Wanted::Page(page)), None)
            }
            (At::AskHandOver(wanted), Event::Agreed) => Self::to_card(wanted, ReaderChoice::TheOnlyCard),
            (At::Card { wanted, choice, doing, pin }, Event::Reported(report)) => {
                self.reported(wanted, choice, doing, pin, report)
            }
            (At::Session { work, asking, pin, established }, Event::Reported(report)) => {
                self.reported_in_session(work, asking, pin, established, report)
            }
            (At::ChooseReader { wanted, .. }, Event::ReaderChosen(reader)) => {
                Self::to_card(wanted, ReaderChoice::Reader(reader))
            }
            (At::Failed { wanted, .. }, Event::ReaderChosen(reader)) => {
                Self::to_card(wanted, ReaderChoice::Reader(reader))
            }
            (At::Failed { wanted, choice, .. }, Event::Retried) => Self::to_card(wanted, choice),
            (At::Stapling(Wanted::Link(link)), Event::Stapled(assertion)) => {
                (At::Sending(assertion.clone()), Some(Action::Present(link, assertion)))
            }
            (At::Stapling(Wanted::Page(_)), Event::Stapled(assertion)) => {
                finish(Some(Phase::Done), Ok(self.signed_in(assertion)))
            }
            (At::Sending(assertion), Event::Presented(Ok(()))) => {
                finish(Some(Phase::Done), Ok(self.signed_in(assertion)))
            }
            (At::Sending(_), Event::Presented(Err(failure))) => failed_for_good(failure),
            (at, _) => (at, None),
        }
    }

    fn begin(source: Source, standing: Standing) -> (At, Option<Action>) {
        let barred = match standing {
            Standing::Forbidden => Some(RequestFailure::SiteForbidden),
            Standing::RefusedToday => Some(RequestFailure::RefusedToday),
            Standing::Unknown | Standing::Allowed => None,
        };
        match (source, barred) {
            (Source::Page(_), Some(failure)) => closed(failure),
            // Whoever followed a link is told why nothing comes of it.
            (Source::Link(_), Some(failure)) => failed_for_good(failure),
            (Source::Link(link), None) => (At::AskHost(link), None),
            // Whoever may always sign the holder in may not have him sign documents unasked.
            (Source::Page(page), None) if standing == Standing::Allowed && matches!(page.wish, PageWish::SignIn(_)) => {
                Self::to_card(Wanted::Page(page), ReaderChoice::TheOnlyCard)
            }
            (Source::Page(page), None) => (At::AskHandOver(Wanted::Page(page)), None),
        }
    }

    fn to_card(wanted: Wanted, choice: ReaderChoice) -> (At, Option<Action>) {
        let request = wanted.agent_request(choice.clone());
        (At::Card { wanted, choice, doing: Doing::Reading, pin: None }, Some(Action::AskAgent(request)))
    }

    fn reported(
        &mut self,
        wanted: Wanted,
        choice: ReaderChoice,
        doing: Doing,
        mut pin: Option<PinStatus>,
        report: Report,
    ) -> (At, Option<Action>) {
        let doing = match report {
            Report::Finished(result) => return Self::finished(wanted, choice, result),
            Report::Session(report) => {
                let open = At::Session { work: TerminalWork::Awaited, asking: None, pin, established: false };
                return (open, Some(Action::TellPage(report)));
            }
            Report::Progress(Step::WaitingForReader) => Doing::WaitingForReader,
            Report::Progress(Step::WaitingForCard) => Doing::WaitingForCard,
            Report::Progress(Step::ReaderChosen(reader)) => {
                self.reader = Some(reader);
                Doing::Reading
            }
            Report::Progress(Step::PinStatusKnown(status)) => {
                pin = Some(status);
                Doing::Reading
            }
            Report::Progress(Step::WaitingFor(kind)) => Doing::Asking(secret(kind)),
            Report::Progress(Step::CardRecognised(_) | Step::ChannelOpen | Step::CertificateRead) => Doing::Reading,
            Report::Progress(Step::Signing) => Doing::Signing,
            Report::Progress(_) | Report::Readers(_) => doing,
            _ => doing,
        };
        (At::Card { wanted, choice, doing, pin }, None)
    }

    /// What is told of a session that is open. It cannot be repeated: the page has to begin anew.
    fn reported_in_session(
        &mut self,
        mut work: TerminalWork,
        asking: Option<Secret>,
        pin: Option<PinStatus>,
        mut established: bool,
        report: Report,
    ) -> (At, Option<Action>) {
        let (asking, action) = match report {
            // Where no terminal was let in there is nothing to tell the holder.
            Report::Finished(Ok(_)) => {
                return finish(established.then_some(Phase::Done), Ok(Fulfilled::TerminalSessionEnded));
            }
            Report::Finished(Err(failure)) => return session_failed(established, failure),
            Report::Session(report) => {
                match &report {
                    SessionReport::Terminal(terminal) => {
                        work = TerminalWork::Reading;
                        if let Some(shown) = &mut self.label.disclosure {
                            shown.terminal = Some(terminal.clone());
                        }
                    }
                    SessionReport::Answer(_) => established = self.label.disclosure.as_ref().is_some_and(has_terminal),
                    SessionReport::SignatureAllowed => work = TerminalWork::Signing,
                    SessionReport::Open { .. } | SessionReport::Confirmed | SessionReport::OutOfOrder => {}
                }
                (None, Some(Action::TellPage(report)))
            }
            Report::Progress(Step::WaitingFor(kind)) => (Some(secret(kind)), None),
            _ => (asking, None),
        };
        (At::Session { work, asking, pin, established }, action)
    }

    fn finished(wanted: Wanted, choice: ReaderChoice, result: Result<Answer, Failure>) -> (At, Option<Action>) {
        match (result, wanted) {
            (Ok(Answer::SignedIn(assertion)), wanted) => (At::Stapling(wanted), Some(Action::Staple(assertion))),
            (Ok(Answer::DocumentsSigned(results)), Wanted::Page(_)) => {
                finish(Some(Phase::Done), Ok(Fulfilled::DocumentsSigned(results)))
            }
            // The holder said no at the PIN, or nothing.
            (Err(failure @ (Failure::Cancelled | Failure::HolderSilent)), _) => closed(failure.into()),
            (Err(Failure::SeveralCards { readers }), wanted) if !readers.is_empty() => {
                (At::ChooseReader { wanted, readers }, None)
            }
            (Err(failure), wanted) => (At::Failed { wanted, choice, failure: failure.into() }, None),
            (Ok(_), wanted) => (At::Failed { wanted, choice, failure: Failure::AgentFault.into() }, None),
        }
    }
}

impl AtDesk {
    fn signed_in(&self, assertion: Assertion) -> Fulfilled {
        Fulfilled::SignedIn(SignedIn { assertion, reader: self.reader.clone() })
    }
}

/// It ends, and what the holder sees of it is at most that he was too late.
fn closed(failure: RequestFailure) -> (At, Option<Action>) {
    let is_silence = failure == RequestFailure::Card(Failure::HolderSilent);
    let shown = is_silence.then(|| Phase::Failed { failure: failure.clone() });
    finish(shown, Err(failure))
}

/// A session ends of which the page was told that it is open. When the terminal has what it wanted is not known here: a
/// card that is taken out then, or a page that asks for nothing more, is how sessions end.
fn session_failed(established: bool, failure: Failure) -> (At, Option<Action>) {
    match failure {
        Failure::Cancelled | Failure::HolderSilent => closed(failure.into()),
        Failure::CardRemoved | Failure::TerminalSessionIdle if established => {
            finish(Some(Phase::Done), Err(failure.into()))
        }
        failure => failed_for_good(failure.into()),
    }
}

const fn has_terminal(shown: &TerminalDisclosure) -> bool {
    shown.terminal.is_some()
}

/// It ends with a failure that the holder has not seen yet and that another try does not mend.
fn failed_for_good(failure: RequestFailure) -> (At, Option<Action>) {
    finish(Some(Phase::Failed { failure: failure.clone() }), Err(failure))
}

const fn finish(shown: Option<Phase>, outcome: Outcome) -> (At, Option<Action>) {
    (At::Over(shown), Some(Action::Finish(outcome)))
}

fn asking(secret: Secret, pin: Option<PinStatus>) -> Phase {
    Phase::AgentAsks { secret, tries_left: pin.map(PinStatus::tries_left) }
}

const fn secret(kind: SecretKind) -> Secret {
    match kind {
        SecretKind::Pin => Secret::Pin,
        SecretKind::Pin2 => Secret::Pin2,
        SecretKind::NewPin => Secret::NewPin,
        SecretKind::Can => Secret::Can,
        SecretKind::Puk => Secret::Puk,
        SecretKind::LastTryConfirmation => Secret::LastTry,
        SecretKind::Consent => Secret::Consent,
    }
}
