//! A prompt for a computer without a screen.

use latchkey_agent::{Asking, NoSecret, Question, SecretPrompt};
use latchkey_agent::{Can, Pin, Puk};

/// Nowhere to ask: readers and cards can be looked at, and every question fails.
pub(crate) struct Nowhere;

impl SecretPrompt for Nowhere {
    fn pin(&mut self, _question: &Question, _asking: &Asking) -> Result<Pin, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn new_pin(&mut self, _question: &Question, _asking: &Asking) -> Result<Pin, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn can(&mut self, _question: &Question, _asking: &Asking) -> Result<Can, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn puk(&mut self, _question: &Question, _asking: &Asking) -> Result<Puk, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn confirm_last_try(&mut self, _question: &Question, _asking: &Asking) -> Result<(), NoSecret> {
        Err(NoSecret::NoPrompt)
    }
}
