//! The client program: its texts, what it says to portals, and the binary `latchkey` as a person runs it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod advice;
mod binary;
mod card;
mod help;
mod portal;
mod samples;
mod sign_in;
mod test_portal;
mod texts;
mod waiting;
