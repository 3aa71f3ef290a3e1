//! The agent's program as a process, with virtual cards behind a private PC/SC service.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod hardened;
mod killed;
mod pictures;
mod process;
mod questions;
mod screen;
mod stage;
mod window;
