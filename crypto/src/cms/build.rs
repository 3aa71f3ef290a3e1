//! Signed documents as they are made: attributes to sign, then the message around the signature.

use time::OffsetDateTime;

use super::attributes;
use super::digest::{ContentDigest, DigestAlgorithm};
use super::{ID_DATA, ID_SIGNED_DATA, der, header};
use crate::signature::SignatureAlgorithm;
use crate::x509::algorithm_identifier::signature_identifier;
use crate::x509::der_walk::{self, Cursor};
use crate::x509::{Certificate, KeyUsage, tag};

/// Most octets of a detached signature that this program makes.
pub const SIGNATURE_FILE_MAX_SIZE: usize = 32 * 1024;

/// What a card signs for a document, and what is signed with it. Only a digest of contents goes in, so that whoever
/// supplies a hash value gets no signature over it.
#[derive(Debug)]
pub struct SignedAttributes {
    certificate: Certificate,
    algorithm: SignatureAlgorithm,
    digest: ContentDigest,
    /// As a SET, which is what the signature covers (RFC 5652, clause 5.4).
    set: Vec<u8>,
}

/// Why a document is not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The certificate's key may not sign documents: keyUsage lacks nonRepudiation, or is missing.
    #[error("the certificate does not allow document signatures")]
    KeyUsage,
    /// The certificate is not valid yet.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The certificate is no longer valid.
    #[error("the certificate has expired")]
    Expired,
    /// The digest is by another hash function than the signature's, or the key does not sign with this algorithm.
    #[error("key, signature and digest do not go together")]
    AlgorithmMismatch,
    /// The signature is not by the certificate's key over these attributes.
    #[error("the signature is wrong")]
    WrongSignature,
    /// Octets that are no signature as [`DetachedSignature::to_der`] writes it.
    #[error("not a detached signature of this program")]
    NotOurs,
}

/// A signature over a document that is elsewhere, by one signer, checked to be by the certificate's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetachedSignature {
    digest_algorithms: Vec<u8>,
    certificates: Vec<u8>,
    signers: Vec<u8>,
}

/// What stands before and behind the contents in a message that has them inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedParts {
    /// Before.
    pub head: Vec<u8>,
    /// Behind.
    pub tail: Vec<u8>,
}

impl SignedAttributes {
    /// Attributes for these contents, this certificate and this time, which the signer claims.
    ///
    /// # Errors
    /// [`BuildError`] if the certificate is not for document signatures at that time, or the algorithms do not fit.
    pub fn new(
        digest: ContentDigest,
        certificate: Certificate,
        algorithm: SignatureAlgorithm,
        signing_time: OffsetDateTime,
    ) -> Result<Self, BuildError> {
        check_certificate(&certificate, signing_time)?;
        if digest.algorithm() != DigestAlgorithm::of_signature(algorithm) {
            return Err(BuildError::AlgorithmMismatch);
        }
        let set = der(tag::SET, &[&attributes::write(&digest, &certificate, signing_time)]);
        Ok(Self { certificate, algorithm, digest, set })
    }

    /// The hash value for the card to sign.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        self.algorithm.hash(&[&self.set])
    }

    /// Puts the card's signature in, after checking it: s0 ‖ s1 for Bign, r ‖ s for ECDSA, as it is for RSA.
    ///
    /// # Errors
    /// [`BuildError::WrongSignature`].
    pub fn signed(self, signature: &[u8]) -> Result<DetachedSignature, BuildError> {
        let key = self.certificate.public_key();
        let signature = key
            .verify_hash(self.algorithm, &self.hash(), signature)
            .and_then(|()| key.signature_to_der(signature))
            .map_err(|_| BuildError::WrongSignature)?;
        let digest_algorithm = self.digest.algorithm().identifier();
        let identifier =
            der(tag::SEQUENCE, &[self.certificate.issuer().der(), &attributes::serial_number(&self.certificate)]);
        let signed_attributes = Cursor::new(&self.set).value().map(|set| set.contents).unwrap_or_default();
        let signer = der(
            tag::SEQUENCE,
            &[
                &[tag::INTEGER, 1, 1],
                &identifier,
                &digest_algorithm,
                &der(tag::context_constructed(0), &[signed_attributes]),
                &der(tag::SEQUENCE, &[&signature_identifier(self.algorithm)]),
                &der(tag::OCTET_STRING, &[&signature]),
            ],
        );
        Ok(DetachedSignature {
            digest_algorithms: der(tag::SET, &[&digest_algorithm]),
            certificates: der(CERTIFICATES, &[self.certificate.der()]),
            signers: der(tag::SET, &[&signer]),
        })
    }
}

/// Whether a certificate is for document signatures at `now`.
///
/// # Errors
/// [`BuildError::KeyUsage`], [`BuildError::NotYetValid`] or [`BuildError::Expired`].
fn check_certificate(certificate: &Certificate, now: OffsetDateTime) -> Result<(), BuildError> {
    if !certificate.key_usage().is_some_and(|usage| usage.contains(KeyUsage::NON_REPUDIATION)) {
        return Err(BuildError::KeyUsage);
    }
    if now < certificate.not_before() {
        return Err(BuildError::NotYetValid);
    }
    if now > certificate.not_after() {
        return Err(BuildError::Expired);
    }
    Ok(())
}

const CONTENT: u8 = tag::context_constructed(0);
const CERTIFICATES: u8 = tag::context_constructed(0);
/// CMSVersion 1: certificates, data, signers named by issuer and number (RFC 5652, clause 5.1).
const VERSION: &[u8] = &[tag::INTEGER, 1, 1];

impl DetachedSignature {
    /// The message without the contents, DER.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let content = der(tag::SEQUENCE, &[&der(tag::OBJECT_IDENTIFIER, &[ID_DATA])]);
        let parts = [VERSION, &self.digest_algorithms, &content, &self.certificates, &self.signers];
        let data = der(CONTENT, &[&der(tag::SEQUENCE, &parts)]);
        der(tag::SEQUENCE, &[&der(tag::OBJECT_IDENTIFIER, &[ID_SIGNED_DATA]), &data])
    }

    /// Reads what [`DetachedSignature::to_der`] wrote. Nothing is verified.
    ///
    /// # Errors
    /// [`BuildError::NotOurs`] for anything else.
    pub fn from_der(octets: &[u8]) -> Result<Self, BuildError> {
        let read = || {
            if octets.len() > SIGNATURE_FILE_MAX_SIZE {
                return None;
            }
            let mut fields = der_walk::check(octets).ok()?.inside();
            fields.value().ok()?;
            let mut data = fields.expect(CONTENT).ok()?.inside().expect(tag::SEQUENCE).ok()?.inside();
            data.value().ok()?;
            let digest_algorithms = data.value().ok()?.whole.to_vec();
            data.value().ok()?;
            let certificates = data.value().ok()?.whole.to_vec();
            let signers = data.value().ok()?.whole.to_vec();
            Some(Self { digest_algorithms, certificates, signers })
        };
        read().filter(|read| read.to_der() == octets).ok_or(BuildError::NotOurs)
    }

    /// What encloses contents of that many octets in the same message with the contents inside. The signature is the
    /// same: it covers the attributes, which do not say where the contents are.
    #[must_use]
    pub fn attached_to(&self, size: u64) -> AttachedParts {
        let octets = header(tag::OCTET_STRING, size);
        let content_size = size.saturating_add(octets.len() as u64);
        let content = [header(CONTENT, content_size), octets].concat();
        let content_size = size.saturating_add(content.len() as u64);
        let kind = der(tag::OBJECT_IDENTIFIER, &[ID_DATA]);
        let encapsulated_size = content_size.saturating_add(kind.len() as u64);
        let encapsulated = [header(tag::SEQUENCE, encapsulated_size), kind, content].concat();
        let before = [VERSION, &self.digest_algorithms, &encapsulated].concat();
        let tail = [self.certificates.as_slice(), &self.signers].concat();
        let around = (before.len() as u64).saturating_add(tail.len() as u64);
        let data_size = size.saturating_add(around);
        let data = header(tag::SEQUENCE, data_size);
        let explicit_size = data_size.saturating_add(data.len() as u64);
        let explicit = header(CONTENT, explicit_size);
        let outer_kind = der(tag::OBJECT_IDENTIFIER, &[ID_SIGNED_DATA]);
        let outer_size = explicit_size.saturating_add(explicit.len() as u64).saturating_add(outer_kind.len() as u64);
        let head = [header(tag::SEQUENCE, outer_size), outer_kind, explicit, data, before].concat();
        AttachedParts { head, tail }
    }
}
