//! bign-verify: STB 34.101.45-2013, clause 7.1.4.

use super::curve::{CURVE_256, CURVE_384, CURVE_512, Curve};
use super::point::Affine;
use super::public_key::Point;
use super::scalar::Scalars;
use super::tables::{BaseTables, TABLES_256, TABLES_384, TABLES_512};
use crate::belt;
use crate::hash::HashAlgorithm;

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The hash algorithm belongs to keys of another level.
    #[error("the hash algorithm does not fit the key's level")]
    OtherLevel,
    /// The hash value is not of the algorithm's size.
    #[error("a hash value of {0} octets does not fit the algorithm")]
    HashLength(usize),
    /// The signature is not of the level's size.
    #[error("a signature of {0} octets does not fit the key's level")]
    SignatureLength(usize),
    /// s1 is not below q (step 3).
    #[error("the signature's number s1 is out of range")]
    OutOfRange,
    /// The signature was not made over this hash value with this key (steps 6 and 8).
    #[error("the signature does not belong to this hash value and key")]
    Mismatch,
}

pub(super) fn verify(
    key: &Point,
    algorithm: HashAlgorithm,
    hash: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    match key {
        Point::L128(key) => verify_on(&CURVE_256, &TABLES_256, key, algorithm, hash, signature),
        Point::L192(key) => verify_on(&CURVE_384, &TABLES_384, key, algorithm, hash, signature),
        Point::L256(key) => verify_on(&CURVE_512, &TABLES_512, key, algorithm, hash, signature),
    }
}

/// s·G + (2^ℓ + t)·Q = V at level 128: the equation of clause 7.1.4 with a hash value of zero and the whole point in
/// place of its hash.
pub(super) fn verify_response(
    key: &Affine<4, 189>,
    challenge: &[u8; 16],
    response: &[u8; 32],
    point: &[u8; 64],
) -> Result<(), SignatureError> {
    let scalars = Scalars::new(challenge, response, &[], CURVE_256.q()).ok_or(SignatureError::OutOfRange)?;
    let sum = TABLES_256.sum(&scalars, key).to_affine().ok_or(SignatureError::Mismatch)?;
    if CURVE_256.point(point) == Some(sum) { Ok(()) } else { Err(SignatureError::Mismatch) }
}

fn verify_on<const N: usize, const C: u64>(
    curve: &Curve<N, C>,
    tables: &BaseTables<N, C>,
    key: &Affine<N, C>,
    algorithm: HashAlgorithm,
    hash: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    if hash.len() != 8 * N {
        return Err(SignatureError::HashLength(hash.len()));
    }
    let (s0, s1) = signature.split_at_checked(4 * N).ok_or(SignatureError::SignatureLength(signature.len()))?;
    if s1.len() != 8 * N {
        return Err(SignatureError::SignatureLength(signature.len()));
    }
    let scalars = Scalars::new(s0, s1, hash, curve.q()).ok_or(SignatureError::OutOfRange)?;
    let sum = tables.sum(&scalars, key);
    let point = sum.to_affine().ok_or(SignatureError::Mismatch)?;
    let expected = belt::hash(&[algorithm.oid_der(), &point.x().to_octets(), hash]);
    if expected.starts_with(s0) { Ok(()) } else { Err(SignatureError::Mismatch) }
}
