//! Secrets from a descriptor that another program writes to.

use std::fs::File;
use std::io::{self, IsTerminal, Read};

use latchkey_card::password::{Can, DigitEntry, Password, Pin, Pin2, Puk};
use zeroize::Zeroizing;

use super::tty::Waker;
use crate::{Asking, NoSecret, Question, SecretPrompt};

/// Reads secrets from an open file or pipe: one a line, in the order in which they are asked for. Reads octet by octet
/// and never past the line, so that nothing stays in a buffer.
pub struct DescriptorPrompt {
    secrets: File,
    last_try_allowed: bool,
}

impl DescriptorPrompt {
    /// Secrets from this file. `last_try_allowed` is the holder's word, given in advance, that the last try may be
    /// spent.
    #[must_use]
    pub const fn new(secrets: File, last_try_allowed: bool) -> Self {
        Self { secrets, last_try_allowed }
    }

    /// Secrets from the descriptor of that number, which this process was started with.
    ///
    /// # Errors
    /// The operating system's, if there is none or it cannot be read; [`io::ErrorKind::InvalidInput`] if it is a
    /// terminal, which would show what is typed.
    #[cfg(unix)]
    pub fn inherited(descriptor: u16, last_try_allowed: bool) -> io::Result<Self> {
        let secrets = File::open(format!("/dev/fd/{descriptor}"))?;
        if secrets.is_terminal() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self::new(secrets, last_try_allowed))
    }

    fn line<P: Password>(&mut self, question: &Question, asking: &Asking) -> Result<P, NoSecret> {
        let waker = Waker::new(asking.cancellation())?;
        let mut entry = DigitEntry::new();
        loop {
            // Whoever writes may take for ever.
            waker.wait_for(&self.secrets, None)?;
            let mut octet = Zeroizing::new([0; 1]);
            let read = self.secrets.read(octet.as_mut()).map_err(|_| NoSecret::NoPrompt)?;
            match (read, *octet) {
                (0, _) | (_, [b'\n']) => break,
                (_, [b'\r']) => {}
                (_, [octet]) => {
                    if !entry.push(octet) {
                        return Err(NoSecret::Malformed);
                    }
                }
            }
        }
        entry.finish(question.digits).map_err(|_| NoSecret::Malformed)
    }
}

impl SecretPrompt for DescriptorPrompt {
    fn pin(&mut self, question: &Question, asking: &Asking) -> Result<Pin, NoSecret> {
        self.line(question, asking)
    }

    fn pin2(&mut self, question: &Question, asking: &Asking) -> Result<Pin2, NoSecret> {
        self.line(question, asking)
    }

    fn new_pin(&mut self, question: &Question, asking: &Asking) -> Result<Pin, NoSecret> {
        self.line(question, asking)
    }

    fn can(&mut self, question: &Question, asking: &Asking) -> Result<Can, NoSecret> {
        self.line(question, asking)
    }

    fn puk(&mut self, question: &Question, asking: &Asking) -> Result<Puk, NoSecret> {
        self.line(question, asking)
    }

    fn confirm_last_try(&mut self, _question: &Question, _asking: &Asking) -> Result<(), NoSecret> {
        if self.last_try_allowed { Ok(()) } else { Err(NoSecret::LastTryNotAllowed) }
    }

    /// Nobody is there to see a terminal.
    fn consent(&mut self, _question: &Question, _asking: &Asking) -> Result<(), NoSecret> {
        Err(NoSecret::NoPrompt)
    }
}
