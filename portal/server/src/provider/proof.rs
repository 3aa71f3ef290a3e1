//! How a site proves who it is when it asks itself, without a browser (RFC 6749, clause 2.3; RFC 7523; OpenID Connect Core
//! 1.0, clause 9).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_crypto::belt;
use serde::Deserialize;
use time::{Duration, OffsetDateTime};
use url::form_urlencoded;

use super::clients::{Client, ClientAuthentication};
use super::jws;
use super::parameters::Parameters;
use crate::token::TokenHash;

/// The names of the ways, as the discovery document lists them; last that of sites that prove nothing.
pub const METHOD_NAMES: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

/// `client_assertion_type` of `private_key_jwt`.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far in the future a statement may end. It is remembered until then, and a little longer.
const STATEMENT_LIFETIME: Duration = Duration::minutes(10);
/// How much a site's clock may be ahead, and one node's ahead of another's.
const CLOCK_DIFFERENCE: Duration = Duration::minutes(1);
/// Most octets of a statement's name.
const NAME_MAX_SIZE: usize = 256;

/// Who a site says it is, and by what it proves that.
#[derive(Debug)]
pub struct Presented {
    /// `client_id`.
    pub id: String,
    /// What it shows.
    pub proof: Proof,
}

/// What a site shows.
pub enum Proof {
    /// Nothing: it says that it cannot keep a secret.
    Nothing,
    /// A secret.
    Secret(String),
    /// A statement that it has signed.
    Statement(String),
}

/// A proof that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proven {
    /// Whenever it is shown.
    Always,
    /// If this statement was not shown before; it is to be remembered until then.
    Once(TokenHash, OffsetDateTime),
}

/// The site has not proven who it is. Nobody is told why: what is registered is not to be guessed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the site has not proven who it is")]
pub struct NotProven;

#[derive(Deserialize)]
struct Statement {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
    jti: String,
}

impl Presented {
    /// What a request shows, in its header `Authorization` or in its body: in one place only.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn of(authorization: Option<&str>, parameters: &Parameters) -> Result<Self, NotProven> {
        let named = parameters.get("client_id");
        let secret = parameters.get("client_secret");
        let statement = (parameters.get("client_assertion_type"), parameters.get("client_assertion"));
        let presented = match (authorization, secret, statement) {
            (Some(authorization), None, (None, None)) => Self::basic(authorization)?,
            (None, Some(secret), (None, None)) => {
                Self { id: named.ok_or(NotProven)?.to_owned(), proof: Proof::Secret(secret.to_owned()) }
            }
            (None, None, (Some(ASSERTION_TYPE), Some(statement))) => {
                let claims: Statement = serde_json::from_value(jws::unverified(statement).map_err(|_| NotProven)?)
                    .map_err(|_| NotProven)?;
                Self { id: claims.sub, proof: Proof::Statement(statement.to_owned()) }
            }
            (None, None, (None, None)) => Self { id: named.ok_or(NotProven)?.to_owned(), proof: Proof::Nothing },
            _ => return Err(NotProven),
        };
        if named.is_some_and(|named| named != presented.id) { Err(NotProven) } else { Ok(presented) }
    }

    /// Name and secret, each in the encoding of HTML forms (RFC 6749, clause 2.3.1).
    fn basic(authorization: &str) -> Result<Self, NotProven> {
        let (scheme, encoded) = authorization.split_once(' ').ok_or(NotProven)?;
        if !scheme.eq_ignore_ascii_case("Basic") {
            return Err(NotProven);
        }
        let decoded = STANDARD.decode(encoded.trim()).map_err(|_| NotProven)?;
        let decoded = String::from_utf8(decoded).map_err(|_| NotProven)?;
        let (id, secret) = decoded.split_once(':').ok_or(NotProven)?;
        let plain = |text: &str| {
            // A `&` or `=` would be read as the end of a name.
            let encoded = text.replace('&', "%26").replace('=', "%3D");
            let mut pairs = form_urlencoded::parse(encoded.as_bytes());
            pairs.next().map(|(name, _)| name.into_owned()).unwrap_or_default()
        };
        Ok(Self { id: plain(id), proof: Proof::Secret(plain(secret)) })
    }

    /// Judges the proof for the site that is registered under the name. A statement is for `service`, the issuer, and nothing
    /// else: another service could pass one on that is for an address, which it may call its own to the site.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn judge(&self, client: &Client, service: &str, now: OffsetDateTime) -> Result<Proven, NotProven> {
        match (&client.authentication, &self.proof) {
            (ClientAuthentication::Public, Proof::Nothing) => Ok(Proven::Always),
            (ClientAuthentication::Secret(_), Proof::Secret(secret)) if client.authentication.secret_is(secret) => {
                Ok(Proven::Always)
            }
            (ClientAuthentication::Keys(keys), Proof::Statement(statement)) => {
                let claims = jws::verify(statement, keys).map_err(|_| NotProven)?;
                let claims: Statement = serde_json::from_value(claims).map_err(|_| NotProven)?;
                claims.judge(client, service, now)
            }
            _ => Err(NotProven),
        }
    }
}

impl Statement {
    fn judge(&self, client: &Client, service: &str, now: OffsetDateTime) -> Result<Proven, NotProven> {
        let moment = |seconds: i64| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| NotProven);
        let is_begun = |seconds: Option<i64>| match seconds {
            Some(seconds) => moment(seconds).map(|begin| begin <= now + CLOCK_DIFFERENCE),
            None => Ok(true),
        };
        let id = client.id.as_str();
        let expires_at = moment(self.exp)?;
        let is_sound = self.iss == id
            && self.sub == id
            && self.aud == service
            && expires_at > now
            && expires_at <= now + STATEMENT_LIFETIME
            && is_begun(self.nbf)?
            && is_begun(self.iat)?
            && (1..=NAME_MAX_SIZE).contains(&self.jti.len());
        if !is_sound {
            return Err(NotProven);
        }
        let name = belt::hash(&[b"latchkey-portal statement", id.as_bytes(), b"\0", self.jti.as_bytes()]);
        // From then on it is over, by the clock of any node that is not more than that behind.
        Ok(Proven::Once(TokenHash::from(name), expires_at.saturating_add(CLOCK_DIFFERENCE)))
    }
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "nothing",
            Self::Secret(_) => "a secret",
            Self::Statement(_) => "a statement",
        })
    }
}
