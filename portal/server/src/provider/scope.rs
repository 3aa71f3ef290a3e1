//! What a site may learn of a person.

use serde_json::{Map, Value, json};

use crate::organisation::Organisation;
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
    /// `acting_account`: for whom the person acts, himself or an organisation.
    pub acting_account: bool,
    /// `age_over_18`: whether the person has lived eighteen years, as the card says, and no date of birth.
    pub age_over_18: bool,
}

/// The names of all scopes, as the discovery document lists them.
pub const SCOPE_NAMES: [&str; 5] = ["openid", "profile", "personal_number", "acting_account", AGE_OVER_18];

/// The claims that scopes give, as the discovery document lists them.
pub const CLAIM_NAMES: [&str; 8] =
    ["sub", "name", "family_name", "given_name", "middle_name", "personal_number", ACTING_FOR, AGE_OVER_18];

/// The claim that says for which organisation a person acts.
pub const ACTING_FOR: &str = "acting_for";

/// The scope and the claim that say whether a person has lived eighteen years. There only where the service has a terminal.
pub const AGE_OVER_18: &str = "age_over_18";

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
            "acting_account" => Self { acting_account: true, ..self },
            AGE_OVER_18 => Self { age_over_18: true, ..self },
            _ => self,
        }
    }

    /// Whether everything in `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        (self.openid || !other.openid)
            && (self.profile || !other.profile)
            && (self.personal_number || !other.personal_number)
            && (self.acting_account || !other.acting_account)
            && (self.age_over_18 || !other.age_over_18)
    }

    /// Everything that is in either set.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            openid: self.openid || other.openid,
            profile: self.profile || other.profile,
            personal_number: self.personal_number || other.personal_number,
            acting_account: self.acting_account || other.acting_account,
            age_over_18: self.age_over_18 || other.age_over_18,
        }
    }

    /// Everything that is in both sets.
    #[must_use]
    pub const fn within(self, other: Self) -> Self {
        Self {
            openid: self.openid && other.openid,
            profile: self.profile && other.profile,
            personal_number: self.personal_number && other.personal_number,
            acting_account: self.acting_account && other.acting_account,
            age_over_18: self.age_over_18 && other.age_over_18,
        }
    }

    /// The list with spaces between.
    #[must_use]
    pub fn text(self) -> String {
        let Self { openid, profile, personal_number, acting_account, age_over_18 } = self;
        let names = SCOPE_NAMES.into_iter().zip([openid, profile, personal_number, acting_account, age_over_18]);
        names.filter_map(|(name, is_in)| is_in.then_some(name)).collect::<Vec<_>>().join(" ")
    }

    /// What the site learns of a person besides the subject. Names carry their language (BCP 47) where it is not that of
    /// the certificate's subject: Russian, as for organisations.
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

    /// What the ticket tells of it, too: what was granted with it, and not what is so now. Without [`ACTING_FOR`] the person
    /// acts for himself.
    #[must_use]
    pub fn granted_claims(self, age_over_18: Option<bool>, acting: Option<&Organisation>) -> Map<String, Value> {
        let age = age_over_18.filter(|_| self.age_over_18).map(|answer| (AGE_OVER_18.to_owned(), Value::Bool(answer)));
        age.into_iter().chain(self.acting_claim(acting)).collect()
    }

    fn acting_claim(self, acting: Option<&Organisation>) -> Option<(String, Value)> {
        let Organisation { number, names: [belarusian, russian, english] } = acting.filter(|_| self.acting_account)?;
        let claim = json!({
            "organisation_number": number.as_str(),
            "name": russian.as_str(),
            "name#be": belarusian.as_str(),
            "name#en": english.as_str(),
        });
        Some((ACTING_FOR.to_owned(), claim))
    }
}
