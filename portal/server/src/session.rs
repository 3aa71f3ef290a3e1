//! Sessions: what is remembered of a person who signed in.

use std::str::FromStr;

use latchkey_crypto::x509::{HolderIdentity, PersonName, PersonalNumber};
use time::OffsetDateTime;

pub use latchkey_verify::Assurance;

use crate::cabinet::CabinetId;
use crate::organisation::BindingId;

/// A browser that somebody signed in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// When the assertion was accepted, in whole milliseconds.
    pub signed_in_at: OffsetDateTime,
    /// From when on the session is over, in whole milliseconds.
    pub expires_at: OffsetDateTime,
    /// How sure the service is.
    pub assurance: Assurance,
    /// How the assertion came here.
    pub way: Way,
    /// Whose cabinet it is in; none where there are no cabinets, and before it is opened.
    pub cabinet: Option<CabinetId>,
    /// For which organisation the person acts, if not for himself.
    pub acting: Option<BindingId>,
    /// What the card has said to the question whether the person has lived eighteen years, if it was asked.
    pub age_over_18: Option<bool>,
    /// Who it is.
    pub holder: Holder,
}

/// How somebody signed in: what it says of who told the client program the origin that the card signed, if it signed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the service's own page: the browser named the origin, to the client program and to the service. It is the
    /// request that says so, nothing that is signed.
    Page,
    /// From a program that is no browser, such as the command line. The person named the origin.
    Program,
    /// Through a link: the link named the origin.
    Link,
    /// Not at all: the service's terminal has read the card itself, through the client program that its page called.
    Terminal,
}

/// A text that names no [`Way`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("somebody signs in by page, program, link or terminal")]
pub struct UnknownWay;

impl Way {
    /// The name in the database: `page`, `program`, `link`, `terminal`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Program => "program",
            Self::Link => "link",
            Self::Terminal => "terminal",
        }
    }
}

impl FromStr for Way {
    type Err = UnknownWay;

    fn from_str(name: &str) -> Result<Self, UnknownWay> {
        [Self::Page, Self::Program, Self::Link, Self::Terminal]
            .into_iter()
            .find(|way| way.name() == name)
            .ok_or(UnknownWay)
    }
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
