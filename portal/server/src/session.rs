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
    pub person: Person,
}

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// The holder of a card or a certificate.
    Holder(Holder),
    /// Somebody whom another provider knows, and this service does not: assurance `low`, no cabinet.
    OutsideAccount(OutsideAccount),
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
    /// Not at all: another provider says whose account it is.
    OutsideAccount,
}

/// A text that names no [`Way`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("somebody signs in by page, program, link, terminal or outside account")]
pub struct UnknownWay;

impl Way {
    /// The name in the database: `page`, `program`, `link`, `terminal`, `outside-account`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Program => "program",
            Self::Link => "link",
            Self::Terminal => "terminal",
            Self::OutsideAccount => "outside-account",
        }
    }
}

impl FromStr for Way {
    type Err = UnknownWay;

    fn from_str(name: &str) -> Result<Self, UnknownWay> {
        [Self::Page, Self::Program, Self::Link, Self::Terminal, Self::OutsideAccount]
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

/// An account with another provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideAccount {
    /// The provider: the issuer of its tickets.
    pub issuer: String,
    /// The account's identifier there.
    pub subject: String,
    /// What the provider calls the person, if it does. Shown to nobody else.
    pub name: Option<String>,
}

impl Session {
    /// The holder of the card, if there is one.
    #[must_use]
    pub const fn holder(&self) -> Option<&Holder> {
        match &self.person {
            Person::Holder(holder) => Some(holder),
            Person::OutsideAccount(_) => None,
        }
    }

    /// Whether it is kept what the person agrees to in it. Of an outside account there is nobody to keep it for; and what somebody
    /// with `low` agrees to, the holder of the card has not.
    #[must_use]
    pub fn keeps_consents(&self) -> bool {
        self.holder().is_some() && self.assurance > Assurance::Low
    }

    /// The account with another provider, if it is one.
    #[must_use]
    pub const fn outside_account(&self) -> Option<&OutsideAccount> {
        match &self.person {
            Person::Holder(_) => None,
            Person::OutsideAccount(account) => Some(account),
        }
    }
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
