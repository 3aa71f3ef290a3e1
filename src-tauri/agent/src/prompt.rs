//! Asking from the agent's thread: the question goes to the main thread, and this one waits for its answer.

use std::sync::mpsc;

use gtk::glib;
use latchkey_agent::{Asking, Can, DigitEntry, NoSecret, Password, Pin, Pin2, Puk, Question, SecretKind, SecretPrompt};

use crate::window::Windows;

/// Asks in windows.
pub(crate) struct WindowPrompt {
    last_number: u64,
}

/// A question on its way to its window.
pub(crate) struct Asked {
    /// Tells it from others.
    pub(crate) number: u64,
    pub(crate) kind: SecretKind,
    pub(crate) question: Question,
    pub(crate) asking: Asking,
    reply: mpsc::Sender<Result<Given, NoSecret>>,
}

/// What the holder gave.
pub(crate) enum Given {
    /// His word.
    Yes,
    Digits(DigitEntry),
    /// Entered twice, the same both times.
    NewPin(Pin),
}

impl WindowPrompt {
    pub(crate) const fn new() -> Self {
        Self { last_number: 0 }
    }

    fn ask(&mut self, kind: SecretKind, question: &Question, asking: &Asking) -> Result<Given, NoSecret> {
        self.last_number = self.last_number.wrapping_add(1);
        let number = self.last_number;
        let (reply, answer) = mpsc::channel();
        let asked = Asked { number, kind, question: question.clone(), asking: asking.clone(), reply };
        glib::idle_add_once(move || Windows::ask(asked));
        // Behind the question in the main thread's line, whenever it comes.
        asking.cancellation().on_cancel(move || _ = glib::idle_add_once(move || Windows::withdraw(number)));
        answer.recv().unwrap_or(Err(NoSecret::NoPrompt))
    }

    fn confirm(&mut self, kind: SecretKind, question: &Question, asking: &Asking) -> Result<(), NoSecret> {
        match self.ask(kind, question, asking)? {
            Given::Yes => Ok(()),
            Given::Digits(_) | Given::NewPin(_) => Err(NoSecret::Malformed),
        }
    }

    fn password<P: Password>(&mut self, kind: SecretKind, question: &Question, asking: &Asking) -> Result<P, NoSecret> {
        match self.ask(kind, question, asking)? {
            Given::Digits(digits) => digits.finish(question.digits).map_err(|_| NoSecret::Malformed),
            Given::Yes | Given::NewPin(_) => Err(NoSecret::Malformed),
        }
    }
}

impl Asked {
    pub(crate) fn answer(&self, given: Result<Given, NoSecret>) {
        if self.reply.send(given).is_err() {
            tracing::debug!("nobody waits for the answer any more");
        }
    }
}

impl SecretPrompt for WindowPrompt {
    fn pin(&mut self, question: &Question, asking: &Asking) -> Result<Pin, NoSecret> {
        self.password(SecretKind::Pin, question, asking)
    }

    fn pin2(&mut self, question: &Question, asking: &Asking) -> Result<Pin2, NoSecret> {
        self.password(SecretKind::Pin2, question, asking)
    }

    fn new_pin(&mut self, question: &Question, asking: &Asking) -> Result<Pin, NoSecret> {
        match self.ask(SecretKind::NewPin, question, asking)? {
            Given::NewPin(pin) => Ok(pin),
            Given::Yes | Given::Digits(_) => Err(NoSecret::Malformed),
        }
    }

    fn can(&mut self, question: &Question, asking: &Asking) -> Result<Can, NoSecret> {
        self.password(SecretKind::Can, question, asking)
    }

    fn puk(&mut self, question: &Question, asking: &Asking) -> Result<Puk, NoSecret> {
        self.password(SecretKind::Puk, question, asking)
    }

    fn confirm_last_try(&mut self, question: &Question, asking: &Asking) -> Result<(), NoSecret> {
        self.confirm(SecretKind::LastTryConfirmation, question, asking)
    }

    fn consent(&mut self, question: &Question, asking: &Asking) -> Result<(), NoSecret> {
        self.confirm(SecretKind::Consent, question, asking)
    }
}
