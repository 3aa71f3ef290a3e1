//! Documents: what the agent's signatures become on disk, and whether a signature counts.

mod failure;
mod fault;
mod sign;
mod verify;

pub use failure::DocumentFailure;
pub use fault::{FAULT_CODES, fault_code};
pub use sign::{Placement, SignaturePlace, attach};
pub use verify::{Verification, VerifiedFile, trust_and_lists, verify};
pub(crate) use verify::{pem_blocks, read_lists};
