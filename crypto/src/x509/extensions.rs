//! Extensions of certificates: each at most once, each of a known meaning if it is critical (STB 34.101.19-2012;
//! RFC 5280, clause 4.2).

use super::certificate::CertificateError;
use super::der_walk::{self, Value};
use super::name::{DistinguishedName, read_name};
use super::signed::Extension;
use super::{ObjectIdentifier, tag};

/// What a key may be used for (RFC 5280, clause 4.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// Signatures other than those over certificates and revocation lists: signing in among them.
    pub const DIGITAL_SIGNATURE: Self = Self(1 << 0);
    /// Signatures that bind a person to a content.
    pub const NON_REPUDIATION: Self = Self(1 << 1);
    /// Key transport.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// Encryption of data.
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// Key agreement.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// Issuing certificates.
    pub const CERTIFICATE_SIGNATURE: Self = Self(1 << 5);
    /// Issuing revocation lists.
    pub const REVOCATION_LIST_SIGNATURE: Self = Self(1 << 6);

    /// Whether every use in `other` is allowed.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Whether a key issues certificates (RFC 5280, clause 4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BasicConstraints {
    /// The subject is an authority.
    pub is_authority: bool,
    /// How many further authorities may stand between this one and the last certificate of a path.
    pub path_length: Option<u8>,
}

/// What the extensions of one certificate say.
#[derive(Debug, Clone, Default)]
pub(super) struct Extensions {
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<Vec<ObjectIdentifier>>,
    pub(super) policies: Option<Vec<ObjectIdentifier>>,
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) subject_key_identifier: Option<Vec<u8>>,
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    pub(super) alternative_names: Vec<DistinguishedName>,
}

/// 2.5.29.14.
const SUBJECT_KEY_IDENTIFIER: &[u8] = b"\x55\x1D\x0E";
/// 2.5.29.15.
const KEY_USAGE: &[u8] = b"\x55\x1D\x0F";
/// 2.5.29.17.
const SUBJECT_ALTERNATIVE_NAME: &[u8] = b"\x55\x1D\x11";
/// 2.5.29.19.
const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1D\x13";
/// 2.5.29.30.
const NAME_CONSTRAINTS: &[u8] = b"\x55\x1D\x1E";
/// 2.5.29.32.
const CERTIFICATE_POLICIES: &[u8] = b"\x55\x1D\x20";
/// 2.5.29.36.
const POLICY_CONSTRAINTS: &[u8] = b"\x55\x1D\x24";
/// 2.5.29.54.
const INHIBIT_ANY_POLICY: &[u8] = b"\x55\x1D\x36";
/// 2.5.29.35.
pub(super) const AUTHORITY_KEY_IDENTIFIER: &[u8] = b"\x55\x1D\x23";
/// 2.5.29.37.
const EXTENDED_KEY_USAGE: &[u8] = b"\x55\x1D\x25";

/// What may be critical: that which path finding understands too. It does not understand certificatePolicies; no
/// certificate of the state PKI has them critical.
const UNDERSTOOD_IF_CRITICAL: [&[u8]; 4] = [KEY_USAGE, SUBJECT_ALTERNATIVE_NAME, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE];

impl Extensions {
    /// Reads the extensions, which stand once each.
    pub(super) fn read(extensions: &[Extension<'_>]) -> Result<Self, CertificateError> {
        let mut read = Self::default();
        for extension in extensions {
            read.take(extension)?;
        }
        Ok(read)
    }

    fn take(&mut self, extension: &Extension<'_>) -> Result<(), CertificateError> {
        let Extension { identifier, is_critical, octets } = extension;
        let walked = || der_walk::check(octets);
        let malformed = || CertificateError::Extension(identifier.clone());
        if *is_critical && !UNDERSTOOD_IF_CRITICAL.contains(&identifier.contents()) {
            return Err(CertificateError::UnknownCriticalExtension(identifier.clone()));
        }
        match identifier.contents() {
            KEY_USAGE => self.key_usage = Some(key_usage(&walked()?).ok_or_else(malformed)?),
            BASIC_CONSTRAINTS => self.basic_constraints = Some(basic_constraints(&walked()?).ok_or_else(malformed)?),
            EXTENDED_KEY_USAGE => self.extended_key_usage = Some(key_purposes(&walked()?).ok_or_else(malformed)?),
            CERTIFICATE_POLICIES => self.policies = Some(policies(&walked()?).ok_or_else(malformed)?),
            SUBJECT_KEY_IDENTIFIER => {
                self.subject_key_identifier = Some(octet_string(&walked()?).ok_or_else(malformed)?);
            }
            AUTHORITY_KEY_IDENTIFIER => {
                self.authority_key_identifier = authority_key_identifier(&walked()?).ok_or_else(malformed)?;
            }
            SUBJECT_ALTERNATIVE_NAME => self.alternative_names = directory_names(&walked()?, malformed)?,
            // These restrict whole subtrees and are critical wherever they are lawful. To skip one would widen trust.
            NAME_CONSTRAINTS | POLICY_CONSTRAINTS | INHIBIT_ANY_POLICY => {
                return Err(CertificateError::UnknownCriticalExtension(identifier.clone()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Named bits: at least one, and no zeros behind the last one (ITU-T X.690, clause 11.2.2).
fn key_usage(value: &Value<'_>) -> Option<KeyUsage> {
    let (unused, bits) = (value.tag == tag::BIT_STRING).then(|| value.contents.split_first())??;
    let last = bits.last().filter(|last| last.trailing_zeros() == u32::from(*unused))?;
    let first = match bits {
        [first] | [first, _] => first,
        _ => return None,
    };
    let decipher_only = if bits.len() == 2 { last.reverse_bits() } else { 0 };
    Some(KeyUsage(u16::from(first.reverse_bits()) | u16::from(decipher_only) << 8))
}

fn basic_constraints(value: &Value<'_>) -> Option<BasicConstraints> {
    let mut fields = sequence(value)?;
    let is_authority = fields.optional(tag::BOOLEAN).ok()?.is_some();
    let path_length = match fields.optional(tag::INTEGER).ok()? {
        None => None,
        Some(number) => match number.contents {
            [length @ 0..=0x7F] | [0, length] => Some(*length),
            _ => return None,
        },
    };
    fields.end().ok()?;
    // Only an authority has a path below it (RFC 5280, clause 4.2.1.9).
    (is_authority || path_length.is_none()).then_some(BasicConstraints { is_authority, path_length })
}

fn key_purposes(value: &Value<'_>) -> Option<Vec<ObjectIdentifier>> {
    let mut purposes = sequence(value)?;
    let mut read = Vec::new();
    while !purposes.is_empty() {
        add_once(&mut read, ObjectIdentifier::read(purposes.expect(tag::OBJECT_IDENTIFIER).ok()?.contents)?)?;
    }
    (!read.is_empty()).then_some(read)
}

/// The policies' identifiers; qualifiers say nothing to a program.
fn policies(value: &Value<'_>) -> Option<Vec<ObjectIdentifier>> {
    let mut policies = sequence(value)?;
    let mut read = Vec::new();
    while !policies.is_empty() {
        let mut policy = policies.expect(tag::SEQUENCE).ok()?.inside();
        add_once(&mut read, ObjectIdentifier::read(policy.expect(tag::OBJECT_IDENTIFIER).ok()?.contents)?)?;
        policy.optional(tag::SEQUENCE).ok()?;
        policy.end().ok()?;
    }
    (!read.is_empty()).then_some(read)
}

fn octet_string(value: &Value<'_>) -> Option<Vec<u8>> {
    (value.tag == tag::OCTET_STRING).then(|| value.contents.to_vec())
}

/// The key identifier, if there is one; issuer and serial number are not used.
pub(super) fn authority_key_identifier(value: &Value<'_>) -> Option<Option<Vec<u8>>> {
    const KEY_IDENTIFIER: u8 = tag::context(0);
    const ISSUER: u8 = tag::context_constructed(1);
    const SERIAL_NUMBER: u8 = tag::context(2);
    let mut fields = sequence(value)?;
    let identifier = fields.optional(KEY_IDENTIFIER).ok()?.map(|identifier| identifier.contents.to_vec());
    fields.optional(ISSUER).ok()?;
    fields.optional(SERIAL_NUMBER).ok()?;
    fields.end().ok()?;
    Some(identifier)
}

/// The directory names among the alternative names.
fn directory_names(
    value: &Value<'_>,
    malformed: impl Fn() -> CertificateError,
) -> Result<Vec<DistinguishedName>, CertificateError> {
    const DIRECTORY_NAME: u8 = tag::context_constructed(4);
    const LAST_KIND: u8 = 8;
    let mut names = sequence(value).ok_or_else(&malformed)?;
    if names.is_empty() {
        return Err(malformed());
    }
    let mut read = Vec::new();
    while !names.is_empty() {
        let name = names.value()?;
        if name.tag & tag::CLASS_MASK != tag::context(0) || name.tag & tag::NUMBER_MASK > LAST_KIND {
            return Err(malformed());
        }
        if name.tag == DIRECTORY_NAME {
            let mut inside = name.inside();
            read.push(read_name(&mut inside)?);
            inside.end()?;
        }
    }
    Ok(read)
}

fn sequence<'a>(value: &Value<'a>) -> Option<der_walk::Cursor<'a>> {
    (value.tag == tag::SEQUENCE).then(|| value.inside())
}

fn add_once(identifiers: &mut Vec<ObjectIdentifier>, identifier: ObjectIdentifier) -> Option<()> {
    if identifiers.contains(&identifier) {
        return None;
    }
    identifiers.push(identifier);
    Some(())
}
