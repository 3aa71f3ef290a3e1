//! Checks of this crate against vectors made elsewhere, and properties.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod assertion;
mod bake;
mod bash;
mod bauth;
mod belt;
mod bign;
mod bpace;
mod cms;
mod container;
mod cv;
mod key_transport;
mod printed;
mod tlv;
mod x509;
