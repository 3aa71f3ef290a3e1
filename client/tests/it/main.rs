//! The client program: its texts, what it says to portals, and the binary `latchkey` as a person runs it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod advice;
mod app;
mod binary;
mod body;
mod card;
mod deployed;
mod desk;
mod doctor;
mod documents;
mod guest;
mod hand_over;
mod help;
mod history;
mod holder;
mod idle;
mod link;
mod portal;
mod record;
// Readers with virtual cards, as the agent's own tests have them.
#[allow(dead_code, reason = "the agent's tests use all of it")]
#[path = "../../../card/agent/tests/it/desk.rs"]
mod readers;
mod rest;
mod samples;
mod serve;
mod service;
mod service_documents;
mod settings;
mod sign_in;
mod signed_requests;
mod single_instance;
mod sites;
mod stapling;
mod status_host;
mod test_portal;
mod texts;
mod update;
mod vanished;
mod waiting;
mod wire;
