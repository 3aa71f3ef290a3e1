//! Decides whether an assertion is valid, for this site, now.
//!
//! For any back end: no input or output, no clock, no storage. The caller takes the challenge out of its store (read and
//! removed in one step), says who it is and whom it trusts ([`SignInPolicy`]), hands over revocation data that it has
//! fetched before, and tells the time. [`verify_sign_in`] answers with a [`VerifiedSignIn`], which exists only if every
//! check passed and says what each was made against, or with the one [`Rejection`] that tells why not.
//!
//! ```
//! use latchkey_crypto::assertion::{ChallengeText, Origin};
//! use latchkey_crypto::x509::TrustStore;
//! use latchkey_verify::{
//!     Assurance, Grace, PendingChallenge, PolicyLevels, Purpose, RevocationLists, SignInPolicy, verify_sign_in,
//! };
//! use time::{Duration, OffsetDateTime};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = SignInPolicy {
//!     origin: Origin::parse("https://portal.example")?,
//!     trust: TrustStore::new(vec![/* roots */], vec![/* issuing authorities */])?,
//!     levels: PolicyLevels { card_held_key: vec!["1.2.112.1.2.1.1.1.3.1".parse()?], other_key: vec![] },
//!     minimum_assurance: Assurance::High,
//!     grace: Grace::NONE,
//! };
//! let taken = PendingChallenge {
//!     text: ChallengeText::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?,
//!     issued_at: OffsetDateTime::UNIX_EPOCH,
//!     lifetime: Duration::minutes(5),
//!     purpose: Purpose::SignIn,
//! };
//! let revocation = RevocationLists::new();
//! match verify_sign_in(b"{}", &taken, &policy, &revocation, OffsetDateTime::UNIX_EPOCH) {
//!     Ok(verified) => println!("{}", verified.identity().name()),
//!     Err(rejection) => assert_eq!(rejection.code(), "malformed-assertion"),
//! }
//! # Ok(())
//! # }
//! ```

mod assurance;
mod challenge;
mod check;
mod policy;
mod rejection;
mod sign_in;

pub use assurance::{Assurance, UnknownAssurance};
pub use challenge::{CHALLENGE_LIFETIME_MAX, CLOCK_TOLERANCE, PendingChallenge, Purpose, UnknownPurpose};
pub use check::Check;
pub use latchkey_crypto::x509::{
    RevocationData, RevocationEvidence, RevocationFault, RevocationLists, RevocationSources, VerifiedStatusAnswer,
};
pub use policy::{Grace, InvalidGrace, PolicyLevels, SignInPolicy};
pub use rejection::Rejection;
pub use sign_in::{PresentedAssertion, ProvenSignIn, VerifiedSignIn, verify_sign_in};
