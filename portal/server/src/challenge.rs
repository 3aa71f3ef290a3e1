//! The names of challenges.

use std::fmt;

use rand_core::CryptoRng;

/// Octets of a challenge's name.
pub const CHALLENGE_ID_SIZE: usize = 16;

/// The name of a challenge in the address to which its assertion is sent: 128 random bits. It says which challenge is
/// meant and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChallengeId([u8; CHALLENGE_ID_SIZE]);

impl ChallengeId {
    /// Draws a name.
    #[must_use]
    pub fn draw(random: &mut dyn CryptoRng) -> Self {
        let mut octets = [0; CHALLENGE_ID_SIZE];
        random.fill_bytes(&mut octets);
        Self(octets)
    }

    /// Reads a name: 32 hexadecimal digits in lower case. `None` for everything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.bytes().any(|digit| digit.is_ascii_uppercase()) {
            return None;
        }
        let mut octets = [0; CHALLENGE_ID_SIZE];
        hex::decode_to_slice(text, &mut octets).ok()?;
        Some(Self(octets))
    }

    /// The octets that the database stores.
    #[must_use]
    pub const fn octets(&self) -> &[u8; CHALLENGE_ID_SIZE] {
        &self.0
    }
}

impl From<[u8; CHALLENGE_ID_SIZE]> for ChallengeId {
    fn from(octets: [u8; CHALLENGE_ID_SIZE]) -> Self {
        Self(octets)
    }
}

impl fmt::Display for ChallengeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}
