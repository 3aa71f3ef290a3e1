//! A connection as its user holds it: orders to its thread, each with a time within which it must be carried out.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use latchkey_card::{CardChannel, ChannelError, Command, Response};
use zeroize::Zeroizing;

use super::PcscOptions;
use super::faults::{in_dialogue, is_final};
use super::worker::{self, Order, Outcome, Reply, Wanted};
use crate::connection::{CardAfter, CardConnection, CardTransaction, OpenTransaction};
use crate::error::ReaderError;
use crate::exchange::exchange;
use crate::readers::{Atr, Insertion};

/// A connection to one insertion of a card.
pub(super) struct PcscConnection {
    insertion: Insertion,
    atr: Atr,
    options: PcscOptions,
    thread: Result<Thread, ReaderError>,
}

/// The thread behind it. Dropping both ends tells it that nobody waits any more.
struct Thread {
    orders: mpsc::Sender<Order>,
    replies: mpsc::Receiver<Reply>,
}

impl PcscConnection {
    pub(super) fn open(wanted: Wanted, insertion: Insertion, options: PcscOptions) -> Result<Self, ReaderError> {
        let (orders, received_orders) = mpsc::channel();
        let (sent_replies, replies) = mpsc::channel();
        thread::Builder::new()
            .name("latchkey-card".to_owned())
            .spawn(move || worker::work(&wanted, &received_orders, &sent_replies))
            .map_err(|error| ReaderError::ServiceFault { reason: error.to_string() })?;
        let thread = Thread { orders, replies };
        // A foreign transaction holds up even the connecting.
        match thread.reply(options.card_free_within, ReaderError::CardBusy)? {
            Outcome::Connected(atr) => Ok(Self { insertion, atr, options, thread: Ok(thread) }),
            Outcome::Done | Outcome::Answered(_) => Err(thread_ended()),
        }
    }

    /// Has an order carried out. What is final, and what takes too long, ends the connection: its thread is left to
    /// itself and cleans up when it can.
    fn order(&mut self, order: Order, within: Duration, too_late: ReaderError) -> Reply {
        let thread = self.thread.as_ref().map_err(Clone::clone)?;
        let reply = match thread.orders.send(order) {
            Ok(()) => thread.reply(within, too_late),
            Err(_) => Err(thread_ended()),
        };
        if let Err(error) = &reply
            && is_final(error)
        {
            self.thread = Err(error.clone());
        }
        reply
    }
}

impl Thread {
    fn reply(&self, within: Duration, too_late: ReaderError) -> Reply {
        match self.replies.recv_timeout(within) {
            Ok(reply) => reply,
            Err(mpsc::RecvTimeoutError::Timeout) => Err(too_late),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(thread_ended()),
        }
    }
}

impl CardConnection for PcscConnection {
    fn insertion(&self) -> Insertion {
        self.insertion
    }

    fn atr(&self) -> Atr {
        self.atr
    }

    fn begin(&mut self) -> Result<CardTransaction<'_>, ReaderError> {
        self.order(Order::Begin, self.options.card_free_within, ReaderError::CardBusy)?;
        Ok(CardTransaction::new(Box::new(PcscTransaction(self))))
    }
}

impl Drop for PcscConnection {
    fn drop(&mut self) {
        if let Ok(Thread { orders, replies }) = std::mem::replace(&mut self.thread, Err(thread_ended())) {
            drop(orders);
            // The thread resets the card and ends, which closes its side. If a foreign transaction or the card keeps it
            // from that, it goes on alone.
            while replies.recv_timeout(self.options.card_free_within).is_ok() {}
        }
    }
}

/// A transaction of the connection it borrows.
struct PcscTransaction<'connection>(&'connection mut PcscConnection);

impl CardChannel for PcscTransaction<'_> {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        // One time for the whole response: a card cannot stretch it by handing it out in parts.
        let until = Instant::now().checked_add(self.0.options.card_answers_within);
        exchange(command, &mut |octets: Zeroizing<Vec<u8>>| {
            let within = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            let reply = self.0.order(Order::Transmit(octets), within, ReaderError::CardSilent);
            match reply {
                Ok(Outcome::Answered(answer)) => Ok(answer),
                Ok(Outcome::Connected(_) | Outcome::Done) => Err(ChannelError::Transmission),
                Err(error) => Err(in_dialogue(error)),
            }
        })
    }
}

impl OpenTransaction for PcscTransaction<'_> {
    fn end(&mut self, after: CardAfter) -> Result<(), ReaderError> {
        self.0.order(Order::End(after), self.0.options.card_answers_within, ReaderError::CardSilent).map(|_| ())
    }
}

fn thread_ended() -> ReaderError {
    ReaderError::ServiceFault { reason: "the connection's thread has ended".to_owned() }
}
