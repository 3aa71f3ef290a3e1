//! Which readers there are and what is in them, while somebody looks.

use std::sync::Arc;

use latchkey_agent::{CardAgent, Failure, ReaderEvent, ReaderName, Report, Request};

use super::{Shared, snapshot};
use crate::texts::printable;

/// What is known of the readers.
#[derive(Debug, Default)]
pub(super) struct Readers {
    /// In the card service's order; `None` while nobody knows.
    known: Option<Vec<(ReaderName, bool)>>,
    failure: Option<Failure>,
}

impl Readers {
    pub(super) fn view(&self) -> Option<Vec<snapshot::Reader>> {
        let known = self.known.as_ref()?.iter();
        Some(known.map(|(name, card)| snapshot::Reader { name: shown(name), card: *card }).collect())
    }

    pub(super) const fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Whether no reader holds a card, as far as is known.
    pub(super) fn are_empty(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.iter().all(|(_, card)| !card))
    }

    /// Whether a card is in this reader, as far as is known.
    pub(super) fn hold_card_in(&self, reader: &ReaderName) -> bool {
        self.known.as_ref().is_none_or(|known| known.iter().any(|(name, card)| name == reader && *card))
    }

    fn happened(&mut self, event: &ReaderEvent) {
        match event {
            ReaderEvent::ServiceUp => *self = Self { known: Some(Vec::new()), failure: None },
            ReaderEvent::ServiceDown => self.failed(Failure::NoService),
            ReaderEvent::ReaderAppeared(reader) => self.set(reader, false),
            ReaderEvent::ReaderVanished(reader) => {
                self.known.get_or_insert_default().retain(|(name, _)| name != reader);
            }
            ReaderEvent::CardInserted { reader, .. } | ReaderEvent::CardChanged { reader, .. } => {
                self.set(reader, true)
            }
            ReaderEvent::CardRemoved { reader, .. } => self.set(reader, false),
        }
    }

    fn set(&mut self, reader: &ReaderName, card: bool) {
        let known = self.known.get_or_insert_default();
        match known.iter_mut().find(|(name, _)| name == reader) {
            Some((_, holds)) => *holds = card,
            None => known.push((reader.clone(), card)),
        }
    }

    fn failed(&mut self, failure: Failure) {
        *self = Self { known: None, failure: Some(failure) };
    }
}

/// A reader's name as the window shows it and says it back.
pub(super) fn shown(name: &ReaderName) -> String {
    printable(&name.to_string())
}

/// Watches until it is dropped.
#[derive(Debug)]
pub(super) struct Watch(latchkey_agent::Cancellation);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Begins to watch, on a thread of its own. An agent that ends meanwhile is asked again, as long as it had said
/// anything.
pub(super) fn watch(shared: &Arc<Shared>) -> Watch {
    let stopped = latchkey_agent::Cancellation::default();
    let watching = stopped.clone();
    let shared = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("readers".into()).spawn(move || {
        while !watching.is_cancelled() && watch_once(&shared, &*shared.agent, &watching) {}
        if watching.is_cancelled() {
            shared.change(|state| state.readers = Readers::default());
        }
    });
    if let Err(error) = thread {
        tracing::error!(%error, "there can be no thread");
    }
    Watch(stopped)
}

/// Watches until the agent ends, and says whether it may be asked again.
fn watch_once(shared: &Arc<Shared>, agent: &dyn CardAgent, watching: &latchkey_agent::Cancellation) -> bool {
    let exchange = agent.send(Request::WatchReaders);
    let cancellation = exchange.cancellation();
    watching.on_cancel(move || cancellation.cancel());
    let mut said_anything = false;
    loop {
        match exchange.next() {
            Report::Readers(event) => {
                said_anything = true;
                shared.change(|state| state.readers.happened(&event));
                super::card::noticed(shared, &event);
            }
            Report::Finished(result) => {
                let again = said_anything && !watching.is_cancelled();
                if !watching.is_cancelled() {
                    super::card::lost_sight(shared);
                }
                if let (Err(failure), false) = (result, again || watching.is_cancelled()) {
                    shared.change(|state| state.readers.failed(failure));
                }
                return again;
            }
            _ => {}
        }
    }
}
