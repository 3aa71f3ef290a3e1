//! Questions to the holder at the terminal.

use latchkey_card::password::{Can, Password, Pin, Pin2, Puk};

use super::entry::{EntryTexts, enter};
use super::tty::{Terminal, TerminalError};
use crate::{Asking, NoSecret, Question, SecretKind, SecretPrompt};

/// What a [`TerminalPrompt`] writes, in the holder's language. Lines end with `\n`.
pub trait PromptWording: Send {
    /// Who asks, and what for: one or more whole lines.
    fn introduction(&self, question: &Question) -> String;

    /// What to enter: the end of a line, without the space after it. For a PIN it says the tries left.
    fn label(&self, kind: SecretKind, question: &Question) -> String;

    /// A new PIN once more.
    fn new_pin_again(&self) -> String;

    /// Said instead of the label when another number of digits was entered.
    fn wrong_length(&self, digits: usize) -> String;

    /// Said when the two entries of a new PIN differ: a whole line.
    fn entries_differ(&self) -> String;

    /// Whether an answer to a yes-or-no question is a yes.
    fn is_yes(&self, answer: &str) -> bool;
}

/// Asks at the terminal that controls this process, whatever standard input and output are. The terminal is opened for
/// each question and restored after it, also when the request is taken back meanwhile. What was typed before a question
/// appeared never counts as its answer.
pub struct TerminalPrompt {
    wording: Box<dyn PromptWording>,
    open: Box<dyn FnMut() -> Result<Terminal, TerminalError> + Send>,
}

impl TerminalPrompt {
    /// A prompt at the terminal that controls this process.
    #[must_use]
    pub fn new(wording: Box<dyn PromptWording>) -> Self {
        Self::at(wording, Terminal::open)
    }

    /// A prompt at the terminal that `open` opens.
    #[must_use]
    pub fn at(
        wording: Box<dyn PromptWording>,
        open: impl FnMut() -> Result<Terminal, TerminalError> + Send + 'static,
    ) -> Self {
        Self { wording, open: Box::new(open) }
    }

    fn ask<P: Password>(&mut self, kind: SecretKind, question: &Question, asking: &Asking) -> Result<P, NoSecret> {
        let texts = EntryTexts {
            introduction: &self.wording.introduction(question),
            label: &self.wording.label(kind, question),
            wrong_length: &self.wording.wrong_length(question.digits),
        };
        Ok(enter(&(self.open)()?, &texts, question.digits, asking)?)
    }

    fn confirm(&mut self, kind: SecretKind, question: &Question, asking: &Asking) -> Result<(), NoSecret> {
        let text = format!("{}{}", self.wording.introduction(question), self.wording.label(kind, question));
        let answer = (self.open)()?.ask_line(&text, asking.cancellation())?;
        if self.wording.is_yes(&answer) { Ok(()) } else { Err(NoSecret::Cancelled) }
    }
}

impl SecretPrompt for TerminalPrompt {
    fn pin(&mut self, question: &Question, asking: &Asking) -> Result<Pin, NoSecret> {
        self.ask(SecretKind::Pin, question, asking)
    }

    fn pin2(&mut self, question: &Question, asking: &Asking) -> Result<Pin2, NoSecret> {
        self.ask(SecretKind::Pin2, question, asking)
    }

    fn new_pin(&mut self, question: &Question, asking: &Asking) -> Result<Pin, NoSecret> {
        loop {
            let first: Pin = self.ask(SecretKind::NewPin, question, asking)?;
            let again = EntryTexts {
                introduction: "",
                label: &self.wording.new_pin_again(),
                wrong_length: &self.wording.wrong_length(question.digits),
            };
            let second: Pin = enter(&(self.open)()?, &again, question.digits, asking)?;
            if first.is_same_as(&second) {
                return Ok(first);
            }
            let differ = self.wording.entries_differ();
            (self.open)()?.write(&differ)?;
        }
    }

    fn can(&mut self, question: &Question, asking: &Asking) -> Result<Can, NoSecret> {
        self.ask(SecretKind::Can, question, asking)
    }

    fn puk(&mut self, question: &Question, asking: &Asking) -> Result<Puk, NoSecret> {
        self.ask(SecretKind::Puk, question, asking)
    }

    fn confirm_last_try(&mut self, question: &Question, asking: &Asking) -> Result<(), NoSecret> {
        self.confirm(SecretKind::LastTryConfirmation, question, asking)
    }

    fn consent(&mut self, question: &Question, asking: &Asking) -> Result<(), NoSecret> {
        self.confirm(SecretKind::Consent, question, asking)
    }
}

impl From<TerminalError> for NoSecret {
    fn from(error: TerminalError) -> Self {
        match error {
            TerminalError::Cancelled => Self::Cancelled,
            TerminalError::Gone(_) => Self::NoPrompt,
        }
    }
}
