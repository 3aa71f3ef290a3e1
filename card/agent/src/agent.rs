//! The agent: a thread that carries out card requests one after another, and what others hold of it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use getrandom::SysRng;
use latchkey_reader::{CardPresence, CardReaders, PcscOptions, PcscReaders, ReaderError};
use rand_core::{CryptoRng, UnwrapErr};
use time::OffsetDateTime;

use crate::recording::recorded;
use crate::session::Session;
use crate::terminal_session::{Order, Orders};
use crate::{
    Answer, Cancellation, CardRequest, Failure, Instruction, ReaderReport, RecordingSink, Report, Request, RequestId,
    SecretPrompt,
};

/// Carries out requests: an agent in this process, or one in a process of its own.
pub trait CardAgent: Send + Sync {
    /// Hands a request over. What becomes of it arrives in the exchange.
    fn send(&self, request: Request) -> Exchange;
}

/// Who may touch a card. Requests that need a card are carried out one after another in the order in which they came:
/// there is never more than one question to the holder. Lists of readers and watching them do not wait for those.
///
/// The agent's threads end after the agent and the requests at work are dropped or done.
pub struct Agent {
    jobs: mpsc::Sender<Job>,
    readers: Arc<dyn CardReaders>,
    last_id: AtomicU64,
}

/// What a card session works with: everything that comes from outside.
pub(crate) struct Surroundings {
    pub(crate) readers: Arc<dyn CardReaders>,
    pub(crate) prompt: Box<dyn SecretPrompt>,
    pub(crate) random: Box<dyn CryptoRng + Send>,
    pub(crate) clock: Clock,
}

/// Tells the time, which signatures over documents state.
pub type Clock = fn() -> OffsetDateTime;

/// Where the reports about one request arrive. Dropping it takes the request back.
#[derive(Debug)]
pub struct Exchange {
    id: RequestId,
    reports: mpsc::Receiver<Report>,
    cancellation: Cancellation,
    instructions: Instructions,
}

/// Where a running request takes instructions; only terminal sessions do, and for every other request they are nothing.
/// Clones speak of the same request.
#[derive(Clone)]
pub struct Instructions(Arc<dyn Fn(Instruction) + Send + Sync>);

struct Job {
    request: CardRequest,
    reports: mpsc::Sender<Report>,
    cancellation: Cancellation,
    orders: Orders,
}

impl Agent {
    /// An agent for the readers of the PC/SC service, with the operating system's random numbers.
    ///
    /// # Errors
    /// [`Failure::ServiceFault`] if the operating system gives no thread. That the service does not run is told by the
    /// requests.
    pub fn start_on_pcsc(prompt: Box<dyn SecretPrompt>, clock: Clock) -> Result<Self, Failure> {
        Self::start_on_pcsc_recording(prompt, clock, None)
    }

    /// The same, with everything that is said to cards recorded, blanked, if there is somewhere to keep it.
    ///
    /// # Errors
    /// As [`Agent::start_on_pcsc`].
    pub fn start_on_pcsc_recording(
        prompt: Box<dyn SecretPrompt>,
        clock: Clock,
        recording: Option<Box<dyn RecordingSink>>,
    ) -> Result<Self, Failure> {
        let readers: Arc<dyn CardReaders> = Arc::new(PcscReaders::start(PcscOptions::default())?);
        let readers = match recording {
            Some(sink) => recorded(readers, sink),
            None => readers,
        };
        Self::start(readers, prompt, Box::new(UnwrapErr(SysRng)), clock)
            .map_err(|error| Failure::ServiceFault { reason: error.to_string() })
    }

    /// An agent for these readers that asks through this prompt.
    ///
    /// # Errors
    /// The operating system's, if there can be no thread.
    pub fn start(
        readers: Arc<dyn CardReaders>,
        prompt: Box<dyn SecretPrompt>,
        random: Box<dyn CryptoRng + Send>,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let surroundings = Surroundings { readers: Arc::clone(&readers), prompt, random, clock };
        thread::Builder::new().name("card".into()).spawn(move || work(&queue, surroundings))?;
        Ok(Self { jobs, readers, last_id: AtomicU64::new(0) })
    }
}

impl CardAgent for Agent {
    fn send(&self, request: Request) -> Exchange {
        let id = RequestId(self.last_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1));
        let (reports, arriving) = mpsc::channel();
        let cancellation = Cancellation::default();
        let (sender, receiver) = mpsc::channel();
        let orders = Orders { sender: sender.clone(), receiver };
        let instructions = Instructions::new(move |instruction| {
            if sender.send(Order::Carry(instruction)).is_err() {
                tracing::debug!("an instruction came after the end");
            }
        });
        let exchange = Exchange::new(id, arriving, cancellation.clone()).with_instructions(instructions);
        let readers = Arc::clone(&self.readers);
        match request {
            Request::ListReaders => beside("readers", move || {
                tell(&reports, Report::Finished(list(&*readers).map_err(Failure::from)));
            }),
            Request::WatchReaders => beside("reader events", move || watch(&*readers, &reports, &cancellation)),
            Request::OfCard(request) => {
                // If the worker is gone the job is dropped with its sender, which the exchange notices.
                if self.jobs.send(Job { request, reports, cancellation, orders }).is_err() {
                    tracing::error!("the agent's thread has ended");
                }
            }
        }
        exchange
    }
}

impl Exchange {
    /// The exchange about request `id`, which takes no instructions: for implementations of [`CardAgent`].
    /// `cancellation` takes the request back.
    #[must_use]
    pub fn new(id: RequestId, reports: mpsc::Receiver<Report>, cancellation: Cancellation) -> Self {
        Self { id, reports, cancellation, instructions: Instructions::none() }
    }

    /// The same about a request that takes instructions there.
    #[must_use]
    pub fn with_instructions(mut self, instructions: Instructions) -> Self {
        self.instructions = instructions;
        self
    }

    /// Which request this is about.
    #[must_use]
    pub const fn id(&self) -> RequestId {
        self.id
    }

    /// Waits for the next report. After [`Report::Finished`] it is [`Failure::AgentStopped`] for ever.
    #[must_use]
    pub fn next(&self) -> Report {
        self.reports.recv().unwrap_or(Report::Finished(Err(Failure::AgentStopped)))
    }

    /// Waits for the end and tells `progress` the steps until then.
    ///
    /// # Errors
    /// Why the request failed.
    pub fn finish(self, mut progress: impl FnMut(&Report)) -> Result<Answer, Failure> {
        loop {
            match self.next() {
                Report::Finished(result) => return result,
                report => progress(&report),
            }
        }
    }

    /// What takes the request back: for whoever does not hold the exchange, such as a signal handler.
    #[must_use]
    pub fn cancellation(&self) -> Cancellation {
        self.cancellation.clone()
    }

    /// Where the request takes instructions: for whoever does not hold the exchange.
    #[must_use]
    pub fn instructions(&self) -> Instructions {
        self.instructions.clone()
    }
}

impl Instructions {
    /// Instructions that are handed to `give`.
    pub fn new(give: impl Fn(Instruction) + Send + Sync + 'static) -> Self {
        Self(Arc::new(give))
    }

    /// Instructions that lead nowhere: of a request that takes none.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| ())
    }

    /// Hands an instruction over. What becomes of it is reported; after the end it is nothing.
    pub fn give(&self, instruction: Instruction) {
        (self.0)(instruction);
    }
}

impl fmt::Debug for Instructions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Instructions")
    }
}

/// Nobody waits for what becomes of the request any more: it is taken back.
impl Drop for Exchange {
    fn drop(&mut self) {
        self.cancellation.cancel();
    }
}

fn work(queue: &mpsc::Receiver<Job>, mut surroundings: Surroundings) {
    for Job { request, reports, cancellation, orders } in queue {
        let result = if cancellation.is_cancelled() {
            Err(Failure::Cancelled)
        } else {
            Session::new(&mut surroundings, &reports, &cancellation, &orders).carry_out(request)
        };
        if let Err(failure) = &result {
            tracing::info!(code = failure.code(), "the request failed");
        }
        tell(&reports, Report::Finished(result));
    }
}

fn list(readers: &dyn CardReaders) -> Result<Answer, ReaderError> {
    let reports = readers
        .list()?
        .into_iter()
        .map(|state| ReaderReport { name: state.name, card: state.presence != CardPresence::Absent })
        .collect();
    Ok(Answer::Readers(reports))
}

fn watch(readers: &dyn CardReaders, reports: &mpsc::Sender<Report>, cancellation: &Cancellation) {
    let events = readers.subscribe();
    // The loop below may wait for its next event for ever; whoever cancelled is answered at once.
    let last = reports.clone();
    cancellation.on_cancel(move || tell(&last, Report::Finished(Err(Failure::Cancelled))));
    for event in events {
        if cancellation.is_cancelled() || reports.send(Report::Readers(event)).is_err() {
            return;
        }
    }
    tell(reports, Report::Finished(Err(Failure::AgentStopped)));
}

/// Runs something that needs no card on a thread of its own. Without a thread, the exchange finds its sender dropped.
pub(crate) fn beside(name: &str, work: impl FnOnce() + Send + 'static) {
    if let Err(error) = thread::Builder::new().name(name.into()).spawn(work) {
        tracing::error!(%error, "there can be no thread");
    }
}

pub(crate) fn tell(reports: &mpsc::Sender<Report>, report: Report) {
    if reports.send(report).is_err() {
        tracing::debug!("nobody waits for the report any more");
    }
}
