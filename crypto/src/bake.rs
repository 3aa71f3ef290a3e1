//! Shared parts of the STB 34.101.66-2014 key agreement protocols: bake-kdf and bake-swu.

use bignp256::{BignP256, ProjectivePoint};

use crate::belt;
use crate::secret::BeltKey;

/// bake-kdf(X, S, C) (STB 34.101.66-2014, clause 6.1.3): key number `number` from secret `secret` and `salt`.
#[must_use]
pub fn kdf(secret: &[u8], salt: &[&[u8]], number: u8) -> BeltKey {
    let mut parts = vec![secret];
    parts.extend_from_slice(salt);
    let seed = BeltKey::new(belt::hash(&parts));
    let mut header = [0; belt::BLOCK_SIZE];
    if let Some(first) = header.first_mut() {
        *first = number;
    }
    belt::keyrep(&seed, &[0xFF; 12], &header)
}

/// bake-swu (clause 6.2.3) on bign-curve256v1: the point that `secret` of 32 octets names.
pub(crate) fn swu(secret: &[u8; 32]) -> Option<ProjectivePoint> {
    BignP256::hash_secret_to_curve(secret).ok()
}
