//! The near side: an agent in a process of its own, as a [`CardAgent`].

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{self, BufReader};
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::frame::WireFault;
use super::message::{FromAgent, ToAgent};
use super::program::{AgentProgram, Appearance};
use crate::agent::tell;
use crate::{Cancellation, CardAgent, Exchange, Failure, Instruction, Instructions, Report, Request, RequestId};

/// An agent in a process of its own. The process is started by the first request that needs it and ends a minute after
/// the last one, or with this value; if it dies, every open request fails with [`Failure::AgentStopped`] and the next
/// one starts another.
#[derive(Debug)]
pub struct AgentProcess {
    near: Arc<Near>,
}

#[derive(Debug)]
struct Near {
    program: AgentProgram,
    linger: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    appearance: Appearance,
    last_request: u64,
    line: Option<Arc<Line>>,
}

/// The connection to one process.
#[derive(Debug)]
struct Line {
    process_id: u32,
    orders: mpsc::Sender<Order>,
    /// Where reports go; nothing once the process is not to be asked any more.
    open: Mutex<Option<HashMap<RequestId, mpsc::Sender<Report>>>>,
    /// Hung up when the process is gone.
    presence: Mutex<mpsc::Receiver<Infallible>>,
}

/// What the courier carries to the process.
#[derive(Debug)]
enum Order {
    Tell(ToAgent),
    /// Nothing is open any more: the process may end soon.
    Idle,
}

impl AgentProcess {
    /// An agent by this program. Nothing is started yet.
    #[must_use]
    pub fn new(program: AgentProgram, appearance: Appearance) -> Self {
        Self::lingering(program, appearance, LINGER)
    }

    /// The same, with a process that ends that long after its last request.
    #[must_use]
    pub fn lingering(program: AgentProgram, appearance: Appearance, linger: Duration) -> Self {
        let state = Mutex::new(State { appearance, ..State::default() });
        Self { near: Arc::new(Near { program, linger, state }) }
    }

    /// How windows look from the next process on. An idle process ends for it at once.
    pub fn set_appearance(&self, appearance: Appearance) {
        let mut state = self.near.state();
        if state.appearance == appearance {
            return;
        }
        state.appearance = appearance;
        if let Some(line) = state.line.take_if(|line| line.close_if_idle()) {
            line.tell(ToAgent::End);
        }
    }

    /// Takes every request back and ends the process. The next request starts another.
    pub fn stop(&self) {
        if let Some(line) = self.near.state().line.take() {
            line.tell(ToAgent::End);
        }
    }

    /// Ends the process, if there is one, and waits until it is gone; not while something is asked of it. Says whether
    /// there is none now.
    #[must_use]
    pub fn stop_if_idle(&self) -> bool {
        let mut state = self.near.state();
        let Some(line) = &state.line else { return true };
        if line.close_if_idle() {
            line.tell(ToAgent::End);
        } else if line.open().is_some() {
            return false;
        }
        let line = state.line.take();
        drop(state);
        line.is_none_or(|line| line.is_gone())
    }

    /// The number that the operating system knows the process by, while there is one.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.near.state().line.as_ref().filter(|line| line.open().is_some()).map(|line| line.process_id)
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        self.stop();
    }
}

impl CardAgent for AgentProcess {
    fn send(&self, request: Request) -> Exchange {
        let (reports, arriving) = mpsc::channel();
        let cancellation = Cancellation::default();
        let mut state = self.near.state();
        state.last_request = state.last_request.wrapping_add(1);
        let id = RequestId(state.last_request);
        let exchange = Exchange::new(id, arriving, cancellation.clone());
        match self.near.line(&mut state, id, &reports) {
            Ok(line) => {
                line.tell(ToAgent::Request(id, request));
                let instructed = Arc::clone(&line);
                let instructions = Instructions::new(move |instruction| instructed.instruct(id, instruction));
                cancellation.on_cancel(move || line.cancel(id));
                return exchange.with_instructions(instructions);
            }
            Err(error) => {
                tracing::error!(%error, "the agent's program cannot be started");
                tell(&reports, Report::Finished(Err(Failure::AgentMissing { reason: error.to_string() })));
            }
        }
        exchange
    }
}

impl Near {
    /// The line on which this request is admitted: the one there is, or one to a new process.
    fn line(&self, state: &mut State, id: RequestId, reports: &mpsc::Sender<Report>) -> io::Result<Arc<Line>> {
        if let Some(line) = &state.line
            && line.admit(id, reports)
        {
            return Ok(Arc::clone(line));
        }
        let line = open_line(&self.program, state.appearance, self.linger, id, reports)?;
        state.line = Some(Arc::clone(&line));
        Ok(line)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a process with its two threads: one writes to it, one reads from it and sees it end.
fn open_line(
    program: &AgentProgram,
    appearance: Appearance,
    linger: Duration,
    id: RequestId,
    reports: &mpsc::Sender<Report>,
) -> io::Result<Arc<Line>> {
    let mut child = program.command(appearance).spawn()?;
    let no_pipe = || io::Error::from(io::ErrorKind::BrokenPipe);
    let (input, output) = child.stdin.take().zip(child.stdout.take()).ok_or_else(no_pipe)?;
    let (orders, waiting) = mpsc::channel();
    let open = Mutex::new(Some(HashMap::from([(id, reports.clone())])));
    let (present, presence) = mpsc::channel();
    let line = Arc::new(Line { process_id: child.id(), orders, open, presence: Mutex::new(presence) });
    let (to, from) = (Arc::clone(&line), Arc::clone(&line));
    // Whichever thread cannot be had, the process sees its pipe closed and ends.
    thread::Builder::new().name("to agent".into()).spawn(move || carry(&waiting, input, &to, linger))?;
    thread::Builder::new().name("from agent".into()).spawn(move || {
        let _present = present;
        listen(child, output, &from);
    })?;
    Ok(line)
}

/// Carries orders to the process until it has been idle for long enough.
fn carry(orders: &mpsc::Receiver<Order>, mut input: ChildStdin, line: &Line, linger: Duration) {
    let mut patience = Duration::MAX;
    loop {
        let message = match orders.recv_timeout(patience) {
            Ok(Order::Idle) => {
                patience = linger;
                continue;
            }
            Ok(Order::Tell(message)) => message,
            Err(RecvTimeoutError::Timeout) if line.close_if_idle() => ToAgent::End,
            Err(RecvTimeoutError::Timeout) => {
                patience = Duration::MAX;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        patience = Duration::MAX;
        // That the process is gone is told by the thread that reads from it.
        if message.write(&mut input).is_err() || matches!(message, ToAgent::End) {
            return;
        }
    }
}

/// Hands reports on until the process ends or breaks the protocol, and sees to it that it is gone then.
fn listen(mut child: Child, output: ChildStdout, line: &Line) {
    let mut output = BufReader::new(output);
    let ended = loop {
        match FromAgent::read(&mut output) {
            Ok(Some(FromAgent(id, report))) => {
                if let Err(fault) = line.deliver(id, report) {
                    break Err(fault);
                }
            }
            Ok(None) => break Ok(()),
            Err(fault) => break Err(fault),
        }
    };
    if let Err(fault) = ended {
        tracing::error!(%fault, "the agent broke the protocol");
    }
    if let Err(error) = child.kill().and_then(|()| child.wait()) {
        tracing::warn!(%error, "the agent's process could not be seen off");
    }
    // Only now: whoever learns of the end can rely on the card being free.
    line.break_off();
}

impl Line {
    /// Takes a request on; not if the process is not to be asked any more.
    fn admit(&self, id: RequestId, reports: &mpsc::Sender<Report>) -> bool {
        let mut open = self.open();
        let Some(open) = open.as_mut() else { return false };
        open.insert(id, reports.clone());
        true
    }

    fn deliver(&self, id: RequestId, report: Report) -> Result<(), WireFault> {
        let unasked = WireFault::Part("number of an open request");
        let mut guard = self.open();
        let Some(open) = guard.as_mut() else { return Err(unasked) };
        let finished = matches!(report, Report::Finished(_));
        let reports = if finished { open.remove(&id) } else { open.get(&id).cloned() };
        let idle = open.is_empty();
        drop(guard);
        tell(&reports.ok_or(unasked)?, report);
        if finished && idle {
            self.order(Order::Idle);
        }
        Ok(())
    }

    fn cancel(&self, id: RequestId) {
        if self.open().as_ref().is_some_and(|open| open.contains_key(&id)) {
            self.tell(ToAgent::Cancel(id));
        }
    }

    fn instruct(&self, id: RequestId, instruction: Instruction) {
        if self.open().as_ref().is_some_and(|open| open.contains_key(&id)) {
            self.tell(ToAgent::Instruct(id, instruction));
        }
    }

    fn close_if_idle(&self) -> bool {
        self.open().take_if(|open| open.is_empty()).is_some()
    }

    /// Waits until the process is gone, for as long as one takes that was told to end.
    fn is_gone(&self) -> bool {
        let presence = self.presence.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(presence.recv_timeout(LEAVE_TAKING), Err(RecvTimeoutError::Disconnected))
    }

    /// Tells everybody who waits that nothing comes any more.
    fn break_off(&self) {
        let open = self.open().take();
        for reports in open.into_iter().flatten().map(|(_, reports)| reports) {
            tell(&reports, Report::Finished(Err(Failure::AgentStopped)));
        }
        // Ends the other thread.
        self.tell(ToAgent::End);
    }

    fn tell(&self, message: ToAgent) {
        self.order(Order::Tell(message));
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            tracing::debug!("the agent's process takes no orders any more");
        }
    }

    fn open(&self) -> MutexGuard<'_, Option<HashMap<RequestId, mpsc::Sender<Report>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a process stays after its last request: longer than a person needs from one step to the next.
const LINGER: Duration = Duration::from_secs(60);

/// How long a process may take to end that was told to.
const LEAVE_TAKING: Duration = Duration::from_secs(5);
