//! The way to a card, plain or protected.

use std::mem;

use latchkey_crypto::bpace::SessionKey;

use crate::apdu::{Command, Response};
use crate::channel::CardChannel;
use crate::dialogue::error::{DialogueError, Operation, ProtocolFault};
use crate::profile::Edition;
use crate::record::Outcome;
use crate::secure_messaging::{ClientSecureMessaging, ResponseFault};

/// The way to a card. What closed it once answers every later command: nothing is resumed.
pub(super) struct Link<'c> {
    channel: &'c mut dyn CardChannel,
    protection: Protection,
}

enum Protection {
    Plain,
    Secured(ClientSecureMessaging),
    Closed(DialogueError),
}

impl<'c> Link<'c> {
    pub(super) fn plain(channel: &'c mut dyn CardChannel) -> Self {
        Self { channel, protection: Protection::Plain }
    }

    /// Protects everything from here with the key of a new channel.
    pub(super) fn secure(&mut self, session_key: &SessionKey, mac_edition: Edition) {
        self.protection = Protection::Secured(ClientSecureMessaging::new(session_key, mac_edition));
    }

    /// BPACE with a password of so many digits comes next: what a recording keeps of it is only that.
    pub(super) fn password_follows(&mut self, digits: usize) {
        if let Some(recording) = self.channel.recording() {
            recording.password_follows(digits);
        }
    }

    /// Sends a plain command, protected if a channel stands, and gives the card's plain answer.
    pub(super) fn transmit(&mut self, command: &Command) -> Result<Response, DialogueError> {
        // While the command is under way the link is closed, so that nothing is ever sent plain by mistake.
        let under_way = Protection::Closed(DialogueError::CardProtocol(ProtocolFault::NotAuthentic));
        let answer = match mem::replace(&mut self.protection, under_way) {
            Protection::Plain => self.transmit_plain(command),
            Protection::Secured(messaging) => self.transmit_protected(messaging, command),
            Protection::Closed(error) => {
                self.protection = Protection::Closed(error);
                return Err(error);
            }
        };
        match answer {
            Ok((response, protection)) => {
                self.protection = protection;
                self.record(command, Ok(&response));
                Ok(response)
            }
            Err(error) => {
                self.protection = Protection::Closed(error);
                self.record(command, Err(&error));
                Err(error)
            }
        }
    }

    fn record(&mut self, command: &Command, outcome: Outcome<'_>) {
        // What fits no command was not sent.
        if let Some(recording) = self.channel.recording()
            && !matches!(outcome, Err(DialogueError::Request(_)))
        {
            recording.exchange(command, outcome);
        }
    }

    fn transmit_plain(&mut self, command: &Command) -> Result<(Response, Protection), DialogueError> {
        let response = self.channel.transmit(command)?;
        Ok((response, Protection::Plain))
    }

    fn transmit_protected(
        &mut self,
        messaging: ClientSecureMessaging,
        command: &Command,
    ) -> Result<(Response, Protection), DialogueError> {
        let (protected, awaited) = messaging.protect(command)?;
        let response = self.channel.transmit(&protected)?;
        match awaited.unprotect(&response) {
            Ok((plain, messaging)) => Ok((plain, Protection::Secured(messaging))),
            Err(ResponseFault::Unprotected(status)) => Err(DialogueError::ChannelClosed { status }),
            Err(ResponseFault::Incorrect) => Err(DialogueError::CardProtocol(ProtocolFault::NotAuthentic)),
        }
    }

    /// Sends a command that another party has protected, as it is, and gives the answer as it came. It may speak only
    /// beside a channel that stands.
    pub(super) fn relay(&mut self, command: &Command) -> Result<Response, DialogueError> {
        if let Protection::Closed(error) = &self.protection {
            return Err(*error);
        }
        let answer = self.channel.transmit(command).map_err(DialogueError::from);
        if let Err(error) = &answer {
            self.protection = Protection::Closed(*error);
        }
        if let Some(recording) = self.channel.recording() {
            recording.relayed(command, answer.as_ref());
        }
        answer
    }

    /// Sends a command that succeeds with 9000 only.
    pub(super) fn command(&mut self, operation: Operation, command: &Command) -> Result<Response, DialogueError> {
        let response = self.transmit(command)?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(DialogueError::CardRefused { operation, status: response.status() })
        }
    }
}
