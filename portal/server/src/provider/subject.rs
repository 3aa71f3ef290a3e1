//! Who a person is to a site: a name of its own in each sector, which two sites cannot compare.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_crypto::x509::PersonalNumber;

use crate::keys::{KeyId, KeyUnavailable, KeyUse, OwnKeys};
use crate::session::OutsideAccount;

/// The key under which people get their subjects. Never to be changed: every site would take everybody for somebody
/// else.
pub struct SubjectKey {
    keys: Arc<dyn OwnKeys>,
    id: KeyId,
}

/// A person as the database knows whoever has agreed to something: a keyed hash, from which the personal number cannot
/// be told without the operator's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonTag([u8; PERSON_TAG_SIZE]);

/// Octets of a person's tag.
pub const PERSON_TAG_SIZE: usize = 32;

impl SubjectKey {
    /// The one of the keys that is for it. `None` if there is none.
    #[must_use]
    pub fn new(keys: Arc<dyn OwnKeys>) -> Option<Self> {
        Some(Self { id: keys.keys(KeyUse::Subject).into_iter().next()?, keys })
    }

    /// The pairwise subject of a person within a sector (OpenID Connect Core 1.0, clause 8.1).
    ///
    /// # Errors
    /// [`KeyUnavailable`].
    pub fn subject(&self, sector: &str, person: &PersonalNumber) -> Result<String, KeyUnavailable> {
        // The lengths keep one pair of texts from being read as another.
        let length = u64::try_from(sector.len()).unwrap_or(u64::MAX).to_be_bytes();
        let parts = [b"latchkey-portal subject".as_slice(), &length, sector.as_bytes(), person.as_str().as_bytes()];
        self.keys.mac(&self.id, &parts).map(|subject| URL_SAFE_NO_PAD.encode(subject))
    }

    /// The subject of an outside account within a sector. Whoever steps up to his card is somebody else to sites: nothing ties
    /// the account to a person.
    ///
    /// # Errors
    /// [`KeyUnavailable`].
    pub fn outside_subject(&self, sector: &str, account: &OutsideAccount) -> Result<String, KeyUnavailable> {
        let OutsideAccount { issuer, subject, .. } = account;
        let lengths = [sector, issuer].map(|text| u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        let [of_sector, of_issuer] = &lengths;
        let parts = [
            b"latchkey-portal outside subject".as_slice(),
            of_sector,
            sector.as_bytes(),
            of_issuer,
            issuer.as_bytes(),
            subject.as_bytes(),
        ];
        self.keys.mac(&self.id, &parts).map(|subject| URL_SAFE_NO_PAD.encode(subject))
    }

    /// An outside account as grants know it. It has no consents that would be kept.
    ///
    /// # Errors
    /// [`KeyUnavailable`].
    pub fn outside_person(&self, account: &OutsideAccount) -> Result<PersonTag, KeyUnavailable> {
        let OutsideAccount { issuer, subject, .. } = account;
        let length = u64::try_from(issuer.len()).unwrap_or(u64::MAX).to_be_bytes();
        let parts = [b"latchkey-portal outside person".as_slice(), &length, issuer.as_bytes(), subject.as_bytes()];
        self.keys.mac(&self.id, &parts).map(PersonTag)
    }

    /// The person as consents know him.
    ///
    /// # Errors
    /// [`KeyUnavailable`].
    pub fn person(&self, person: &PersonalNumber) -> Result<PersonTag, KeyUnavailable> {
        self.keys.mac(&self.id, &[b"latchkey-portal person", person.as_str().as_bytes()]).map(PersonTag)
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
