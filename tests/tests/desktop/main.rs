//! The desktop client, from a portal's page in a browser to the card and back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod age;
mod barriers;
mod demos;
mod deployed;
mod guest;
mod hardening;
mod house;
mod keyboard;
mod link;
mod outside_account;
mod portal_page;
mod portal_pages;
mod relying_parties;
mod rest;
mod screens;
mod secrets;
mod service_double;
mod sign_in;
mod stage;
mod taken_over;
mod theme;
mod words;
