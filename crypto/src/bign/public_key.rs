//! Public keys of every level.

use std::fmt;

use super::Level;
use super::curve::{CURVE_256, CURVE_384, CURVE_512};
use super::point::Affine;
use super::verify::{self, SignatureError};
use crate::hash::HashAlgorithm;

/// A public key Q: a point of its level's curve, checked when it was read (clause 6.2.3).
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    octets: Vec<u8>,
    point: Point,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Point {
    L128(Affine<4, 189>),
    L192(Affine<6, 317>),
    L256(Affine<8, 569>),
}

/// Why octets are no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicKey {
    /// Neither 64 nor 96 nor 128 octets.
    #[error("a Bign public key has 64, 96 or 128 octets, not {0}")]
    Length(usize),
    /// A coordinate is not below p, or the point is not on the curve.
    #[error("the octets are no point of the Bign curve of their length")]
    NotOnCurve,
}

impl PublicKey {
    /// Reads x ‖ y, each little-endian; the length tells the level.
    ///
    /// # Errors
    /// [`InvalidPublicKey`] for another length or a point that is not on the curve.
    pub fn from_octets(octets: &[u8]) -> Result<Self, InvalidPublicKey> {
        let level = Level::ALL
            .into_iter()
            .find(|level| level.public_key_size() == octets.len())
            .ok_or(InvalidPublicKey::Length(octets.len()))?;
        let point = match level {
            Level::L128 => CURVE_256.point(octets).map(Point::L128),
            Level::L192 => CURVE_384.point(octets).map(Point::L192),
            Level::L256 => CURVE_512.point(octets).map(Point::L256),
        };
        let point = point.ok_or(InvalidPublicKey::NotOnCurve)?;
        Ok(Self { octets: octets.to_vec(), point })
    }

    /// The security level.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self.point {
            Point::L128(_) => Level::L128,
            Point::L192(_) => Level::L192,
            Point::L256(_) => Level::L256,
        }
    }

    /// x ‖ y, each little-endian.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Verifies a signature s0 ‖ s1 over a hash value (bign-verify, clause 7.1.4). In variable time: everything here
    /// is public.
    ///
    /// # Errors
    /// [`SignatureError`] unless the signature was made over this hash value, by this algorithm, with this key.
    pub fn verify(&self, algorithm: HashAlgorithm, hash: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if algorithm.level() != self.level() {
            return Err(SignatureError::OtherLevel);
        }
        verify::verify(&self.point, algorithm, hash, signature)
    }

    /// Verifies that who chose the point V knew this key at level 128: s·G + (2^ℓ + t)·Q = V (BAUTH, STB 34.101.79). In
    /// variable time: everything here is public.
    ///
    /// # Errors
    /// [`SignatureError`] unless the response s to the challenge t fits V and this key.
    pub(crate) fn verify_response(
        &self,
        challenge: &[u8; 16],
        response: &[u8; 32],
        point: &[u8; 64],
    ) -> Result<(), SignatureError> {
        match &self.point {
            Point::L128(key) => verify::verify_response(key, challenge, response, point),
            Point::L192(_) | Point::L256(_) => Err(SignatureError::OtherLevel),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey(")?;
        for octet in &self.octets {
            write!(formatter, "{octet:02X}")?;
        }
        write!(formatter, ")")
    }
}
