//! Tests of latchkey-reader: the seam without a service, and PC/SC through private real pcscds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod cards;
mod events;
mod exchange;
mod foreign_tools;
mod hot_plug;
mod played_service;
mod scripted_card;
mod seam;
mod service;
