//! Revocation lists (STB 34.101.19-2012, clause 7; RFC 5280, clause 5).
//!
//! A national list has hundreds of thousands of entries, of which only serial number, time and reason are kept: see
//! [`super::revoked`].

use std::cmp::Ordering;
use std::fmt;

use time::OffsetDateTime;

use super::certificate::Certificate;
use super::der_walk::{self, Cursor, DerError};
use super::extensions::{AUTHORITY_KEY_IDENTIFIER, KeyUsage, authority_key_identifier};
use super::name::{DistinguishedName, NameError, read_name};
use super::public_key::VerificationError;
use super::revoked::{Revocation, RevocationReason, Revoked};
use super::signed::{Extension, ExtensionListError, Signed, read_extensions, read_time};
use super::{ObjectIdentifier, SerialNumber, tag};
use crate::signature::SignatureAlgorithm;

/// Most octets of a revocation list.
pub const REVOCATION_LIST_MAX_SIZE: usize = 64 * 1024 * 1024;
/// Most entries of a revocation list: 64 MB of memory.
pub const REVOCATION_LIST_MAX_ENTRIES: usize = 2_000_000;

/// A complete revocation list of one authority, over the octets that were received. It says nothing until
/// [`RevocationList::verified_by`] has checked who made it.
pub struct RevocationList<'a> {
    body: &'a [u8],
    algorithm: SignatureAlgorithm,
    signature: &'a [u8],
    contents: Contents,
}

/// A revocation list whose signature was checked with the key of the authority that it names.
pub struct VerifiedRevocationList {
    authority_key_info: Vec<u8>,
    contents: Contents,
}

struct Contents {
    issuer: DistinguishedName,
    this_update: OffsetDateTime,
    next_update: OffsetDateTime,
    number: Option<Vec<u8>>,
    authority_key_identifier: Option<Vec<u8>>,
    revoked: Revoked,
}

/// Why octets are no revocation list that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationListError {
    /// More than [`REVOCATION_LIST_MAX_SIZE`] octets.
    #[error("a revocation list has at most {REVOCATION_LIST_MAX_SIZE} octets, not {0}")]
    TooLong(usize),
    /// More than [`REVOCATION_LIST_MAX_ENTRIES`] entries.
    #[error("a revocation list has at most {REVOCATION_LIST_MAX_ENTRIES} entries")]
    TooManyEntries,
    /// Not DER, or not the structure of a revocation list.
    #[error("the revocation list is malformed: {0}")]
    Der(#[from] DerError),
    /// DER, but a field has not the form that RFC 5280 prescribes.
    #[error("the revocation list's {0} is malformed")]
    Field(&'static str),
    /// Not version 2.
    #[error("the revocation list is not of version 2")]
    Version,
    /// The signed algorithm identifier differs from the one beside the signature.
    #[error("the revocation list names two signature algorithms")]
    TwoAlgorithms,
    /// A signature algorithm other than those of [`SignatureAlgorithm`].
    #[error("the revocation list's signature algorithm is not supported")]
    UnsupportedAlgorithm,
    /// The issuer's name is malformed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An extension stands twice.
    #[error("the extension {0} stands twice")]
    DuplicateExtension(ObjectIdentifier),
    /// A delta list, or one that covers only a part of the authority's certificates, or those of other authorities: it
    /// cannot show that a certificate is *not* revoked.
    #[error("the list is a delta, partial or indirect one")]
    NotComplete,
    /// A critical extension whose meaning is not known here.
    #[error("the critical extension {0} is not known")]
    UnknownCriticalExtension(ObjectIdentifier),
    /// The list is not by this authority: other name or other key identifier.
    #[error("the list is by another authority")]
    OtherIssuer,
    /// The authority's certificate does not allow it to issue revocation lists.
    #[error("the authority may not issue revocation lists")]
    IssuerMayNot,
    /// The signature is not by the authority's key.
    #[error("the list's signature: {0}")]
    Signature(#[from] VerificationError),
}

impl<'a> RevocationList<'a> {
    /// Reads a revocation list from its octets, which must be exactly one list in DER.
    ///
    /// # Errors
    /// [`RevocationListError`] for whatever is not a complete list of version 2.
    pub fn from_der(octets: &'a [u8]) -> Result<Self, RevocationListError> {
        if octets.len() > REVOCATION_LIST_MAX_SIZE {
            return Err(RevocationListError::TooLong(octets.len()));
        }
        let signed = Signed::read(octets)?;
        Ok(Self {
            contents: Contents::read(&signed)?,
            body: signed.body.whole,
            algorithm: signed.algorithm.ok_or(RevocationListError::UnsupportedAlgorithm)?,
            signature: signed.signature.ok_or(RevocationListError::Field("signature"))?,
        })
    }

    /// The authority that the list names.
    #[must_use]
    pub const fn issuer(&self) -> &DistinguishedName {
        &self.contents.issuer
    }

    /// Checks that `authority` made this list: name, key identifier, key use and signature over the received octets.
    ///
    /// Dates are not looked at; [`super::RevocationLists`] does that at each look-up. That the authority itself is
    /// trusted follows from the path of the certificate that is looked up.
    ///
    /// # Errors
    /// [`RevocationListError::OtherIssuer`], [`RevocationListError::IssuerMayNot`] or
    /// [`RevocationListError::Signature`].
    pub fn verified_by(self, authority: &Certificate) -> Result<VerifiedRevocationList, RevocationListError> {
        self.verified_by_one_of(std::slice::from_ref(authority))
    }

    /// [`RevocationList::verified_by`] with the first of these authorities that made the list.
    ///
    /// # Errors
    /// As there, for the last authority of the list's name, or [`RevocationListError::OtherIssuer`] if none has it.
    pub fn verified_by_one_of(
        self,
        authorities: &[Certificate],
    ) -> Result<VerifiedRevocationList, RevocationListError> {
        let mut refusal = RevocationListError::OtherIssuer;
        for authority in authorities {
            match self.check_maker(authority) {
                Ok(()) => {
                    let authority_key_info = authority.public_key_info().to_vec();
                    return Ok(VerifiedRevocationList { authority_key_info, contents: self.contents });
                }
                Err(RevocationListError::OtherIssuer) => {}
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    fn check_maker(&self, authority: &Certificate) -> Result<(), RevocationListError> {
        let identifiers = (self.contents.authority_key_identifier.as_deref(), authority.subject_key_identifier());
        let is_other_key = matches!(identifiers, (Some(of_list), Some(of_key)) if of_list != of_key);
        if self.contents.issuer != *authority.subject() || is_other_key {
            return Err(RevocationListError::OtherIssuer);
        }
        if authority.key_usage().is_some_and(|usage| !usage.contains(KeyUsage::REVOCATION_LIST_SIGNATURE)) {
            return Err(RevocationListError::IssuerMayNot);
        }
        Ok(authority.public_key().verify_message(self.algorithm, self.body, self.signature)?)
    }
}

impl VerifiedRevocationList {
    /// The authority whose certificates the list covers.
    #[must_use]
    pub const fn issuer(&self) -> &DistinguishedName {
        &self.contents.issuer
    }

    /// The SubjectPublicKeyInfo of the key that signed the list, DER.
    #[must_use]
    pub fn authority_key_info(&self) -> &[u8] {
        &self.authority_key_info
    }

    /// When the list was made.
    #[must_use]
    pub const fn this_update(&self) -> OffsetDateTime {
        self.contents.this_update
    }

    /// When a newer one will exist at the latest.
    #[must_use]
    pub const fn next_update(&self) -> OffsetDateTime {
        self.contents.next_update
    }

    /// The list's number, big-endian, if it has one.
    #[must_use]
    pub fn number(&self) -> Option<&[u8]> {
        self.contents.number.as_deref()
    }

    /// How many certificates are revoked.
    #[must_use]
    pub fn revoked_count(&self) -> usize {
        self.contents.revoked.count()
    }

    /// The entry of a certificate of this authority, if it is revoked.
    #[must_use]
    pub fn revocation_of(&self, serial_number: SerialNumber) -> Option<Revocation> {
        self.contents.revoked.find(serial_number)
    }

    /// Whether this list was made before `other` of the same authority: by its date, or by its number (RFC 5280,
    /// clause 5.2.3: numbers only grow) if both have one.
    #[must_use]
    pub fn is_older_than(&self, other: &Self) -> bool {
        let has_lower_number = match (self.number(), other.number()) {
            (Some(number), Some(of_other)) => compare_numbers(number, of_other) == Ordering::Less,
            _ => false,
        };
        self.this_update() < other.this_update() || has_lower_number
    }
}

/// Compares the contents of positive INTEGERs in DER, which have one leading zero at most.
fn compare_numbers(one: &[u8], other: &[u8]) -> Ordering {
    let [one, other] = [one, other].map(|number| number.strip_prefix(&[0]).unwrap_or(number));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

impl fmt::Debug for RevocationList<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RevocationList(not verified, {:?})", self.contents)
    }
}

impl fmt::Debug for VerifiedRevocationList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VerifiedRevocationList({:?})", self.contents)
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} of {}, {}", self.revoked, self.issuer, self.this_update)
    }
}

impl Contents {
    fn read(signed: &Signed<'_>) -> Result<Self, RevocationListError> {
        const VERSION_2: &[u8] = &[1];
        const EXTENSIONS: u8 = tag::context_constructed(0);
        let mut fields = signed.body.inside();
        let version = fields.optional(tag::INTEGER)?;
        if version.is_none_or(|version| version.contents != VERSION_2) {
            return Err(RevocationListError::Version);
        }
        if fields.expect(tag::SEQUENCE)?.whole != signed.algorithm_identifier.whole {
            return Err(RevocationListError::TwoAlgorithms);
        }
        let issuer = read_name(&mut fields)?;
        let this_update = read_time(&mut fields)?.ok_or(RevocationListError::Field("thisUpdate"))?;
        let next_update = match fields.peek_tag() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => read_time(&mut fields)?,
            _ => None,
        };
        let next_update = next_update.ok_or(RevocationListError::Field("nextUpdate"))?;
        let revoked = match fields.optional(tag::SEQUENCE)? {
            Some(entries) => read_entries(entries.inside())?,
            None => Revoked::with_capacity(0),
        };
        let mut extensions = ListExtensions::default();
        if let Some(tagged) = fields.optional(EXTENSIONS)? {
            let mut inside = tagged.inside();
            for extension in read_extensions(&inside.expect(tag::SEQUENCE)?)? {
                extensions.take(&extension)?;
            }
            inside.end()?;
        }
        fields.end()?;
        let ListExtensions { number, authority_key_identifier } = extensions;
        Ok(Self { issuer, this_update, next_update, number, authority_key_identifier, revoked })
    }
}

fn read_entries(entries: Cursor<'_>) -> Result<Revoked, RevocationListError> {
    let mut revoked = Revoked::with_capacity(count_entries(entries)?);
    let mut rest = entries;
    while !rest.is_empty() {
        let mut entry = rest.expect(tag::SEQUENCE)?.inside();
        let serial_number = SerialNumber::read(entry.expect(tag::INTEGER)?.contents)
            .ok_or(RevocationListError::Field("entry's serial number"))?;
        let since = read_time(&mut entry)?.ok_or(RevocationListError::Field("entry's date"))?;
        let mut reason = RevocationReason::Unspecified;
        if let Some(extensions) = entry.optional(tag::SEQUENCE)? {
            for extension in read_extensions(&extensions)? {
                take_entry_extension(&extension, &mut reason)?;
            }
        }
        entry.end()?;
        revoked.push(serial_number, Revocation { since, reason });
    }
    Ok(revoked.in_order())
}

/// Counted before they are read: memory is taken once, and never for more than the limit.
fn count_entries(mut entries: Cursor<'_>) -> Result<usize, RevocationListError> {
    let mut count = 0;
    while !entries.is_empty() {
        entries.value()?;
        count += 1;
        if count > REVOCATION_LIST_MAX_ENTRIES {
            return Err(RevocationListError::TooManyEntries);
        }
    }
    Ok(count)
}

impl From<ExtensionListError> for RevocationListError {
    fn from(error: ExtensionListError) -> Self {
        match error {
            ExtensionListError::Der(error) => Self::Der(error),
            ExtensionListError::Identifier => Self::Field("extension identifier"),
            ExtensionListError::Duplicate(identifier) => Self::DuplicateExtension(identifier),
        }
    }
}

fn refuse_if_critical(extension: &Extension<'_>) -> Result<(), RevocationListError> {
    if extension.is_critical {
        return Err(RevocationListError::UnknownCriticalExtension(extension.identifier.clone()));
    }
    Ok(())
}

#[derive(Default)]
struct ListExtensions {
    number: Option<Vec<u8>>,
    authority_key_identifier: Option<Vec<u8>>,
}

/// 2.5.29.20.
const LIST_NUMBER: &[u8] = b"\x55\x1D\x14";
/// 2.5.29.21.
const REASON_CODE: &[u8] = b"\x55\x1D\x15";
/// 2.5.29.27.
const DELTA_LIST_INDICATOR: &[u8] = b"\x55\x1D\x1B";
/// 2.5.29.28.
const ISSUING_DISTRIBUTION_POINT: &[u8] = b"\x55\x1D\x1C";
/// 2.5.29.29.
const CERTIFICATE_ISSUER: &[u8] = b"\x55\x1D\x1D";

impl ListExtensions {
    fn take(&mut self, extension: &Extension<'_>) -> Result<(), RevocationListError> {
        match extension.identifier.contents() {
            LIST_NUMBER => {
                let number = der_walk::check(extension.octets)?;
                let is_number =
                    number.tag == tag::INTEGER && number.contents.first().is_some_and(|octet| *octet < 0x80);
                if !is_number || number.contents.len() > 20 {
                    return Err(RevocationListError::Field("number"));
                }
                self.number = Some(number.contents.to_vec());
            }
            AUTHORITY_KEY_IDENTIFIER => {
                self.authority_key_identifier = authority_key_identifier(&der_walk::check(extension.octets)?)
                    .ok_or(RevocationListError::Field("authority key identifier"))?;
            }
            DELTA_LIST_INDICATOR | ISSUING_DISTRIBUTION_POINT => return Err(RevocationListError::NotComplete),
            _ => refuse_if_critical(extension)?,
        }
        Ok(())
    }
}

fn take_entry_extension(extension: &Extension<'_>, reason: &mut RevocationReason) -> Result<(), RevocationListError> {
    match extension.identifier.contents() {
        REASON_CODE => {
            let code = der_walk::check(extension.octets)?;
            *reason = match (code.tag, code.contents) {
                (tag::ENUMERATED, [code]) => RevocationReason::of_code(*code),
                _ => None,
            }
            .ok_or(RevocationListError::Field("entry's reason"))?;
            Ok(())
        }
        CERTIFICATE_ISSUER => Err(RevocationListError::NotComplete),
        _ => refuse_if_critical(extension),
    }
}
