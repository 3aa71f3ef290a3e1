//! Sign-ins that are accepted, and one that is refused for every reason there is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod accepted;
mod cases;
mod presentation;
mod rejected;
mod robustness;
