//! Proofs that a site holds a key, sent along with a request (RFC 9449). A token that is bound to the key is of no use to
//! whoever has the token alone.
//!
//! A proof is for one method and address, and for one access token where there is one; it is good for a minute before and after
//! the moment that it states, once. The service hands out no nonces: whoever could have a site sign proofs for later could as
//! well have it ask for tokens.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_crypto::belt;
use openssl::sha::sha256;
use serde::Deserialize;
use time::{Duration, OffsetDateTime};
use url::Url;

use super::jws;
use crate::token::TokenHash;

/// The header with the proof.
pub const HEADER: &str = "dpop";
/// The scheme of the header `Authorization` for tokens that are bound to a key, and the type of such tokens.
pub const SCHEME: &str = "DPoP";
/// What `typ` says of a proof.
const PROOF_TYPE: &str = "dpop+jwt";
/// How far the moment that a proof states may be from now, to either side.
const TIME_DIFFERENCE: Duration = Duration::minutes(1);
/// Most octets of a proof's name.
const NAME_MAX_SIZE: usize = 256;

/// A public key by its thumbprint (RFC 7638, SHA-256): `jkt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyThumbprint([u8; KEY_THUMBPRINT_SIZE]);

/// Octets of a thumbprint.
pub const KEY_THUMBPRINT_SIZE: usize = 32;

/// What a proof has to be for.
#[derive(Debug, Clone, Copy)]
pub struct Purpose<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// Its address, without a query.
    pub address: &'a str,
    /// The access token that comes with it.
    pub access_token: Option<&'a str>,
}

/// A proof that holds if it was not shown before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundProof {
    /// Whose it is.
    pub key: KeyThumbprint,
    /// Its name, to be remembered.
    pub name: TokenHash,
    /// Until when.
    pub until: OffsetDateTime,
}

/// The proof does not hold. Nobody is told why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof of possession does not hold")]
pub struct InvalidProof;

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    ath: Option<String>,
}

/// Judges a proof (clause 4.3, but for its uniqueness).
///
/// # Errors
/// [`InvalidProof`].
pub fn judge(proof: &str, purpose: &Purpose<'_>, now: OffsetDateTime) -> Result<SoundProof, InvalidProof> {
    let (key, claims) = jws::self_signed(proof, PROOF_TYPE).map_err(|_| InvalidProof)?;
    let claims: Claims = serde_json::from_value(claims).map_err(|_| InvalidProof)?;
    let made_at = OffsetDateTime::from_unix_timestamp(claims.iat).map_err(|_| InvalidProof)?;
    let key = KeyThumbprint::parse(key.id()).ok_or(InvalidProof)?;
    let is_of_token = match purpose.access_token {
        Some(token) => claims.ath == Some(URL_SAFE_NO_PAD.encode(sha256(token.as_bytes()))),
        None => true,
    };
    let is_sound = claims.htm == purpose.method
        && is_address(&claims.htu, purpose.address)
        && is_of_token
        && (now - made_at).abs() <= TIME_DIFFERENCE
        && (1..=NAME_MAX_SIZE).contains(&claims.jti.len());
    if !is_sound {
        return Err(InvalidProof);
    }
    let name = belt::hash(&[b"latchkey-portal proof", key.octets(), claims.jti.as_bytes()]);
    // From then on it is too old, by the clock of any node that is not more than that behind.
    let until = made_at.saturating_add(TIME_DIFFERENCE).saturating_add(TIME_DIFFERENCE);
    Ok(SoundProof { key, name: TokenHash::from(name), until })
}

/// Whether both are the same address, but for a query and a fragment.
fn is_address(stated: &str, expected: &str) -> bool {
    let (Ok(mut stated), Ok(expected)) = (Url::parse(stated), Url::parse(expected)) else { return false };
    stated.set_query(None);
    stated.set_fragment(None);
    stated == expected
}

impl KeyThumbprint {
    /// Reads a thumbprint: 43 characters of base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The octets that the database stores.
    #[must_use]
    pub const fn octets(&self) -> &[u8; KEY_THUMBPRINT_SIZE] {
        &self.0
    }
}

impl From<[u8; KEY_THUMBPRINT_SIZE]> for KeyThumbprint {
    fn from(octets: [u8; KEY_THUMBPRINT_SIZE]) -> Self {
        Self(octets)
    }
}

impl fmt::Display for KeyThumbprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}
