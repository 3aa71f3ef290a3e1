//! Answers of status services about single certificates (RFC 6960, clause 4.2; STB 34.101.26-2012).

use std::fmt;

use time::{Duration, OffsetDateTime};

use super::certificate::{Certificate, CertificateError};
use super::der_walk::{self, Cursor, DerError, Value};
use super::name::{DistinguishedName, NameError, read_name};
use super::path::{CertificatePath, CertificatePurpose, PathError, TrustStore};
use super::public_key::{VerificationError, bit_string_octets};
use super::revocation::AuthorityKey;
use super::revoked::{Revocation, RevocationReason};
use super::signed::{ExtensionListError, read_extensions, read_time};
use super::status_request::{CertificateId, NONCE, is_key_hash_of};
use super::{ObjectIdentifier, SerialNumber, tag};
use crate::signature::SignatureAlgorithm;

/// Most octets of an answer.
pub const STATUS_ANSWER_MAX_SIZE: usize = 16 * 1024;
/// For how long after its status was known to be right an answer says that a certificate is not revoked.
pub const STATUS_ANSWER_MAX_AGE: Duration = Duration::minutes(10);
/// How far the clock of a status service may be ahead.
const CLOCK_TOLERANCE: Duration = Duration::minutes(1);
/// Most statuses in one answer; one was asked for.
const MAX_STATUSES: usize = 16;
/// Most certificates that an answer brings along; one is needed.
const MAX_CERTIFICATES: usize = 4;

/// An answer over the octets that were received. It says nothing until [`StatusAnswer::verified_for`] has checked who made
/// it.
pub struct StatusAnswer<'a> {
    body: &'a [u8],
    algorithm: SignatureAlgorithm,
    signature: &'a [u8],
    responder: Responder,
    statuses: Vec<SingleStatus>,
    nonce: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
}

/// A status of one certificate, by a service whose right to tell it was checked.
#[derive(Debug, Clone)]
pub struct VerifiedStatusAnswer {
    pub(super) authority: AuthorityKey,
    pub(super) serial_number: SerialNumber,
    status: CertificateStatus,
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    nonce: Option<Vec<u8>>,
    delegate: Option<Certificate>,
}

/// What a status service says of a certificate (RFC 6960, clause 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateStatus {
    /// It is not revoked.
    Good,
    /// It is.
    Revoked(Revocation),
    /// The service knows nothing of it.
    Unknown,
}

/// Why octets are no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatusAnswerError {
    /// More than [`STATUS_ANSWER_MAX_SIZE`] octets.
    #[error("an answer of a status service has at most {STATUS_ANSWER_MAX_SIZE} octets, not {0}")]
    TooLong(usize),
    /// Not DER, or not the structure of an answer.
    #[error("the status service's answer is malformed: {0}")]
    Der(#[from] DerError),
    /// DER, but a field has not the form that RFC 6960 prescribes.
    #[error("the status service's answer: its {0} is malformed")]
    Field(&'static str),
    /// The service gives none: `OCSPResponseStatus`.
    #[error("the status service refuses with status {0}")]
    Refused(u8),
    /// Another kind of answer than the basic one.
    #[error("the status service answers in an unknown form")]
    UnknownForm,
    /// A signature algorithm other than those of [`SignatureAlgorithm`].
    #[error("the answer's signature algorithm is not supported")]
    UnsupportedAlgorithm,
    /// The responder's name is malformed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A certificate that it brings along cannot be read.
    #[error("a certificate in the answer: {0}")]
    Certificate(#[from] CertificateError),
    /// An extension stands twice.
    #[error("the extension {0} stands twice")]
    DuplicateExtension(ObjectIdentifier),
    /// A critical extension whose meaning is not known here.
    #[error("the critical extension {0} is not known")]
    UnknownCriticalExtension(ObjectIdentifier),
    /// It is about other certificates.
    #[error("the answer is about another certificate")]
    OtherCertificate,
    /// It has two statuses of the certificate.
    #[error("the answer has two statuses of the certificate")]
    Ambiguous,
    /// Who made it is neither the certificate's issuer nor has a certificate of that issuer's.
    #[error("the answer is by nobody who may give it")]
    UnknownResponder,
    /// The responder's certificate does not allow it to answer now.
    #[error("the responder's certificate: {0}")]
    Responder(#[from] PathError),
    /// The signature is not by the responder's key.
    #[error("the answer's signature: {0}")]
    Signature(#[from] VerificationError),
}

#[derive(Debug, Clone)]
struct SingleStatus {
    /// Nothing if the hash function or the number is not known here.
    certificate: Option<CertificateId>,
    status: CertificateStatus,
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
}

/// Who says that he made an answer.
enum Responder {
    Name(DistinguishedName),
    KeyHash(Vec<u8>),
}

impl<'a> StatusAnswer<'a> {
    /// Reads an answer from its octets, which must be exactly one `OCSPResponse` in DER.
    ///
    /// # Errors
    /// [`StatusAnswerError`].
    pub fn from_der(octets: &'a [u8]) -> Result<Self, StatusAnswerError> {
        if octets.len() > STATUS_ANSWER_MAX_SIZE {
            return Err(StatusAnswerError::TooLong(octets.len()));
        }
        Self::read(basic_answer(octets)?)
    }

    /// Reads a `BasicOCSPResponse`.
    fn read(octets: &'a [u8]) -> Result<Self, StatusAnswerError> {
        let mut fields = sequence(&der_walk::check(octets)?)?;
        let body = fields.expect(tag::SEQUENCE)?;
        let algorithm = fields.expect(tag::SEQUENCE)?;
        let signature = fields.expect(tag::BIT_STRING)?;
        let certificates = match fields.optional(tag::context_constructed(0))? {
            Some(tagged) => read_certificates(&tagged)?,
            None => Vec::new(),
        };
        fields.end()?;
        let mut answer = Self {
            body: body.whole,
            algorithm: super::algorithm_identifier::signature_algorithm(algorithm.contents)
                .ok_or(StatusAnswerError::UnsupportedAlgorithm)?,
            signature: bit_string_octets(&signature).ok_or(StatusAnswerError::Field("signature"))?,
            responder: Responder::KeyHash(Vec::new()),
            statuses: Vec::new(),
            nonce: None,
            certificates,
        };
        answer.read_body(body.inside())?;
        Ok(answer)
    }

    /// Reads `ResponseData`.
    fn read_body(&mut self, mut fields: Cursor<'a>) -> Result<(), StatusAnswerError> {
        // Version 1 is the only one there is, and the default is not written out.
        if fields.peek_tag() == Some(tag::context_constructed(0)) {
            return Err(StatusAnswerError::Field("version"));
        }
        self.responder = read_responder(&mut fields)?;
        read_time(&mut fields)?.ok_or(StatusAnswerError::Field("time"))?;
        let mut statuses = fields.expect(tag::SEQUENCE)?.inside();
        while !statuses.is_empty() {
            if self.statuses.len() == MAX_STATUSES {
                return Err(StatusAnswerError::Field("list of statuses"));
            }
            self.statuses.push(SingleStatus::read(&statuses.expect(tag::SEQUENCE)?)?);
        }
        if let Some(tagged) = fields.optional(tag::context_constructed(1))? {
            self.nonce = read_nonce(&tagged)?;
        }
        Ok(fields.end()?)
    }

    /// Checks that this answer is about `certificate` and was made by whoever may answer for its issuer: `issuer` itself,
    /// or a key that `issuer` has certified for that and nothing else between (RFC 6960, clause 4.2.2.2), whose
    /// certificate is valid at `now`.
    ///
    /// Whether the answer is of now is looked at with each use.
    ///
    /// # Errors
    /// [`StatusAnswerError`].
    pub fn verified_for(
        mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: OffsetDateTime,
    ) -> Result<VerifiedStatusAnswer, StatusAnswerError> {
        let of_certificate =
            |single: &&SingleStatus| single.certificate.as_ref().is_some_and(|id| id.is_of(certificate, issuer));
        let mut statuses = self.statuses.iter().filter(of_certificate);
        let found = statuses.next().ok_or(StatusAnswerError::OtherCertificate)?;
        if statuses.next().is_some() {
            return Err(StatusAnswerError::Ambiguous);
        }
        let SingleStatus { status, this_update, next_update, .. } = *found;
        let delegate = self.check_maker(issuer, now)?;
        Ok(VerifiedStatusAnswer {
            authority: AuthorityKey::of_certificate(issuer),
            serial_number: certificate.serial_number(),
            status,
            this_update,
            next_update,
            nonce: self.nonce.take(),
            delegate,
        })
    }

    /// Who has signed it, if not the issuer itself.
    fn check_maker(&self, issuer: &Certificate, now: OffsetDateTime) -> Result<Option<Certificate>, StatusAnswerError> {
        if self.responder.is(issuer) {
            issuer.public_key().verify_message(self.algorithm, self.body, self.signature)?;
            return Ok(None);
        }
        let delegate = self.certificates.iter().find(|certificate| self.responder.is(certificate));
        let delegate = delegate.ok_or(StatusAnswerError::UnknownResponder)?;
        // The only authority there is is the issuer: nothing stands between.
        let store =
            TrustStore::new(vec![issuer.clone()], Vec::new()).map_err(|_| StatusAnswerError::UnknownResponder)?;
        CertificatePath::build(delegate, &store, CertificatePurpose::STATUS_SERVICE, now)?;
        delegate.public_key().verify_message(self.algorithm, self.body, self.signature)?;
        Ok(Some(delegate.clone()))
    }
}

impl VerifiedStatusAnswer {
    /// What it says.
    #[must_use]
    pub const fn status(&self) -> CertificateStatus {
        self.status
    }

    /// When that was known to be right.
    #[must_use]
    pub const fn this_update(&self) -> OffsetDateTime {
        self.this_update
    }

    /// When something newer will be known, if it says so.
    #[must_use]
    pub const fn next_update(&self) -> Option<OffsetDateTime> {
        self.next_update
    }

    /// Whether it says which question it answers.
    #[must_use]
    pub const fn has_nonce(&self) -> bool {
        self.nonce.is_some()
    }

    /// Whether it answers the question with this nonce.
    #[must_use]
    pub fn answers(&self, nonce: &[u8]) -> bool {
        self.nonce.as_deref() == Some(nonce)
    }

    /// Who made it in the issuer's name, if not the issuer itself.
    #[must_use]
    pub const fn delegate(&self) -> Option<&Certificate> {
        self.delegate.as_ref()
    }

    /// Whether it is of `now`: known to be right in the last ten minutes, and nothing newer was to be known before.
    #[must_use]
    pub fn is_current(&self, now: OffsetDateTime) -> bool {
        let age = now - self.this_update;
        let is_over = self.next_update.is_some_and(|next| now > next);
        -CLOCK_TOLERANCE <= age && age <= STATUS_ANSWER_MAX_AGE && !is_over
    }
}

impl Responder {
    fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => name == certificate.subject(),
            Self::KeyHash(hash) => is_key_hash_of(hash, certificate),
        }
    }
}

impl SingleStatus {
    /// Reads a `SingleResponse`.
    fn read(value: &Value<'_>) -> Result<Self, StatusAnswerError> {
        let mut fields = value.inside();
        let certificate = CertificateId::read(&fields.expect(tag::SEQUENCE)?)?;
        let status = read_status(&mut fields)?;
        let this_update = time_of(&mut fields)?;
        let next_update = match fields.optional(tag::context_constructed(0))? {
            Some(tagged) => Some(only(&tagged, time_of)?),
            None => None,
        };
        if let Some(tagged) = fields.optional(tag::context_constructed(1))? {
            for extension in only(&tagged, extensions)? {
                if extension.is_critical {
                    return Err(StatusAnswerError::UnknownCriticalExtension(extension.identifier));
                }
            }
        }
        fields.end()?;
        Ok(Self { certificate, status, this_update, next_update })
    }
}

/// The octets of the `BasicOCSPResponse` in an `OCSPResponse`.
fn basic_answer(octets: &[u8]) -> Result<&[u8], StatusAnswerError> {
    const SUCCESSFUL: u8 = 0;
    let mut fields = sequence(&der_walk::check(octets)?)?;
    let status = match fields.expect(tag::ENUMERATED)?.contents {
        [status] => *status,
        _ => return Err(StatusAnswerError::Field("status")),
    };
    let answer = fields.optional(tag::context_constructed(0))?;
    fields.end()?;
    match (status, answer) {
        (SUCCESSFUL, Some(tagged)) => {
            let mut inside = only(&tagged, |cursor| Ok(cursor.expect(tag::SEQUENCE)?.inside()))?;
            let form = inside.expect(tag::OBJECT_IDENTIFIER)?;
            let answer = inside.expect(tag::OCTET_STRING)?;
            inside.end()?;
            if form.contents == BASIC { Ok(answer.contents) } else { Err(StatusAnswerError::UnknownForm) }
        }
        (SUCCESSFUL, None) => Err(StatusAnswerError::Field("answer")),
        (status, _) => Err(StatusAnswerError::Refused(status)),
    }
}

fn read_responder(fields: &mut Cursor<'_>) -> Result<Responder, StatusAnswerError> {
    if let Some(tagged) = fields.optional(tag::context_constructed(1))? {
        return Ok(Responder::Name(only(&tagged, |cursor| Ok(read_name(cursor)?))?));
    }
    let tagged = fields.expect(tag::context_constructed(2))?;
    only(&tagged, |cursor| Ok(Responder::KeyHash(cursor.expect(tag::OCTET_STRING)?.contents.to_vec())))
}

/// Reads `CertStatus`.
fn read_status(fields: &mut Cursor<'_>) -> Result<CertificateStatus, StatusAnswerError> {
    let value = fields.value()?;
    match (value.tag, value.contents) {
        (GOOD, []) => Ok(CertificateStatus::Good),
        (UNKNOWN, []) => Ok(CertificateStatus::Unknown),
        (REVOKED, _) => {
            let mut inside = value.inside();
            let since = time_of(&mut inside)?;
            let reason = match inside.optional(tag::context_constructed(0))? {
                Some(tagged) => only(&tagged, reason)?,
                None => RevocationReason::Unspecified,
            };
            inside.end()?;
            Ok(CertificateStatus::Revoked(Revocation { since, reason }))
        }
        _ => Err(StatusAnswerError::Field("status of a certificate")),
    }
}

fn reason(cursor: &mut Cursor<'_>) -> Result<RevocationReason, StatusAnswerError> {
    match cursor.expect(tag::ENUMERATED)?.contents {
        [code] => RevocationReason::of_code(*code),
        _ => None,
    }
    .ok_or(StatusAnswerError::Field("reason"))
}

fn time_of(cursor: &mut Cursor<'_>) -> Result<OffsetDateTime, StatusAnswerError> {
    read_time(cursor)?.ok_or(StatusAnswerError::Field("time"))
}

/// The nonce among the extensions of an answer, as it was asked: some services leave the inner tag out.
fn read_nonce(tagged: &Value<'_>) -> Result<Option<Vec<u8>>, StatusAnswerError> {
    let mut nonce = None;
    for extension in only(tagged, extensions)? {
        if extension.identifier.contents() == NONCE {
            let inner = der_walk::check(extension.octets).ok().filter(|value| value.tag == tag::OCTET_STRING);
            nonce = Some(inner.map_or(extension.octets, |value| value.contents).to_vec());
        } else if extension.is_critical {
            return Err(StatusAnswerError::UnknownCriticalExtension(extension.identifier));
        }
    }
    Ok(nonce)
}

fn extensions<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<super::signed::Extension<'a>>, StatusAnswerError> {
    Ok(read_extensions(&cursor.expect(tag::SEQUENCE)?)?)
}

fn read_certificates(tagged: &Value<'_>) -> Result<Vec<Certificate>, StatusAnswerError> {
    let mut list = only(tagged, |cursor| Ok(cursor.expect(tag::SEQUENCE)?.inside()))?;
    let mut certificates = Vec::new();
    while !list.is_empty() {
        if certificates.len() == MAX_CERTIFICATES {
            return Err(StatusAnswerError::Field("list of certificates"));
        }
        certificates.push(Certificate::from_der(list.expect(tag::SEQUENCE)?.whole)?);
    }
    Ok(certificates)
}

/// What an explicit tag holds: one value.
fn only<'a, T>(
    tagged: &Value<'a>,
    read: impl FnOnce(&mut Cursor<'a>) -> Result<T, StatusAnswerError>,
) -> Result<T, StatusAnswerError> {
    let mut inside = tagged.inside();
    let value = read(&mut inside)?;
    inside.end()?;
    Ok(value)
}

fn sequence<'a>(value: &Value<'a>) -> Result<Cursor<'a>, DerError> {
    if value.tag == tag::SEQUENCE { Ok(value.inside()) } else { Err(value.fault(der_walk::DerFault::Unexpected)) }
}

impl From<ExtensionListError> for StatusAnswerError {
    fn from(error: ExtensionListError) -> Self {
        match error {
            ExtensionListError::Der(error) => Self::Der(error),
            ExtensionListError::Identifier => Self::Field("extension's identifier"),
            ExtensionListError::Duplicate(identifier) => Self::DuplicateExtension(identifier),
        }
    }
}

impl fmt::Debug for StatusAnswer<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StatusAnswer(not verified, {:?})", self.statuses)
    }
}

/// 1.3.6.1.5.5.7.48.1.1.
const BASIC: &[u8] = b"\x2B\x06\x01\x05\x05\x07\x30\x01\x01";
const GOOD: u8 = tag::context(0);
const REVOKED: u8 = tag::context_constructed(1);
const UNKNOWN: u8 = tag::context(2);
