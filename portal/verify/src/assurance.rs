//! Assurance levels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How sure a portal may be of who signed in. Ordered: a higher level serves wherever a lower one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assurance {
    /// A certificate of a trusted authority, under no policy that the portal knows.
    Low,
    /// A certificate under a policy for persons whose key may be in a file.
    Substantial,
    /// A certificate under a policy for keys that only a card and its PIN can use.
    High,
}

/// A text that names no assurance level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an assurance level is low, substantial or high")]
pub struct UnknownAssurance;

impl Assurance {
    /// The level's name: `low`, `substantial`, `high`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Substantial => "substantial",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Assurance {
    type Err = UnknownAssurance;

    fn from_str(name: &str) -> Result<Self, UnknownAssurance> {
        let levels = [Self::Low, Self::Substantial, Self::High];
        levels.into_iter().find(|level| level.name() == name).ok_or(UnknownAssurance)
    }
}
