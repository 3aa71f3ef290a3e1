//! The random tokens in cookies, links and addresses, and of terminal sessions.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_crypto::belt;
use latchkey_crypto::secret::BeltKey;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Octets of a token: 256 bits.
pub const TOKEN_SIZE: usize = 32;

/// What proves that a browser or program is the one that was given the token: 256 random bits. The database keeps only
/// [`Token::hash`].
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Token([u8; TOKEN_SIZE]);

/// The hash of a token, under which the database knows the browser. The token cannot be computed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; TOKEN_SIZE]);

impl Token {
    /// Draws a token.
    #[must_use]
    pub fn draw(random: &mut dyn CryptoRng) -> Self {
        let mut octets = [0; TOKEN_SIZE];
        random.fill_bytes(&mut octets);
        Self(octets)
    }

    /// Reads a token as a cookie or an address carries it: 43 characters of base64url without padding (RFC 4648, clause 5). `None`
    /// for everything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The text for the browser's cookie.
    #[must_use]
    pub fn expose_for_cookie(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The text for an address that only one browser or program is told.
    #[must_use]
    pub fn expose_for_address(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The text for the one caller or site that the token belongs to.
    #[must_use]
    pub fn expose_for_caller(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// A key for `purpose` that only who has both this token and the key of `mac` can compute.
    ///
    /// # Errors
    /// What `mac` fails with.
    pub fn key_under<E>(
        &self,
        mac: impl FnOnce(&[&[u8]]) -> Result<[u8; TOKEN_SIZE], E>,
        purpose: &[u8],
    ) -> Result<BeltKey, E> {
        mac(&[purpose, &self.0]).map(BeltKey::new)
    }

    /// The hash under which the database knows this token.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(belt::hash(&[b"latchkey-portal token", &self.0]))
    }

    /// The value that a form of the portal's own pages carries, and that no other site can know.
    #[must_use]
    pub fn form_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(belt::hash(&[b"latchkey-portal form", &self.0]))
    }

    /// Whether a form came from a page that the portal made for this token. Takes the same time for every wrong value.
    #[must_use]
    pub fn form_key_is(&self, presented: &str) -> bool {
        self.form_key().as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("hidden")
    }
}

impl TokenHash {
    /// The octets that the database stores.
    #[must_use]
    pub const fn octets(&self) -> &[u8; TOKEN_SIZE] {
        &self.0
    }
}

impl From<[u8; TOKEN_SIZE]> for TokenHash {
    fn from(octets: [u8; TOKEN_SIZE]) -> Self {
        Self(octets)
    }
}
