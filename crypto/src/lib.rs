//! Algorithms and documents: Belt, Bign, key agreement, CV certificates, X.509, CMS, assertions.
//!
//! Pure: no input or output, no clock, no randomness of its own. Numbers are little-endian octet strings as in the
//! STB standards unless a comment says otherwise.

pub mod assertion;
pub mod bake;
pub mod bauth;
pub mod belt;
pub mod bign;
pub mod bpace;
pub mod cms;
pub mod container;
pub mod cv;
pub mod hash;
pub mod key_transport;
mod octets;
pub mod secret;
pub mod sha2;
pub mod signature;
pub mod tlv;
pub mod x509;

pub use rand_core;
