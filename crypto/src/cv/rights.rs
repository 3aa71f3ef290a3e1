//! Rights towards a card, of a client program or along a path of CV certificates: STB 34.101.79, clause on CertHAT.
//!
//! A word keeps no reserved bit: such bits are masked when read, since published certificates carry some.

use std::ops::{BitAnd, BitOr};

use crate::tlv::{Cursor, Tag, TlvError, TlvErrorKind, Writer};

/// A certificate holder authorisation template: `7F4C { 06 application, 04 word }`.
pub const TAG_CERT_HAT: Tag = Tag::new(0x7F4C);
const TAG_OID: Tag = Tag::new(0x06);
const TAG_WORD: Tag = Tag::new(0x04);

/// id-eIdAccess, 1.2.112.0.2.0.34.101.79.6.1.
const ID_EID_ACCESS: [u8; 10] = [0x2A, 0x70, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x06, 0x01];
/// id-eSignAccess, 1.2.112.0.2.0.34.101.79.6.2.
const ID_ESIGN_ACCESS: [u8; 10] = [0x2A, 0x70, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x06, 0x02];

/// A data group of the eID application: DG1 to DG22.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataGroup(u8);

impl DataGroup {
    /// Data group `number`, from 1 to 22.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= 22 { Some(Self(number)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// The eID word: five octets, bit 0 in the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EidRights(u64);

impl EidRights {
    /// No right.
    pub const NONE: Self = Self(0);
    /// Every right.
    pub const ALL: Self = Self(0x3F_3FFF_FF33);
    /// Have the age compared with a date.
    pub const AGE_VERIFICATION: Self = Self(1);
    /// Have the region compared with a code.
    pub const PLACE_VERIFICATION: Self = Self(1 << 1);
    /// Work after BPACE with the CAN.
    pub const CAN_ACCESS: Self = Self(1 << 4);
    /// Activate, deactivate, change and unblock the PIN.
    pub const MANAGE_PIN: Self = Self(1 << 5);

    /// Read a data group.
    #[must_use]
    pub const fn read(group: DataGroup) -> Self {
        Self(1 << (7 + group.0))
    }

    /// Write a data group; only DG17 to DG22 can be written.
    #[must_use]
    pub const fn write(group: DataGroup) -> Option<Self> {
        if group.0 >= 17 { Some(Self(1 << (54 - group.0))) } else { None }
    }

    /// From the octets of the word; reserved bits are masked.
    #[must_use]
    pub const fn from_octets(octets: [u8; 5]) -> Self {
        let [a, b, c, d, e] = octets;
        Self(u64::from_be_bytes([0, 0, 0, a, b, c, d, e]) & Self::ALL.0)
    }

    /// The octets of the word.
    #[must_use]
    pub const fn octets(self) -> [u8; 5] {
        let [_, _, _, a, b, c, d, e] = self.0.to_be_bytes();
        [a, b, c, d, e]
    }

    /// Whether every right of `other` is among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The eSign word: two octets, bit 0 in the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EsignRights(u16);

impl EsignRights {
    /// No right.
    pub const NONE: Self = Self(0);
    /// Every right.
    pub const ALL: Self = Self(0xF7C0);
    /// Activate and deactivate the PIN.
    pub const ACTIVATE_PIN: Self = Self(1 << 6);
    /// Change the PIN.
    pub const CHANGE_PIN: Self = Self(1 << 7);
    /// Unblock the PIN.
    pub const UNBLOCK_PIN: Self = Self(1 << 8);
    /// Write the name object.
    pub const WRITE_NAME: Self = Self(1 << 9);
    /// Activate and deactivate keys.
    pub const ACTIVATE_KEYS: Self = Self(1 << 10);
    /// Terminal mode: generate and destroy keys, write certificates, read the name object.
    pub const TERMINAL_KEYS: Self = Self(1 << 12);
    /// Base mode: generate and destroy keys, write certificates, read the name object.
    pub const BASE_KEYS: Self = Self(1 << 13);
    /// Terminal mode: sign, unwrap key tokens, read certificates.
    pub const TERMINAL_SIGNING: Self = Self(1 << 14);
    /// Base mode: sign, unwrap key tokens, read certificates.
    pub const BASE_SIGNING: Self = Self(1 << 15);
    /// What renewing the key for terminals takes: to replace it, and to have the new one sign the request.
    pub const TERMINAL_RENEWAL: Self = Self(Self::TERMINAL_KEYS.0 | Self::TERMINAL_SIGNING.0);
    /// What is left of a client's word after BPACE: PIN and key management and base mode. The standard says "PIN
    /// management and base-mode eSign" without naming bits; writing the name object stays with terminals, because
    /// its file is read-only in this state.
    pub const IN_BASE_MODE: Self = Self(0xA5C0);

    /// From the octets of the word; reserved bits are masked.
    #[must_use]
    pub const fn from_octets(octets: [u8; 2]) -> Self {
        Self(u16::from_be_bytes(octets) & Self::ALL.0)
    }

    /// The octets of the word.
    #[must_use]
    pub const fn octets(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// Whether every right of `other` is among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

macro_rules! set_operations {
    ($name:ident) => {
        impl BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl BitAnd for $name {
            type Output = Self;

            fn bitand(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }
        }
    };
}
set_operations!(EidRights);
set_operations!(EsignRights);

/// The rights in both applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rights {
    /// In eID.
    pub eid: EidRights,
    /// In eSign.
    pub esign: EsignRights,
}

impl Rights {
    /// No right.
    pub const NONE: Self = Self { eid: EidRights::NONE, esign: EsignRights::NONE };
    /// Every right.
    pub const ALL: Self = Self { eid: EidRights::ALL, esign: EsignRights::ALL };

    /// Whether every right of `other` is among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.eid.contains(other.eid) && self.esign.contains(other.esign)
    }

    /// Those of these rights that are not among `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self { eid: EidRights(self.eid.0 & !other.eid.0), esign: EsignRights(self.esign.0 & !other.esign.0) }
    }
}

impl BitOr for Rights {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self { eid: self.eid | other.eid, esign: self.esign | other.esign }
    }
}

impl BitAnd for Rights {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self { eid: self.eid & other.eid, esign: self.esign & other.esign }
    }
}

/// The rights in one application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertHat {
    /// In eID.
    Eid(EidRights),
    /// In eSign.
    Esign(EsignRights),
}

impl CertHat {
    /// The data object, `7F4C …`.
    #[must_use]
    pub fn to_octets(self) -> Vec<u8> {
        let inner = match self {
            Self::Eid(rights) => Writer::new().object(TAG_OID, &[&ID_EID_ACCESS]).object(TAG_WORD, &[&rights.octets()]),
            Self::Esign(rights) => {
                Writer::new().object(TAG_OID, &[&ID_ESIGN_ACCESS]).object(TAG_WORD, &[&rights.octets()])
            }
        };
        Writer::new().object(TAG_CERT_HAT, &[&inner.finish()]).finish()
    }

    /// Reads one whole data object `7F4C …`.
    ///
    /// # Errors
    /// [`TlvError`] if the octets are anything else.
    pub fn parse(octets: &[u8]) -> Result<Self, TlvError> {
        let mut cursor = Cursor::new(octets);
        let value = cursor.expect(TAG_CERT_HAT)?;
        cursor.finish()?;
        Self::parse_value(value)
    }

    /// Reads the value of a data object `7F4C`.
    ///
    /// # Errors
    /// [`TlvError`] if it names another application or its word has another length.
    pub fn parse_value(mut value: Cursor<'_>) -> Result<Self, TlvError> {
        let application = value.expect(TAG_OID)?;
        let word = value.expect(TAG_WORD)?;
        value.finish()?;
        if application.rest() == ID_EID_ACCESS {
            Ok(Self::Eid(EidRights::from_octets(word.whole_array()?)))
        } else if application.rest() == ID_ESIGN_ACCESS {
            Ok(Self::Esign(EsignRights::from_octets(word.whole_array()?)))
        } else {
            Err(application.error(TlvErrorKind::Value))
        }
    }
}
