//! The desk at work: one task takes what happens, in its order, and has done what follows from it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use latchkey_agent::{Cancellation, CardAgent, Failure, Instruction, Instructions, Report, Request, Step};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::line::{Actions, Line};
use super::request::{Action, Event};
use super::source::Source;
use super::ticket::Counterfoil;
use super::{DeskView, RequestNumber, Sites};
use crate::sign_in::status::Stapler;

/// What the desk is told.
pub(super) enum Message {
    Submit(RequestNumber, Source, Option<Counterfoil>),
    Happened(RequestNumber, Event),
    HolderActed(RequestNumber),
    /// What the page wants done next in its terminal session.
    Instruct(RequestNumber, Instruction),
    /// The holder wants the card for something else.
    MakeWay,
    /// Of the errand of that number.
    Errand(u64, RequestNumber, Event),
    Stop,
}

/// What requests are carried out with.
pub(super) struct Means {
    /// Who may touch a card.
    pub(super) agent: Arc<dyn CardAgent>,
    /// What adds to assertions, if anything does.
    pub(super) stapler: Option<Stapler>,
}

struct Clerk {
    means: Means,
    messages: mpsc::WeakUnboundedSender<Message>,
    line: Line,
    counterfoils: HashMap<RequestNumber, Counterfoil>,
    errand: Option<Errand>,
    last_errand: u64,
}

/// Something that is under way for the request at work. Dropped, it is taken back.
struct Errand {
    number: u64,
    request: RequestNumber,
    taken_back: TakeBack,
}

enum TakeBack {
    /// With where instructions go, as soon as the agent has the request.
    Agent(Cancellation, Arc<OnceLock<Instructions>>),
    Network(AbortHandle),
}

/// Works until nobody can come to the desk any more.
pub(super) async fn work(
    means: Means,
    sites: Arc<dyn Sites>,
    messages: mpsc::WeakUnboundedSender<Message>,
    mut arriving: mpsc::UnboundedReceiver<Message>,
    shown: watch::Sender<Arc<DeskView>>,
) {
    let (counterfoils, line) = (HashMap::new(), Line::new(sites));
    let mut clerk = Clerk { means, messages, line, counterfoils, errand: None, last_errand: 0 };
    loop {
        let wake = clerk.line.next_wake(Instant::now());
        let message = tokio::select! {
            message = arriving.recv() => match message {
                Some(message) => Some(message),
                None => break,
            },
            () = sleep_until(wake) => None,
        };
        let now = Instant::now();
        let actions = match message {
            Some(message) => clerk.take(now, message),
            None => clerk.line.pass(now),
        };
        clerk.carry_out(actions);
        clerk.show(now, &shown);
    }
    let actions = clerk.line.stop();
    clerk.carry_out(actions);
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

impl Clerk {
    fn take(&mut self, now: Instant, message: Message) -> Actions {
        match message {
            Message::Submit(number, source, counterfoil) => {
                tracing::info!(number = number.0, "a request arrived");
                if let Some(counterfoil) = counterfoil {
                    self.counterfoils.insert(number, counterfoil);
                }
                self.line.submit(now, number, source)
            }
            Message::Happened(number, event) => self.line.happened(now, number, event),
            Message::HolderActed(number) => {
                self.line.holder_acted(now, number);
                Actions::new()
            }
            Message::MakeWay => self.line.make_way(now),
            Message::Instruct(number, instruction) => {
                self.line.driven(now, number);
                if let Some(Errand { taken_back: TakeBack::Agent(_, instructions), .. }) =
                    self.errand.as_ref().filter(|errand| errand.request == number)
                    && let Some(instructions) = instructions.get()
                {
                    instructions.give(instruction);
                }
                Actions::new()
            }
            Message::Errand(errand, number, event) => {
                // What an errand that was taken back still says concerns nobody.
                if self.errand.as_ref().is_none_or(|current| current.number != errand) {
                    return Actions::new();
                }
                if matches!(event, Event::Reported(Report::Progress(Step::HolderActive))) {
                    self.line.holder_acted(now, number);
                }
                self.line.happened(now, number, event)
            }
            Message::Stop => self.line.stop(),
        }
    }

    fn carry_out(&mut self, actions: Actions) {
        for (request, action) in actions {
            match action {
                Action::AskAgent(message) => self.ask_agent(request, message),
                Action::Fetch(link) => {
                    let work = link.fetch();
                    self.go_online(request, async move { Event::Fetched(work.await) });
                }
                Action::Staple(assertion) => {
                    let stapler = self.means.stapler.clone();
                    self.go_online(request, async move {
                        Event::Stapled(match stapler {
                            Some(stapler) => stapler.staple(assertion).await,
                            None => assertion,
                        })
                    });
                }
                Action::Present(link, assertion) => {
                    let work = link.present(assertion);
                    self.go_online(request, async move { Event::Presented(work.await) });
                }
                Action::TellPage(report) => {
                    if let Some(counterfoil) = self.counterfoils.get(&request) {
                        counterfoil.tell_of_session(report);
                    }
                }
                Action::Finish(outcome) => {
                    self.errand.take_if(|errand| errand.request == request);
                    let code = outcome.as_ref().map_or_else(|failure| failure.code(), |_| "signed-in");
                    tracing::info!(number = request.0, code, "a request is over");
                    if let Some(counterfoil) = self.counterfoils.remove(&request) {
                        counterfoil.finish(outcome);
                    }
                }
            }
        }
    }

    fn ask_agent(&mut self, request: RequestNumber, message: Request) {
        let (agent, messages) = (Arc::clone(&self.means.agent), self.messages.clone());
        let taken_back = Cancellation::default();
        let instructions = Arc::new(OnceLock::new());
        let number = self.set_out(request, TakeBack::Agent(taken_back.clone(), Arc::clone(&instructions)));
        // The agent's side of an exchange is waited for by a thread.
        tokio::task::spawn_blocking(move || {
            let tell = |report| {
                if let Some(messages) = messages.upgrade() {
                    messages.send(Message::Errand(number, request, Event::Reported(report))).ok();
                }
            };
            if taken_back.is_cancelled() {
                return tell(Report::Finished(Err(Failure::Cancelled)));
            }
            let exchange = agent.send(message);
            // Nobody else sets it.
            instructions.set(exchange.instructions()).ok();
            let cancellation = exchange.cancellation();
            taken_back.on_cancel(move || cancellation.cancel());
            let result = exchange.finish(|report| tell(report.clone()));
            tell(Report::Finished(result));
        });
    }

    fn go_online(&mut self, request: RequestNumber, work: impl Future<Output = Event> + Send + 'static) {
        let messages = self.messages.clone();
        let number = self.last_errand.wrapping_add(1);
        let task = tokio::spawn(async move {
            let event = work.await;
            if let Some(messages) = messages.upgrade() {
                messages.send(Message::Errand(number, request, event)).ok();
            }
        });
        self.set_out(request, TakeBack::Network(task.abort_handle()));
    }

    fn set_out(&mut self, request: RequestNumber, taken_back: TakeBack) -> u64 {
        self.last_errand = self.last_errand.wrapping_add(1);
        self.errand = Some(Errand { number: self.last_errand, request, taken_back });
        self.last_errand
    }

    fn show(&self, now: Instant, shown: &watch::Sender<Arc<DeskView>>) {
        let view = self.line.view(now);
        for request in &view.requests {
            if let Some(counterfoil) = self.counterfoils.get(&request.id) {
                counterfoil.tell(&request.phase);
            }
        }
        shown.send_if_modified(|before| {
            let changed = **before != view;
            if changed {
                *before = Arc::new(view);
            }
            changed
        });
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        match &self.taken_back {
            TakeBack::Agent(cancellation, _) => cancellation.cancel(),
            TakeBack::Network(task) => task.abort(),
        }
    }
}
