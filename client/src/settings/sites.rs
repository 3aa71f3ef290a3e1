//! What is remembered about sites, for the holder's and no other's person eyes.

use std::collections::BTreeMap;

use latchkey_crypto::assertion::Origin;
use time::{Duration, OffsetDateTime};

use crate::desk::REFUSAL_HOLDS;

/// Most sites that are remembered; beyond them the one that was met longest ago is forgotten.
pub(super) const SITES_MAX: usize = 500;
/// Most terminals that are remembered; beyond them the one that was met longest ago is forgotten.
pub(super) const TERMINALS_MAX: usize = 100;

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
    /// Nothing was said, but the holder let a terminal in that it drove: other sites may not drive that one.
    HasTerminal,
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
            Self::HasTerminal => "has-terminal",
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

/// What the holder said about sites, which sites drove the terminals that he let in, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Words {
    sites: BTreeMap<Origin, (Word, OffsetDateTime)>,
    terminals: BTreeMap<String, (Origin, OffsetDateTime)>,
}

impl Words {
    /// What holds at that moment. A refusal lasts a day, and not longer because a clock was set back.
    pub(super) fn at(&self, origin: &Origin, now: OffsetDateTime) -> Option<(Word, OffsetDateTime)> {
        self.sites.get(origin).copied().filter(|said| holds(*said, now))
    }

    pub(super) fn say(&mut self, origin: Origin, word: Word, now: OffsetDateTime) {
        self.sites.insert(origin, (word, now));
        drop_oldest(&mut self.sites, SITES_MAX);
    }

    /// The first site that drove a terminal stays its site.
    pub(super) fn let_in(&mut self, terminal: &str, origin: Origin, now: OffsetDateTime) {
        self.terminals.entry(terminal.to_owned()).or_insert((origin, now));
        drop_oldest(&mut self.terminals, TERMINALS_MAX);
    }

    /// Forgets a site, and that terminals were driven by it.
    pub(super) fn forget(&mut self, origin: &Origin) -> bool {
        let terminals = self.terminals.len();
        self.terminals.retain(|_, (site, _)| site != origin);
        self.sites.remove(origin).is_some() || self.terminals.len() < terminals
    }

    pub(super) fn drop_what_is_over(&mut self, now: OffsetDateTime) {
        self.sites.retain(|_, said| holds(*said, now));
    }

    /// These, and what `later` says in their place.
    pub(super) fn and(mut self, later: &Self) -> Self {
        self.sites.extend(later.sites.iter().map(|(origin, said)| (origin.clone(), *said)));
        for (terminal, origin, since) in later.terminals() {
            self.terminals.entry(terminal.to_owned()).or_insert_with(|| (origin.clone(), since));
        }
        self
    }

    pub(super) fn terminals(&self) -> impl Iterator<Item = (&str, &Origin, OffsetDateTime)> {
        self.terminals.iter().map(|(terminal, (origin, since))| (terminal.as_str(), origin, *since))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sites.is_empty() && self.terminals.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Origin, Word, OffsetDateTime)> {
        self.sites.iter().map(|(origin, (word, since))| (origin, *word, *since))
    }
}

fn drop_oldest<K: Ord + Clone, V>(met: &mut BTreeMap<K, (V, OffsetDateTime)>, most: usize) {
    while met.len() > most
        && let Some(oldest) = met.iter().min_by_key(|(_, (_, since))| *since).map(|(key, _)| key.clone())
    {
        met.remove(&oldest);
    }
}

fn holds((word, since): (Word, OffsetDateTime), now: OffsetDateTime) -> bool {
    word == Word::Allowed || (Duration::ZERO..REFUSAL_HOLDS).contains(&(now - since))
}
