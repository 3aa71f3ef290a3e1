//! A connected card and the transactions in which it is talked to.

use std::fmt;

use latchkey_card::record::Recording;
use latchkey_card::{CardChannel, ChannelError, Command, Response};

use crate::error::ReaderError;
use crate::readers::{Atr, Insertion};

/// A card that we are connected to, shared with other programs. Between transactions any of them may use or reset it,
/// so nothing is agreed with the card beyond a transaction's end, and no transaction is held while a person thinks.
///
/// Dropping a connection resets the card if a command reached it since its last reset.
pub trait CardConnection: Send {
    /// Which insertion this is a connection to. The connection is dead once that card is removed.
    fn insertion(&self) -> Insertion;

    /// How the card answered to its reset.
    fn atr(&self) -> Atr;

    /// Begins a transaction: no other program reaches the card until it ends.
    ///
    /// # Errors
    /// * [`ReaderError::CardReset`] if another program reset the card since the last transaction, or since the
    ///   connection was made. It is said once: the next call succeeds, and the caller starts over. A transaction that
    ///   begins without it finds the card of the same insertion, with no foreign reset since the last one.
    /// * [`ReaderError::CardBusy`] if another program's transaction does not end in time.
    /// * [`ReaderError::CardRemoved`] and others: the connection is dead.
    fn begin(&mut self) -> Result<CardTransaction<'_>, ReaderError>;

    /// A recording of a dialogue that lasts over many transactions; `None` if nothing is recorded.
    fn recording(&self) -> Option<Recording> {
        None
    }
}

/// How a transaction leaves the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardAfter {
    /// As it is: the same selection, channel and verified passwords for whoever comes next.
    Untouched,
    /// Reset: nothing is selected, open or verified.
    Reset,
}

/// What an implementation of [`CardConnection`] puts behind a [`CardTransaction`].
pub trait OpenTransaction: CardChannel {
    /// Ends the transaction. Called exactly once.
    ///
    /// # Errors
    /// If the card could not be left as asked; the transaction is over all the same.
    fn end(&mut self, after: CardAfter) -> Result<(), ReaderError>;
}

/// The card, for us alone, until this is [`left`](Self::leave), [`reset`](Self::reset) or dropped. Dropping it resets
/// the card, so that every error path does.
pub struct CardTransaction<'connection> {
    open: Option<Box<dyn OpenTransaction + 'connection>>,
}

impl<'connection> CardTransaction<'connection> {
    /// A transaction that has begun. For implementations of [`CardConnection`].
    #[must_use]
    pub fn new(open: Box<dyn OpenTransaction + 'connection>) -> Self {
        Self { open: Some(open) }
    }

    /// Ends the transaction and leaves the card as it is. The connection still resets it in the end.
    ///
    /// # Errors
    /// If the card or the service is gone.
    pub fn leave(self) -> Result<(), ReaderError> {
        self.end(CardAfter::Untouched)
    }

    /// Resets the card and ends the transaction.
    ///
    /// # Errors
    /// If the card could not be reset; it is then gone or answers nobody.
    pub fn reset(self) -> Result<(), ReaderError> {
        self.end(CardAfter::Reset)
    }

    fn end(mut self, after: CardAfter) -> Result<(), ReaderError> {
        self.open.take().map_or(Ok(()), |mut open| open.end(after))
    }
}

impl CardChannel for CardTransaction<'_> {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        self.open.as_mut().map_or(Err(ChannelError::CardReset), |open| open.transmit(command))
    }

    fn recording(&mut self) -> Option<&mut Recording> {
        self.open.as_mut().and_then(|open| open.recording())
    }
}

impl Drop for CardTransaction<'_> {
    fn drop(&mut self) {
        if let Some(mut open) = self.open.take()
            && let Err(error) = open.end(CardAfter::Reset)
        {
            tracing::debug!(code = error.code(), "the card could not be reset at the end of a transaction");
        }
    }
}

impl fmt::Debug for CardTransaction<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CardTransaction").field("open", &self.open.is_some()).finish()
    }
}
