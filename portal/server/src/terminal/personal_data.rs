//! What the deployed pages call `personal_data`: one row per key, with its source on the card and its rule.
//!
//! The names and formats were observed in pages that are deployed; the encodings of the groups are those of the standard.
//! Where the two do not say the same, the rule is our assumption and says so.

use std::collections::BTreeMap;

use latchkey_crypto::x509::{PersonName, PersonalNumber};
use serde::Serialize;

use super::attributes::{Attribute, Attributes, MalformedGroup};
use crate::session::Holder;

/// `personal_data`: keys and values, those that the card has.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PersonalData(BTreeMap<&'static str, String>);

/// One key of `personal_data`.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The key.
    pub key: &'static str,
    /// What it is made of.
    pub source: Attribute,
    /// How it is made, for people; `docs/portal-developer.md` has it too.
    pub rule: &'static str,
    value: fn(&[u8]) -> Result<Option<String>, MalformedGroup>,
}

/// Every key that is ever answered. A key whose attribute the card has not, or gives no value for, is left out.
pub const TABLE: [Row; 20] = [
    row("BE:_Family_name", Attribute::FamilyName, "first of the three forms", |text| name(text, 0)),
    row("BE:_Given_name", Attribute::GivenName, "first of the three forms", |text| name(text, 0)),
    row("BE:_Middle_name", Attribute::Patronymic, "first of the three forms; none if empty", |text| name(text, 0)),
    row("RU:_Family_name", Attribute::FamilyName, "second of the three forms", |text| name(text, 1)),
    row("RU:_Given_name", Attribute::GivenName, "second of the three forms", |text| name(text, 1)),
    row("RU:_Middle_name", Attribute::Patronymic, "second of the three forms; none if empty", |text| name(text, 1)),
    row("LA:_Family_name", Attribute::FamilyName, "third of the three forms", |text| name(text, 2)),
    row("LA:_Given_name", Attribute::GivenName, "third of the three forms", |text| name(text, 2)),
    row("BE_Place_of_birth", Attribute::PlaceOfBirth, BIRTHPLACE, |place| birthplace(place, Language::Belarusian)),
    row("RU_Place_of_birth", Attribute::PlaceOfBirth, BIRTHPLACE, |place| birthplace(place, Language::Russian)),
    row("ID", Attribute::PersonalNumber, "without `PNO`, country and hyphen", |text| without_prefix(text, "PNO")),
    row("Serial_Number", Attribute::CardSerial, "without `IDC`, country and hyphen", |text| {
        without_prefix(text, "IDC")
    }),
    row("Type", Attribute::DocumentType, "as it is; cards of the standard have no such attribute", text),
    row("Issuing_State", Attribute::IssuingState, "three letters", code),
    row("Citizenship", Attribute::Citizenship, "three letters", code),
    row("Issuance_board", Attribute::IssuingAuthority, "as it is: a text on cards of the standard (assumed)", text),
    row("Date_of_issuance", Attribute::Issued, "`YYYYMMDD`", date),
    row("Date_of_expiry", Attribute::Expiry, "`YYYYMMDD`", date),
    row("birth_date", Attribute::BirthDate, "`YYYYMMDD`; spaces for what is not known", date),
    row("Sex", Attribute::Sex, "`M` or `F`; none if the card does not state it", sex),
];

const BIRTHPLACE: &str = "country's name or else its code, region, place, in capitals, joined by a comma (assumed); free \
                          text as it is; none if the card says that nothing is known";

impl PersonalData {
    /// Makes it of what was read.
    ///
    /// # Errors
    /// [`MalformedGroup`] if an attribute is not what the standard says it is.
    pub fn of(attributes: &Attributes) -> Result<Self, MalformedGroup> {
        let mut data = BTreeMap::new();
        for Row { key, source, value, .. } in TABLE {
            let Some(octets) = attributes.get(source) else { continue };
            if let Some(value) = value(octets)? {
                data.insert(key, value);
            }
        }
        Ok(Self(data))
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

/// The number of the document: DG1 without its prefix.
///
/// # Errors
/// [`MalformedGroup`] if the attribute is not what the standard says it is.
pub(crate) fn document_number(attributes: &Attributes) -> Result<Option<String>, MalformedGroup> {
    attributes.get(Attribute::CardSerial).map_or(Ok(None), |text| without_prefix(text, "IDC"))
}

/// The holder's personal number, in the spelling that certificates' subjects are read in too.
///
/// # Errors
/// [`MalformedGroup`] if the attribute is not what the standard says it is.
pub fn personal_number(attributes: &Attributes) -> Result<Option<PersonalNumber>, MalformedGroup> {
    let Some(octets) = attributes.get(Attribute::PersonalNumber) else { return Ok(None) };
    let text = text(octets)?.ok_or(MalformedGroup::Prefix)?;
    PersonalNumber::parse(&text).map(Some).map_err(|_| MalformedGroup::Prefix)
}

/// The holder, as certificates' subjects name people: the Russian names first, the others beside them. `None` if there is no
/// number, or no name at all.
///
/// # Errors
/// [`MalformedGroup`] if an attribute is not what the standard says it is.
pub(crate) fn holder(attributes: &Attributes) -> Result<Option<Holder>, MalformedGroup> {
    let Some(personal_number) = personal_number(attributes)? else { return Ok(None) };
    let form = |attribute, form| attributes.get(attribute).map_or(Ok(None), |joined| name(joined, form));
    let person_name = |place| {
        Ok::<_, MalformedGroup>(PersonName {
            family: form(Attribute::FamilyName, place)?,
            given: form(Attribute::GivenName, place)?,
            patronymic: form(Attribute::Patronymic, place)?,
        })
    };
    let is_there = |name: &PersonName| name.family.is_some() || name.given.is_some();
    let (belarusian, russian, latin) = (person_name(0)?, person_name(1)?, person_name(2)?);
    if !is_there(&russian) {
        return Ok(None);
    }
    let latin_name: Vec<_> = [latin.given, latin.family].into_iter().flatten().collect();
    Ok(Some(Holder {
        personal_number,
        name: russian,
        belarusian_name: Some(belarusian).filter(is_there),
        latin_name: Some(latin_name.join(" ")).filter(|name| !name.is_empty()),
    }))
}

const fn row(
    key: &'static str,
    source: Attribute,
    rule: &'static str,
    value: fn(&[u8]) -> Result<Option<String>, MalformedGroup>,
) -> Row {
    Row { key, source, rule, value }
}

/// UTF-8 without control characters.
fn text(octets: &[u8]) -> Result<Option<String>, MalformedGroup> {
    let text = std::str::from_utf8(octets).map_err(|_| MalformedGroup::Text)?;
    if text.chars().any(char::is_control) {
        return Err(MalformedGroup::Text);
    }
    Ok(Some(text.to_owned()).filter(|text| !text.trim().is_empty()))
}

/// A name has a Belarusian, a Russian and a Latin form, joined by slashes; a patronymic may be missing altogether.
fn name(octets: &[u8], form: usize) -> Result<Option<String>, MalformedGroup> {
    let Some(joined) = text(octets)? else { return Ok(None) };
    let forms: Vec<_> = joined.split('/').collect();
    match forms.get(form) {
        Some(form) if forms.len() == 3 && !form.is_empty() => Ok(Some((*form).to_owned())),
        _ => Err(MalformedGroup::NameForms),
    }
}

/// `TTTCC-rest`: three letters of a type, two of a country, a hyphen, the rest.
fn without_prefix(octets: &[u8], kind: &str) -> Result<Option<String>, MalformedGroup> {
    let whole = text(octets)?.ok_or(MalformedGroup::Prefix)?;
    let (prefix, rest) = whole.split_once('-').ok_or(MalformedGroup::Prefix)?;
    let country = prefix.strip_prefix(kind).ok_or(MalformedGroup::Prefix)?;
    let is_country = country.len() == 2 && country.bytes().all(|octet| octet.is_ascii_uppercase());
    if is_country && !rest.is_empty() { Ok(Some(rest.to_owned())) } else { Err(MalformedGroup::Prefix) }
}

/// A country: three capitals or spaces.
fn code(octets: &[u8]) -> Result<Option<String>, MalformedGroup> {
    let letters = octets.iter().all(|octet| octet.is_ascii_uppercase() || *octet == b' ');
    if octets.len() == 3 && letters { text(octets) } else { Err(MalformedGroup::Country) }
}

/// Eight digits, of which the last two or four may be spaces.
fn date(octets: &[u8]) -> Result<Option<String>, MalformedGroup> {
    let known = octets.trim_ascii_end();
    let is_date = octets.len() == 8 && matches!(known.len(), 4 | 6 | 8) && known.iter().all(u8::is_ascii_digit);
    if is_date { text(octets) } else { Err(MalformedGroup::Date) }
}

fn sex(octets: &[u8]) -> Result<Option<String>, MalformedGroup> {
    match octets {
        b"M" | b"F" => text(octets),
        b" " => Ok(None),
        _ => Err(MalformedGroup::Sex),
    }
}

#[derive(Clone, Copy)]
enum Language {
    Belarusian,
    Russian,
}

impl Language {
    /// The form in this language of a text that has a Belarusian and a Russian one, or one for both.
    fn form(self, octets: &[u8]) -> Result<Option<String>, MalformedGroup> {
        let Some(joined) = text(octets)? else { return Ok(None) };
        let Some((belarusian, russian)) = joined.split_once('/') else { return Ok(Some(joined)) };
        Ok(Some(match self {
            Self::Belarusian => belarusian.to_owned(),
            Self::Russian => russian.to_owned(),
        }))
    }

    /// What a country is called, where that was seen in the field.
    fn country(self, code: &str) -> String {
        match (code, self) {
            ("BLR", Self::Belarusian) => "Рэспубліка Беларусь".to_owned(),
            ("BLR", Self::Russian) => "Республика Беларусь".to_owned(),
            (code, _) => code.to_owned(),
        }
    }
}

fn birthplace(octets: &[u8], language: Language) -> Result<Option<String>, MalformedGroup> {
    use super::attributes::Place;
    let place = match Place::read(octets)? {
        Place::Parts { city, state, country } => {
            let country = code(country)?.map(|code| language.country(code.trim()));
            let state = state.map_or(Ok(None), |state| language.form(state))?;
            let parts = [country, state, language.form(city)?];
            Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
        }
        Place::FreeText(free) => language.form(free)?,
        Place::NoInformation => None,
    };
    Ok(place.map(|place| place.to_uppercase()))
}
