//! Attributes of a person or document, as the data groups carry them: STB 34.101.79-2019 with errata, clause 7.1.
//!
//! On a card of the standard each group is one object, whose tag is the group's number. On the deployed card five groups
//! carry several; their encoding is not public, and the one that is read here (a SEQUENCE of the standard's objects) is
//! an assumption.

use std::collections::BTreeMap;

use latchkey_card::rights::DataGroup;
use latchkey_card::tlv::{Cursor, Tag, TlvError};
use zeroize::Zeroizing;

/// Octets of the longest group: READ BINARY has 15 bits for an offset.
pub const GROUP_MAX_SIZE: usize = 0x7FFF;

/// An attribute that `personal_data` is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// DG1: serial number of the card, `IDCBY-…`.
    CardSerial,
    /// DG2: the state that issued it.
    IssuingState,
    /// DG3: its last day.
    Expiry,
    /// DG4.
    GivenName,
    /// DG5.
    FamilyName,
    /// DG6.
    Patronymic,
    /// DG7: personal number, `PNOBY-…`.
    PersonalNumber,
    /// DG8.
    BirthDate,
    /// DG9.
    PlaceOfBirth,
    /// DG10.
    Citizenship,
    /// DG11.
    Sex,
    /// DG15: its first day.
    Issued,
    /// DG16.
    IssuingAuthority,
    /// What kind of document it is: on the deployed card only.
    DocumentType,
}

/// Where an attribute is on each card: the group of the standard, the deployed card's group, and the object's tag.
#[derive(Debug, Clone, Copy)]
pub struct Home {
    /// The attribute.
    pub attribute: Attribute,
    /// The group of the standard, if it has the attribute.
    pub standard: Option<u8>,
    /// The group of the deployed card, 1 to 5 (assumed).
    pub deployed: u8,
    tag: Tag,
}

/// One row per attribute. Deployed pages ask for the deployed card's groups whatever the card is: on a card of the standard
/// the groups that carry the same attributes are read for them. The deployed card's second group, the picture of the
/// face, is none of these and not on a card of the standard.
pub const HOMES: [Home; 14] = [
    home(Attribute::CardSerial, Some(1), 1, 0x41),
    home(Attribute::IssuingState, Some(2), 1, 0x42),
    home(Attribute::Expiry, Some(3), 1, 0x43),
    home(Attribute::GivenName, Some(4), 3, 0x44),
    home(Attribute::FamilyName, Some(5), 3, 0x45),
    home(Attribute::Patronymic, Some(6), 3, 0x46),
    home(Attribute::PersonalNumber, Some(7), 1, 0x47),
    home(Attribute::BirthDate, Some(8), 4, 0x48),
    home(Attribute::PlaceOfBirth, Some(9), 4, 0x69),
    home(Attribute::Citizenship, Some(10), 5, 0x4A),
    home(Attribute::Sex, Some(11), 5, 0x4B),
    home(Attribute::Issued, Some(15), 1, 0x4F),
    home(Attribute::IssuingAuthority, Some(16), 1, 0x50),
    home(Attribute::DocumentType, None, 1, 0x80),
];

const fn home(attribute: Attribute, standard: Option<u8>, deployed: u8, tag: u32) -> Home {
    Home { attribute, standard, deployed, tag: Tag::new(tag) }
}

/// How many groups the deployed card has.
pub const DEPLOYED_GROUPS: u8 = 5;

/// The groups of the standard that carry what the deployed card's group does, in their order.
#[must_use]
pub fn standard_groups(deployed: u8) -> Vec<DataGroup> {
    let homes = HOMES.iter().filter(|home| home.deployed == deployed);
    homes.filter_map(|home| home.standard).filter_map(DataGroup::new).collect()
}

/// What was read of a card. Unprintable, wiped on drop.
#[derive(Default)]
pub struct Attributes(BTreeMap<Attribute, Zeroizing<Vec<u8>>>);

/// Why octets are no data group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedGroup {
    /// They are longer than a group can be.
    #[error("longer than a data group")]
    TooLong,
    /// They are no objects, or others than belong there.
    #[error(transparent)]
    Objects(#[from] TlvError),
    /// An attribute is there twice.
    #[error("an attribute is there twice")]
    Repeated,
    /// A text is none.
    #[error("a text that is none")]
    Text,
    /// A name has not its three forms.
    #[error("a name without its three forms")]
    NameForms,
    /// A number has not its prefix.
    #[error("a number without its prefix")]
    Prefix,
    /// A country is no three letters.
    #[error("a country that is no code")]
    Country,
    /// A date is none.
    #[error("a date that is none")]
    Date,
    /// Sex is neither M, F nor a space.
    #[error("sex is neither M nor F")]
    Sex,
}

impl Attributes {
    /// Takes the file of a group of the standard: one object with the group's tag. Groups that no attribute is made of
    /// are passed over.
    ///
    /// # Errors
    /// [`MalformedGroup`] for anything else.
    pub fn take_standard(&mut self, group: DataGroup, octets: &[u8]) -> Result<(), MalformedGroup> {
        let mut cursor = bounded(octets)?;
        let Some(home) = HOMES.iter().find(|home| home.standard == Some(group.number())) else { return Ok(()) };
        let value = cursor.expect(home.tag)?;
        cursor.finish()?;
        self.keep(home.attribute, value.rest())
    }

    /// Takes the file of a group of the deployed card: a SEQUENCE of objects. Objects that no attribute of this group is
    /// made of are passed over.
    ///
    /// # Errors
    /// [`MalformedGroup`] for anything else.
    pub fn take_deployed(&mut self, group: u8, octets: &[u8]) -> Result<(), MalformedGroup> {
        let mut cursor = bounded(octets)?;
        let mut objects = cursor.expect(SEQUENCE)?;
        cursor.finish()?;
        while !objects.is_empty() {
            let object = objects.object()?;
            let home = HOMES.iter().find(|home| home.deployed == group && home.tag == object.tag);
            if let Some(home) = home {
                self.keep(home.attribute, object.value.rest())?;
            }
        }
        Ok(())
    }

    /// The content of an attribute, if it was read.
    #[must_use]
    pub fn get(&self, attribute: Attribute) -> Option<&[u8]> {
        self.0.get(&attribute).map(|octets| octets.as_slice())
    }

    fn keep(&mut self, attribute: Attribute, content: &[u8]) -> Result<(), MalformedGroup> {
        match self.0.insert(attribute, Zeroizing::new(content.to_vec())) {
            None => Ok(()),
            Some(_) => Err(MalformedGroup::Repeated),
        }
    }
}

/// A place: DG9, DG17. GeneralPlace is a CHOICE, so that its tag encloses another.
pub(super) enum Place<'a> {
    Parts { city: &'a [u8], state: Option<&'a [u8]>, country: &'a [u8] },
    FreeText(&'a [u8]),
    NoInformation,
}

impl<'a> Place<'a> {
    pub(super) fn read(octets: &'a [u8]) -> Result<Self, MalformedGroup> {
        let mut choice = Cursor::new(octets);
        let object = choice.object()?;
        choice.finish()?;
        let mut parts = object.value.clone();
        match object.tag {
            SEQUENCE => {
                parts.optional(STREET)?;
                let city = parts.expect(CITY)?.rest();
                let state = parts.optional(STATE)?.map(|state| state.rest());
                let country = parts.expect(COUNTRY)?.rest();
                parts.optional(ZIP_CODE)?;
                parts.finish()?;
                Ok(Self::Parts { city, state, country })
            }
            FREE_TEXT => Ok(Self::FreeText(parts.rest())),
            NO_INFORMATION => Ok(Self::NoInformation),
            other => Err(Cursor::new(octets).error(latchkey_card::tlv::TlvErrorKind::UnexpectedTag(other)).into()),
        }
    }
}

const SEQUENCE: Tag = Tag::new(0x30);
const FREE_TEXT: Tag = Tag::new(0x81);
const NO_INFORMATION: Tag = Tag::new(0x82);
const STREET: Tag = Tag::new(0x8A);
const CITY: Tag = Tag::new(0x8B);
const STATE: Tag = Tag::new(0x8C);
const COUNTRY: Tag = Tag::new(0x8D);
const ZIP_CODE: Tag = Tag::new(0x8E);

fn bounded(octets: &[u8]) -> Result<Cursor<'_>, MalformedGroup> {
    if octets.len() > GROUP_MAX_SIZE { Err(MalformedGroup::TooLong) } else { Ok(Cursor::new(octets)) }
}
