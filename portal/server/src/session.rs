//! Sessions: what is remembered of a person who signed in.

use latchkey_crypto::x509::{HolderIdentity, PersonName, PersonalNumber};
use time::OffsetDateTime;

pub use latchkey_verify::Assurance;

/// A browser that somebody signed in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// When the assertion was accepted, in whole milliseconds.
    pub signed_in_at: OffsetDateTime,
    /// From when on the session is over, in whole milliseconds.
    pub expires_at: OffsetDateTime,
    /// How sure the service is.
    pub assurance: Assurance,
    /// Who it is.
    pub holder: Holder,
}

/// What is kept of a person's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The identification number.
    pub personal_number: PersonalNumber,
    /// The names as the certificate's subject gives them: in Russian on a Belarusian card.
    pub name: PersonName,
    /// The Belarusian names, if the certificate has them.
    pub belarusian_name: Option<PersonName>,
    /// First and family name in Latin letters, if the certificate has them.
    pub latin_name: Option<String>,
}

impl From<&HolderIdentity> for Holder {
    fn from(identity: &HolderIdentity) -> Self {
        Self {
            personal_number: identity.personal_number().clone(),
            name: identity.name().clone(),
            belarusian_name: identity.belarusian_name().cloned(),
            latin_name: identity.latin_name().map(str::to_owned),
        }
    }
}
