//! The agent, driven by messages, with virtual cards in readers of the test's own making.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod accidents;
mod codes;
mod deployed;
mod deployed_session;
mod desk;
mod documents;
mod fault_matrix;
mod flows;
mod holder;
mod managing;
mod pin_care;
mod probe;
mod recording;
mod sign_in;
mod terminal;
mod terminal_flows;
mod terminal_session;
mod waiting;
mod wire;
mod wire_messages;
