//! Signing keys of the eSign application: STB 34.101.79, clause on eSign key pairs.

use latchkey_crypto::belt;
use latchkey_crypto::bign::PUBLIC_KEY_SIZE;

use crate::profile::{FileId, Profile};
use crate::tlv::{Cursor, Tag, Writer};

/// The name of an eSign key pair: the high half of the octet is the mode, the low half the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u8);

impl KeyId {
    /// Base mode, level 128.
    pub const BASE_128: Self = Self(0x01);
    /// Base mode, level 192.
    pub const BASE_192: Self = Self(0x02);
    /// Base mode, level 256.
    pub const BASE_256: Self = Self(0x03);
    /// Terminal mode, level 128.
    pub const TERMINAL_128: Self = Self(0x11);
    /// Terminal mode, level 192.
    pub const TERMINAL_192: Self = Self(0x12);
    /// Terminal mode, level 256.
    pub const TERMINAL_256: Self = Self(0x13);
    /// All six, base mode first.
    pub const ALL: [Self; 6] =
        [Self::BASE_128, Self::BASE_192, Self::BASE_256, Self::TERMINAL_128, Self::TERMINAL_192, Self::TERMINAL_256];

    /// The key that `octet` names, if there is one.
    #[must_use]
    pub fn from_octet(octet: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.0 == octet)
    }

    /// The octet that names it.
    #[must_use]
    pub const fn octet(self) -> u8 {
        self.0
    }

    /// Whether it works in base mode; else it works for a terminal only.
    #[must_use]
    pub const fn is_base_mode(self) -> bool {
        self.0 < Self::TERMINAL_128.0
    }

    /// The file with its certificate.
    #[must_use]
    pub const fn certificate_file(self, profile: &Profile) -> FileId {
        profile.certificate_files.plus(self.0)
    }

    /// The file with the hash of its public key.
    #[must_use]
    pub const fn key_hash_file(self, profile: &Profile) -> FileId {
        profile.key_hash_files.plus(self.0)
    }
}

/// OCTET STRING: a ticket, or the hash of a key.
pub(crate) const TAG_OCTET_STRING: Tag = Tag::new(0x04);

/// What stands in a certificate's file from its request until its issue: the belt-hash of the request, DER, by which
/// the certificate is fetched.
#[must_use]
pub fn request_ticket(request: &[u8]) -> Vec<u8> {
    Writer::new().object(TAG_OCTET_STRING, &[&belt::hash(&[request])]).finish()
}

/// The ticket that stands in a certificate's file; nothing if something else does.
#[must_use]
pub fn waiting_ticket(contents: &[u8]) -> Option<[u8; belt::HASH_SIZE]> {
    Cursor::new(contents).expect(TAG_OCTET_STRING).ok()?.whole_array().ok()
}

/// What stands in the file for the hash of a key of level 128: its belt-hash, as a SubjectKeyIdentifier
/// (STB 34.101.78-2019).
#[must_use]
pub fn key_hash(public_key: &[u8; PUBLIC_KEY_SIZE]) -> Vec<u8> {
    Writer::new().object(TAG_OCTET_STRING, &[&belt::hash(&[public_key])]).finish()
}
