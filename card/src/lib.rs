//! What is said to a card: APDU, secure messaging, BPACE, card profiles.
//!
//! Pure: a [`CardChannel`] is handed in, and so is randomness.

pub mod apdu;
pub mod channel;

pub use apdu::{Command, Response, StatusWord};
pub use channel::{CardChannel, ChannelError};
