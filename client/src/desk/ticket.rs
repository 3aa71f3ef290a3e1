//! What a page holds of its request.

use latchkey_agent::{Instruction, SessionReport};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};

use super::request::{Event, Outcome};
use super::work::Message;
use super::{Phase, RequestFailure, RequestNumber};

/// A page's request at the desk. Dropped, it takes the request back: the card is reset and the line goes on.
#[derive(Debug)]
pub struct PageTicket {
    number: RequestNumber,
    messages: mpsc::WeakUnboundedSender<Message>,
    outcome: oneshot::Receiver<Outcome>,
    progress: watch::Receiver<Progress>,
    session: mpsc::UnboundedReceiver<SessionReport>,
}

/// What a page learns of its request while it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Counts the changes.
    pub step: u32,
    /// How far the request is.
    pub phase: ProgressPhase,
}

/// How far a request is, as far as it concerns a page: not what the holder is asked for, nor what his card says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProgressPhase {
    /// Others are served first.
    WaitingInLine,
    /// The holder is asked whether to hand over what the page wants.
    AskingHolder,
    /// The holder agreed: card and PIN.
    Card,
    /// The card signs.
    Signing,
    /// It is over, well or not.
    Done,
}

/// The desk's part of a ticket.
#[derive(Debug)]
pub(super) struct Counterfoil {
    outcome: oneshot::Sender<Outcome>,
    progress: watch::Sender<Progress>,
    session: mpsc::UnboundedSender<SessionReport>,
}

pub(super) fn issue(number: RequestNumber, messages: mpsc::WeakUnboundedSender<Message>) -> (PageTicket, Counterfoil) {
    let (tell_outcome, outcome) = oneshot::channel();
    let (tell_progress, progress) = watch::channel(Progress { step: 0, phase: ProgressPhase::WaitingInLine });
    let (tell_session, session) = mpsc::unbounded_channel();
    let ticket = PageTicket { number, messages, outcome, progress, session };
    (ticket, Counterfoil { outcome: tell_outcome, progress: tell_progress, session: tell_session })
}

impl PageTicket {
    /// Which request it is.
    #[must_use]
    pub const fn number(&self) -> RequestNumber {
        self.number
    }

    /// Waits until the request is over. To be asked once.
    ///
    /// # Errors
    /// Why the request came to nothing.
    pub async fn outcome(&mut self) -> Outcome {
        (&mut self.outcome).await.unwrap_or(Err(RequestFailure::Stopping))
    }

    /// Waits for what is told next of a terminal session. After the end there is nothing to wait for.
    ///
    /// # Errors
    /// Why the session ended, or did not come about.
    pub async fn session_report(&mut self) -> Result<SessionReport, RequestFailure> {
        tokio::select! {
            // What was told before the end comes before it.
            biased;
            Some(report) = self.session.recv() => Ok(report),
            outcome = &mut self.outcome => match outcome {
                Ok(Err(failure)) => Err(failure),
                Ok(Ok(_)) => Err(RequestFailure::HolderEnded),
                Err(_closed) => Err(RequestFailure::Stopping),
            },
        }
    }

    /// What is to be done next in a terminal session.
    pub fn instruct(&self, instruction: Instruction) {
        // Without a desk there is no session.
        if let Some(messages) = self.messages.upgrade() {
            messages.send(Message::Instruct(self.number, instruction)).ok();
        }
    }

    /// How far it is, now and after every change.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }
}

impl Drop for PageTicket {
    fn drop(&mut self) {
        // Without a desk there is nothing to take back.
        if let Some(messages) = self.messages.upgrade() {
            messages.send(Message::Happened(self.number, Event::Closed(RequestFailure::TakenBack))).ok();
        }
    }
}

impl Counterfoil {
    pub(super) fn tell(&self, phase: &Phase) {
        let phase = ProgressPhase::of(phase);
        self.progress.send_if_modified(|progress| {
            let changed = progress.phase != phase;
            if changed {
                *progress = Progress { step: progress.step.saturating_add(1), phase };
            }
            changed
        });
    }

    pub(super) fn tell_of_session(&self, report: SessionReport) {
        if self.session.send(report).is_err() {
            tracing::debug!("the page is gone");
        }
    }

    pub(super) fn finish(self, outcome: Outcome) {
        self.tell(&Phase::Done);
        if self.outcome.send(outcome).is_err() {
            tracing::debug!("the page is gone");
        }
    }
}

impl ProgressPhase {
    const fn of(phase: &Phase) -> Self {
        match phase {
            Phase::WaitingInLine => Self::WaitingInLine,
            Phase::AskHost | Phase::Fetching | Phase::AskHandOver => Self::AskingHolder,
            Phase::ConnectReader
            | Phase::InsertCard
            | Phase::ChooseReader { .. }
            | Phase::ReadingCard
            | Phase::AgentAsks { .. }
            | Phase::Failed { .. } => Self::Card,
            Phase::Signing | Phase::Sending | Phase::TerminalAtWork { .. } => Self::Signing,
            Phase::Done => Self::Done,
        }
    }
}
