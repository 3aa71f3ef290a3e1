//! Auxiliary attributes: questions that a card answers with yes or no, without telling what they are about
//! (STB 34.101.79, clause on AuthAuxData).

use std::fmt;

use latchkey_crypto::x509::is_printable;
use time::Month;

use crate::tlv::{Cursor, Tag, TlvError, TlvErrorKind, Writer};

/// AuthAuxData: `67 { 73 { 06 attribute, parameter } … }`.
pub const TAG_AUXILIARY: Tag = Tag::new(0x67);
const TAG_ATTRIBUTE: Tag = Tag::new(0x73);
const TAG_OID: Tag = Tag::new(0x06);
const TAG_VALID_ON: Tag = Tag::new(0x83);
const TAG_BORN_BY: Tag = Tag::new(0x88);
const TAG_REGION: Tag = Tag::new(0x92);

/// 1.2.112.0.2.0.34.101.79.5, without the last arc.
const ID_ATTRIBUTES: [u8; 9] = [0x2A, 0x70, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x05];

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuxiliaryAttribute {
    /// DocumentValidity: is the document valid on that day? Asked whenever something is, and first.
    DocumentValidity,
    /// AgeVerification: was the holder born on that day or before?
    AgeVerification,
    /// PlaceVerification: does the holder live in that region?
    PlaceVerification,
}

impl AuxiliaryAttribute {
    /// All, in the order in which they are asked.
    pub const ALL: [Self; 3] = [Self::DocumentValidity, Self::AgeVerification, Self::PlaceVerification];

    /// The last arc of the identifier.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::DocumentValidity => 1,
            Self::AgeVerification => 2,
            Self::PlaceVerification => 3,
        }
    }

    /// The command data of VERIFY: the object identifier with tag and length. The standard says "encoded identifier".
    #[must_use]
    pub fn to_octets(self) -> Vec<u8> {
        Writer::new().object(TAG_OID, &[&ID_ATTRIBUTES, &[self.number()]]).finish()
    }

    /// Reads the command data of VERIFY.
    ///
    /// # Errors
    /// [`TlvError`] if they name no attribute.
    pub fn parse(octets: &[u8]) -> Result<Self, TlvError> {
        let mut cursor = Cursor::new(octets);
        let attribute = Self::read(&mut cursor)?;
        cursor.finish()?;
        Ok(attribute)
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TlvError> {
        let identifier = cursor.expect(TAG_OID)?;
        let number = identifier.rest().strip_prefix(&ID_ATTRIBUTES);
        let attribute = Self::ALL.into_iter().find(|attribute| number == Some(&[attribute.number()]));
        attribute.ok_or(identifier.error(TlvErrorKind::Value))
    }
}

/// The questions with their parameters. Whether the document is valid is always among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auxiliary {
    /// The day on which the document has to be valid; the card may take it for today.
    pub valid_on: Day,
    /// The day on which, or before which, the holder has to be born.
    pub born_by: Option<Day>,
    /// The region in which the holder has to live.
    pub region: Option<RegionCode>,
}

impl Auxiliary {
    /// The question about the document only.
    #[must_use]
    pub const fn valid_on(day: Day) -> Self {
        Self { valid_on: day, born_by: None, region: None }
    }

    /// What is asked, in the order in which it has to be verified.
    #[must_use]
    pub fn attributes(&self) -> Vec<AuxiliaryAttribute> {
        let age = self.born_by.map(|_| AuxiliaryAttribute::AgeVerification);
        let place = self.region.as_ref().map(|_| AuxiliaryAttribute::PlaceVerification);
        [Some(AuxiliaryAttribute::DocumentValidity), age, place].into_iter().flatten().collect()
    }

    /// The data object `67`.
    #[must_use]
    pub fn to_octets(&self) -> Vec<u8> {
        let attribute = |attribute: AuxiliaryAttribute, tag, parameter: &[u8]| {
            let inner = Writer::new().octets(&attribute.to_octets()).object(tag, &[parameter]).finish();
            Writer::new().object(TAG_ATTRIBUTE, &[&inner]).finish()
        };
        let mut attributes = attribute(AuxiliaryAttribute::DocumentValidity, TAG_VALID_ON, &self.valid_on.octets());
        if let Some(day) = self.born_by {
            attributes.extend(attribute(AuxiliaryAttribute::AgeVerification, TAG_BORN_BY, &day.octets()));
        }
        if let Some(region) = &self.region {
            attributes.extend(attribute(AuxiliaryAttribute::PlaceVerification, TAG_REGION, region.as_str().as_bytes()));
        }
        Writer::new().object(TAG_AUXILIARY, &[&attributes]).finish()
    }

    /// Reads the value of the data object `67`: the attributes may stand in any order, each once.
    ///
    /// # Errors
    /// [`TlvError`] if it is anything else, or does not ask whether the document is valid.
    pub fn parse_value(mut value: Cursor<'_>) -> Result<Self, TlvError> {
        let (mut valid_on, mut born_by, mut region) = (None, None, None);
        while !value.is_empty() {
            let here = value.clone();
            let mut attribute = value.expect(TAG_ATTRIBUTE)?;
            let set_before = match AuxiliaryAttribute::read(&mut attribute)? {
                AuxiliaryAttribute::DocumentValidity => {
                    valid_on.replace(Day::read(&attribute.expect(TAG_VALID_ON)?)?).is_some()
                }
                AuxiliaryAttribute::AgeVerification => {
                    born_by.replace(Day::read(&attribute.expect(TAG_BORN_BY)?)?).is_some()
                }
                AuxiliaryAttribute::PlaceVerification => {
                    region.replace(RegionCode::read(&attribute.expect(TAG_REGION)?)?).is_some()
                }
            };
            attribute.finish()?;
            if set_before {
                return Err(here.error(TlvErrorKind::Repeated(TAG_ATTRIBUTE)));
            }
        }
        let valid_on = valid_on.ok_or(value.error(TlvErrorKind::Missing(TAG_ATTRIBUTE)))?;
        Ok(Self { valid_on, born_by, region })
    }
}

/// A day as auxiliary attributes write it: eight digits, `YYYYMMDD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(time::Date);

/// A day that eight digits cannot write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the year {0} does not have four digits")]
pub struct DayOutOfRange(i32);

impl Day {
    /// The eight digits, as ASCII.
    #[must_use]
    pub fn octets(self) -> [u8; 8] {
        let (year, month, day) = (self.0.year().unsigned_abs(), u32::from(u8::from(self.0.month())), self.0.day());
        let number = year * 10_000 + month * 100 + u32::from(day);
        let mut divisor = 100_000_000;
        std::array::from_fn(|_| {
            divisor /= 10;
            b'0' + u8::try_from(number / divisor % 10).unwrap_or_default()
        })
    }

    fn read(value: &Cursor<'_>) -> Result<Self, TlvError> {
        let wrong = value.error(TlvErrorKind::Value);
        let digits: [u8; 8] = value.clone().whole_array()?;
        let [y1, y2, y3, y4, m1, m2, d1, d2] = digits.map(|octet| octet.wrapping_sub(b'0'));
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(wrong);
        }
        let two = |tens: u8, ones: u8| tens * 10 + ones;
        let year = i32::from(two(y1, y2)) * 100 + i32::from(two(y3, y4));
        let month = Month::try_from(two(m1, m2)).map_err(|_| wrong)?;
        time::Date::from_calendar_date(year, month, two(d1, d2)).map(Self).map_err(|_| wrong)
    }
}

impl TryFrom<time::Date> for Day {
    type Error = DayOutOfRange;

    fn try_from(date: time::Date) -> Result<Self, DayOutOfRange> {
        if (0..=9999).contains(&date.year()) { Ok(Self(date)) } else { Err(DayOutOfRange(date.year())) }
    }
}

impl From<Day> for time::Date {
    fn from(day: Day) -> Self {
        day.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The code of a region as data group 18 has it: 7 to 64 characters of a PrintableString, such as `ZIPBY-220045`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RegionCode(String);

impl RegionCode {
    /// Reads the characters. `None` for another length or a character that is not printable.
    #[must_use]
    pub fn parse(characters: &[u8]) -> Option<Self> {
        let fits = (7..=64).contains(&characters.len()) && characters.iter().all(|octet| is_printable(*octet));
        fits.then(|| Self(characters.iter().copied().map(char::from).collect()))
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn read(value: &Cursor<'_>) -> Result<Self, TlvError> {
        Self::parse(value.rest()).ok_or(value.error(TlvErrorKind::Value))
    }
}
