//! Bign: STB 34.101.45-2013.
//!
//! Secret keys exist at level 128 only and are handled in constant time by `bignp256`.

use bignp256::ecdsa::signature::hazmat::PrehashSigner;
use bignp256::elliptic_curve::PrimeField;
use bignp256::{FieldBytes, NonZeroScalar, Scalar};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Octets of a private key at level 128.
pub const PRIVATE_KEY_SIZE: usize = 32;
/// Octets of a public key at level 128: x ‖ y.
pub const PUBLIC_KEY_SIZE: usize = 64;
/// Octets of a signature at level 128: s0 ‖ s1.
pub const SIGNATURE_SIZE: usize = 48;

/// A private key of bign-curve256v1. Wiped on drop, unprintable, not cloneable.
pub struct PrivateKey(bignp256::ecdsa::SigningKey);

impl PrivateKey {
    /// Draws a private key: 1 ≤ d < q (clause 6.2.2).
    #[must_use]
    pub fn generate(random: &mut dyn CryptoRng) -> Self {
        Self(bignp256::ecdsa::SigningKey::from_nonzero_scalar(random_scalar(random)))
    }

    /// Reads a private key of 32 octets, little-endian. `None` unless 1 ≤ d < q.
    #[must_use]
    pub fn from_octets(octets: &[u8; PRIVATE_KEY_SIZE]) -> Option<Self> {
        scalar(octets).map(|d| Self(bignp256::ecdsa::SigningKey::from_nonzero_scalar(d)))
    }

    /// The private key, little-endian, for storage in a protected container.
    #[must_use]
    pub fn expose_octets(&self) -> Zeroizing<[u8; PRIVATE_KEY_SIZE]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public key Q = dG: x ‖ y, each 32 octets little-endian.
    #[must_use]
    pub fn public_key(&self) -> [u8; PUBLIC_KEY_SIZE] {
        let mut octets = [0; PUBLIC_KEY_SIZE];
        for (to, from) in octets.iter_mut().zip(self.0.verifying_key().to_bytes()) {
            *to = from;
        }
        octets
    }

    /// Signs a belt-hash value (bign-sign, clause 7.1.3) with the deterministic k of bign-genk (clause 6.3.3).
    /// `None` with probability below 2^-120 (s0 or s1 is zero, which `bignp256` refuses).
    #[must_use]
    pub fn sign_hash(&self, hash: &[u8; 32]) -> Option<[u8; SIGNATURE_SIZE]> {
        let signature: bignp256::ecdsa::Signature = self.0.sign_prehash(hash).ok()?;
        Some(signature.to_bytes())
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("hidden")
    }
}

/// Draws 1 ≤ u < q by rejection, 32 octets little-endian at a time.
pub(crate) fn random_scalar(random: &mut dyn CryptoRng) -> NonZeroScalar {
    loop {
        let mut octets = Zeroizing::new([0; 32]);
        random.fill_bytes(octets.as_mut_slice());
        if let Some(scalar) = scalar(&octets) {
            return scalar;
        }
    }
}

fn scalar(octets: &[u8; 32]) -> Option<NonZeroScalar> {
    let repr = Zeroizing::new(FieldBytes::from(*octets));
    let scalar = Scalar::from_repr(*repr).into_option()?;
    NonZeroScalar::new(scalar).into_option()
}
