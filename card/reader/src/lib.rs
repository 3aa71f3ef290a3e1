//! Where cards are: PC/SC readers, insertion and removal.
//!
//! [`CardReaders`] tells which readers are there and which cards are in them, by a list and by events, and connects to
//! *one insertion* of a card in a named reader, never to "the card". A [`CardConnection`] lends the card out one
//! [`CardTransaction`] at a time; whatever happens, the card is reset before anyone else gets it with our state in it.

mod choice;
mod connection;
mod error;
mod exchange;
mod pcsc;
mod readers;

pub use choice::{ChosenCard, choose_card};
pub use connection::{CardAfter, CardConnection, CardTransaction, OpenTransaction};
pub use error::ReaderError;
pub use exchange::{SendOctets, exchange};
pub use pcsc::{PcscOptions, PcscReaders};
pub use readers::{Atr, CardPresence, CardReaders, Insertion, InvalidReaderName, ReaderEvent, ReaderName, ReaderState};
