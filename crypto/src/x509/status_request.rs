//! Questions to status services (RFC 6960, clause 4.1; STB 34.101.26-2012).

use openssl::sha::{sha1, sha256};

use super::certificate::Certificate;
use super::der_walk::{self, Value};
use super::public_key::bit_string_octets;
use super::{SerialNumber, tag};
use crate::belt;
use crate::tlv::{Tag, Writer};

/// Octets of a question's nonce (RFC 9654, clause 2.1).
pub const STATUS_NONCE_SIZE: usize = 32;

/// A question about one certificate. It names the certificate by hashes of its issuer's name and key by SHA-1, which every
/// service understands (RFC 5019, clause 2.1.1); nothing depends on them being hard to forge, because the answer is read
/// for a certificate that is at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRequest(Vec<u8>);

impl StatusRequest {
    /// Asks about `certificate`, which `issuer` issued. With a nonce that nobody has seen before, of
    /// [`STATUS_NONCE_SIZE`] octets unless the service takes only shorter ones, no old answer serves.
    #[must_use]
    pub fn new(certificate: &Certificate, issuer: &Certificate, nonce: &[u8]) -> Self {
        let [name, key] = NameHash::Sha1.of_issuer(issuer);
        let serial_number = certificate.serial_number();
        // A positive number whose first bit is set needs a zero before it.
        let sign: &[u8] =
            if serial_number.octets().first().is_some_and(|first| first & 0x80 != 0) { &[0] } else { &[] };
        let certificate = Writer::new()
            .object(SEQUENCE, &[SHA1_IDENTIFIER])
            .object(OCTET_STRING, &[&name])
            .object(OCTET_STRING, &[&key])
            .object(INTEGER, &[sign, serial_number.octets()])
            .finish();
        let requested = in_sequence(&in_sequence(&in_sequence(&certificate)));
        let nonce = Writer::new().object(OCTET_STRING, &[nonce]).finish();
        let nonce = Writer::new().object(OBJECT_IDENTIFIER, &[NONCE]).object(OCTET_STRING, &[&nonce]).finish();
        let extensions = Writer::new().object(EXTENSIONS, &[&in_sequence(&in_sequence(&nonce))]).finish();
        Self(in_sequence(&in_sequence(&[requested, extensions].concat())))
    }

    /// The question, DER: the body of a request of the type `application/ocsp-request`.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0
    }
}

/// Whom a status is about: a serial number of an authority that is told by hashes of its name and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CertificateId {
    hash: NameHash,
    name_hash: Vec<u8>,
    key_hash: Vec<u8>,
    serial_number: SerialNumber,
}

/// What an authority's name and key are hashed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameHash {
    Sha1,
    Sha256,
    BeltHash,
}

impl CertificateId {
    /// Reads a `CertID`. `None` inside: its fields are well-formed, but the hash function is not known here.
    pub(super) fn read(value: &Value<'_>) -> Result<Option<Self>, der_walk::DerError> {
        let mut fields = value.inside();
        let algorithm = fields.expect(tag::SEQUENCE)?;
        let name_hash = fields.expect(tag::OCTET_STRING)?.contents.to_vec();
        let key_hash = fields.expect(tag::OCTET_STRING)?.contents.to_vec();
        let serial_number = SerialNumber::read(fields.expect(tag::INTEGER)?.contents);
        fields.end()?;
        let known = NameHash::of_identifier(&algorithm)?.zip(serial_number);
        Ok(known.map(|(hash, serial_number)| Self { hash, name_hash, key_hash, serial_number }))
    }

    pub(super) fn is_of(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let [name, key] = self.hash.of_issuer(issuer);
        self.serial_number == certificate.serial_number() && self.name_hash == name && self.key_hash == key
    }
}

impl NameHash {
    fn of_identifier(algorithm: &Value<'_>) -> Result<Option<Self>, der_walk::DerError> {
        let mut fields = algorithm.inside();
        let identifier = fields.expect(tag::OBJECT_IDENTIFIER)?.contents;
        fields.optional(tag::NULL)?;
        fields.end()?;
        Ok(match identifier {
            SHA1 => Some(Self::Sha1),
            SHA256 => Some(Self::Sha256),
            BELT_HASH => Some(Self::BeltHash),
            _ => None,
        })
    }

    /// The hash values of name and public key.
    fn of_issuer(self, issuer: &Certificate) -> [Vec<u8>; 2] {
        [issuer.subject().der(), public_key_bits(issuer)].map(|octets| self.hash(octets))
    }

    fn hash(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => sha1(octets).to_vec(),
            Self::Sha256 => sha256(octets).to_vec(),
            Self::BeltHash => belt::hash(&[octets]).to_vec(),
        }
    }
}

/// Whether this is SHA-1 of the certificate's public key (`KeyHash`, RFC 6960, clause 4.2.1).
pub(super) fn is_key_hash_of(hash: &[u8], certificate: &Certificate) -> bool {
    sha1(public_key_bits(certificate)) == hash
}

/// The contents of `subjectPublicKey` without the count of unused bits.
fn public_key_bits(certificate: &Certificate) -> &[u8] {
    let bits = || {
        let mut fields = der_walk::Cursor::new(certificate.public_key_info()).expect(tag::SEQUENCE).ok()?.inside();
        fields.expect(tag::SEQUENCE).ok()?;
        bit_string_octets(&fields.expect(tag::BIT_STRING).ok()?)
    };
    // The certificate was read before: its key has this form.
    bits().unwrap_or_default()
}

fn in_sequence(contents: &[u8]) -> Vec<u8> {
    Writer::new().object(SEQUENCE, &[contents]).finish()
}

/// 1.3.6.1.5.5.7.48.1.2.
pub(super) const NONCE: &[u8] = b"\x2B\x06\x01\x05\x05\x07\x30\x01\x02";
/// 1.3.14.3.2.26.
const SHA1: &[u8] = b"\x2B\x0E\x03\x02\x1A";
/// The same with NULL, as the contents of an AlgorithmIdentifier.
const SHA1_IDENTIFIER: &[u8] = b"\x06\x05\x2B\x0E\x03\x02\x1A\x05\x00";
/// 2.16.840.1.101.3.4.2.1.
const SHA256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
/// 1.2.112.0.2.0.34.101.31.81.
const BELT_HASH: &[u8] = b"\x2A\x70\x00\x02\x00\x22\x65\x1F\x51";
const SEQUENCE: Tag = Tag::new(tag::SEQUENCE as u32);
const INTEGER: Tag = Tag::new(tag::INTEGER as u32);
const OCTET_STRING: Tag = Tag::new(tag::OCTET_STRING as u32);
const OBJECT_IDENTIFIER: Tag = Tag::new(tag::OBJECT_IDENTIFIER as u32);
const EXTENSIONS: Tag = Tag::new(tag::context_constructed(2) as u32);
