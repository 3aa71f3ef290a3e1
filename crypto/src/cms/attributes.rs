//! Signed attributes (RFC 5652, clause 11; RFC 5035, clause 3), as they are read and as they are written.

use time::OffsetDateTime;

use super::digest::{ContentDigest, DigestAlgorithm};
use super::read::{CmsError, read_algorithm};
use super::{ID_DATA, der};
use crate::sha2::Sha2;
use crate::x509::der_walk::{self, Cursor, Value};
use crate::x509::signed::read_time;
use crate::x509::{Certificate, SerialNumber, tag};

/// 1.2.840.113549.1.9.3.
const CONTENT_TYPE: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x03";
/// 1.2.840.113549.1.9.4.
const MESSAGE_DIGEST: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x04";
/// 1.2.840.113549.1.9.5.
const SIGNING_TIME: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x05";
/// 1.2.840.113549.1.9.16.2.47.
const SIGNING_CERTIFICATE_V2: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x02\x2F";
const DIRECTORY_NAME: u8 = tag::context_constructed(4);

/// The signed attributes of a received message.
#[derive(Debug)]
pub(super) struct Attributes {
    /// What the signature covers: the received octets with the tag of a SET (RFC 5652, clause 5.4).
    pub(super) signed: Vec<u8>,
    pub(super) message_digest: Vec<u8>,
    pub(super) signing_time: Option<OffsetDateTime>,
    pub(super) certificate: Option<CertificateReference>,
}

/// Which certificate the signer signed with, by its own word: the first ESSCertIDv2 (RFC 5035, clause 4).
#[derive(Debug)]
pub(super) struct CertificateReference {
    /// Nothing where the hash function is not known here.
    algorithm: Option<DigestAlgorithm>,
    hash: Vec<u8>,
    issuer: Option<(Vec<u8>, Option<SerialNumber>)>,
}

impl Attributes {
    /// Reads the attributes, which are DER, in the order of a SET, and each there once.
    pub(super) fn read(value: &Value<'_>) -> Result<Self, CmsError> {
        let signed = der(tag::SET, &[value.contents]);
        let mut members = der_walk::check(&signed)?.inside();
        let mut read = Partial::default();
        let mut known: Vec<&[u8]> = Vec::new();
        while !members.is_empty() {
            let mut fields = members.expect(tag::SEQUENCE)?.inside();
            let kind = fields.expect(tag::OBJECT_IDENTIFIER)?.contents;
            let values = fields.expect(tag::SET)?;
            fields.end()?;
            if known.contains(&kind) {
                return Err(CmsError::Field("list of signed attributes"));
            }
            known.push(kind);
            read.take(kind, &values)?;
        }
        let message_digest = read.message_digest.ok_or(CmsError::Field("attribute message-digest"))?;
        if !read.has_content_type {
            return Err(CmsError::Field("attribute content-type"));
        }
        let Partial { signing_time, certificate, .. } = read;
        Ok(Self { signed, message_digest, signing_time, certificate })
    }
}

#[derive(Default)]
struct Partial {
    has_content_type: bool,
    message_digest: Option<Vec<u8>>,
    signing_time: Option<OffsetDateTime>,
    certificate: Option<CertificateReference>,
}

impl Partial {
    fn take(&mut self, kind: &[u8], values: &Value<'_>) -> Result<(), CmsError> {
        // Each of these has exactly one value.
        let mut one = values.inside();
        match kind {
            CONTENT_TYPE => {
                // That of the contents, which is read before as id-data.
                self.has_content_type = one.expect(tag::OBJECT_IDENTIFIER)?.contents == ID_DATA;
            }
            MESSAGE_DIGEST => self.message_digest = Some(one.expect(tag::OCTET_STRING)?.contents.to_vec()),
            SIGNING_TIME => {
                let time = read_time(&mut one)?;
                self.signing_time = Some(time.ok_or(CmsError::Field("attribute signing-time"))?);
            }
            SIGNING_CERTIFICATE_V2 => self.certificate = Some(CertificateReference::read(&one.expect(tag::SEQUENCE)?)?),
            _ => return Ok(()),
        }
        Ok(one.end()?)
    }
}

impl CertificateReference {
    fn read(value: &Value<'_>) -> Result<Self, CmsError> {
        let mut fields = value.inside();
        let mut references = fields.expect(tag::SEQUENCE)?.inside();
        fields.optional(tag::SEQUENCE)?;
        fields.end()?;
        let mut fields = references.expect(tag::SEQUENCE)?.inside();
        let algorithm = match fields.peek_tag() {
            Some(tag::SEQUENCE) => DigestAlgorithm::of_identifier(read_algorithm(&mut fields)?),
            _ => Some(DigestAlgorithm::Sha2(Sha2::Sha256)),
        };
        let hash = fields.expect(tag::OCTET_STRING)?.contents.to_vec();
        let issuer = match fields.optional(tag::SEQUENCE)? {
            Some(issuer) => Some(read_issuer(issuer.inside())?),
            None => None,
        };
        fields.end()?;
        Ok(Self { algorithm, hash, issuer })
    }

    /// Whether it means this certificate, as far as it says anything.
    pub(super) fn names(&self, certificate: &Certificate) -> bool {
        let is_issuer = self.issuer.as_ref().is_none_or(|(issuer, serial_number)| {
            issuer == certificate.issuer().der() && *serial_number == Some(certificate.serial_number())
        });
        is_issuer && self.algorithm.is_some_and(|algorithm| algorithm.hash(certificate.der()) == self.hash)
    }
}

/// IssuerSerial: one directory name and a number.
fn read_issuer(mut fields: Cursor<'_>) -> Result<(Vec<u8>, Option<SerialNumber>), CmsError> {
    let mut names = fields.expect(tag::SEQUENCE)?.inside();
    let mut name = names.expect(DIRECTORY_NAME)?.inside();
    let issuer = name.expect(tag::SEQUENCE)?.whole.to_vec();
    name.end()?;
    names.end()?;
    let serial_number = SerialNumber::read(fields.expect(tag::INTEGER)?.contents);
    fields.end()?;
    Ok((issuer, serial_number))
}

/// The attributes of CAdES B-B (ETSI EN 319 122-1, clause 6.3) as contents of a SET: content-type, message-digest,
/// signing-time, signing-certificate-v2 with the certificate's issuer and number.
pub(super) fn write(digest: &ContentDigest, certificate: &Certificate, signing_time: OffsetDateTime) -> Vec<u8> {
    let hash_function = digest.algorithm();
    let identifier = match hash_function {
        // The default is not written (RFC 5035, clause 4).
        DigestAlgorithm::Sha2(Sha2::Sha256) => Vec::new(),
        algorithm => algorithm.identifier(),
    };
    let hash = der(tag::OCTET_STRING, &[&hash_function.hash(certificate.der())]);
    let name = der(DIRECTORY_NAME, &[certificate.issuer().der()]);
    let issuer = der(tag::SEQUENCE, &[&der(tag::SEQUENCE, &[&name]), &serial_number(certificate)]);
    let reference = der(tag::SEQUENCE, &[&identifier, &hash, &issuer]);
    let mut attributes = [
        attribute(CONTENT_TYPE, &der(tag::OBJECT_IDENTIFIER, &[ID_DATA])),
        attribute(MESSAGE_DIGEST, &der(tag::OCTET_STRING, &[digest.value()])),
        attribute(SIGNING_TIME, &time(signing_time)),
        attribute(SIGNING_CERTIFICATE_V2, &der(tag::SEQUENCE, &[&der(tag::SEQUENCE, &[&reference])])),
    ];
    attributes.sort_unstable();
    attributes.concat()
}

/// The certificate's number as a DER INTEGER.
pub(super) fn serial_number(certificate: &Certificate) -> Vec<u8> {
    let number = certificate.serial_number();
    let sign: &[u8] = if number.octets().first().is_some_and(|first| first & 0x80 != 0) { &[0] } else { &[] };
    der(tag::INTEGER, &[sign, number.octets()])
}

fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    der(tag::SEQUENCE, &[&der(tag::OBJECT_IDENTIFIER, &[kind]), &der(tag::SET, &[value])])
}

/// UTCTime until 2049, GeneralizedTime from 2050 (RFC 5652, clause 11.3); whole seconds.
fn time(moment: OffsetDateTime) -> Vec<u8> {
    let moment = moment.to_offset(time::UtcOffset::UTC);
    let (year, month, day) = (moment.year(), u8::from(moment.month()), moment.day());
    let (hour, minute, second) = moment.to_hms();
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    match year {
        1950..=2049 => der(tag::UTC_TIME, &[format!("{:02}", year % 100).as_bytes(), rest.as_bytes()]),
        _ => der(tag::GENERALIZED_TIME, &[format!("{year:04}").as_bytes(), rest.as_bytes()]),
    }
}
