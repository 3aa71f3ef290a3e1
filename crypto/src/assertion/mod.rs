//! Assertions: a card's signature over a portal's challenge and origin, in the JSON shape that Web eID made common.
//!
//! The card signs H(H(origin) ‖ H(challenge)): H is the hash function of the signature algorithm, applied to the UTF-8
//! octets of the origin and of the challenge's base64 text.

mod challenge;
mod origin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize};

pub use challenge::{
    CHALLENGE_MIN_SIZE, CHALLENGE_TEXT_MAX_SIZE, CHALLENGE_TEXT_MIN_SIZE, ChallengeText, InvalidChallenge,
};
pub use origin::{InvalidOrigin, ORIGIN_MAX_SIZE, Origin};

pub use crate::signature::SignatureAlgorithm as AssertionAlgorithm;

/// The format that assertions are written in.
pub const FORMAT: &str = "web-eid:1.0";
/// Most octets of an assertion's JSON.
pub const ASSERTION_MAX_SIZE: usize = 24 * 1024;
/// Most octets of the certificate in an assertion.
pub const CERTIFICATE_MAX_SIZE: usize = 8 * 1024;
/// Most octets of the signature in an assertion: RSA with 8192 bits.
pub const SIGNATURE_MAX_SIZE: usize = 1024;
/// Most octets of a status service's answer in an assertion.
pub const STAPLED_ANSWER_MAX_SIZE: usize = 4 * 1024;
/// Most octets of the field `appVersion`.
pub const APP_VERSION_MAX_SIZE: usize = 255;

/// The hash value that the card signs: H(H(origin) ‖ H(challenge)).
#[must_use]
pub fn signed_hash(algorithm: AssertionAlgorithm, origin: &Origin, challenge: &ChallengeText) -> Vec<u8> {
    let of_origin = algorithm.hash(&[origin.as_str().as_bytes()]);
    let of_challenge = algorithm.hash(&[challenge.as_str().as_bytes()]);
    algorithm.hash(&[&of_origin, &of_challenge])
}

/// An assertion as it was received or is about to be sent. Nothing in it has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    unverified_certificate: Vec<u8>,
    algorithm: AssertionAlgorithm,
    signature: Vec<u8>,
    app_version: String,
    status_answer: Option<Vec<u8>>,
}

/// Why octets are no assertion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionError {
    /// More than [`ASSERTION_MAX_SIZE`] octets.
    #[error("an assertion has at most {ASSERTION_MAX_SIZE} octets, not {0}")]
    TooLong(usize),
    /// Not one JSON object with exactly the five fields, and perhaps the sixth, each once and a string.
    #[error("an assertion is a JSON object of five strings or six: {0}")]
    Json(String),
    /// The field `format` names another format.
    #[error("the assertion's format is not {FORMAT}")]
    Format,
    /// The field `algorithm` names no algorithm of [`AssertionAlgorithm`].
    #[error("the assertion's algorithm is not known")]
    Algorithm,
    /// The field is not padded base64 (RFC 4648, clause 4), is empty or is too long.
    #[error("the assertion's field {0} is not base64 of an acceptable size")]
    Base64(&'static str),
    /// `appVersion` is empty, too long or has characters other than printable ASCII.
    #[error("the assertion's field appVersion is not a short printable text")]
    AppVersion,
}

impl Assertion {
    /// Puts an assertion together.
    ///
    /// # Errors
    /// [`AssertionError`] if a part would not be accepted by [`Assertion::parse`].
    pub fn new(
        certificate: Vec<u8>,
        algorithm: AssertionAlgorithm,
        signature: Vec<u8>,
        app_version: String,
    ) -> Result<Self, AssertionError> {
        check_size(&certificate, CERTIFICATE_MAX_SIZE, UNVERIFIED_CERTIFICATE)?;
        check_size(&signature, SIGNATURE_MAX_SIZE, SIGNATURE)?;
        if !(1..=APP_VERSION_MAX_SIZE).contains(&app_version.len())
            || !app_version.bytes().all(|octet| matches!(octet, b' '..=b'~'))
        {
            return Err(AssertionError::AppVersion);
        }
        Ok(Self { unverified_certificate: certificate, algorithm, signature, app_version, status_answer: None })
    }

    /// The same with an answer of a status service about its certificate: `OCSPResponse`, DER.
    ///
    /// # Errors
    /// [`AssertionError::Base64`] if it is empty or longer than [`STAPLED_ANSWER_MAX_SIZE`].
    pub fn with_status_answer(self, answer: Vec<u8>) -> Result<Self, AssertionError> {
        check_size(&answer, STAPLED_ANSWER_MAX_SIZE, STATUS_ANSWER)?;
        Ok(Self { status_answer: Some(answer), ..self })
    }

    /// Reads an assertion from its JSON: one object with exactly the fields `unverifiedCertificate`, `algorithm`,
    /// `signature`, `format` and `appVersion`, and perhaps `statusAnswer`.
    ///
    /// # Errors
    /// [`AssertionError`] for an unknown, missing or repeated field, another format or algorithm, loose base64 and
    /// sizes beyond the limits.
    pub fn parse(json: &[u8]) -> Result<Self, AssertionError> {
        if json.len() > ASSERTION_MAX_SIZE {
            return Err(AssertionError::TooLong(json.len()));
        }
        // serde would also take an array of the five values.
        if !json.trim_ascii_start().starts_with(b"{") {
            return Err(AssertionError::Json("not an object".to_owned()));
        }
        let fields: Fields = serde_json::from_slice(json).map_err(|error| AssertionError::Json(error.to_string()))?;
        if fields.format != FORMAT {
            return Err(AssertionError::Format);
        }
        let assertion = Self::new(
            decode(&fields.unverified_certificate, UNVERIFIED_CERTIFICATE)?,
            AssertionAlgorithm::of_name(&fields.algorithm).ok_or(AssertionError::Algorithm)?,
            decode(&fields.signature, SIGNATURE)?,
            fields.app_version,
        )?;
        match fields.status_answer {
            Some(answer) => assertion.with_status_answer(decode(&answer, STATUS_ANSWER)?),
            None => Ok(assertion),
        }
    }

    /// The assertion's JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let fields = Fields {
            unverified_certificate: STANDARD.encode(&self.unverified_certificate),
            algorithm: self.algorithm.name().to_owned(),
            signature: STANDARD.encode(&self.signature),
            format: FORMAT.to_owned(),
            app_version: self.app_version.clone(),
            status_answer: self.status_answer.as_ref().map(|answer| STANDARD.encode(answer)),
        };
        serde_json::json!(fields).to_string()
    }

    /// The DER octets that claim to be the holder's certificate.
    #[must_use]
    pub fn unverified_certificate(&self) -> &[u8] {
        &self.unverified_certificate
    }

    /// The algorithm that the signature claims to be made with.
    #[must_use]
    pub const fn algorithm(&self) -> AssertionAlgorithm {
        self.algorithm
    }

    /// The signature: s0 ‖ s1 for Bign, r ‖ s for ECDSA, the octet string of PKCS #1 for RSA.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The address that names the signing program and its version; for the log, never for a decision.
    #[must_use]
    pub fn app_version(&self) -> &str {
        &self.app_version
    }

    /// What a status service is said to have answered about the certificate, if that was sent along.
    #[must_use]
    pub fn status_answer(&self) -> Option<&[u8]> {
        self.status_answer.as_deref()
    }
}

const UNVERIFIED_CERTIFICATE: &str = "unverifiedCertificate";
const SIGNATURE: &str = "signature";
const STATUS_ANSWER: &str = "statusAnswer";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    unverified_certificate: String,
    algorithm: String,
    signature: String,
    format: String,
    app_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "stated")]
    status_answer: Option<String>,
}

/// A field that may be left out, but is a string if it is there.
fn stated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

fn decode(text: &str, field: &'static str) -> Result<Vec<u8>, AssertionError> {
    STANDARD.decode(text).map_err(|_| AssertionError::Base64(field))
}

fn check_size(octets: &[u8], limit: usize, field: &'static str) -> Result<(), AssertionError> {
    if (1..=limit).contains(&octets.len()) { Ok(()) } else { Err(AssertionError::Base64(field)) }
}
