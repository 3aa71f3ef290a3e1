//! Key transport at level 128: STB 34.101.45-2013, clause 7.2. A token carries a key to the owner of a private key.
//!
//! Both sides compute with secrets and do so in constant time.

use bignp256::elliptic_curve::point::DecompressPoint;
use bignp256::elliptic_curve::subtle::Choice;
use bignp256::{AffinePoint, FieldBytes, ProjectivePoint};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::belt::{self, KEYWRAP_HEADER_SIZE, KeywrapError};
use crate::bign::{self, Level, PrivateKey, PublicKey};

/// Octets that a token has beyond the key: the x of a one-time point and the header.
pub const OVERHEAD: usize = X_SIZE + KEYWRAP_HEADER_SIZE;
/// Octets of the shortest key that can be transported.
pub const SHORTEST_KEY: usize = 16;

const X_SIZE: usize = 32;

/// Why a key was not wrapped or a token not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyTransportError {
    /// The recipient's key is of a level other than 128.
    #[error("key transport works at level 128 only")]
    OtherLevel,
    /// The key has fewer octets than [`SHORTEST_KEY`], or the token fewer than that and [`OVERHEAD`].
    #[error("the key or token is too short")]
    TooShort,
    /// The token does not begin with the x of a point of the curve.
    #[error("the token holds no point of bign-curve256v1")]
    InvalidPoint,
    /// The token was made for another key or header, or was altered.
    #[error("the token does not open with this private key and header")]
    Integrity,
}

impl From<KeywrapError> for KeyTransportError {
    fn from(error: KeywrapError) -> Self {
        match error {
            KeywrapError::TooShort => Self::TooShort,
            KeywrapError::Integrity => Self::Integrity,
        }
    }
}

/// Protects `key` for the owner of `recipient` : token = ⟨kG⟩_2ℓ ‖ belt-keywrap(key, header, θ) with θ the x
/// of kQ.
///
/// # Errors
/// [`KeyTransportError::OtherLevel`] and [`KeyTransportError::TooShort`].
pub fn wrap(
    key: &[u8],
    header: &[u8; KEYWRAP_HEADER_SIZE],
    recipient: &PublicKey,
    random: &mut dyn CryptoRng,
) -> Result<Vec<u8>, KeyTransportError> {
    if recipient.level() != Level::L128 {
        return Err(KeyTransportError::OtherLevel);
    }
    let q = bignp256::PublicKey::from_bytes(recipient.octets()).map_err(|_| KeyTransportError::InvalidPoint)?;
    let k = bign::random_scalar(random);
    let protection_key = bign::x_of_multiple(&k, &q.to_projective()).ok_or(KeyTransportError::InvalidPoint)?;
    let protected = belt::keywrap(key, header, &protection_key)?;
    let one_time_point = bign::point_of(&k);
    Ok(one_time_point.into_iter().take(X_SIZE).chain(protected).collect())
}

/// Opens a token: the y of its point is found from x, either sign serves, and θ is the x of dR.
///
/// # Errors
/// [`KeyTransportError`] for a token that is malformed, altered or not for this key and header.
pub fn unwrap(
    token: &[u8],
    header: &[u8; KEYWRAP_HEADER_SIZE],
    private_key: &PrivateKey,
) -> Result<Zeroizing<Vec<u8>>, KeyTransportError> {
    let (x, protected) = token.split_first_chunk::<X_SIZE>().ok_or(KeyTransportError::TooShort)?;
    let point = AffinePoint::decompress(&FieldBytes::from(*x), Choice::from(0)).into_option();
    let point = point.ok_or(KeyTransportError::InvalidPoint)?;
    let shared = bign::x_of_multiple(private_key.expose_scalar(), &ProjectivePoint::from(point));
    let protection_key = shared.ok_or(KeyTransportError::InvalidPoint)?;
    Ok(belt::keyunwrap(protected, header, &protection_key)?)
}
