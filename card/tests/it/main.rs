//! Checks of this crate against vectors made elsewhere, recorded dialogues, and properties.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod apdu;
mod bauth;
mod bpace;
mod deployed_card;
mod dialogue;
mod digit_entry;
mod key;
mod probe;
mod profile;
mod recording;
mod rights;
mod secrets;
mod secure_messaging;
mod secure_messaging_rules;
mod terminal;
mod terminal_session;
mod virtual_card;
