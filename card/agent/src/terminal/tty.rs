//! The terminal of this process, and its modes.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::termios::{LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios};
use zeroize::Zeroizing;

use crate::Cancellation;

/// The terminal that controls this process.
#[derive(Debug)]
pub struct Terminal(File);

/// Why a question could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// The request was taken back meanwhile.
    #[error("cancelled")]
    Cancelled,
    /// There is no terminal, or it is gone.
    #[error("there is no terminal to ask at")]
    Gone(#[from] io::Error),
}

impl Terminal {
    /// The terminal that controls this process, whatever standard input and output are.
    ///
    /// # Errors
    /// [`TerminalError::Gone`] if there is none.
    pub fn open() -> Result<Self, TerminalError> {
        Ok(Self(OpenOptions::new().read(true).write(true).open("/dev/tty")?))
    }

    /// A terminal that is open already.
    ///
    /// # Errors
    /// [`TerminalError::Gone`] if it is none.
    pub fn from_file(file: File) -> Result<Self, TerminalError> {
        rustix::termios::tcgetattr(&file).map_err(io::Error::from)?;
        Ok(Self(file))
    }

    /// Writes text, with an end of line where it has `\n`.
    ///
    /// # Errors
    /// [`TerminalError::Gone`].
    pub fn write(&mut self, text: &str) -> Result<(), TerminalError> {
        self.0.write_all(text.as_bytes())?;
        Ok(self.0.flush()?)
    }

    /// Asks a question that is answered with a line. What was typed before the question does not count.
    ///
    /// # Errors
    /// [`TerminalError`]; an end of input is [`TerminalError::Cancelled`].
    pub fn ask_line(&mut self, question: &str, cancellation: &Cancellation) -> Result<String, TerminalError> {
        rustix::termios::tcflush(&self.0, QueueSelector::IFlush).map_err(io::Error::from)?;
        self.write(question)?;
        let waker = Waker::new(cancellation)?;
        let mut line = Vec::new();
        loop {
            waker.wait_for(&self.0, None)?;
            let mut octet = [0; 1];
            match (self.0.read(&mut octet)?, octet) {
                (0, _) => return Err(TerminalError::Cancelled),
                (_, [b'\n']) => break,
                (_, [octet]) if line.len() < LONGEST_LINE => line.push(octet),
                (_, [_]) => {}
            }
        }
        Ok(String::from_utf8_lossy(&line).trim().to_owned())
    }

    /// Switches echo, line editing and signal keys off until the answer is dropped, and forgets what was typed before.
    pub(super) fn silence(&self) -> Result<Silence<'_>, TerminalError> {
        let before = rustix::termios::tcgetattr(&self.0).map_err(io::Error::from)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        rustix::termios::tcsetattr(&self.0, OptionalActions::Flush, &silent).map_err(io::Error::from)?;
        Ok(Silence { terminal: &self.0, before })
    }
}

/// A terminal that shows nothing of what is typed. Dropping it restores what was, and forgets what was typed too much.
pub(super) struct Silence<'terminal> {
    terminal: &'terminal File,
    before: Termios,
}

impl Silence<'_> {
    pub(super) fn write(&self, text: &str) -> Result<(), TerminalError> {
        let mut terminal = self.terminal;
        Ok(terminal.write_all(text.as_bytes())?)
    }

    /// Waits for one octet; `None` if none came within `patience` milliseconds.
    pub(super) fn octet(
        &self,
        waker: &Waker,
        patience: Option<i64>,
    ) -> Result<Option<Zeroizing<[u8; 1]>>, TerminalError> {
        if !waker.wait_for(self.terminal, patience)? {
            return Ok(None);
        }
        let mut octet = Zeroizing::new([0; 1]);
        let mut terminal = self.terminal;
        match terminal.read(octet.as_mut())? {
            0 => Err(TerminalError::Gone(io::ErrorKind::UnexpectedEof.into())),
            _ => Ok(Some(octet)),
        }
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        if let Err(error) = rustix::termios::tcsetattr(self.terminal, OptionalActions::Flush, &self.before) {
            tracing::warn!(%error, "the terminal could not be restored");
        }
    }
}

/// Ends a wait for the terminal when the request is taken back.
pub(super) struct Waker(OwnedFd);

impl Waker {
    pub(super) fn new(cancellation: &Cancellation) -> Result<Self, TerminalError> {
        let (woken, wake) = rustix::pipe::pipe().map_err(io::Error::from)?;
        cancellation.on_cancel(move || {
            if let Err(error) = rustix::io::write(&wake, &[1]) {
                tracing::trace!(%error, "nobody waits any more");
            }
        });
        Ok(Self(woken))
    }

    /// Waits until `input` can be read: `false` if it cannot within `patience` milliseconds.
    pub(super) fn wait_for(&self, input: &File, patience: Option<i64>) -> Result<bool, TerminalError> {
        let timeout = patience.map(|milliseconds| Timespec {
            tv_sec: milliseconds.div_euclid(1_000),
            tv_nsec: milliseconds.rem_euclid(1_000).saturating_mul(1_000_000),
        });
        loop {
            let mut watched = [PollFd::new(input, PollFlags::IN), PollFd::new(&self.0, PollFlags::IN)];
            match rustix::event::poll(&mut watched, timeout.as_ref()) {
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(TerminalError::Gone(error.into())),
                Ok(0) => return Ok(false),
                Ok(_) => {
                    let [input, woken] = watched;
                    if !woken.revents().is_empty() {
                        return Err(TerminalError::Cancelled);
                    }
                    if !input.revents().is_empty() {
                        return Ok(true);
                    }
                }
            }
        }
    }
}

/// Longest answer to a question that is answered with a line, in octets; more is thrown away.
const LONGEST_LINE: usize = 64;
