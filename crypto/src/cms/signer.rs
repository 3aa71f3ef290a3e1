//! What a message says of one signer: SignerInfo (RFC 5652, clause 5.3).

use super::attributes::Attributes;
use super::digest::DigestAlgorithm;
use super::read::{CmsError, read_algorithm};
use crate::signature::SignatureAlgorithm;
use crate::x509::algorithm_identifier::signature_algorithm;
use crate::x509::der_walk::{self, Value};
use crate::x509::name::read_name;
use crate::x509::{Certificate, SerialNumber, tag};

/// One signer, not judged.
#[derive(Debug)]
pub(super) struct Signer {
    identifier: Identifier,
    digest_algorithm: Option<DigestAlgorithm>,
    signature_algorithm: Option<SignatureAlgorithm>,
    pub(super) attributes: Option<Attributes>,
    pub(super) signature: Vec<u8>,
}

/// How the signer names the certificate.
#[derive(Debug)]
enum Identifier {
    /// No certificate that is accepted here has a serial number that could not be read.
    IssuerAndSerialNumber {
        issuer: Vec<u8>,
        serial_number: Option<SerialNumber>,
    },
    SubjectKeyIdentifier(Vec<u8>),
}

const SUBJECT_KEY_IDENTIFIER: u8 = tag::context(0);
const SIGNED_ATTRIBUTES: u8 = tag::context_constructed(0);
const UNSIGNED_ATTRIBUTES: u8 = tag::context_constructed(1);

/// 1.2.840.113549.1.1.1 with NULL: the digest's algorithm says which hash function (RFC 3370, clause 3.2).
const RSA_ENCRYPTION: &[u8] = b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05\x00";

impl Signer {
    /// Reads one SignerInfo, which is DER throughout.
    pub(super) fn read(octets: &[u8]) -> Result<Self, CmsError> {
        let whole = der_walk::check(octets)?;
        if whole.tag != tag::SEQUENCE {
            return Err(whole.fault(der_walk::DerFault::Unexpected).into());
        }
        let mut fields = whole.inside();
        let version = fields.expect(tag::INTEGER)?;
        let identifier = Identifier::read(&fields.value()?)?;
        if version.contents != identifier.version() {
            return Err(CmsError::Field("signer's version"));
        }
        let digest_algorithm = DigestAlgorithm::of_identifier(read_algorithm(&mut fields)?);
        let attributes = match fields.optional(SIGNED_ATTRIBUTES)? {
            Some(attributes) => Some(Attributes::read(&attributes)?),
            None => None,
        };
        let algorithm = read_algorithm(&mut fields)?;
        let signature = fields.expect(tag::OCTET_STRING)?.contents.to_vec();
        fields.optional(UNSIGNED_ATTRIBUTES)?;
        fields.end()?;
        let signature_algorithm = known_algorithm(algorithm, digest_algorithm);
        Ok(Self { identifier, digest_algorithm, signature_algorithm, attributes, signature })
    }

    /// The algorithm that the contents were digested by, if it is known here.
    pub(super) const fn digest_algorithm(&self) -> Option<DigestAlgorithm> {
        self.digest_algorithm
    }

    /// The algorithms, if both are known here and have the same hash function: attributes and contents are hashed by
    /// one (RFC 5652, clause 5.4).
    pub(super) fn algorithms(&self) -> Option<(DigestAlgorithm, SignatureAlgorithm)> {
        let (digest, signature) = (self.digest_algorithm?, self.signature_algorithm?);
        (DigestAlgorithm::of_signature(signature) == digest).then_some((digest, signature))
    }

    /// Whether the signer means this certificate.
    pub(super) fn names(&self, certificate: &Certificate) -> bool {
        match &self.identifier {
            Identifier::IssuerAndSerialNumber { issuer, serial_number } => {
                certificate.issuer().der() == issuer && Some(certificate.serial_number()) == *serial_number
            }
            Identifier::SubjectKeyIdentifier(identifier) => {
                certificate.subject_key_identifier() == Some(identifier.as_slice())
            }
        }
    }
}

impl Identifier {
    fn read(value: &Value<'_>) -> Result<Self, CmsError> {
        match value.tag {
            tag::SEQUENCE => {
                let mut fields = value.inside();
                let issuer = read_name(&mut fields).map_err(|_| CmsError::Field("signer's issuer"))?.der().to_vec();
                let serial_number = SerialNumber::read(fields.expect(tag::INTEGER)?.contents);
                fields.end()?;
                Ok(Self::IssuerAndSerialNumber { issuer, serial_number })
            }
            SUBJECT_KEY_IDENTIFIER => Ok(Self::SubjectKeyIdentifier(value.contents.to_vec())),
            _ => Err(CmsError::Field("signer's identifier")),
        }
    }

    /// The contents of the version that goes with the form.
    const fn version(&self) -> &'static [u8] {
        match self {
            Self::IssuerAndSerialNumber { .. } => &[1],
            Self::SubjectKeyIdentifier(_) => &[3],
        }
    }
}

fn known_algorithm(contents: &[u8], digest: Option<DigestAlgorithm>) -> Option<SignatureAlgorithm> {
    match (contents, digest) {
        (RSA_ENCRYPTION, Some(DigestAlgorithm::Sha2(sha))) => Some(SignatureAlgorithm::RsaPkcs1(sha)),
        _ => signature_algorithm(contents),
    }
}
