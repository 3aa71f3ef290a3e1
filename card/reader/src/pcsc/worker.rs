//! The thread behind one connection: it makes the blocking calls, so that nobody else hangs on a card that never
//! answers. When its connection is gone it leaves the card reset, as soon as the card or the service lets it.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::time::Duration;

use pcsc::{Card, Context, Disposition, Error, Protocols, Scope, ShareMode, State, Transaction};
use zeroize::{Zeroize, Zeroizing};

use super::faults::{cause, is_final};
use super::watcher::count_of;
use crate::connection::CardAfter;
use crate::error::ReaderError;
use crate::readers::{Atr, ReaderName};

/// What a connection asks of its thread.
pub(super) enum Order {
    /// Begin a transaction.
    Begin,
    /// Send these octets to the card.
    Transmit(Zeroizing<Vec<u8>>),
    /// End the transaction.
    End(CardAfter),
}

/// What became of it.
pub(super) enum Outcome {
    /// The card is connected, in a fresh state.
    Connected(Atr),
    /// The order to begin or end was carried out.
    Done,
    /// The card answered.
    Answered(Zeroizing<Vec<u8>>),
}

/// The card that a connection wants.
pub(super) struct Wanted {
    /// Where it is.
    pub(super) reader: ReaderName,
    /// What the service had counted in that reader when the card was seen there.
    pub(super) count: u16,
}

pub(super) type Reply = Result<Outcome, ReaderError>;

/// Connects, then obeys until the orders end or nothing more can come of it.
pub(super) fn work(wanted: &Wanted, orders: &mpsc::Receiver<Order>, replies: &mpsc::Sender<Reply>) {
    match Talk::connect(wanted) {
        Ok((mut talk, mut card, atr)) => {
            if replies.send(Ok(Outcome::Connected(atr))).is_ok() {
                talk.obey(&mut card, orders, replies);
            }
            talk.disconnect(card);
        }
        // Nobody may be listening any more; then nobody cares.
        Err(error) => drop(replies.send(Err(error))),
    }
}

/// A connection as its thread knows it.
struct Talk<'wanted> {
    wanted: &'wanted Wanted,
    context: Context,
    /// Whether a command reached the card since its last reset.
    touched: bool,
    answer: Zeroizing<Vec<u8>>,
}

impl<'wanted> Talk<'wanted> {
    fn connect(wanted: &'wanted Wanted) -> Result<(Self, Card, Atr), ReaderError> {
        let context = Context::establish(Scope::User).map_err(cause)?;
        let card = context.connect(wanted.reader.as_c_str(), ShareMode::Shared, Protocols::ANY).map_err(cause)?;
        let talk = Self { wanted, context, touched: false, answer: Zeroizing::new(vec![0; ANSWER_BUFFER]) };
        match talk.same_insertion().and_then(|()| usable(&card)) {
            Ok(atr) => Ok((talk, card, atr)),
            Err(error) => {
                talk.disconnect(card);
                Err(error)
            }
        }
    }

    /// Ends the connection. The card is reset if anything was said to it.
    fn disconnect(&self, card: Card) {
        let after = if self.touched { Disposition::ResetCard } else { Disposition::LeaveCard };
        if let Err((_, error)) = card.disconnect(after) {
            tracing::debug!(%error, "the card could not be disconnected");
        }
    }

    fn obey(&mut self, card: &mut Card, orders: &mpsc::Receiver<Order>, replies: &mpsc::Sender<Reply>) {
        // The only order outside a transaction is to begin one.
        while let Ok(_begin) = orders.recv() {
            let flow = match card.transaction2() {
                Ok(transaction) => match replies.send(Ok(Outcome::Done)) {
                    Ok(()) => self.obey_in(transaction, orders, replies),
                    Err(_) => ControlFlow::Break(()),
                },
                Err((card, error)) => {
                    let error = self.heal(card, error);
                    reply(replies, Err(error))
                }
            };
            if flow.is_break() {
                return;
            }
        }
    }

    fn obey_in(
        &mut self,
        mut transaction: Transaction<'_>,
        orders: &mpsc::Receiver<Order>,
        replies: &mpsc::Sender<Reply>,
    ) -> ControlFlow<()> {
        loop {
            let flow = match orders.recv() {
                Ok(Order::Transmit(command)) => reply(replies, self.transmit(&transaction, command)),
                Ok(Order::End(after)) => return reply(replies, self.end(transaction, after)),
                Ok(Order::Begin) => reply(replies, Err(ReaderError::CardBusy)),
                Err(_) => ControlFlow::Break(()),
            };
            if flow.is_break() {
                // Reset within the transaction, so that nobody meets the card in our state.
                if self.touched && self.reset(&mut transaction).is_err() {
                    tracing::debug!("the card could not be reset");
                }
                return flow;
            }
        }
    }

    fn transmit(&mut self, transaction: &Transaction<'_>, command: Zeroizing<Vec<u8>>) -> Reply {
        self.touched = true;
        let received = transaction.transmit(&command, &mut self.answer).map(|answer| Zeroizing::new(answer.to_vec()));
        drop(command);
        let used = received.as_ref().map_or(ANSWER_BUFFER, |answer| answer.len());
        self.answer.iter_mut().take(used).for_each(Zeroize::zeroize);
        match received {
            // A card that is pulled out while it works leaves an answer without octets, or a part of one.
            Ok(answer) if answer.is_empty() => Err(ReaderError::CardRemoved),
            Ok(answer) if answer.len() < 2 => Err(self.removal_or(ReaderError::MalformedResponse)),
            Ok(answer) => Ok(Outcome::Answered(answer)),
            Err(error) => Err(match cause(error) {
                ReaderError::Transmission => self.removal_or(ReaderError::Transmission),
                other => other,
            }),
        }
    }

    fn end(&mut self, mut transaction: Transaction<'_>, after: CardAfter) -> Reply {
        let reset = match after {
            CardAfter::Untouched => Ok(()),
            CardAfter::Reset => self.reset(&mut transaction),
        };
        let ended = transaction.end(Disposition::LeaveCard).map_err(|(_, error)| cause(error));
        reset.and(ended).map(|()| Outcome::Done)
    }

    /// Resets the card. Not by the end of the transaction, since after that the service could not tell our own reset
    /// from another program's: connecting anew clears the mark that it leaves.
    fn reset(&mut self, transaction: &mut Transaction<'_>) -> Result<(), ReaderError> {
        transaction.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard).map_err(cause)?;
        self.touched = false;
        usable(transaction).map(|_| ())
    }

    /// Makes the connection usable again after another program's reset, which is reported all the same.
    fn heal(&mut self, card: &mut Card, error: Error) -> ReaderError {
        if error != Error::ResetCard {
            return cause(error);
        }
        let healed = card
            .reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard)
            .map_err(cause)
            // The mark of a reset hides that of a removal before it.
            .and_then(|()| self.same_insertion())
            .and_then(|()| usable(card));
        match healed {
            Ok(_) => {
                self.touched = false;
                ReaderError::CardReset
            }
            Err(error) => error,
        }
    }

    /// Makes sure that the connected card is that of the wanted insertion. The count only grows, so if it is the wanted
    /// one now, after connecting, it was then.
    fn same_insertion(&self) -> Result<(), ReaderError> {
        let mut states = [pcsc::ReaderState::new(self.wanted.reader.as_c_str(), State::UNAWARE)];
        self.context.get_status_change(Duration::ZERO, &mut states).map_err(cause)?;
        let [state] = &states;
        let same = count_of(state) == self.wanted.count && state.event_state().contains(State::PRESENT);
        if same { Ok(()) } else { Err(ReaderError::CardRemoved) }
    }

    /// After a fault, waits a moment for the service to notice that the card was pulled out, which explains it.
    fn removal_or(&self, fault: ReaderError) -> ReaderError {
        let present = State::PRESENT | State::from_bits_retain(pcsc::ffi::DWORD::from(self.wanted.count) << 16);
        let mut states = [pcsc::ReaderState::new(self.wanted.reader.as_c_str(), present)];
        match self.context.get_status_change(REMOVAL_NOTICED_WITHIN, &mut states) {
            Ok(()) if self.same_insertion().is_err() => ReaderError::CardRemoved,
            Ok(()) | Err(Error::Timeout) => fault,
            Err(error) => cause(error),
        }
    }
}

/// The answer to reset, if the card speaks a protocol that can carry commands.
fn usable(card: &Card) -> Result<Atr, ReaderError> {
    let (mut names, mut atr) = ([0; NAMES_BUFFER], [0; pcsc::MAX_ATR_SIZE]);
    let status = card.status2(&mut names, &mut atr).map_err(cause)?;
    match (status.protocol2(), Atr::new(status.atr())) {
        (Some(_), Some(atr)) => Ok(atr),
        _ => Err(ReaderError::CardUnsupported),
    }
}

/// Hands the outcome over; whether to go on.
fn reply(replies: &mpsc::Sender<Reply>, outcome: Reply) -> ControlFlow<()> {
    let over = outcome.as_ref().is_err_and(is_final);
    match replies.send(outcome) {
        Ok(()) if !over => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    }
}

/// Octets for the longest answer: 65,536 and the status word, rounded up.
const ANSWER_BUFFER: usize = 65_536 + 256;
/// Octets for the names of one reader.
const NAMES_BUFFER: usize = 1024;
/// The service looks at its readers every 0.4 s.
const REMOVAL_NOTICED_WITHIN: Duration = Duration::from_secs(1);
