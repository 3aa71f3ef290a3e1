//! What tickets say (ID tokens: OpenID Connect Core 1.0, clause 2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::sha::sha256;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::assurance::{acr, amr};
use super::jws::{self, SigningFailed, TicketKey, VerificationKey};
use crate::provider::clients::ClientId;
use crate::storage::{GrantId, KeptGrant};

/// How long a site may take to look at a ticket.
pub const TICKET_LIFETIME: Duration = Duration::minutes(5);
/// What `typ` says of a ticket.
pub const TICKET_TYPE: &str = "JWT";
/// What `typ` says of a message that a person has signed out.
pub const LOGOUT_TYPE: &str = "logout+jwt";
/// What has happened, by its registered name.
pub const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long a site may take to look at such a message.
const LOGOUT_LIFETIME: Duration = Duration::minutes(2);

/// A ticket that this service issued, as a site hands it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The site that it was issued to.
    pub client: String,
    /// Who it is about.
    pub subject: String,
}

/// Signs the ticket for a grant, with what else it may tell.
///
/// # Errors
/// [`SigningFailed`].
pub fn ticket(
    key: &dyn TicketKey,
    issuer: &str,
    subject: &str,
    grant: &KeptGrant,
    granted: Map<String, Value>,
    access_token: &str,
    now: OffsetDateTime,
) -> Result<String, SigningFailed> {
    let mut claims = json!({
        "iss": issuer,
        "sub": subject,
        "aud": grant.client.as_str(),
        "iat": now.unix_timestamp(),
        "exp": (now + TICKET_LIFETIME).unix_timestamp(),
        "auth_time": grant.signed_in_at.unix_timestamp(),
        "acr": acr(grant.assurance),
        "amr": amr(grant.assurance, grant.way),
        "sid": grant.id.to_string(),
        "at_hash": half_hash(access_token),
    });
    if let Some(claims) = claims.as_object_mut() {
        claims.extend(grant.nonce.as_ref().map(|nonce| ("nonce".to_owned(), Value::from(nonce.as_str()))));
        claims.extend(granted);
    }
    jws::sign(key, TICKET_TYPE, &claims)
}

/// Signs the message that what a site was granted has ended (OpenID Connect Back-Channel Logout 1.0, clause 2.4). It names
/// no person: `sid` says what the site's tickets said. However often it is made, its name is the same.
///
/// # Errors
/// [`SigningFailed`].
pub fn logout_token(
    key: &dyn TicketKey,
    issuer: &str,
    client: &ClientId,
    grant: &GrantId,
    now: OffsetDateTime,
) -> Result<String, SigningFailed> {
    let claims = json!({
        "iss": issuer,
        "aud": client.as_str(),
        "iat": now.unix_timestamp(),
        "exp": (now + LOGOUT_LIFETIME).unix_timestamp(),
        "jti": format!("logout-{grant}"),
        "sid": grant.to_string(),
        "events": { LOGOUT_EVENT: {} },
    });
    jws::sign(key, LOGOUT_TYPE, &claims)
}

/// Reads a ticket that a site hands back, however old it is. None if this service did not issue it.
#[must_use]
pub fn hint<'k>(ticket: &str, issuer: &str, keys: impl IntoIterator<Item = &'k VerificationKey>) -> Option<Hint> {
    let claims = jws::verify(ticket, keys).ok()?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    if text("iss")? != issuer {
        return None;
    }
    Some(Hint { client: text("aud")?, subject: text("sub")? })
}

/// What userinfo answers: the subject, and what the scopes give.
#[must_use]
pub fn userinfo(subject: &str, claims: Map<String, Value>) -> Value {
    let mut answer = claims;
    answer.insert("sub".to_owned(), Value::from(subject));
    Value::Object(answer)
}

/// `at_hash`: the left half of the SHA-256.
fn half_hash(token: &str) -> String {
    let hash = sha256(token.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.first_chunk::<16>().map_or(&[][..], |half| half.as_slice()))
}
