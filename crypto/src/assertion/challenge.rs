//! Challenges.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_core::CryptoRng;

/// Fewest octets of a challenge: 256 bits.
pub const CHALLENGE_MIN_SIZE: usize = 32;
/// Fewest characters of a challenge's text.
pub const CHALLENGE_TEXT_MIN_SIZE: usize = 44;
/// Most characters of a challenge's text.
pub const CHALLENGE_TEXT_MAX_SIZE: usize = 128;

/// A portal's single-use random value, as the base64 text that is signed over: 44 to 128 characters of the standard
/// alphabet with padding (RFC 4648, clause 4), that is 32 to 96 octets.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ChallengeText(String);

/// Why a text is no challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChallenge {
    /// Fewer than [`CHALLENGE_TEXT_MIN_SIZE`] or more than [`CHALLENGE_TEXT_MAX_SIZE`] characters, or fewer than
    /// [`CHALLENGE_MIN_SIZE`] octets.
    #[error("a challenge has {CHALLENGE_TEXT_MIN_SIZE} to {CHALLENGE_TEXT_MAX_SIZE} characters, not {0}")]
    Size(usize),
    /// Not base64 as RFC 4648, clause 4, writes it.
    #[error("a challenge is written in padded base64")]
    NotBase64,
}

impl ChallengeText {
    /// Reads the text of a challenge.
    ///
    /// # Errors
    /// [`InvalidChallenge`] if size or alphabet are not those of a challenge.
    pub fn parse(text: &str) -> Result<Self, InvalidChallenge> {
        if !(CHALLENGE_TEXT_MIN_SIZE..=CHALLENGE_TEXT_MAX_SIZE).contains(&text.len()) {
            return Err(InvalidChallenge::Size(text.len()));
        }
        let octets = STANDARD.decode(text).map_err(|_| InvalidChallenge::NotBase64)?;
        if octets.len() < CHALLENGE_MIN_SIZE {
            return Err(InvalidChallenge::Size(text.len()));
        }
        Ok(Self(text.to_owned()))
    }

    /// Draws a challenge of 256 bits.
    #[must_use]
    pub fn draw(random: &mut dyn CryptoRng) -> Self {
        let mut octets = [0; CHALLENGE_MIN_SIZE];
        random.fill_bytes(&mut octets);
        Self(STANDARD.encode(octets))
    }

    /// The text, whose octets are signed over.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChallengeText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for ChallengeText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
