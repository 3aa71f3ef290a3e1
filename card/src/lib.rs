//! What is said to a card: APDU, secure messaging, BPACE, BAUTH, card profiles.
//!
//! Three roles: the client program ([`dialogue`]), the terminal ([`terminal`]), and the parts of a card that the
//! virtual one is made of.
//!
//! Pure: a [`CardChannel`] is handed in, and so is randomness.

pub mod apdu;
pub mod bauth;
pub mod bpace;
pub mod channel;
mod commands;
pub mod dialogue;
mod file_reading;
pub mod key;
mod outline;
pub mod password;
pub mod profile;
pub mod record;
pub mod rights;
pub mod secure_messaging;
pub mod terminal;

pub use apdu::{Command, Response, StatusWord};
pub use channel::{CardChannel, ChannelError};
pub use latchkey_crypto::tlv;
