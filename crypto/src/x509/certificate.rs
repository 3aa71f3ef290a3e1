//! Certificates (STB 34.101.19-2012; RFC 5280, clause 4).

use std::fmt;
use std::ops::Range;

use time::OffsetDateTime;

use super::algorithm_identifier::KeyKind;
use super::der_walk::{Cursor, DerError};
use super::extensions::{BasicConstraints, Extensions, KeyUsage};
use super::name::{DistinguishedName, NameError, read_name};
use super::public_key::{PublicKey, PublicKeyError, VerificationError, bit_string_octets};
use super::signed::{ExtensionListError, Signed, read_extensions, read_time};
use super::{ObjectIdentifier, SerialNumber, tag};
use crate::signature::SignatureAlgorithm;

/// Most octets of a certificate.
pub const CERTIFICATE_MAX_SIZE: usize = 16 * 1024;

/// A certificate, read once from the octets that its signature covers. Reading verifies nothing: that is the work of
/// [`super::CertificatePath`].
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    signed: Range<usize>,
    signature_algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
    serial_number: SerialNumber,
    issuer: DistinguishedName,
    subject: DistinguishedName,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    public_key: PublicKey,
    public_key_info: Vec<u8>,
    extensions: Extensions,
}

/// Why octets are no certificate that can be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// More than [`CERTIFICATE_MAX_SIZE`] octets.
    #[error("a certificate has at most {CERTIFICATE_MAX_SIZE} octets, not {0}")]
    TooLong(usize),
    /// Not DER, or not the structure of a certificate.
    #[error("the certificate is malformed: {0}")]
    Der(#[from] DerError),
    /// DER, but a field has not the form that RFC 5280 prescribes.
    #[error("the certificate's {0} is malformed")]
    Field(&'static str),
    /// Not version 3.
    #[error("the certificate is not of version 3")]
    Version,
    /// Negative, zero or longer than 20 octets (RFC 5280, clause 4.1.2.2).
    #[error("the serial number is not a positive number of at most 20 octets")]
    SerialNumber,
    /// The signed algorithm identifier differs from the one beside the signature.
    #[error("the certificate names two signature algorithms")]
    TwoAlgorithms,
    /// A signature algorithm other than those of [`SignatureAlgorithm`].
    #[error("the certificate's signature algorithm is not supported")]
    UnsupportedAlgorithm,
    /// A name is malformed, empty or ambiguous.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The public key is malformed or of an unsupported kind.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
    /// Unique identifiers of issuer or subject, which RFC 5280 retired.
    #[error("the certificate has unique identifiers")]
    UniqueIdentifier,
    /// An extension stands twice.
    #[error("the extension {0} stands twice")]
    DuplicateExtension(ObjectIdentifier),
    /// An extension's value is malformed.
    #[error("the extension {0} is malformed")]
    Extension(ObjectIdentifier),
    /// A critical extension whose meaning is not known here.
    #[error("the critical extension {0} is not known")]
    UnknownCriticalExtension(ObjectIdentifier),
}

impl Certificate {
    /// Reads a certificate from its octets, which must be exactly one certificate in DER.
    ///
    /// # Errors
    /// [`CertificateError`] for whatever two readers could understand differently.
    pub fn from_der(octets: &[u8]) -> Result<Self, CertificateError> {
        if octets.len() > CERTIFICATE_MAX_SIZE {
            return Err(CertificateError::TooLong(octets.len()));
        }
        let signed = Signed::read(octets)?;
        let mut fields = signed.body.inside();
        let version = fields.optional(VERSION)?;
        if version.is_none_or(|version| version.contents != VERSION_3) {
            return Err(CertificateError::Version);
        }
        let serial_number =
            SerialNumber::read(fields.expect(tag::INTEGER)?.contents).ok_or(CertificateError::SerialNumber)?;
        if fields.expect(tag::SEQUENCE)?.whole != signed.algorithm_identifier.whole {
            return Err(CertificateError::TwoAlgorithms);
        }
        let issuer = read_name(&mut fields)?;
        let (not_before, not_after) = read_validity(fields.expect(tag::SEQUENCE)?.inside())?;
        let subject = read_name(&mut fields)?;
        let public_key_info = fields.expect(tag::SEQUENCE)?;
        if matches!(fields.peek_tag(), Some(ISSUER_UNIQUE_IDENTIFIER | SUBJECT_UNIQUE_IDENTIFIER)) {
            return Err(CertificateError::UniqueIdentifier);
        }
        let mut extensions = Extensions::default();
        if let Some(tagged) = fields.optional(EXTENSIONS)? {
            let mut inside = tagged.inside();
            extensions = Extensions::read(&read_extensions(&inside.expect(tag::SEQUENCE)?)?)?;
            inside.end()?;
        }
        fields.end()?;
        Ok(Self {
            der: octets.to_vec(),
            signed: signed.body.place(),
            signature_algorithm: signed.algorithm.ok_or(CertificateError::UnsupportedAlgorithm)?,
            signature: signed.signature.ok_or(CertificateError::Field("signature"))?.to_vec(),
            serial_number,
            issuer,
            subject,
            not_before,
            not_after,
            public_key: PublicKey::read(&public_key_info)?,
            public_key_info: public_key_info.whole.to_vec(),
            extensions,
        })
    }

    /// The octets that were read.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The number under which the issuer knows the certificate.
    #[must_use]
    pub const fn serial_number(&self) -> SerialNumber {
        self.serial_number
    }

    /// Who claims to have issued it.
    #[must_use]
    pub const fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// Whom it speaks of.
    #[must_use]
    pub const fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// The first moment of validity.
    #[must_use]
    pub const fn not_before(&self) -> OffsetDateTime {
        self.not_before
    }

    /// The last moment of validity.
    #[must_use]
    pub const fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// The certified key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The certified key's SubjectPublicKeyInfo, DER.
    #[must_use]
    pub fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    /// The algorithm that the certificate is signed with.
    #[must_use]
    pub const fn signature_algorithm(&self) -> SignatureAlgorithm {
        self.signature_algorithm
    }

    /// What the key may be used for; `None`: the certificate does not say, which allows everything.
    #[must_use]
    pub const fn key_usage(&self) -> Option<KeyUsage> {
        self.extensions.key_usage
    }

    /// The purposes that the key is limited to; `None`: no limit.
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<&[ObjectIdentifier]> {
        self.extensions.extended_key_usage.as_deref()
    }

    /// The policies that the certificate was issued under, as it claims. Which of them hold is told by
    /// [`super::CertificatePath::policies`].
    #[must_use]
    pub fn policies(&self) -> Option<&[ObjectIdentifier]> {
        self.extensions.policies.as_deref()
    }

    /// Whether and how far the subject is an authority.
    #[must_use]
    pub const fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.extensions.basic_constraints
    }

    /// The identifier of the certified key.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.subject_key_identifier.as_deref()
    }

    /// The identifier of the issuer's key.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.authority_key_identifier.as_deref()
    }

    /// The directory names in subjectAltName, where GosSUOK keeps the Belarusian names.
    #[must_use]
    pub fn alternative_names(&self) -> &[DistinguishedName] {
        &self.extensions.alternative_names
    }

    /// Whether the certificate says in any way that its key issues certificates.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.basic_constraints().is_some_and(|constraints| constraints.is_authority)
            || self.key_usage().is_some_and(|usage| usage.contains(KeyUsage::CERTIFICATE_SIGNATURE))
    }

    /// Checks the signature over the received octets with a key. That the key belongs to the issuer, and that the
    /// issuer may issue, is for the caller to know.
    ///
    /// # Errors
    /// [`VerificationError`].
    pub fn verify_signature(&self, issuer_key: &PublicKey) -> Result<(), VerificationError> {
        issuer_key.verify_message(self.signature_algorithm, self.signed_octets(), &self.signature)
    }

    /// The octets that the signature covers.
    pub(super) fn signed_octets(&self) -> &[u8] {
        self.der.get(self.signed.clone()).unwrap_or_default()
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The certified key as the BIT STRING in its SubjectPublicKeyInfo has it.
    pub(super) fn key_octets(&self) -> Option<(KeyKind, &[u8])> {
        let mut fields = Cursor::new(&self.public_key_info).expect(tag::SEQUENCE).ok()?.inside();
        let algorithm = fields.expect(tag::SEQUENCE).ok()?;
        let octets = bit_string_octets(&fields.expect(tag::BIT_STRING).ok()?)?;
        Some((KeyKind::of_identifier(algorithm.contents)?, octets))
    }
}

/// Two certificates are the same if their octets are.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

/// Without the subject: a person's name and number do not get into logs by accident.
impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Certificate({} of {})", self.serial_number, self.issuer)
    }
}

const VERSION: u8 = tag::context_constructed(0);
const ISSUER_UNIQUE_IDENTIFIER: u8 = tag::context(1);
const SUBJECT_UNIQUE_IDENTIFIER: u8 = tag::context(2);
const EXTENSIONS: u8 = tag::context_constructed(3);
/// INTEGER 2 inside the version's tag.
const VERSION_3: &[u8] = &[tag::INTEGER, 1, 2];

fn read_validity(mut times: Cursor<'_>) -> Result<(OffsetDateTime, OffsetDateTime), CertificateError> {
    let (not_before, not_after) = (read_time(&mut times)?, read_time(&mut times)?);
    times.end()?;
    match (not_before, not_after) {
        // Path finding counts time from 1970.
        (Some(not_before), Some(not_after)) if OffsetDateTime::UNIX_EPOCH <= not_before && not_before <= not_after => {
            Ok((not_before, not_after))
        }
        _ => Err(CertificateError::Field("validity")),
    }
}

impl From<ExtensionListError> for CertificateError {
    fn from(error: ExtensionListError) -> Self {
        match error {
            ExtensionListError::Der(error) => Self::Der(error),
            ExtensionListError::Identifier => Self::Field("extension identifier"),
            ExtensionListError::Duplicate(identifier) => Self::DuplicateExtension(identifier),
        }
    }
}
