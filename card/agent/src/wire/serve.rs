//! The agent's side: takes requests from the pipe until it ends.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::frame::WireFault;
use super::message::{FromAgent, ToAgent};
use crate::{Cancellation, CardAgent, Exchange, Failure, Instruction, Instructions, Report, RequestId};

/// Most requests at once.
pub const MAX_OPEN_REQUESTS: usize = 64;

/// Carries out what arrives on `input` and reports on `output`, until the other side ends, dies or breaks the protocol.
/// Whatever is open then is taken back, and waited for a moment so that the card is left reset.
///
/// # Errors
/// The fault of the other side, if it did not end in good order.
pub fn serve(
    agent: &dyn CardAgent,
    mut input: impl Read,
    output: impl Write + Send + 'static,
) -> Result<(), WireFault> {
    let open = Arc::new(Open::default());
    let output = Arc::new(Mutex::new(output));
    let ended = loop {
        match ToAgent::read(&mut input) {
            Ok(Some(ToAgent::Request(id, request))) => {
                if let Err(fault) = open.admit(id) {
                    break Err(fault);
                }
                let exchange = agent.send(request);
                open.note(id, &exchange);
                let (open, output) = (Arc::clone(&open), Arc::clone(&output));
                let thread = thread::Builder::new().name("reports".into());
                if let Err(error) = thread.spawn(move || forward(id, &exchange, &output, &open)) {
                    break Err(error.into());
                }
            }
            Ok(Some(ToAgent::Instruct(id, instruction))) => open.instruct(id, instruction),
            Ok(Some(ToAgent::Cancel(id))) => open.cancel(id),
            Ok(Some(ToAgent::End) | None) => break Ok(()),
            Err(fault) => break Err(fault),
        }
    };
    open.close(FAREWELL);
    ended
}

/// Tells everything about one request.
fn forward(id: RequestId, exchange: &Exchange, output: &Mutex<impl Write>, open: &Open) {
    loop {
        let report = exchange.next();
        let finished = matches!(report, Report::Finished(_));
        if finished {
            // Before the other side learns of the end, so that it may give the number away again.
            open.forget(id);
        }
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        let mut written = FromAgent(id, report).write(&mut *output);
        if finished && matches!(written, Err(WireFault::TooLong(_))) {
            written = FromAgent(id, Report::Finished(Err(Failure::AgentFault))).write(&mut *output);
        }
        drop(output);
        if let Err(error) = written {
            tracing::warn!(%error, "a report could not be told");
            exchange.cancellation().cancel();
        }
        if finished {
            return;
        }
    }
}

/// The requests at work.
#[derive(Default)]
struct Open {
    requests: Mutex<HashMap<RequestId, Option<Reins>>>,
    fewer: Condvar,
}

/// What a request that is at work is reached by.
#[derive(Clone)]
struct Reins {
    cancellation: Cancellation,
    instructions: Instructions,
}

impl Open {
    fn admit(&self, id: RequestId) -> Result<(), WireFault> {
        let mut requests = self.requests();
        if requests.len() >= MAX_OPEN_REQUESTS {
            return Err(WireFault::TooManyRequests);
        }
        match requests.entry(id) {
            Entry::Occupied(_) => Err(WireFault::RepeatedRequest(id.0)),
            Entry::Vacant(place) => {
                place.insert(None);
                Ok(())
            }
        }
    }

    fn note(&self, id: RequestId, exchange: &Exchange) {
        let reins = Reins { cancellation: exchange.cancellation(), instructions: exchange.instructions() };
        self.requests().insert(id, Some(reins));
    }

    fn cancel(&self, id: RequestId) {
        if let Some(reins) = self.reins(id) {
            reins.cancellation.cancel();
        }
    }

    /// Hands an instruction on. One for a request that has ended comes too late, which nobody can help.
    fn instruct(&self, id: RequestId, instruction: Instruction) {
        if let Some(reins) = self.reins(id) {
            reins.instructions.give(instruction);
        }
    }

    fn reins(&self, id: RequestId) -> Option<Reins> {
        self.requests().get(&id).cloned().flatten()
    }

    fn forget(&self, id: RequestId) {
        self.requests().remove(&id);
        self.fewer.notify_all();
    }

    /// Takes everything back and waits at most `patience` for its end.
    fn close(&self, patience: Duration) {
        let open: Vec<_> = self.requests().values().flatten().cloned().collect();
        for reins in open {
            reins.cancellation.cancel();
        }
        let requests = self.requests();
        let waited = self.fewer.wait_timeout_while(requests, patience, |requests| !requests.is_empty());
        let (requests, _timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if !requests.is_empty() {
            tracing::warn!(open = requests.len(), "ended before every request did");
        }
    }

    fn requests(&self) -> MutexGuard<'_, HashMap<RequestId, Option<Reins>>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long requests may take to end after they were taken back: a card's longest computation and its reset.
const FAREWELL: Duration = Duration::from_secs(3);
