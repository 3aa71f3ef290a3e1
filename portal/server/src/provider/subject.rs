//! Who a person is to a site: a name of its own in each sector, which two sites cannot compare.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_crypto::belt;
use latchkey_crypto::secret::BeltKey;
use latchkey_crypto::x509::PersonalNumber;

use super::secret::read_key;

/// The key under which people get their subjects. Never to be changed: every site would take everybody for somebody
/// else.
pub struct SubjectKey(BeltKey);

/// A person as the database knows whoever has agreed to something: a keyed hash, from which the personal number cannot
/// be told without the operator's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonTag([u8; PERSON_TAG_SIZE]);

/// Octets of a person's tag.
pub const PERSON_TAG_SIZE: usize = 32;

impl SubjectKey {
    /// Reads 64 hexadecimal digits; spaces and line ends around them are left out. `None` for everything else.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        read_key(text).map(Self)
    }

    /// The pairwise subject of a person within a sector (OpenID Connect Core 1.0, clause 8.1).
    #[must_use]
    pub fn subject(&self, sector: &str, person: &PersonalNumber) -> String {
        // The lengths keep one pair of texts from being read as another.
        let length = u64::try_from(sector.len()).unwrap_or(u64::MAX).to_be_bytes();
        let parts = [b"latchkey-portal subject".as_slice(), &length, sector.as_bytes(), person.as_str().as_bytes()];
        URL_SAFE_NO_PAD.encode(belt::hmac(self.0.expose(), &parts))
    }

    /// The person as consents know him.
    #[must_use]
    pub fn person(&self, person: &PersonalNumber) -> PersonTag {
        PersonTag(belt::hmac(self.0.expose(), &[b"latchkey-portal person", person.as_str().as_bytes()]))
    }
}

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("hidden")
    }
}

impl PersonTag {
    /// The octets that the database stores.
    #[must_use]
    pub const fn octets(&self) -> &[u8; PERSON_TAG_SIZE] {
        &self.0
    }
}

impl From<[u8; PERSON_TAG_SIZE]> for PersonTag {
    fn from(octets: [u8; PERSON_TAG_SIZE]) -> Self {
        Self(octets)
    }
}
