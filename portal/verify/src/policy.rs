//! What a relying party asks for.

use latchkey_crypto::assertion::Origin;
use latchkey_crypto::x509::{CertificatePath, ObjectIdentifier, TrustStore};

use crate::{Assurance, Rejection};

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
}
