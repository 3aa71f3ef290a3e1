//! My card: what the holder does with his own card.

use std::sync::Arc;
use std::time::Duration;

use latchkey_agent::{
    AfterUnblocking, Answer, Cancellation, CardContents, CardRequest, CardStatus, CardTask, DeactivateWith, Failure,
    PinStatus, ReaderChoice, ReaderEvent, ReaderName, Report, Request, SecretKind, Step,
};
use time::OffsetDateTime;

use super::readers::shown;
use super::snapshot::{self, CardTaskName, CardView, Phase, Secret};
use super::{Shared, contents};
use crate::texts::Texts;
use crate::wording::card_model;

/// What is known of the card, and what is being done with it.
#[derive(Debug, Default)]
pub(super) struct MyCard {
    /// Whether the holder wants to see his card: then one that is inserted is looked at.
    attended: bool,
    /// The reader that the holder chose among several with cards.
    chosen: Option<ReaderName>,
    status: Option<CardStatus>,
    contents: Option<CardContents>,
    at_work: Option<AtWork>,
    /// Whether a card was inserted while the readers were being looked at, perhaps too late to be seen.
    came_meanwhile: bool,
    result: Option<(CardTaskName, Option<Failure>)>,
    last_number: u64,
}

#[derive(Debug)]
struct AtWork {
    number: u64,
    task: CardTaskName,
    progress: Progress,
    cancellation: Cancellation,
}

/// How far a task is.
#[derive(Debug)]
enum Progress {
    /// Several readers hold cards: the holder chooses.
    Choice(Vec<ReaderName>),
    Reading,
    Asks(SecretKind, Option<u8>),
}

impl MyCard {
    pub(super) fn view(&self, texts: &Texts, now: OffsetDateTime) -> CardView {
        CardView {
            status: self.status.as_ref().map(|status| snapshot::CardStatus {
                reader: shown(&status.reader),
                model: card_model(texts, status.model),
                pin: pin(status.pin),
            }),
            contents: self.contents.as_ref().map(|contents| contents::view(contents, texts, now)),
            task: self.at_work.as_ref().map(|work| work.task),
            phase: self.at_work.as_ref().map(|work| work.progress.phase()),
            result: self.result.as_ref().map(|(task, failure)| snapshot::CardResult {
                task: *task,
                failure: failure.as_ref().map(|failure| snapshot::Failure::of(failure, texts)),
            }),
        }
    }

    pub(super) const fn is_at_work(&self) -> bool {
        self.at_work.is_some()
    }

    /// Forgets everything about the card and takes back what is being done.
    pub(super) fn forget(&mut self) {
        self.cancel();
        *self = Self { last_number: self.last_number, ..Self::default() };
    }

    /// Takes back what is being done; if nothing is, puts away what the last task came to.
    pub(super) fn cancel(&mut self) {
        match &self.at_work {
            None => self.result = None,
            // Nothing runs that would notice.
            Some(AtWork { progress: Progress::Choice(_), .. }) => self.at_work = None,
            Some(work) => work.cancellation.cancel(),
        }
    }

    fn removed(&mut self, is_gone: impl Fn(&ReaderName) -> bool) {
        if self.status.as_ref().is_some_and(|status| is_gone(&status.reader)) {
            self.status = None;
            self.result = None;
        }
        if self.contents.as_ref().is_some_and(|contents| is_gone(&contents.reader)) {
            self.contents = None;
        }
        if self.chosen.as_ref().is_some_and(&is_gone) {
            self.chosen = None;
        }
        if let Some((CardTaskName::Look, _)) = self.result {
            self.result = None;
        }
        if let Some(AtWork { progress: Progress::Choice(readers), .. }) = &mut self.at_work {
            readers.retain(|reader| !is_gone(reader));
        }
    }

    /// The work of that number, if it was not put away meanwhile.
    fn work(&mut self, number: u64) -> Option<&mut AtWork> {
        self.at_work.as_mut().filter(|work| work.number == number)
    }

    fn reach(&mut self, number: u64, progress: Progress) {
        if let Some(work) = self.work(number) {
            work.progress = progress;
        }
    }

    fn begin(&mut self, task: CardTaskName) -> Assignment {
        self.last_number = self.last_number.wrapping_add(1);
        self.result = None;
        self.came_meanwhile = false;
        let cancellation = Cancellation::default();
        self.at_work = Some(AtWork {
            number: self.last_number,
            task,
            progress: Progress::Reading,
            cancellation: cancellation.clone(),
        });
        let reader = self.chosen.clone().map_or(ReaderChoice::TheOnlyCard, ReaderChoice::Reader);
        Assignment { number: self.last_number, task, reader, cancellation }
    }
}

impl Progress {
    fn phase(&self) -> Phase {
        match self {
            Self::Choice(readers) => Phase::ChooseReader { readers: readers.iter().map(shown).collect() },
            Self::Reading => Phase::ReadingCard,
            Self::Asks(kind, tries_left) => Phase::AgentAsks { secret: secret(*kind), tries_left: *tries_left },
        }
    }
}

/// What a thread is started with.
struct Assignment {
    number: u64,
    task: CardTaskName,
    reader: ReaderChoice,
    cancellation: Cancellation,
}

/// The holder wants something of his card. While something is being done nothing else is begun.
pub(super) fn begin(shared: &Arc<Shared>, task: CardTaskName) {
    let assignment = shared.change(|state| {
        state.card.attended = true;
        let is_free = state.card.at_work.is_none();
        // Without a card the list of readers says all there is to say.
        let has_nothing_to_see = task == CardTaskName::Look && state.readers.are_empty();
        if has_nothing_to_see && is_free {
            state.card.result = None;
        }
        (is_free && !has_nothing_to_see).then(|| state.card.begin(task))
    });
    if let Some(assignment) = assignment {
        assign(shared, assignment);
    }
}

/// The holder says which of several cards he means.
pub(super) fn choose_reader(shared: &Arc<Shared>, reader: &str) {
    let assignment = shared.change(|state| {
        let AtWork { task, progress: Progress::Choice(readers), .. } = state.card.at_work.as_ref()? else {
            return None;
        };
        let reader = readers.iter().find(|name| shown(name) == reader)?.clone();
        let task = *task;
        state.card.chosen = Some(reader);
        Some(state.card.begin(task))
    });
    if let Some(assignment) = assignment {
        assign(shared, assignment);
    }
}

/// A reader or a card came or went.
pub(super) fn noticed(shared: &Arc<Shared>, event: &ReaderEvent) {
    match event {
        ReaderEvent::CardRemoved { reader, .. } | ReaderEvent::ReaderVanished(reader) => {
            shared.change(|state| state.card.removed(|name| name == reader));
        }
        ReaderEvent::ServiceDown => shared.change(|state| state.card.removed(|_| true)),
        ReaderEvent::CardInserted { .. } => {
            let assignment = shared.change(|state| {
                let card = &mut state.card;
                card.came_meanwhile = card.at_work.as_ref().is_some_and(|work| work.task == CardTaskName::Look);
                let is_wanted = card.attended && card.at_work.is_none() && card.status.is_none();
                (is_wanted && !state.requests.are_at_work()).then(|| card.begin(CardTaskName::Look))
            });
            if let Some(assignment) = assignment {
                assign(shared, assignment);
            }
        }
        _ => {}
    }
}

/// Nobody tells any more whether the card is still there: what is known of it, and of its holder, may be another's.
pub(super) fn lost_sight(shared: &Arc<Shared>) {
    shared.change(|state| {
        state.card.status = None;
        state.card.contents = None;
    });
}

fn assign(shared: &Arc<Shared>, assignment: Assignment) {
    let number = assignment.number;
    let worker = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("my card".into()).spawn(move || carry_out(&worker, assignment));
    if let Err(error) = thread {
        tracing::error!(%error, "there can be no thread");
        shared.change(|state| end(state, number, Some(Failure::AgentStopped)));
    }
}

fn carry_out(shared: &Arc<Shared>, assignment: Assignment) {
    let Assignment { number, task, reader, cancellation } = assignment;
    let request = |task, reader| Request::OfCard(CardRequest { reader, patience: Duration::ZERO, task });
    shared.desk.make_way();
    let exchange = shared.agent.send(request(card_task(task), reader.clone()));
    let taking_back = exchange.cancellation();
    cancellation.on_cancel(move || taking_back.cancel());
    let mut seen = Seen::default();
    let result = exchange.finish(|report| {
        if let Report::Progress(step) = report
            && let Some(progress) = seen.step(step)
        {
            shared.change(|state| state.card.reach(number, progress));
        }
    });
    if let Err(Failure::SeveralCards { readers }) = result {
        return shared.change(|state| state.card.reach(number, Progress::Choice(readers)));
    }
    // What the card says of its PIN now: tries were spent or given back. It is the same card only in the same reader.
    let status = match (&result, seen.reader) {
        (Ok(Answer::CardStatus(status)), _) => Some(status.clone()),
        (_, Some(reader)) if !cancellation.is_cancelled() || task != CardTaskName::Look => {
            let exchange = shared.agent.send(request(CardTask::Status, ReaderChoice::Reader(reader)));
            exchange.finish(|_| ()).ok().and_then(|answer| match answer {
                Answer::CardStatus(status) => Some(status),
                _ => None,
            })
        }
        _ => None,
    };
    let again = shared.change(|state| {
        let is_there = |reader: &ReaderName| state.readers.hold_card_in(reader);
        let status = status.filter(|status| is_there(&status.reader));
        let (contents, failure) = match result {
            Ok(Answer::Card(contents)) => (Some(contents).filter(|contents| is_there(&contents.reader)), None),
            Ok(_) => (None, None),
            Err(failure) => (None, Some(failure)),
        };
        // Whoever closed the window wants to see nothing of it when he opens it again.
        state.card.work(number)?;
        state.card.status = status;
        if contents.is_some() || state.card.status.is_none() {
            state.card.contents = contents;
        }
        end(state, number, failure);
        let was_missed = state.card.came_meanwhile && state.card.status.is_none();
        (was_missed && !state.requests.are_at_work()).then(|| state.card.begin(CardTaskName::Look))
    });
    if let Some(assignment) = again {
        assign(shared, assignment);
    }
}

fn end(state: &mut super::state::State, number: u64, failure: Option<Failure>) {
    let Some(work) = state.card.at_work.take_if(|work| work.number == number) else { return };
    let has_nothing_to_say = match (&failure, work.task) {
        (Some(Failure::Cancelled), _) => true,
        // The list of readers says it.
        (
            Some(Failure::NoCard | Failure::NoReader | Failure::CardRemoved | Failure::ReaderGone),
            CardTaskName::Look,
        ) => true,
        (None, CardTaskName::Look | CardTaskName::Read) => true,
        _ => false,
    };
    state.card.result = (!has_nothing_to_say).then_some((work.task, failure));
}

/// What a task's reports said so far.
#[derive(Default)]
struct Seen {
    reader: Option<ReaderName>,
    tries_left: Option<u8>,
}

impl Seen {
    /// How far the task is with that step; `None` if it shows nothing new.
    fn step(&mut self, step: &Step) -> Option<Progress> {
        match step {
            Step::ReaderChosen(reader) => self.reader = Some(reader.clone()),
            Step::PinStatusKnown(status) => self.tries_left = Some(status.tries_left()),
            Step::WaitingFor(kind @ (SecretKind::Pin2 | SecretKind::NewPin | SecretKind::Puk)) => {
                return Some(Progress::Asks(*kind, None));
            }
            Step::WaitingFor(kind) => return Some(Progress::Asks(*kind, self.tries_left)),
            Step::ChannelOpen => return Some(Progress::Reading),
            _ => {}
        }
        None
    }
}

const fn card_task(task: CardTaskName) -> CardTask {
    match task {
        CardTaskName::Look => CardTask::Status,
        CardTaskName::Read => CardTask::ReadCertificates,
        CardTaskName::ChangePin => CardTask::ChangePin,
        CardTaskName::UnblockPin => CardTask::UnblockPin(AfterUnblocking::KeepPin),
        CardTaskName::UnblockWithNewPin => CardTask::UnblockPin(AfterUnblocking::NewPin),
        CardTaskName::ActivatePin => CardTask::ActivatePin,
        CardTaskName::DeactivateWithPin => CardTask::DeactivatePin(DeactivateWith::Pin),
        CardTaskName::DeactivateWithPuk => CardTask::DeactivatePin(DeactivateWith::Puk),
    }
}

pub(super) const fn secret(kind: SecretKind) -> Secret {
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

const fn pin(status: PinStatus) -> snapshot::PinStatus {
    match status {
        PinStatus::Usable { tries_left } => snapshot::PinStatus::Usable { tries_left },
        PinStatus::Suspended => snapshot::PinStatus::Suspended,
        PinStatus::Blocked => snapshot::PinStatus::Blocked,
        PinStatus::Deactivated => snapshot::PinStatus::Deactivated,
    }
}
