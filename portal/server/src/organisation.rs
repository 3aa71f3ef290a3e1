//! Organisations for which people act. The operator binds them to people's cabinets; whoever is in the cabinet chooses for
//! whom he acts, himself or one of them, until his session ends.

use std::fmt;
use std::str::FromStr;

use rand_core::CryptoRng;
use time::OffsetDateTime;

use crate::http::Language;

/// Octets of a [`BindingId`]: 128 bits.
pub const BINDING_ID_SIZE: usize = 16;
/// Most characters of an organisation's name.
pub const ORGANISATION_NAME_MAX_LENGTH: usize = 200;

/// By what each digit but the last of a taxpayer's number counts in the last one.
const WEIGHTS: [u32; 8] = [29, 23, 19, 17, 13, 7, 5, 3];

/// The number of a legal person as a taxpayer (УНП): nine digits, of which the last one checks the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrganisationNumber(String);

/// A text that is no number of a legal person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a legal person's number has nine digits, of which the last one checks the others")]
pub struct InvalidOrganisationNumber;

/// What an organisation is called in one language: 1 to 200 characters, no control characters, no space at the ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationName(String);

/// A text that is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 200 characters, no control characters and no space at its ends")]
pub struct InvalidOrganisationName;

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its number.
    pub number: OrganisationNumber,
    /// Its names in Belarusian, Russian and English.
    pub names: [OrganisationName; 3],
}

/// Says which organisation is bound to which cabinet: 128 random bits. An organisation that was taken away and is bound
/// again has another one, so that what was agreed to before does not count any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BindingId([u8; BINDING_ID_SIZE]);

/// An organisation that a holder may act for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Which organisation in which cabinet.
    pub id: BindingId,
    /// The organisation.
    pub organisation: Organisation,
    /// Since when, in whole milliseconds.
    pub bound_at: OffsetDateTime,
}

impl OrganisationNumber {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrganisationNumber {
    type Err = InvalidOrganisationNumber;

    fn from_str(text: &str) -> Result<Self, InvalidOrganisationNumber> {
        let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(10)).collect();
        let digits: [u32; 9] = digits.and_then(|digits| digits.try_into().ok()).ok_or(InvalidOrganisationNumber)?;
        let [rest @ .., last] = digits;
        let sum: u32 = rest.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
        if sum % 11 == last { Ok(Self(text.to_owned())) } else { Err(InvalidOrganisationNumber) }
    }
}

impl OrganisationName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrganisationName {
    type Err = InvalidOrganisationName;

    fn from_str(text: &str) -> Result<Self, InvalidOrganisationName> {
        let has_length = (1..=ORGANISATION_NAME_MAX_LENGTH).contains(&text.chars().count());
        let is_name = has_length && text.trim() == text && !text.chars().any(char::is_control);
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidOrganisationName) }
    }
}

impl Organisation {
    /// Its name in a language, with what would turn the direction of writing, or not be seen, made visible.
    #[must_use]
    pub fn name(&self, language: Language) -> String {
        let [belarusian, russian, english] = &self.names;
        let name = match language {
            Language::Belarusian => belarusian,
            Language::Russian => russian,
            Language::English => english,
        };
        latchkey_texts::printable(name.as_str())
    }
}

impl BindingId {
    /// Draws one.
    #[must_use]
    pub fn draw(random: &mut dyn CryptoRng) -> Self {
        let mut octets = [0; BINDING_ID_SIZE];
        random.fill_bytes(&mut octets);
        Self(octets)
    }

    /// The octets that the database stores.
    #[must_use]
    pub const fn octets(&self) -> &[u8; BINDING_ID_SIZE] {
        &self.0
    }
}

impl From<[u8; BINDING_ID_SIZE]> for BindingId {
    fn from(octets: [u8; BINDING_ID_SIZE]) -> Self {
        Self(octets)
    }
}

impl fmt::Debug for BindingId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// All of it: what a form names the account by that its reader has seen.
impl fmt::Display for BindingId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}
