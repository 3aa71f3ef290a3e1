//! Names of authorities, terminals and cards.

use std::fmt;

use crate::x509::is_printable;

/// Whom a certificate speaks of, or who issued it: 8 to 12 characters of a PrintableString.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

/// Why octets are no [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Shorter than 8 or longer than 12 octets.
    #[error("a name of {0} characters")]
    Length(usize),
    /// No character of a PrintableString.
    #[error("the octet {0:02X} is no printable character")]
    Character(u8),
}

/// What a holder is, which only the name tells: the certificate has no field for it. An authority's name is `BYCA0` (root)
/// or `BYCA1` (subordinate) and digits; cards and terminals are named by a serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A root authority.
    Root,
    /// An authority that a root has certified.
    Subordinate,
    /// A card or a terminal; it issues nothing.
    CardOrTerminal,
}

impl Name {
    /// Fewest characters.
    pub const MIN_SIZE: usize = 8;
    /// Most characters.
    pub const MAX_SIZE: usize = 12;

    /// Reads the characters.
    ///
    /// # Errors
    /// [`NameError`] for another length or a character that is not printable.
    pub fn parse(characters: &[u8]) -> Result<Self, NameError> {
        if !(Self::MIN_SIZE..=Self::MAX_SIZE).contains(&characters.len()) {
            return Err(NameError::Length(characters.len()));
        }
        if let Some(octet) = characters.iter().find(|octet| !is_printable(**octet)) {
            return Err(NameError::Character(*octet));
        }
        Ok(Self(characters.iter().copied().map(char::from).collect()))
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the holder of this name is.
    #[must_use]
    pub fn role(&self) -> Role {
        let numbered = |prefix| {
            self.0.strip_prefix(prefix).is_some_and(|number: &str| number.bytes().all(|octet| octet.is_ascii_digit()))
        };
        if numbered("BYCA0") {
            Role::Root
        } else if numbered("BYCA1") {
            Role::Subordinate
        } else {
            Role::CardOrTerminal
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
