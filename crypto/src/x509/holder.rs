//! Who a person's certificate speaks of (STB 34.101.78-2019, appendix on GosSUOK; ETSI EN 319 412-1 for other cards).

use std::fmt;
use std::str::FromStr;

use super::certificate::Certificate;
use super::name::{DistinguishedName, attribute};

/// Most characters of a personal number of another country.
const FOREIGN_NUMBER_MAX_SIZE: usize = 32;
const BELARUS: [u8; 2] = *b"BY";
/// A digit is `0`, a Latin letter `A`.
const BELARUSIAN_SHAPE: &[u8; 14] = b"0000000A000AA0";

/// A person's identification number with the country that assigned it, in one spelling: `PNOBY-3000000A000PB0`.
///
/// Records about a person are kept under this value, so this is the only place where such numbers are read.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonalNumber(String);

/// A text that is no personal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a personal number")]
pub struct InvalidPersonalNumber;

/// The names of a person in one language.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PersonName {
    /// Family name.
    pub family: Option<String>,
    /// First name; all given names where the certificate does not tell them apart.
    pub given: Option<String>,
    /// Patronymic, if the person has one and the certificate tells it apart.
    pub patronymic: Option<String>,
}

/// The person that a certificate speaks of.
#[derive(Clone, PartialEq, Eq)]
pub struct HolderIdentity {
    personal_number: PersonalNumber,
    name: PersonName,
    belarusian_name: Option<PersonName>,
    latin_name: Option<String>,
}

/// Why a certificate does not say which person it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HolderIdentityError {
    /// Neither serialNumber nor common name has a personal number.
    #[error("the certificate has no personal number")]
    NoPersonalNumber,
    /// serialNumber and common name have different personal numbers.
    #[error("the certificate has two personal numbers")]
    TwoPersonalNumbers,
    /// There is no name.
    #[error("the certificate does not name its holder")]
    NoName,
}

impl PersonalNumber {
    /// Reads a number with its type and country (`PNOBY-3000000A000PB0`), or a Belarusian one without (`3000000A000PB0`).
    /// Small letters, and Cyrillic letters that look like the Latin ones, are taken for what was meant.
    ///
    /// # Errors
    /// [`InvalidPersonalNumber`]. The control digit is not checked: the standards at hand do not say how it is made.
    pub fn parse(text: &str) -> Result<Self, InvalidPersonalNumber> {
        let text: String = text.trim().chars().flat_map(char::to_uppercase).map(latin).collect();
        let (country, number) = match text.strip_prefix("PNO").and_then(|rest| rest.split_once('-')) {
            Some((country, number)) => (country.as_bytes().try_into().map_err(|_| InvalidPersonalNumber)?, number),
            None => (BELARUS, text.as_str()),
        };
        let is_well_formed = if country == BELARUS { is_belarusian(number) } else { is_foreign(number) };
        match std::str::from_utf8(&country) {
            Ok(country) if is_well_formed && country.bytes().all(|octet| octet.is_ascii_uppercase()) => {
                Ok(Self(format!("PNO{country}-{number}")))
            }
            _ => Err(InvalidPersonalNumber),
        }
    }

    /// The number with type and country: `PNOBY-3000000A000PB0`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country that assigned the number: `BY`.
    #[must_use]
    pub fn country(&self) -> &str {
        self.0.get("PNO".len().."PNOBY".len()).unwrap_or_default()
    }

    /// The number alone: `3000000A000PB0`.
    #[must_use]
    pub fn number(&self) -> &str {
        self.0.get("PNOBY-".len()..).unwrap_or_default()
    }
}

impl FromStr for PersonalNumber {
    type Err = InvalidPersonalNumber;

    fn from_str(text: &str) -> Result<Self, InvalidPersonalNumber> {
        Self::parse(text)
    }
}

impl fmt::Display for PersonalNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Personal data does not get into logs by accident.
impl fmt::Debug for PersonalNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PersonalNumber(hidden)")
    }
}

impl HolderIdentity {
    /// Reads the person from subject and subjectAltName. Only a verified certificate makes this true.
    ///
    /// # Errors
    /// [`HolderIdentityError`] if the certificate does not identify one person.
    pub fn of(certificate: &Certificate) -> Result<Self, HolderIdentityError> {
        let subject = certificate.subject();
        let (latin_name, in_common_name) = split_common_name(subject.common_name());
        let in_serial_number = subject.attribute(attribute::SERIAL_NUMBER).and_then(|text| text.parse().ok());
        let personal_number: PersonalNumber = match (in_serial_number, in_common_name) {
            (Some(one), Some(other)) if one != other => return Err(HolderIdentityError::TwoPersonalNumbers),
            (Some(number), _) | (None, Some(number)) => number,
            (None, None) => return Err(HolderIdentityError::NoPersonalNumber),
        };
        let name = subject_name(subject).ok_or(HolderIdentityError::NoName)?;
        let belarusian_name = certificate.alternative_names().iter().find_map(belarusian_name);
        Ok(Self { personal_number, name, belarusian_name, latin_name })
    }

    /// The person's identification number.
    #[must_use]
    pub const fn personal_number(&self) -> &PersonalNumber {
        &self.personal_number
    }

    /// The names as the subject gives them: in Russian on a Belarusian card.
    #[must_use]
    pub const fn name(&self) -> &PersonName {
        &self.name
    }

    /// The Belarusian names.
    #[must_use]
    pub const fn belarusian_name(&self) -> Option<&PersonName> {
        self.belarusian_name.as_ref()
    }

    /// First and family name in Latin letters.
    #[must_use]
    pub fn latin_name(&self) -> Option<&str> {
        self.latin_name.as_deref()
    }
}

/// Personal data does not get into logs by accident.
impl fmt::Debug for HolderIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HolderIdentity(hidden)")
    }
}

/// Family name, first name, patronymic.
impl fmt::Display for PersonName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.family, &self.given, &self.patronymic];
        for (position, part) in parts.into_iter().flatten().enumerate() {
            let separator = if position == 0 { "" } else { " " };
            write!(formatter, "{separator}{part}")?;
        }
        Ok(())
    }
}

/// GosSUOK has the first name in `name` and the patronymic in `givenName`; elsewhere `givenName` holds the given names.
fn subject_name(subject: &DistinguishedName) -> Option<PersonName> {
    let of = |kind| subject.attribute(kind).map(str::to_owned);
    let (family, name, given_name) = (of(attribute::SURNAME), of(attribute::NAME), of(attribute::GIVEN_NAME));
    let name = match name {
        Some(first) => PersonName { family, given: Some(first), patronymic: given_name },
        None => PersonName { family, given: given_name, patronymic: None },
    };
    (name.family.is_some() || name.given.is_some()).then_some(name)
}

fn belarusian_name(alternative: &DistinguishedName) -> Option<PersonName> {
    let of = |kind| alternative.attribute(kind).map(str::to_owned);
    let name = PersonName {
        family: of(attribute::BELARUSIAN_SURNAME),
        given: of(attribute::BELARUSIAN_GIVEN_NAME),
        patronymic: of(attribute::BELARUSIAN_PATRONYMIC),
    };
    if name.family.is_some() || name.given.is_some() { Some(name) } else { subject_name(alternative) }
}

/// `GIVEN FAMILY 3000000A000PB0`: the name, if it is in Latin letters, and the number.
fn split_common_name(common_name: Option<&str>) -> (Option<String>, Option<PersonalNumber>) {
    let split = common_name.and_then(|text| text.rsplit_once(' '));
    let Some((name, Ok(number))) = split.map(|(name, last)| (name, PersonalNumber::parse(last))) else {
        return (None, None);
    };
    (name.is_ascii().then(|| name.to_owned()), Some(number))
}

fn is_belarusian(number: &str) -> bool {
    number.len() == BELARUSIAN_SHAPE.len()
        && number.bytes().zip(BELARUSIAN_SHAPE).all(|(octet, kind)| match kind {
            b'A' => octet.is_ascii_uppercase(),
            _ => octet.is_ascii_digit(),
        })
}

fn is_foreign(number: &str) -> bool {
    (1..=FOREIGN_NUMBER_MAX_SIZE).contains(&number.len())
        && number.bytes().all(|octet| octet.is_ascii_uppercase() || octet.is_ascii_digit() || b"-/.+".contains(&octet))
}

/// The Latin letter that a Cyrillic one is mistaken for on a keyboard.
const fn latin(letter: char) -> char {
    match letter {
        'А' => 'A',
        'В' => 'B',
        'С' => 'C',
        'Е' => 'E',
        'Н' => 'H',
        'І' => 'I',
        'К' => 'K',
        'М' => 'M',
        'О' => 'O',
        'Р' => 'P',
        'Т' => 'T',
        'Х' => 'X',
        other => other,
    }
}
