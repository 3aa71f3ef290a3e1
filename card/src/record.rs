//! Recordings of what is said to a card: the exchanges above secure messaging, blanked before anybody sees them, in the
//! text format of recorded dialogues. So a bug report becomes a test that plays the card's part.
//!
//! What is kept of a command and its answer is decided by the kind of command, and of a kind that is not known nothing is
//! kept but its header, its lengths and its status: no digit of a password, no hash, signature or key, and of files tags
//! and lengths alone. A stand-in takes the place of what is blanked: the digit 0 in passwords, zeros elsewhere. Whoever
//! replays a recording enters zeros.

mod blanking;

use std::fmt;

use crate::apdu::{Command, Response};
use crate::dialogue::DialogueError;
use blanking::Blanking;

/// How an exchange ended.
pub(crate) type Outcome<'a> = Result<&'a Response, &'a DialogueError>;

/// Records what is said through a channel that hands it out by [`CardChannel::recording`](crate::CardChannel::recording).
/// What still waits for its end is recorded when the recording is dropped.
pub struct Recording {
    blanking: Blanking,
    keep: Box<dyn FnMut(&Recorded) + Send>,
}

/// Lines of a recorded dialogue, each with its end. Only this crate makes them, out of what it has blanked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded(String);

impl Recording {
    /// A recording whose lines are handed to `keep` in their order.
    #[must_use]
    pub fn new(keep: impl FnMut(&Recorded) + Send + 'static) -> Self {
        Self { blanking: Blanking::default(), keep: Box::new(keep) }
    }

    /// The card was reset: no channel stands any more.
    pub fn reset(&mut self) {
        let waiting = self.blanking.waiting();
        self.keep(format!("{waiting}# The card was reset\n* reset\n"));
    }

    /// BPACE with a password of so many digits comes next.
    pub(crate) const fn password_follows(&mut self, digits: usize) {
        self.blanking.password_follows(digits);
    }

    /// A command and its answer as the dialogue sees them, without protection.
    pub(crate) fn exchange(&mut self, command: &Command, outcome: Outcome<'_>) {
        let lines = self.blanking.exchange(command, outcome);
        self.keep(lines);
    }

    /// A command that was passed on for a terminal, and its answer: both are protected for others.
    pub(crate) fn relayed(&mut self, command: &Command, outcome: Outcome<'_>) {
        let lines = self.blanking.relayed(command, outcome);
        self.keep(lines);
    }

    fn keep(&mut self, lines: String) {
        if !lines.is_empty() {
            (self.keep)(&Recorded(lines));
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let waiting = self.blanking.waiting();
        self.keep(waiting);
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Recording")
    }
}

impl Recorded {
    /// The lines.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
