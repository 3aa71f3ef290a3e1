//! What a relying party asks for.

use latchkey_crypto::assertion::Origin;
use latchkey_crypto::x509::{CertificatePath, ObjectIdentifier, TrustStore};
use time::{Duration, OffsetDateTime};

use crate::{Assurance, Check, Rejection};

/// Who the relying party is, whom it trusts, and how sure it wants to be. Nothing here has a default.
#[derive(Debug, Clone)]
pub struct SignInPolicy {
    /// The relying party's own origin, from its configuration, never from a request.
    pub origin: Origin,
    /// The authorities that it trusts and knows.
    pub trust: TrustStore,
    /// Which certificate policies mean which assurance.
    pub levels: PolicyLevels,
    /// The least assurance that it lets in.
    pub minimum_assurance: Assurance,
    /// For how long revocation data that should have been renewed still serves, for at most [`Assurance::Substantial`].
    pub grace: Grace,
}

/// How long after its time revocation data still serves: at most a day. Never for [`Assurance::High`], and so for nothing
/// that asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Grace(Duration);

/// More than a day, or less than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("revocation data may serve for at most 24 hours after its time")]
pub struct InvalidGrace;

impl Grace {
    /// None: what is out of date serves nobody.
    pub const NONE: Self = Self(Duration::ZERO);
    /// The longest.
    pub const LONGEST: Self = Self(Duration::DAY);

    /// So long.
    ///
    /// # Errors
    /// [`InvalidGrace`].
    pub fn new(grace: Duration) -> Result<Self, InvalidGrace> {
        if grace.is_negative() || grace > Duration::DAY { Err(InvalidGrace) } else { Ok(Self(grace)) }
    }

    /// Whether data that was current until `next_update` still serves at `now`.
    pub(crate) fn covers(self, next_update: OffsetDateTime, now: OffsetDateTime) -> bool {
        now - next_update <= self.0
    }
}

/// The certificate policies that raise the assurance of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLevels {
    /// Policies under which an authority certifies only keys that never leave a card: [`Assurance::High`].
    pub card_held_key: Vec<ObjectIdentifier>,
    /// Policies under which it certifies other keys of persons: [`Assurance::Substantial`].
    pub other_key: Vec<ObjectIdentifier>,
}

impl SignInPolicy {
    /// The assurance that the policies on this path give, if it suffices.
    pub(crate) fn check_assurance(
        &self,
        path: &CertificatePath<'_>,
    ) -> Result<(Assurance, Option<ObjectIdentifier>), Rejection> {
        let held = |known: &[ObjectIdentifier]| path.policies().iter().find(|policy| known.contains(policy)).cloned();
        let (assurance, policy) = match (held(&self.levels.card_held_key), held(&self.levels.other_key)) {
            (Some(policy), _) => (Assurance::High, Some(policy)),
            (None, Some(policy)) => (Assurance::Substantial, Some(policy)),
            (None, None) => (Assurance::Low, None),
        };
        if assurance < self.minimum_assurance {
            return Err(Rejection::WrongPolicy { reached: assurance, required: self.minimum_assurance });
        }
        Ok((assurance, policy))
    }

    /// What is left of the assurance if revocation data of the path is out of date, if it suffices.
    pub(crate) fn check_grace(&self, reached: Assurance, not_revoked: &[Check]) -> Result<Assurance, Rejection> {
        match not_revoked.iter().find_map(Check::stale_since) {
            None => Ok(reached),
            Some(next_update) => {
                let left = reached.min(Assurance::Substantial);
                if left < self.minimum_assurance { Err(Rejection::RevocationStale { next_update }) } else { Ok(left) }
            }
        }
    }
}
