//! Bign: STB 34.101.45-2013.
//!
//! Two worlds that share no arithmetic:
//!
//! * **Private keys** exist at level 128 only ([`PrivateKey`]) and are handled in constant time by `bignp256`.
//! * **Verification** at every level ([`PublicKey::verify`], and the proof of a card in BAUTH) is ours and runs in
//!   variable time. Its numbers and points are private to this module and can be made only from a public key, a hash
//!   value and a signature or proof, so that no secret can reach it.

mod curve;
mod field;
mod limbs;
mod point;
mod private_key;
mod public_key;
mod scalar;
mod tables;
#[cfg(test)]
mod tests;
mod verify;

pub use private_key::{PRIVATE_KEY_SIZE, PUBLIC_KEY_SIZE, PrivateKey, SIGNATURE_SIZE};
pub(crate) use private_key::{encoded, point_of, random_scalar, x_of_multiple};
pub use public_key::{InvalidPublicKey, PublicKey};
pub use verify::SignatureError;

/// A security level ℓ: a forger needs about 2^ℓ operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// bign-curve256v1 with belt-hash.
    L128,
    /// bign-curve384v1 with bash384.
    L192,
    /// bign-curve512v1 with bash512.
    L256,
}

impl Level {
    /// Every level, rising.
    pub const ALL: [Self; 3] = [Self::L128, Self::L192, Self::L256];

    /// ℓ.
    #[must_use]
    pub const fn bits(self) -> usize {
        match self {
            Self::L128 => 128,
            Self::L192 => 192,
            Self::L256 => 256,
        }
    }

    /// Octets of a public key, x ‖ y: 4ℓ bits.
    #[must_use]
    pub const fn public_key_size(self) -> usize {
        self.bits() / 2
    }

    /// Octets of a signature, s0 ‖ s1: 3ℓ bits.
    #[must_use]
    pub const fn signature_size(self) -> usize {
        self.bits() / 8 * 3
    }

    /// The order q of the base point, little-endian, 2ℓ bits.
    pub(crate) fn order(self) -> Vec<u8> {
        match self {
            Self::L128 => limbs::to_octets(curve::CURVE_256.q()),
            Self::L192 => limbs::to_octets(curve::CURVE_384.q()),
            Self::L256 => limbs::to_octets(curve::CURVE_512.q()),
        }
    }
}
