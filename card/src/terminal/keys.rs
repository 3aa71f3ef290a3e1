//! The terminal-mode key pair (sequence J). Destroying and generating each take the holder's confirmation, and each
//! uses it up: between them, and before the request for a certificate is signed, the client confirms anew.

use latchkey_crypto::bign::{PUBLIC_KEY_SIZE, PublicKey};

use crate::apdu::Command;
use crate::commands;
use crate::dialogue::{Operation, ProtocolFault};
use crate::key::KeyId;
use crate::terminal::established::{Awaiting, Established, Held};
use crate::terminal::record::{RecordFault, RecordReader, RecordWriter};
use crate::terminal::{Next, RelayedCommand, TerminalFault};

/// What is done with the key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyAct {
    /// It is destroyed, for good.
    Destroy,
    /// A new one is generated; there must be none.
    Generate,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOutcome {
    /// There is no key pair any more.
    Destroyed,
    /// The public key of a new one, x ‖ y.
    Generated([u8; PUBLIC_KEY_SIZE]),
}

/// A terminal that has something done with the key pair of level 128.
pub struct KeyManaging {
    link: Held<Awaiting>,
    act: KeyAct,
    is_selected: bool,
}

impl Established {
    /// Has the key pair destroyed or generated.
    ///
    /// # Errors
    /// [`TerminalFault`] if no command can be made of it, which does not happen.
    pub fn manage_key(self, act: KeyAct) -> Result<(KeyManaging, RelayedCommand), TerminalFault> {
        let command = commands::select_application(self.profile().esign)?;
        let (link, command) = self.send(&command)?;
        Ok((KeyManaging { link, act, is_selected: false }, command))
    }
}

impl KeyAct {
    fn command(self) -> Command {
        match self {
            Self::Destroy => commands::terminate_key(KeyId::TERMINAL_128),
            Self::Generate => commands::generate_key(KeyId::TERMINAL_128),
        }
    }

    const fn operation(self) -> Operation {
        match self {
            Self::Destroy => Operation::DestroyKey,
            Self::Generate => Operation::GenerateKey,
        }
    }

    fn outcome(self, answer: &[u8]) -> Result<KeyOutcome, TerminalFault> {
        match self {
            Self::Destroy => Ok(KeyOutcome::Destroyed),
            Self::Generate => {
                let key = answer.try_into().map_err(|_| ProtocolFault::Length { found: answer.len() })?;
                PublicKey::from_octets(answer).map_err(|_| ProtocolFault::InvalidPoint)?;
                Ok(KeyOutcome::Generated(key))
            }
        }
    }
}

impl KeyManaging {
    /// Takes the card's answer.
    ///
    /// # Errors
    /// [`TerminalFault::CardRefused`], 6982 without right or confirmation, 6984 if there is a key pair already; or another.
    pub fn receive(self, card_response: &[u8]) -> Result<Next<Self, (KeyOutcome, Established)>, TerminalFault> {
        let Self { link, act, is_selected } = self;
        if is_selected {
            let (response, established) = link.succeed(act.operation(), card_response)?;
            return Ok(Next::Done((act.outcome(response.data())?, established)));
        }
        let (_, established) = link.succeed(Operation::SelectApplication, card_response)?;
        let (link, command) = established.send(&act.command())?;
        Ok(Next::Command(Self { link, act, is_selected: true }, command))
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        self.link.keep(record);
        record.flag(self.act == KeyAct::Generate);
        record.flag(self.is_selected);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        let link = Held::<Awaiting>::restore(record)?;
        let act = if record.flag()? { KeyAct::Generate } else { KeyAct::Destroy };
        Ok(Self { link, act, is_selected: record.flag()? })
    }
}
