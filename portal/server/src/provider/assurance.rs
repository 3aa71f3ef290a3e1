//! Names of assurance levels and of ways to sign in, as tickets carry them, and what a site may demand.

use crate::session::{Assurance, Way};

/// A smart card was used (RFC 8176).
pub const SMART_CARD: &str = "sc";
/// A PIN was entered (RFC 8176).
pub const PIN: &str = "pin";
/// More than one factor: card and PIN (RFC 8176).
pub const MULTIPLE_FACTORS: &str = "mfa";
/// Possession of a key was proven (RFC 8176).
pub const POSSESSION: &str = "pop";
/// Base mode: the key of the certificate signed an assertion over the origin of this service.
pub const BASE_MODE: &str = "urn:latchkey:amr:base-mode";
/// Terminal mode: the service's terminal and the card proved themselves to each other, and it read the card.
pub const TERMINAL_MODE: &str = "urn:latchkey:amr:terminal-mode";
/// A browser named the origin that was signed. Without it the person or a link did.
pub const BROWSER_ORIGIN: &str = "urn:latchkey:amr:browser-origin";

/// No card at all: another provider has said whose account it is.
pub const OUTSIDE_ACCOUNT: &str = "urn:latchkey:amr:outside-account";

/// The names of all levels, the highest first, as the discovery document lists them.
pub const ACR_NAMES: [&str; 3] = [acr(Assurance::High), acr(Assurance::Substantial), acr(Assurance::Low)];

/// The published name of a level: the claim `acr` (OpenID Connect Core 1.0, clause 2).
#[must_use]
pub const fn acr(level: Assurance) -> &'static str {
    match level {
        Assurance::Low => "urn:latchkey:acr:low",
        Assurance::Substantial => "urn:latchkey:acr:substantial",
        Assurance::High => "urn:latchkey:acr:high",
    }
}

/// The claim `amr` (OpenID Connect Core 1.0, clause 2) of a sign-in.
#[must_use]
pub fn amr(level: Assurance, way: Way) -> Vec<&'static str> {
    let mut methods = match (way, level) {
        // How somebody signs in with the other provider is not known here.
        (Way::OutsideAccount, _) => Vec::new(),
        // Without its PIN a card does not let itself be read, however sure it is that its document is in force.
        (Way::Terminal, _) | (_, Assurance::High) => vec![SMART_CARD, PIN, MULTIPLE_FACTORS],
        (_, Assurance::Low | Assurance::Substantial) => vec![POSSESSION],
    };
    match way {
        Way::Page => methods.extend([BASE_MODE, BROWSER_ORIGIN]),
        Way::Program | Way::Link => methods.push(BASE_MODE),
        Way::Terminal => methods.push(TERMINAL_MODE),
        Way::OutsideAccount => methods.push(OUTSIDE_ACCOUNT),
    }
    methods
}

/// The assurance that a site demands. Ordered: the greater of two demands holds wherever both do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Demand {
    /// Any level serves.
    #[default]
    Any,
    /// This level or a higher one.
    AtLeast(Assurance),
    /// Only levels that this service does not know are listed: nothing serves.
    Unknown,
}

impl Demand {
    /// What a list of names demands, in whichever order they stand: any level at or above a listed one serves. Names that
    /// nobody knows do not count beside others.
    #[must_use]
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let levels = [Assurance::Low, Assurance::Substantial, Assurance::High];
        let demands = names
            .into_iter()
            .map(|name| levels.into_iter().find(|level| acr(*level) == name).map_or(Self::Unknown, Self::AtLeast));
        demands.min().unwrap_or_default()
    }

    /// Both demands: every list binds.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// Whether a level serves.
    #[must_use]
    pub fn is_met_by(self, level: Assurance) -> bool {
        match self {
            Self::Any => true,
            Self::AtLeast(least) => level >= least,
            Self::Unknown => false,
        }
    }
}
