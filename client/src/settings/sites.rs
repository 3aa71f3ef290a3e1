//! What is remembered about sites, for the holder's and no other's person eyes.

use std::collections::BTreeMap;

use latchkey_crypto::assertion::Origin;
use time::{Duration, OffsetDateTime};

use crate::desk::REFUSAL_HOLDS;

/// Most sites that are remembered; beyond them the one that was met longest ago is forgotten.
pub(super) const SITES_MAX: usize = 500;

/// A site that something is known about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedSite {
    /// Which.
    pub origin: Origin,
    /// What.
    pub state: SiteState,
    /// Since when; of an administrator's word that is not known.
    pub since: Option<OffsetDateTime>,
}

/// What is known about a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SiteState {
    /// The holder agreed to hand over what it asks for.
    Allowed,
    /// The holder refused it less than [`REFUSAL_HOLDS`] ago.
    RefusedToday,
    /// The administrator named it as a site of this computer's people.
    AllowedByAdministrator,
    /// The administrator forbids it.
    ForbiddenByAdministrator,
}

impl SiteState {
    /// The stable name of the state.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::RefusedToday => "refused-today",
            Self::AllowedByAdministrator => "allowed-by-administrator",
            Self::ForbiddenByAdministrator => "forbidden-by-administrator",
        }
    }
}

/// What the holder said about a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Allowed,
    Refused,
}

impl Word {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        }
    }

    pub(super) fn of_code(code: &str) -> Option<Self> {
        [Self::Allowed, Self::Refused].into_iter().find(|word| word.code() == code)
    }
}

/// What the holder said about sites, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Words(BTreeMap<Origin, (Word, OffsetDateTime)>);

impl Words {
    /// What holds at that moment. A refusal lasts a day, and not longer because a clock was set back.
    pub(super) fn at(&self, origin: &Origin, now: OffsetDateTime) -> Option<(Word, OffsetDateTime)> {
        self.0.get(origin).copied().filter(|said| holds(*said, now))
    }

    pub(super) fn say(&mut self, origin: Origin, word: Word, now: OffsetDateTime) {
        self.0.insert(origin, (word, now));
        while self.0.len() > SITES_MAX
            && let Some(oldest) = self.0.iter().min_by_key(|(_, (_, since))| *since).map(|(origin, _)| origin.clone())
        {
            self.0.remove(&oldest);
        }
    }

    pub(super) fn forget(&mut self, origin: &Origin) -> bool {
        self.0.remove(origin).is_some()
    }

    pub(super) fn drop_what_is_over(&mut self, now: OffsetDateTime) {
        self.0.retain(|_, said| holds(*said, now));
    }

    /// These, and what `later` says in their place.
    pub(super) fn and(mut self, later: &Self) -> Self {
        self.0.extend(later.0.iter().map(|(origin, said)| (origin.clone(), *said)));
        self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Origin, Word, OffsetDateTime)> {
        self.0.iter().map(|(origin, (word, since))| (origin, *word, *since))
    }
}

fn holds((word, since): (Word, OffsetDateTime), now: OffsetDateTime) -> bool {
    word == Word::Allowed || (Duration::ZERO..REFUSAL_HOLDS).contains(&(now - since))
}
