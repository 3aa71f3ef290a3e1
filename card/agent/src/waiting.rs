//! Waiting for a card that is not there yet: by events, for a time, until taken back.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use latchkey_reader::ChosenCard;

use crate::agent::beside;
use crate::session::Session;
use crate::{Failure, ReaderChoice, Step};

impl Session<'_> {
    /// The card that is meant. If there is no reader or no card, it is waited for; more cards than one, a name that no
    /// reader has and everything else are told at once.
    pub(crate) fn choose_in_time(&self, reader: &ReaderChoice, patience: Duration) -> Result<ChosenCard, Failure> {
        let chosen = self.choose(reader);
        if patience.is_zero() || waits_for(&chosen).is_none() {
            return chosen;
        }
        // A duration that no clock holds is as good as for ever.
        let deadline = Instant::now().checked_add(patience);
        let changes = self.changes();
        let mut told = None;
        loop {
            // The first changes tell what is there already: what came since the look above is not missed.
            let chosen = self.choose(reader);
            let Some(step) = waits_for(&chosen) else { return chosen };
            if told.as_ref() != Some(&step) {
                self.tell(step.clone());
                told = Some(step);
            }
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            match changes.recv_timeout(left) {
                _ if self.cancellation.is_cancelled() => return Err(Failure::Cancelled),
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => return chosen,
                Err(RecvTimeoutError::Disconnected) => return Err(Failure::AgentStopped),
            }
        }
    }

    /// Something arrives whenever a reader or a card comes or goes, and when the request is taken back.
    fn changes(&self) -> Receiver<()> {
        let (change, changes) = mpsc::channel();
        let taken_back = change.clone();
        self.cancellation.on_cancel(move || {
            // The wait may be over already.
            taken_back.send(()).ok();
        });
        let events = self.surroundings.readers.subscribe();
        // Ends with the first event after the wait.
        beside("card awaited", move || {
            for _event in events {
                if change.send(()).is_err() {
                    return;
                }
            }
        });
        changes
    }
}

/// What is waited for, if waiting can help.
fn waits_for(chosen: &Result<ChosenCard, Failure>) -> Option<Step> {
    match chosen {
        Err(Failure::NoReader) => Some(Step::WaitingForReader),
        Err(Failure::NoCard) => Some(Step::WaitingForCard),
        _ => None,
    }
}
