//! What a site may learn of a person.

use serde_json::{Map, Value};

use crate::session::Holder;

/// A set of scopes. `openid` is always among those of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes {
    /// `openid`: that it is the same person as the last time.
    pub openid: bool,
    /// `profile`: the names.
    pub profile: bool,
    /// `personal_number`: the identification number.
    pub personal_number: bool,
}

/// The names of all scopes, as the discovery document lists them.
pub const SCOPE_NAMES: [&str; 3] = ["openid", "profile", "personal_number"];

/// The claims that scopes give, as the discovery document lists them.
pub const CLAIM_NAMES: [&str; 6] = ["sub", "name", "family_name", "given_name", "middle_name", "personal_number"];

impl Scopes {
    /// Reads a list with spaces between. Names that nobody knows do not count (OpenID Connect Core 1.0, clause 3.1.2.1).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.split(' ').fold(Self::default(), Self::with)
    }

    /// This set and one more.
    #[must_use]
    pub fn with(self, name: &str) -> Self {
        match name {
            "openid" => Self { openid: true, ..self },
            "profile" => Self { profile: true, ..self },
            "personal_number" => Self { personal_number: true, ..self },
            _ => self,
        }
    }

    /// Whether everything in `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        (self.openid || !other.openid)
            && (self.profile || !other.profile)
            && (self.personal_number || !other.personal_number)
    }

    /// Everything that is in either set.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            openid: self.openid || other.openid,
            profile: self.profile || other.profile,
            personal_number: self.personal_number || other.personal_number,
        }
    }

    /// The list with spaces between.
    #[must_use]
    pub fn text(self) -> String {
        let Self { openid, profile, personal_number } = self;
        let [first, second, third] = SCOPE_NAMES;
        let names = [(openid, first), (profile, second), (personal_number, third)];
        names.into_iter().filter_map(|(is_in, name)| is_in.then_some(name)).collect::<Vec<_>>().join(" ")
    }

    /// What the site learns of a person besides the subject. Names carry their language (BCP 47) where it is not that of
    /// the certificate's subject.
    #[must_use]
    pub fn claims(self, holder: &Holder) -> Map<String, Value> {
        let mut claims = Map::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                claims.insert(name.to_owned(), Value::String(value));
            }
        };
        if self.profile {
            put("name", Some(holder.name.to_string()));
            put("family_name", holder.name.family.clone());
            put("given_name", holder.name.given.clone());
            put("middle_name", holder.name.patronymic.clone());
            let belarusian = holder.belarusian_name.as_ref();
            put("name#be", belarusian.map(ToString::to_string));
            put("family_name#be", belarusian.and_then(|name| name.family.clone()));
            put("given_name#be", belarusian.and_then(|name| name.given.clone()));
            put("middle_name#be", belarusian.and_then(|name| name.patronymic.clone()));
            put("name#und-Latn", holder.latin_name.clone());
        }
        if self.personal_number {
            put("personal_number", Some(holder.personal_number.to_string()));
        }
        claims
    }
}
