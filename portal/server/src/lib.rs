//! The identification service: challenges, terminal, sessions, storage.
//!
//! | Room | What it does |
//! |---|---|
//! | [`audit`] | what happened, in a log whose lines depend on each other |
//! | [`command_log`] | what operators' commands did |
//! | [`configuration`] | the configuration file, read with the line of every fault |
//! | [`portal`] | what the service does, apart from HTTP |
//! | [`cabinet`] | what is kept of a person between sign-ins, and its door |
//! | [`organisation`] | organisations that people act for |
//! | [`keys`] | the service's own keys: files, names, rotation |
//! | [`link`] | what a link consists of |
//! | [`http`] | its addresses, cookies, refusals, page |
//! | [`provider`] | what it tells other sites of who is signed in (OpenID Connect), apart from HTTP |
//! | [`rates`] | how much one visitor, or one site, may ask for in a minute |
//! | [`storage`] | what it remembers; all SQL |
//! | [`terminal`] | what reads cards and has them sign through client programs, apart from HTTP; off unless configured |
//! | [`revocation`] | revocation lists, taken anew when they change on disk |
//! | [`metrics`] | what it counts |
//! | [`material`] | the files that the configuration names |
//! | [`tls`] | the server's certificate and key, taken anew when they change on disk |
//! | [`serve`] | listening, upkeep, stopping |
//!
//! # Personal data
//! A session keeps what the page shows: the holder's names and personal number, the assurance, when it began and when
//! it ends. It is deleted at sign-out and purged when it is over. A sign-in by link keeps the same for at most a minute,
//! until the browser comes for it. What other sites were granted of a person belongs to a session and ends with it; what
//! the person has agreed to is kept, under a keyed hash, until it is withdrawn. A cabinet is kept under a keyed hash too,
//! with no other word of the person but the organisations that the operator has bound to it. Challenges belong to browsers, not people. Nothing of
//! this is written to logs or metrics; neither are the addresses that requests come from. What the terminal reads of a
//! card is sealed while it waits to be fetched, in a database of its own, and forgotten when it was.

pub mod audit;
pub mod cabinet;
mod calling;
pub mod challenge;
pub mod command_log;
pub mod configuration;
pub mod files;
pub mod http;
pub mod keys;
pub mod link;
pub mod material;
pub mod metrics;
pub mod organisation;
mod outside;
pub mod outside_account;
mod patience;
pub mod portal;
pub mod provider;
pub mod rates;
pub mod revocation;
pub mod serve;
pub mod session;
pub mod storage;
pub mod terminal;
pub mod tls;
pub mod token;
