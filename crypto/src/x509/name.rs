//! Distinguished names (STB 34.101.19-2012 and RFC 5280, clause 4.1.2.4).

use std::fmt;

use super::der_walk::{Cursor, DerError, Value};
use super::{ObjectIdentifier, tag};

/// Attribute types (ITU-T X.520) and those of GosSUOK (STB 34.101.78-2019, appendix).
pub(super) mod attribute {
    /// 2.5.4.3.
    pub(in crate::x509) const COMMON_NAME: &[u8] = b"\x55\x04\x03";
    /// 2.5.4.4.
    pub(in crate::x509) const SURNAME: &[u8] = b"\x55\x04\x04";
    /// 2.5.4.5.
    pub(in crate::x509) const SERIAL_NUMBER: &[u8] = b"\x55\x04\x05";
    /// 2.5.4.6.
    pub(in crate::x509) const COUNTRY: &[u8] = b"\x55\x04\x06";
    /// 2.5.4.7.
    pub(in crate::x509) const LOCALITY: &[u8] = b"\x55\x04\x07";
    /// 2.5.4.10.
    pub(in crate::x509) const ORGANIZATION: &[u8] = b"\x55\x04\x0A";
    /// 2.5.4.11.
    pub(in crate::x509) const ORGANIZATIONAL_UNIT: &[u8] = b"\x55\x04\x0B";
    /// 2.5.4.41.
    pub(in crate::x509) const NAME: &[u8] = b"\x55\x04\x29";
    /// 2.5.4.42.
    pub(in crate::x509) const GIVEN_NAME: &[u8] = b"\x55\x04\x2A";
    /// 0.9.2342.19200300.100.1.25.
    pub(in crate::x509) const DOMAIN_COMPONENT: &[u8] = b"\x09\x92\x26\x89\x93\xF2\x2C\x64\x01\x19";
    /// 1.2.112.1.2.1.1.1.4.2.
    pub(in crate::x509) const BELARUSIAN_SURNAME: &[u8] = b"\x2A\x70\x01\x02\x01\x01\x01\x04\x02";
    /// 1.2.112.1.2.1.1.1.4.3.
    pub(in crate::x509) const BELARUSIAN_GIVEN_NAME: &[u8] = b"\x2A\x70\x01\x02\x01\x01\x01\x04\x03";
    /// 1.2.112.1.2.1.1.1.4.4.
    pub(in crate::x509) const BELARUSIAN_PATRONYMIC: &[u8] = b"\x2A\x70\x01\x02\x01\x01\x01\x04\x04";
}

/// A distinguished name: its octets, by which names are compared, and its attributes as text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DistinguishedName {
    der: Vec<u8>,
    attributes: Vec<(ObjectIdentifier, String)>,
}

/// Why octets are no distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Not the structure of a name.
    #[error("a name is malformed: {0}")]
    Der(#[from] DerError),
    /// A name without attributes.
    #[error("a name is empty")]
    Empty,
    /// An attribute type stands twice, so that two readers could see two persons.
    #[error("a name has the attribute {0} twice")]
    Duplicate(ObjectIdentifier),
    /// An attribute's value is no text of an allowed string type, is empty or has control characters.
    #[error("the attribute {0} of a name is no text")]
    Text(ObjectIdentifier),
    /// An object identifier longer than 64 octets or with a number of more than 128 bits.
    #[error("an object identifier is too long")]
    ObjectIdentifier,
}

impl DistinguishedName {
    /// Reads a name whose octets passed the strictness walk.
    pub(super) fn read(name: &Value<'_>) -> Result<Self, NameError> {
        let mut attributes: Vec<(ObjectIdentifier, String)> = Vec::new();
        let mut relative_names = name.inside();
        while !relative_names.is_empty() {
            let mut members = relative_names.expect(tag::SET)?.inside();
            if members.is_empty() {
                return Err(NameError::Empty);
            }
            while !members.is_empty() {
                let mut pair = members.expect(tag::SEQUENCE)?.inside();
                let kind = ObjectIdentifier::read(pair.expect(tag::OBJECT_IDENTIFIER)?.contents)
                    .ok_or(NameError::ObjectIdentifier)?;
                let value = pair.value()?;
                pair.end()?;
                let is_repeated = attributes.iter().any(|(known, _)| *known == kind);
                if is_repeated && !MAY_REPEAT.contains(&kind.contents()) {
                    return Err(NameError::Duplicate(kind));
                }
                match text(&value) {
                    Some(text) => attributes.push((kind, text)),
                    None => return Err(NameError::Text(kind)),
                }
            }
        }
        if attributes.is_empty() {
            return Err(NameError::Empty);
        }
        Ok(Self { der: name.whole.to_vec(), attributes })
    }

    /// The name's octets, DER. Names are the same exactly if these are.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The attributes in their order: type and text.
    pub fn attributes(&self) -> impl Iterator<Item = (&ObjectIdentifier, &str)> {
        self.attributes.iter().map(|(kind, text)| (kind, text.as_str()))
    }

    /// The first attribute of a type, given by the contents of its object identifier.
    pub(super) fn attribute(&self, kind: &[u8]) -> Option<&str> {
        self.attributes().find_map(|(known, text)| (known.contents() == kind).then_some(text))
    }

    /// The country, as two letters of ISO 3166-1.
    #[must_use]
    pub fn country(&self) -> Option<&str> {
        self.attribute(attribute::COUNTRY)
    }

    /// The common name.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.attribute(attribute::COMMON_NAME)
    }

    /// The organisation.
    #[must_use]
    pub fn organisation(&self) -> Option<&str> {
        self.attribute(attribute::ORGANIZATION)
    }
}

/// For people: `CN=…, O=…`, in the order of the certificate. Names are never compared by this text.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (kind, text)) in self.attributes().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            match short_name(kind) {
                Some(name) => write!(formatter, "{separator}{name}={text}")?,
                None => write!(formatter, "{separator}{kind}={text}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Lists by their nature, and never a person's identity.
const MAY_REPEAT: [&[u8]; 2] = [attribute::DOMAIN_COMPONENT, attribute::ORGANIZATIONAL_UNIT];

fn short_name(kind: &ObjectIdentifier) -> Option<&'static str> {
    let names = [
        (attribute::COMMON_NAME, "CN"),
        (attribute::SURNAME, "SN"),
        (attribute::SERIAL_NUMBER, "serialNumber"),
        (attribute::COUNTRY, "C"),
        (attribute::LOCALITY, "L"),
        (attribute::ORGANIZATION, "O"),
        (attribute::ORGANIZATIONAL_UNIT, "OU"),
        (attribute::NAME, "name"),
        (attribute::GIVEN_NAME, "givenName"),
        (attribute::DOMAIN_COMPONENT, "DC"),
    ];
    names.into_iter().find_map(|(known, name)| (known == kind.contents()).then_some(name))
}

/// The text of a DirectoryString or IA5String. TeletexString and UniversalString are refused: RFC 5280 retired them
/// and readers differ on what the first one says.
fn text(value: &Value<'_>) -> Option<String> {
    let text = match value.tag {
        tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::IA5_STRING | tag::NUMERIC_STRING => {
            std::str::from_utf8(value.contents).ok()?.to_owned()
        }
        tag::BMP_STRING => {
            let (units, _) = value.contents.as_chunks::<2>();
            // No surrogate pairs: they are UTF-16, not UCS-2.
            units.iter().map(|unit| char::from_u32(u16::from_be_bytes(*unit).into())).collect::<Option<_>>()?
        }
        _ => return None,
    };
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

/// Reads the name that the cursor is at.
pub(crate) fn read_name(cursor: &mut Cursor<'_>) -> Result<DistinguishedName, NameError> {
    DistinguishedName::read(&cursor.expect(tag::SEQUENCE)?)
}
