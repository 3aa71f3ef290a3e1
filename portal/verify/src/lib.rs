//! Decides whether an assertion is valid, for this site, now.
//!
//! For any back end: no input or output, no clock, no storage. The caller takes the challenge out of its store (read and
//! removed in one step), says who it is and whom it trusts ([`SignInPolicy`]), hands over revocation data that it has
//! fetched before, and tells the time. [`verify_sign_in`] answers with a [`VerifiedSignIn`], which exists only if every
//! check passed and says what each was made against, or with the one [`Rejection`] that tells why not.

mod assurance;
mod challenge;
mod check;
mod policy;
mod rejection;
mod sign_in;

pub use assurance::{Assurance, UnknownAssurance};
pub use challenge::{CHALLENGE_LIFETIME_MAX, CLOCK_TOLERANCE, PendingChallenge, Purpose, UnknownPurpose};
pub use check::Check;
pub use latchkey_crypto::x509::{RevocationData, RevocationEvidence, RevocationFault, RevocationLists};
pub use policy::{PolicyLevels, SignInPolicy};
pub use rejection::Rejection;
pub use sign_in::{VerifiedSignIn, verify_sign_in};
