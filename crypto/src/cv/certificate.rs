//! A certificate: what it says, and the octets that were signed.

use super::body::{CertificateBody, TAG_BODY};
use super::error::{CertificateError, CertificateFault};
use crate::bign::{Level, PublicKey, SignatureError};
use crate::hash::HashAlgorithm;
use crate::tlv::{Cursor, Tag, Writer};

/// A well-formed certificate. Nothing was verified yet: see [`super::TrustAnchors`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    body: CertificateBody,
    body_octets: Vec<u8>,
    signature: Vec<u8>,
}

const TAG_CERTIFICATE: Tag = Tag::new(0x7F21);
const TAG_SIGNATURE: Tag = Tag::new(0x5F37);

impl Certificate {
    /// Reads a whole certificate, the data object `7F21`.
    ///
    /// # Errors
    /// [`CertificateError`] for anything else, octets behind it included.
    pub fn parse(octets: &[u8]) -> Result<Self, CertificateError> {
        let mut cursor = Cursor::new(octets);
        let contents = cursor.expect(TAG_CERTIFICATE)?;
        cursor.finish()?;
        Self::read(contents)
    }

    /// Reads the value of the data object `7F21`: body and signature, as PSO: Verify Certificate carries them.
    ///
    /// # Errors
    /// [`CertificateError`] for anything else, octets behind it included.
    pub fn parse_contents(octets: &[u8]) -> Result<Self, CertificateError> {
        Self::read(Cursor::new(octets))
    }

    fn read(mut contents: Cursor<'_>) -> Result<Self, CertificateError> {
        let body = contents.expect_object(TAG_BODY)?;
        let signature = contents.expect(TAG_SIGNATURE)?;
        contents.finish()?;
        let length = signature.rest().len();
        if !Level::ALL.into_iter().any(|level| level.signature_size() == length) {
            return Err(CertificateFault::SignatureLength(length).at(&signature));
        }
        Ok(Self {
            body: CertificateBody::read(body.value)?,
            body_octets: body.whole.to_vec(),
            signature: signature.rest().to_vec(),
        })
    }

    /// A certificate of its parts: `body_octets` are `body`'s.
    pub(super) const fn assemble(body: CertificateBody, body_octets: Vec<u8>, signature: Vec<u8>) -> Self {
        Self { body, body_octets, signature }
    }

    /// What it says.
    #[must_use]
    pub const fn body(&self) -> &CertificateBody {
        &self.body
    }

    /// The signed octets as received: the whole data object `7F4E`.
    #[must_use]
    pub fn body_octets(&self) -> &[u8] {
        &self.body_octets
    }

    /// The signature s0 ‖ s1: 48, 72 or 96 octets, by the issuer's level.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The value of the data object `7F21`, as PSO: Verify Certificate carries it.
    #[must_use]
    pub fn contents(&self) -> Vec<u8> {
        Writer::new().octets(&self.body_octets).object(TAG_SIGNATURE, &[&self.signature]).finish()
    }

    /// The whole certificate, the data object `7F21`. Every length has one form, so that these are the octets that were
    /// read.
    #[must_use]
    pub fn to_octets(&self) -> Vec<u8> {
        Writer::new().object(TAG_CERTIFICATE, &[&self.contents()]).finish()
    }

    /// Whether the signature over the received octets was made with this key: bign-verify with the hash function of the
    /// key's level.
    pub(super) fn verify_signature(&self, key: &PublicKey) -> Result<(), SignatureError> {
        let algorithm = HashAlgorithm::of_level(key.level());
        key.verify(algorithm, &algorithm.hash(&[&self.body_octets]), &self.signature)
    }
}
