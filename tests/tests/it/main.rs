//! Checks that concern the house as a whole, and everything end to end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

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
mod packages;
mod removed_checks;
mod sign_in;
mod sources;
mod text_files;
mod texts;
