//! A holder who agrees to everything that a PIN is asked for, and needs no time to enter it.

use latchkey_agent::{Asking, Can, NoSecret, Password as _, Pin, Pin2, Puk, Question, SecretPrompt};

/// The holder.
pub(crate) struct Willing {
    pin: &'static str,
}

impl Willing {
    /// One whose PIN is a sample holder's.
    pub(crate) const fn with_pin(pin: &'static str) -> Self {
        Self { pin }
    }
}

impl SecretPrompt for Willing {
    fn pin(&mut self, question: &Question, _: &Asking) -> Result<Pin, NoSecret> {
        Pin::parse(self.pin.as_bytes(), question.digits).map_err(|_| NoSecret::Malformed)
    }

    fn pin2(&mut self, _: &Question, _: &Asking) -> Result<Pin2, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn new_pin(&mut self, _: &Question, _: &Asking) -> Result<Pin, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn can(&mut self, _: &Question, _: &Asking) -> Result<Can, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn puk(&mut self, _: &Question, _: &Asking) -> Result<Puk, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn confirm_last_try(&mut self, _: &Question, _: &Asking) -> Result<(), NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn consent(&mut self, _: &Question, _: &Asking) -> Result<(), NoSecret> {
        Err(NoSecret::NoPrompt)
    }
}
