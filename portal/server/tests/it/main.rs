//! The service as browsers, clients and operators meet it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod attacks;
mod audit;
mod authority_host;
mod backup;
mod cabinet;
mod command_line;
mod configuration;
mod fetching;
mod headers;
mod link_attacks;
mod links;
mod migrations;
mod observation;
mod openapi;
mod outside_accounts;
mod outside_host;
mod own_keys;
mod page;
mod process;
mod provider;
mod rates;
mod refusal_pages;
mod refusals;
mod revocation;
mod schema;
mod sign_in;
mod status_service;
mod storage;
mod support;
mod terminal;
mod two_processes;
mod under_load;
mod unit;
