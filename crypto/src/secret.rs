//! Secret octets: wiped on drop, unprintable, not cloneable, not serialisable.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret of `N` octets: a session key, a password key, a shared point.
///
/// It is compared in constant time and can be read only through [`SecretOctets::expose`].
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretOctets<const N: usize>([u8; N]);

/// A 256-bit Belt key.
pub type BeltKey = SecretOctets<32>;

impl<const N: usize> SecretOctets<N> {
    /// Takes octets over. The caller's copy is the caller's to wipe.
    #[must_use]
    pub const fn new(octets: [u8; N]) -> Self {
        Self(octets)
    }

    /// The octets, for a computation that needs them.
    #[must_use]
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> fmt::Debug for SecretOctets<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("hidden")
    }
}

impl<const N: usize> ConstantTimeEq for SecretOctets<N> {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.as_slice().ct_eq(other.0.as_slice())
    }
}
