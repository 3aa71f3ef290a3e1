//! Certificates (STB 34.101.19-2012; RFC 5280, clause 4).

use std::fmt;
use std::ops::Range;

use time::OffsetDateTime;
use x509_parser::certificate::X509CertificateParser;
use x509_parser::nom::Parser as _;
use x509_parser::x509::X509Version;

use super::algorithm_identifier::signature_algorithm;
use super::der_walk::{self, DerError, DerFault, Value};
use super::extensions::{BasicConstraints, Extensions, KeyUsage};
use super::name::{DistinguishedName, NameError, read_name};
use super::public_key::{PublicKey, PublicKeyError, VerificationError, bit_string_octets};
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
        let frame = Frame::read(&der_walk::check(octets)?)?;
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        let parsed = match parser.parse(octets) {
            Ok(([], parsed)) => parsed.tbs_certificate,
            Ok(_) => return Err(CertificateError::Field("end")),
            Err(_) => return Err(CertificateError::Field("structure")),
        };
        if parsed.version != X509Version::V3 {
            return Err(CertificateError::Version);
        }
        if parsed.issuer_uid.is_some() || parsed.subject_uid.is_some() {
            return Err(CertificateError::UniqueIdentifier);
        }
        let (not_before, not_after) =
            (parsed.validity.not_before.to_datetime(), parsed.validity.not_after.to_datetime());
        if not_before > not_after {
            return Err(CertificateError::Field("validity"));
        }
        let extensions = parsed.extensions().iter().map(|extension| {
            let identifier = ObjectIdentifier::read(extension.oid.as_bytes())?;
            Some((identifier, extension.critical, extension.value))
        });
        let extensions: Vec<_> =
            extensions.collect::<Option<_>>().ok_or(CertificateError::Field("extension identifier"))?;
        Ok(Self {
            der: octets.to_vec(),
            signed: frame.signed,
            signature_algorithm: frame.algorithm,
            signature: frame.signature,
            serial_number: SerialNumber::read(parsed.raw_serial()).ok_or(CertificateError::SerialNumber)?,
            issuer: name(parsed.issuer.as_raw())?,
            subject: name(parsed.subject.as_raw())?,
            not_before,
            not_after,
            public_key: PublicKey::read(&der_walk::check(parsed.subject_pki.raw)?)?,
            public_key_info: parsed.subject_pki.raw.to_vec(),
            extensions: Extensions::read(extensions.into_iter())?,
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
        let signed = self.der.get(self.signed.clone()).unwrap_or_default();
        issuer_key.verify_message(self.signature_algorithm, signed, &self.signature)
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

/// The outer sequence: what is signed, how, and the signature.
struct Frame {
    signed: Range<usize>,
    algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
}

impl Frame {
    fn read(certificate: &Value<'_>) -> Result<Self, CertificateError> {
        const VERSION: u8 = tag::context_constructed(0);
        if certificate.tag != tag::SEQUENCE {
            return Err(certificate.fault(DerFault::Unexpected).into());
        }
        let mut fields = certificate.inside();
        let body = fields.expect(tag::SEQUENCE)?;
        let algorithm = fields.expect(tag::SEQUENCE)?;
        let signature = fields.expect(tag::BIT_STRING)?;
        fields.end()?;

        let mut inside = body.inside();
        inside.optional(VERSION)?;
        inside.expect(tag::INTEGER)?;
        if inside.expect(tag::SEQUENCE)?.whole != algorithm.whole {
            return Err(CertificateError::TwoAlgorithms);
        }
        let start = certificate.whole.len().saturating_sub(certificate.contents.len());
        Ok(Self {
            signed: start..start.saturating_add(body.whole.len()),
            algorithm: signature_algorithm(algorithm.contents).ok_or(CertificateError::UnsupportedAlgorithm)?,
            signature: bit_string_octets(&signature).ok_or(CertificateError::Field("signature"))?.to_vec(),
        })
    }
}

fn name(der: &[u8]) -> Result<DistinguishedName, NameError> {
    let mut cursor = der_walk::Cursor::new(der);
    read_name(&mut cursor)
}
