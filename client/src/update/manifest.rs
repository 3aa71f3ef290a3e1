//! The signed file.
//!
//! ```text
//! { "manifest": "<base64 of the manifest>", "signature": "<base64 of 64 octets>" }
//! manifest:  { "program": "latchkey", "version": "1.4.0", "expires": "2026-12-31T00:00:00Z" }
//! signature: Ed25519 over "latchkey-update:1" ‖ 00 ‖ the octets of the manifest
//! ```

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::{Id, PKey, Public};
use openssl::sign::Verifier;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::UpdateFailure;

/// Most octets of the server's answer.
pub const ANSWER_MAX_SIZE: usize = 8 * 1024;

/// What is signed before the manifest, so that no other signature of the key is taken for one of a manifest.
const CONTEXT: &[u8] = b"latchkey-update:1\0";
const PROGRAM: &str = "latchkey";

/// A version: three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u32; 3]);

impl Version {
    /// The version of this program.
    #[must_use]
    pub fn own() -> Self {
        env!("CARGO_PKG_VERSION").parse().unwrap_or(Self([0; 3]))
    }
}

/// A text is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version is three numbers with full stops between them")]
pub struct NoVersion;

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let mut numbers = text.split('.').map(|number| {
            let is_plain =
                number.bytes().all(|octet| octet.is_ascii_digit()) && (number == "0" || !number.starts_with('0'));
            if is_plain { number.parse().map_err(|_| NoVersion) } else { Err(NoVersion) }
        });
        let mut next = || numbers.next().unwrap_or(Err(NoVersion));
        let version = Self([next()?, next()?, next()?]);
        if numbers.next().is_some() { Err(NoVersion) } else { Ok(version) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([major, minor, patch]) = self;
        write!(formatter, "{major}.{minor}.{patch}")
    }
}

/// The key with which manifests are signed: Ed25519, 32 octets in base64.
#[derive(Clone)]
pub struct UpdateKey(PKey<Public>);

impl FromStr for UpdateKey {
    type Err = UpdateFailure;

    fn from_str(text: &str) -> Result<Self, UpdateFailure> {
        let octets = decode(text).ok_or(UpdateFailure::Malformed)?;
        PKey::public_key_from_raw_bytes(&octets, Id::ED25519).map(Self).map_err(|_| UpdateFailure::Malformed)
    }
}

impl PartialEq for UpdateKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.public_eq(&other.0)
    }
}

impl Eq for UpdateKey {}

impl fmt::Debug for UpdateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UpdateKey")
    }
}

/// What the file says, once its signature is known to be good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The newest version.
    pub version: Version,
    /// Until when that is said.
    pub expires: OffsetDateTime,
}

#[derive(Deserialize)]
struct Envelope {
    manifest: String,
    signature: String,
}

#[derive(Deserialize)]
struct Body {
    program: String,
    version: String,
    expires: String,
}

impl Manifest {
    /// Reads the file. Nothing inside the manifest is looked at before its signature is.
    ///
    /// # Errors
    /// [`UpdateFailure::Malformed`], [`UpdateFailure::WrongSignature`].
    pub fn open(answer: &[u8], key: &UpdateKey) -> Result<Self, UpdateFailure> {
        if answer.len() > ANSWER_MAX_SIZE {
            return Err(UpdateFailure::Malformed);
        }
        let envelope: Envelope = serde_json::from_slice(answer).map_err(|_| UpdateFailure::Malformed)?;
        let manifest = decode(&envelope.manifest).ok_or(UpdateFailure::Malformed)?;
        let signature = decode(&envelope.signature).ok_or(UpdateFailure::Malformed)?;
        let signed = [CONTEXT, &manifest].concat();
        let is_good =
            Verifier::new_without_digest(&key.0).and_then(|mut verifier| verifier.verify_oneshot(&signature, &signed));
        if !is_good.unwrap_or(false) {
            return Err(UpdateFailure::WrongSignature);
        }
        let body: Body = serde_json::from_slice(&manifest).map_err(|_| UpdateFailure::Malformed)?;
        if body.program != PROGRAM {
            return Err(UpdateFailure::Malformed);
        }
        let expires = OffsetDateTime::parse(&body.expires, &Rfc3339).map_err(|_| UpdateFailure::Malformed)?;
        Ok(Self { version: body.version.parse().map_err(|_| UpdateFailure::Malformed)?, expires })
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
