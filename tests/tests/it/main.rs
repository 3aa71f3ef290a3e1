//! Checks that concern the house as a whole, and everything end to end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod age;
mod card_afterwards;
mod claims;
mod codes;
mod corpus;
mod dev_script;
mod doctor;
mod documents;
mod faults;
mod fuzzing;
mod imports;
mod issuing_authority;
mod packages;
// Readers with virtual cards, as the agent's own tests have them.
#[allow(dead_code, reason = "the agent's tests use all of it")]
#[path = "../../../card/agent/tests/it/desk.rs"]
mod readers;
mod recording;
mod relying_party;
mod removed_checks;
mod renewal;
mod sandbox;
mod sign_in;
mod signing_rule;
mod sources;
mod stapled;
// A status service that answers as a test says, as the client's own tests have it.
#[allow(dead_code, reason = "the client's tests use all of it")]
#[path = "../../../client/tests/it/status_host.rs"]
mod status_host;
mod terminal;
mod terminal_faults;
mod text_files;
mod texts;
mod ticket;
mod ticket_request;
mod willing;
