//! The thin shell: its command line, what it takes out of its surroundings, and which keys its pages can see.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod arguments;
mod commands;
mod guard;
mod surroundings;
