//! Challenges that a portal has given out.

use std::fmt;
use std::str::FromStr;

use latchkey_crypto::assertion::ChallengeText;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::Rejection;

/// Longest time that a challenge stays usable, whatever its own lifetime says: a stolen one must not outlast the visit.
pub const CHALLENGE_LIFETIME_MAX: Duration = Duration::minutes(5);
/// How far the clock of the node that made a challenge may run ahead of that of the node that verifies.
pub const CLOCK_TOLERANCE: Duration = Duration::seconds(5);

/// A challenge that was given out and has just been taken from the store, so that nobody can take it again. That it
/// belongs to the browser which presents the assertion is checked by whoever took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingChallenge {
    /// What was given out.
    pub text: ChallengeText,
    /// When.
    pub issued_at: OffsetDateTime,
    /// For how long, at most [`CHALLENGE_LIFETIME_MAX`].
    pub lifetime: Duration,
    /// For what.
    pub purpose: Purpose,
}

/// What an assertion over a challenge is meant to do. One made for one purpose serves no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Begin a session.
    SignIn,
    /// Confirm one action within a session.
    Confirmation,
}

/// A text that names no purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a purpose is sign-in or confirmation")]
pub struct UnknownPurpose;

impl PendingChallenge {
    /// Checks purpose and age; gives the age.
    pub(crate) fn check(&self, purpose: Purpose, now: OffsetDateTime) -> Result<Duration, Rejection> {
        if self.purpose != purpose {
            return Err(Rejection::ChallengeOfOtherPurpose { made_for: self.purpose });
        }
        let age = now - self.issued_at;
        if age < -CLOCK_TOLERANCE {
            return Err(Rejection::ChallengeFromTheFuture);
        }
        if age > self.lifetime.min(CHALLENGE_LIFETIME_MAX) {
            return Err(Rejection::ChallengeExpired);
        }
        Ok(age.max(Duration::ZERO))
    }
}

impl Purpose {
    /// The purpose's name: `sign-in`, `confirmation`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Confirmation => "confirmation",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(name: &str) -> Result<Self, UnknownPurpose> {
        [Self::SignIn, Self::Confirmation].into_iter().find(|purpose| purpose.name() == name).ok_or(UnknownPurpose)
    }
}
