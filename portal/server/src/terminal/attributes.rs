//! Attributes of a person or document, as the data groups carry them: STB 34.101.79-2019 with errata, clause 7.1.
//!
//! Which group of which card carries what is said by the profiles of cards: on a card of the standard each group is one
//! object, on the deployed card five groups carry several.

use std::collections::BTreeMap;

pub use latchkey_card::profile::Attribute;
use latchkey_card::profile::{GroupEncoding, Profile};
use latchkey_card::rights::DataGroup;
use latchkey_card::tlv::{Cursor, Tag, TlvError, TlvErrorKind};
use zeroize::Zeroizing;

/// Octets of the longest group: READ BINARY has 15 bits for an offset.
pub const GROUP_MAX_SIZE: usize = 0x7FFF;

/// How many groups the deployed card has.
pub const DEPLOYED_GROUPS: u8 = 5;

/// The groups of the standard that carry what the deployed card's group does. Deployed pages ask for the deployed card's
/// groups whatever the card is. The picture of the face has no counterpart.
#[must_use]
pub fn standard_groups(deployed: DataGroup) -> Vec<DataGroup> {
    let standard = Profile::standard();
    let held = Profile::kta().group(deployed).map_or(&[][..], |format| format.holds);
    held.iter().filter_map(|held| standard.group_with(held.attribute)).map(|format| format.group).collect()
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
    /// Takes the file of a group of such a card. What the profile does not know of is passed over.
    ///
    /// # Errors
    /// [`MalformedGroup`] if it is not what the profile says.
    pub fn take(&mut self, profile: &Profile, group: DataGroup, octets: &[u8]) -> Result<(), MalformedGroup> {
        if octets.len() > GROUP_MAX_SIZE {
            return Err(MalformedGroup::TooLong);
        }
        let Some(format) = profile.group(group) else { return Ok(()) };
        let find = |tag| format.holds.iter().find(|held| held.tag == tag).map(|held| held.attribute);
        let mut file = Cursor::new(octets);
        let whole = file.object()?;
        file.finish()?;
        match format.encoding {
            GroupEncoding::Attribute => {
                let wrong = Cursor::new(octets).error(TlvErrorKind::UnexpectedTag(whole.tag));
                self.keep(find(whole.tag).ok_or(wrong)?, whole.value.rest())
            }
            GroupEncoding::Sequence => {
                let mut objects = Cursor::new(octets).expect(SEQUENCE)?;
                while !objects.is_empty() {
                    let object = objects.object()?;
                    if let Some(attribute) = find(object.tag) {
                        self.keep(attribute, object.value.rest())?;
                    }
                }
                Ok(())
            }
        }
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
            other => Err(Cursor::new(octets).error(TlvErrorKind::UnexpectedTag(other)).into()),
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
