//! What the provider remembers: what people have agreed to, what sites were let know, and the tokens for it.

use std::fmt;

use rand_core::CryptoRng;
use time::{Duration, OffsetDateTime};

use super::{Answer, Logouts, StorageError};
use crate::organisation::{Binding, BindingId};
use crate::provider::clients::ClientId;
use crate::provider::dpop::KeyThumbprint;
use crate::provider::request::CodeChallenge;
use crate::provider::scope::Scopes;
use crate::provider::subject::PersonTag;
use crate::session::{Assurance, Session, Way};
use crate::token::TokenHash;

/// The memory of the provider. A grant belongs to a session and ends with it; all of its tokens end with the grant.
pub trait Grants: Logouts {
    /// Keeps a grant with its code; whether its session is still there, and still acts for the organisation of the grant, if
    /// it has one, and whether what it rests on was not withdrawn.
    fn keep_grant<'a>(&'a self, grant: &'a KeptGrant, code: &'a KeptCode, basis: Basis) -> Answer<'a, bool>;

    /// Takes a code for the site that it was made for, and keeps the tokens that it is exchanged for. Of any number of
    /// calls, in any number of processes, at most one gets it: in one transaction it is marked as taken. A second
    /// try ends the grant, and with it every token that came of the code (RFC 6749, clause 4.1.2); so does a first one
    /// that comes too late or does not show what belongs to the code.
    fn take_code<'a>(
        &'a self,
        presented: &'a PresentedCode,
        tokens: &'a NewTokens,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<FoundToken, Spent>>;

    /// A token that is not over at `now` and was not replaced, and what it is good for.
    fn token<'a>(&'a self, token: &'a TokenHash, now: OffsetDateTime) -> Answer<'a, Option<FoundToken>>;

    /// Replaces a refresh token of a site by new tokens, in one transaction. At most one call gets it, as for codes. A second
    /// try ends the grant: of thief and owner one came too late, and nobody knows which; unless it is a [`Repeat`] whose answer
    /// was lost. Without the key that the token is bound to nothing happens.
    fn refresh<'a>(
        &'a self,
        presented: &'a PresentedRefresh,
        client: &'a ClientId,
        replacements: &'a NewTokens,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<FoundToken, Spent>>;

    /// Ends a grant, and with it all of its tokens, on its site's own wish; whether there was one.
    fn end_grant<'a>(&'a self, grant: &'a GrantId) -> Answer<'a, bool>;

    /// Ends one access token.
    fn end_token<'a>(&'a self, token: &'a TokenHash) -> Answer<'a, bool>;

    /// What a person has agreed that a site may know. Where the person acts for an organisation, `acting_account` is in it
    /// only if that was agreed to of this very organisation.
    fn consent<'a>(
        &'a self,
        person: &'a PersonTag,
        client: &'a ClientId,
        acting: Option<&'a BindingId>,
    ) -> Answer<'a, Option<Scopes>>;

    /// Keeps that a person agrees, in place of what was agreed to before; and that the site may know that he acts for that
    /// organisation, beside those of which he has agreed to it before.
    fn agree<'a>(
        &'a self,
        person: &'a PersonTag,
        client: &'a ClientId,
        scopes: Scopes,
        acting: Option<&'a BindingId>,
        now: OffsetDateTime,
    ) -> Answer<'a, ()>;

    /// The sites that a person has agreed to, the newest first.
    fn connected_sites<'a>(&'a self, person: &'a PersonTag) -> Answer<'a, Vec<ConnectedSite>>;

    /// Forgets that a person has agreed, and ends what the site was granted of the person; whether there was anything.
    fn withdraw<'a>(&'a self, person: &'a PersonTag, client: &'a ClientId) -> Answer<'a, bool>;

    /// Marks that a statement of a site was presented; whether it was the first time. It is remembered until
    /// `expires_at`.
    fn see_once<'a>(&'a self, statement: &'a TokenHash, expires_at: OffsetDateTime) -> Answer<'a, bool>;

    /// Keeps a request that a site has sent ahead of its visitor.
    fn push<'a>(&'a self, pushed: &'a PushedRequest) -> Answer<'a, ()>;

    /// Takes a request that a site has sent ahead: its query, once.
    fn take_pushed<'a>(
        &'a self,
        request: &'a TokenHash,
        client: &'a ClientId,
        now: OffsetDateTime,
    ) -> Answer<'a, Option<String>>;

    /// Forgets what is over at `now`.
    fn purge_grants(&self, now: OffsetDateTime) -> Answer<'_, ()>;
}

/// Octets of a grant's name.
pub const GRANT_ID_SIZE: usize = 16;

/// Names a grant: the claim `sid` of its tickets. Each site has its own, so that two sites cannot tell by it that they
/// have the same visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantId([u8; GRANT_ID_SIZE]);

impl GrantId {
    /// Draws a name.
    #[must_use]
    pub fn draw(random: &mut dyn CryptoRng) -> Self {
        let mut octets = [0; GRANT_ID_SIZE];
        random.fill_bytes(&mut octets);
        Self(octets)
    }

    /// Reads a name: 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut octets = [0; GRANT_ID_SIZE];
        hex::decode_to_slice(text, &mut octets).ok()?;
        Some(Self(octets))
    }

    /// The octets that the database stores.
    #[must_use]
    pub const fn octets(&self) -> &[u8; GRANT_ID_SIZE] {
        &self.0
    }
}

impl From<[u8; GRANT_ID_SIZE]> for GrantId {
    fn from(octets: [u8; GRANT_ID_SIZE]) -> Self {
        Self(octets)
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

/// What one site was let know of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptGrant {
    /// Its name.
    pub id: GrantId,
    /// The session that it belongs to.
    pub session: TokenHash,
    /// Who it is about, as consents know the person.
    pub person: PersonTag,
    /// The site.
    pub client: ClientId,
    /// What the site may know.
    pub scopes: Scopes,
    /// When the person signed in, in whole milliseconds.
    pub signed_in_at: OffsetDateTime,
    /// How sure that was.
    pub assurance: Assurance,
    /// How the assertion came.
    pub way: Way,
    /// What the card has said to the question whether the person has lived eighteen years, if the site may know it.
    pub age_over_18: Option<bool>,
    /// For which organisation the person acts, if the site may know and it is one.
    pub acting: Option<BindingId>,
    /// What the site wants to find in its tickets.
    pub nonce: Option<String>,
}

/// The code for a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCode {
    /// The code.
    pub code: TokenHash,
    /// Where it was sent.
    pub redirect_uri: String,
    /// What the site will show with it.
    pub challenge: CodeChallenge,
    /// The key whose possession it will prove, if the code is bound to one.
    pub key: Option<KeyThumbprint>,
    /// From when on it is refused, in whole milliseconds.
    pub expires_at: OffsetDateTime,
}

/// What a grant rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// An agreement of the person's that is kept. Whoever withdraws it ends the grant.
    Consent,
    /// An agreement for this time only.
    ThisTime,
}

/// A code that a site presents, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedCode {
    /// The code.
    pub code: TokenHash,
    /// The site.
    pub client: ClientId,
    /// Where the site says that it was sent.
    pub redirect_uri: String,
    /// The challenge that can be made of what the site shows.
    pub challenge: CodeChallenge,
    /// The key whose possession it proves.
    pub key: Option<KeyThumbprint>,
}

/// A refresh token that a site presents, with what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresentedRefresh {
    /// The token.
    pub token: TokenHash,
    /// What the site wants: as much as the grant, if it does not say.
    pub scopes: Option<Scopes>,
    /// The key whose possession it proves.
    pub key: Option<KeyThumbprint>,
    /// Whether it may be a second try.
    pub repeat: Repeat,
}

/// Who may repeat the exchange of a refresh token whose answer was lost: once within [`REPEAT_LIFETIME`], if nothing of that
/// answer was exchanged in its turn: whoever proves anew who he is. What was given before serves no more; if it turns up all
/// the same, it has been used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Nobody: whoever has seen the request could.
    Never,
    /// Who holds the key that the token is bound to.
    WithItsKey,
    /// This site.
    BySite,
}

/// For how long after the first try a lost answer is given again.
pub const REPEAT_LIFETIME: Duration = Duration::seconds(30);

/// Tokens that are to be kept for a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTokens {
    /// For asking about the person.
    pub access: NewToken,
    /// For getting other tokens, if the site may.
    pub refresh: Option<NewToken>,
}

/// A token that is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewToken {
    /// The token.
    pub token: TokenHash,
    /// From when on it is refused, in whole milliseconds. No token outlives its session.
    pub expires_at: OffsetDateTime,
    /// The key that it is bound to.
    pub key: Option<KeyThumbprint>,
}

/// A token of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptToken {
    /// The token.
    pub token: TokenHash,
    /// What it is for.
    pub kind: TokenKind,
    /// What may be known by it: as much as the grant, or less.
    pub scopes: Scopes,
    /// From when on it is refused, in whole milliseconds.
    pub expires_at: OffsetDateTime,
    /// The key that it is bound to.
    pub key: Option<KeyThumbprint>,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// For asking about the person.
    Access,
    /// For getting other tokens.
    Refresh,
}

impl TokenKind {
    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

impl std::str::FromStr for TokenKind {
    type Err = StorageError;

    fn from_str(name: &str) -> Result<Self, StorageError> {
        [Self::Access, Self::Refresh].into_iter().find(|kind| kind.name() == name).ok_or(StorageError::Damaged("kind"))
    }
}

/// A token, the grant that it belongs to, and the session that the grant belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundToken {
    /// The token.
    pub token: KeptToken,
    /// What it is good for.
    pub grant: KeptGrant,
    /// Who is signed in.
    pub session: Session,
    /// The organisation that the grant speaks of.
    pub acting: Option<Binding>,
}

/// A request that a site has sent ahead of its visitor (RFC 9126).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedRequest {
    /// What names it.
    pub request: TokenHash,
    /// The site.
    pub client: ClientId,
    /// Its parameters.
    pub query: String,
    /// From when on it is refused, in whole milliseconds.
    pub expires_at: OffsetDateTime,
}

/// Why a code or a refresh token gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Spent {
    /// It never existed, is over, or is another site's.
    #[error("there is no such code or token")]
    Unknown,
    /// It was used before. What came of it has ended.
    #[error("the code or token was used before; what came of it has ended")]
    Replayed,
    /// It comes too late, or without what belongs to it. It has ended.
    #[error("the code came too late or without what belongs to it")]
    Unfit,
}

/// A site that a person has agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectedSite {
    /// The site.
    pub client: ClientId,
    /// What it may know.
    pub scopes: Scopes,
    /// Since when.
    pub agreed_at: OffsetDateTime,
    /// Whether it has a grant now: the person is signed in there, as far as this service knows.
    pub is_signed_in: bool,
}
