//! The way to a card for as long as a terminal session lasts.

use latchkey_card::record::Recording;
use latchkey_card::{CardChannel, ChannelError, Command, Response};
use latchkey_reader::{CardConnection, ReaderError};

/// Makes a transaction of each exchange, so that none is held while a person thinks or a network works. What is agreed
/// with the card in between is protected by its secure channel: another program that talks to it ends that channel, and
/// one that resets it is told of by the next transaction.
pub(super) struct EachExchange<'card> {
    connection: &'card mut dyn CardConnection,
    recording: Option<Recording>,
}

impl<'card> EachExchange<'card> {
    pub(super) fn of(connection: &'card mut dyn CardConnection) -> Self {
        let recording = connection.recording();
        Self { connection, recording }
    }
}

impl CardChannel for EachExchange<'_> {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        let mut transaction = self.connection.begin().map_err(|error| cause(&error))?;
        let response = transaction.transmit(command)?;
        transaction.leave().map_err(|error| cause(&error))?;
        Ok(response)
    }

    fn recording(&mut self) -> Option<&mut Recording> {
        self.recording.as_mut()
    }
}

const fn cause(error: &ReaderError) -> ChannelError {
    match error {
        ReaderError::CardReset => ChannelError::CardReset,
        ReaderError::CardRemoved | ReaderError::NoCard => ChannelError::CardRemoved,
        ReaderError::CardSilent | ReaderError::CardMute => ChannelError::CardSilent,
        ReaderError::ReaderGone | ReaderError::NoReader => ChannelError::ReaderGone,
        ReaderError::NoService => ChannelError::ServiceGone,
        ReaderError::CardBusy => ChannelError::CardBusy,
        ReaderError::MalformedResponse => ChannelError::MalformedResponse,
        _ => ChannelError::Transmission,
    }
}
