//! Sign-ins that a link carries to the client program, for browsers that cannot call it.

use std::fmt;

use latchkey_crypto::assertion::Origin;
use rand_core::CryptoRng;
use time::Duration;

use crate::token::Token;

/// Digits of a short code.
pub const SHORT_CODE_SIZE: usize = 4;
/// How long an accepted sign-in by link waits for the browser that asked for it: as long as a browser may take to start.
pub const COMPLETION_LIFETIME: Duration = Duration::minutes(1);

/// Digits that the asking browser and the client program both show, so that people recognise a request of their own.
/// Whoever makes somebody else open a link knows them too, so they protect nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortCode(u16);

impl ShortCode {
    const ABOVE: u16 = 10_000;

    /// Draws a code.
    #[must_use]
    pub fn draw(random: &mut dyn CryptoRng) -> Self {
        // The highest multiple of 10,000 that fits: above it some codes would come more often than others.
        let unbiased = u16::MAX - u16::MAX % Self::ABOVE;
        loop {
            let mut octets = [0; 2];
            random.fill_bytes(&mut octets);
            let drawn = u16::from_le_bytes(octets);
            if drawn < unbiased {
                return Self(drawn % Self::ABOVE);
            }
        }
    }

    /// Reads a code: exactly four digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_code = text.len() == SHORT_CODE_SIZE && text.bytes().all(|digit| digit.is_ascii_digit());
        text.parse().ok().filter(|_| is_code).map(Self)
    }
}

impl fmt::Display for ShortCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}", self.0)
    }
}

/// The link that carries the request with that token to the client program.
#[must_use]
pub fn link(portal: &Origin, request: &Token) -> String {
    let portal: String = url::form_urlencoded::byte_serialize(portal.as_str().as_bytes()).collect();
    format!("latchkey:sign-in?portal={portal}&request={}", request.expose_for_address())
}
