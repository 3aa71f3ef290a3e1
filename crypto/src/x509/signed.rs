//! What certificates and revocation lists have in common: the frame around the signed part, times, lists of extensions.

use time::{Date, Month, OffsetDateTime, Time};

use super::algorithm_identifier::signature_algorithm;
use super::der_walk::{self, Cursor, DerError, DerFault, Value};
use super::public_key::bit_string_octets;
use super::{ObjectIdentifier, tag};
use crate::signature::SignatureAlgorithm;

/// `SEQUENCE { signed part, signatureAlgorithm, signature }` (RFC 5280, clauses 4.1.1 and 5.1.1).
pub(super) struct Signed<'a> {
    /// The signed part, with tag and length.
    pub(super) body: Value<'a>,
    /// The algorithm identifier beside the signature.
    pub(super) algorithm_identifier: Value<'a>,
    /// The algorithm that it stands for, if it is one of those supported.
    pub(super) algorithm: Option<SignatureAlgorithm>,
    /// The signature's octets, if its bits are whole octets.
    pub(super) signature: Option<&'a [u8]>,
}

impl<'a> Signed<'a> {
    /// Walks over the octets and takes the frame off.
    pub(super) fn read(octets: &'a [u8]) -> Result<Self, DerError> {
        let whole = der_walk::check(octets)?;
        if whole.tag != tag::SEQUENCE {
            return Err(whole.fault(DerFault::Unexpected));
        }
        let mut fields = whole.inside();
        let body = fields.expect(tag::SEQUENCE)?;
        let algorithm_identifier = fields.expect(tag::SEQUENCE)?;
        let signature = fields.expect(tag::BIT_STRING)?;
        fields.end()?;
        Ok(Self {
            body,
            algorithm_identifier,
            algorithm: signature_algorithm(algorithm_identifier.contents),
            signature: bit_string_octets(&signature),
        })
    }
}

/// One extension: identifier, criticality, and the contents of its OCTET STRING.
pub(super) struct Extension<'a> {
    pub(super) identifier: ObjectIdentifier,
    pub(super) is_critical: bool,
    pub(super) octets: &'a [u8],
}

/// Why a list of extensions is malformed.
pub(super) enum ExtensionListError {
    Der(DerError),
    Identifier,
    Duplicate(ObjectIdentifier),
}

impl From<DerError> for ExtensionListError {
    fn from(error: DerError) -> Self {
        Self::Der(error)
    }
}

/// The extensions in their order, each at most once.
pub(super) fn read_extensions<'a>(list: &Value<'a>) -> Result<Vec<Extension<'a>>, ExtensionListError> {
    let mut read: Vec<Extension<'a>> = Vec::new();
    let mut rest = list.inside();
    while !rest.is_empty() {
        let mut fields = rest.expect(tag::SEQUENCE)?.inside();
        let identifier = ObjectIdentifier::read(fields.expect(tag::OBJECT_IDENTIFIER)?.contents)
            .ok_or(ExtensionListError::Identifier)?;
        let is_critical = fields.optional(tag::BOOLEAN)?.is_some();
        let octets = fields.expect(tag::OCTET_STRING)?.contents;
        fields.end()?;
        if read.iter().any(|known| known.identifier == identifier) {
            return Err(ExtensionListError::Duplicate(identifier));
        }
        read.push(Extension { identifier, is_critical, octets });
    }
    Ok(read)
}

/// The UTCTime or GeneralizedTime that the cursor is at: digits and `Z`, as the walk has checked. Years of two digits are
/// 1950 to 2049 (RFC 5280, clause 4.1.2.5). `None` inside: no such day or second.
pub(crate) fn read_time(cursor: &mut Cursor<'_>) -> Result<Option<OffsetDateTime>, DerError> {
    let value = match cursor.optional(tag::UTC_TIME)? {
        Some(value) => value,
        None => cursor.expect(tag::GENERALIZED_TIME)?,
    };
    Ok(time(&value))
}

fn time(value: &Value<'_>) -> Option<OffsetDateTime> {
    let (_, digits) = value.contents.split_last()?;
    let (years, rest) = digits.split_at_checked(if value.tag == tag::UTC_TIME { 2 } else { 4 })?;
    let year = years.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0'));
    let year = match value.tag {
        tag::UTC_TIME if year < 50 => year + 2000,
        tag::UTC_TIME => year + 1900,
        _ => year,
    };
    let ([month, day, hour, minute, second], []) = rest.as_chunks::<2>() else { return None };
    let [month, day, hour, minute, second] =
        [month, day, hour, minute, second].map(|[tens, ones]| (tens - b'0') * 10 + (ones - b'0'));
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
    Some(date.with_time(Time::from_hms(hour, minute, second).ok()?).assume_utc())
}
