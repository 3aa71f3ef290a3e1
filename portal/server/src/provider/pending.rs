//! A request that waits in the browser while its visitor signs in: sealed, so that neither the visitor nor anybody else
//! can say that it began at another time, or asked for something else.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};

use super::request::QUERY_MAX_SIZE;
use crate::keys::{KeyId, KeyUnavailable, KeyUse, OwnKeys};
use crate::token::{TOKEN_SIZE, TokenHash};

/// How long a request waits. People look for their card and their PIN meanwhile, and perhaps open a link.
pub const PENDING_LIFETIME: Duration = Duration::minutes(15);

/// The keys under which requests are sealed, the same on every node. The newest seals; what an older one has sealed is
/// opened as long as it is there.
pub struct SealKey {
    keys: Arc<dyn OwnKeys>,
    newest: KeyId,
}

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// When it came, in whole milliseconds.
    pub begun_at: OffsetDateTime,
    /// The query that the site had the browser send, or has sent ahead.
    pub query: String,
    /// What named it, if it was sent ahead.
    pub pushed: Option<TokenHash>,
}

impl SealKey {
    /// With those of the keys that are for it. `None` if there is none.
    #[must_use]
    pub fn new(keys: Arc<dyn OwnKeys>) -> Option<Self> {
        Some(Self { newest: keys.keys(KeyUse::Seal).into_iter().next()?, keys })
    }

    /// The text for the browser's cookie: moment, query, what named it, and the tag over all of them.
    ///
    /// # Errors
    /// [`KeyUnavailable`].
    pub fn seal(&self, pending: &Pending) -> Result<String, KeyUnavailable> {
        let moment = milliseconds(pending.begun_at);
        let query = URL_SAFE_NO_PAD.encode(&pending.query);
        let pushed = pending.pushed.map(|pushed| URL_SAFE_NO_PAD.encode(pushed.octets())).unwrap_or_default();
        Ok(format!("{moment}.{query}.{pushed}.{}", self.name(pending)?))
    }

    /// The request that the browser sends back, if this service sealed it and it does not wait for too long.
    #[must_use]
    pub fn open(&self, text: &str, now: OffsetDateTime) -> Option<Pending> {
        let mut parts = text.splitn(4, '.');
        let (moment, query, pushed, tag) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if query.len() > QUERY_MAX_SIZE.saturating_mul(2) {
            return None;
        }
        let moment: i64 = moment.parse().ok()?;
        let query = String::from_utf8(URL_SAFE_NO_PAD.decode(query).ok()?).ok()?;
        let pushed = match pushed {
            "" => None,
            pushed => Some(TokenHash::from(<[u8; TOKEN_SIZE]>::try_from(URL_SAFE_NO_PAD.decode(pushed).ok()?).ok()?)),
        };
        let begun_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(moment) * 1_000_000).ok()?;
        let pending = Pending { begun_at, query, pushed };
        let is_sealed = |key: &KeyId| {
            self.named_under(key, &pending).is_ok_and(|name| bool::from(name.as_bytes().ct_eq(tag.as_bytes())))
        };
        let is_sealed = self.keys.keys(KeyUse::Seal).iter().any(is_sealed);
        (is_sealed && now - begun_at < PENDING_LIFETIME).then_some(pending)
    }

    /// Names a sealed request in a form: whoever answers the form answers this request and no other.
    ///
    /// # Errors
    /// [`KeyUnavailable`].
    pub fn name(&self, pending: &Pending) -> Result<String, KeyUnavailable> {
        self.named_under(&self.newest, pending)
    }

    fn named_under(&self, key: &KeyId, pending: &Pending) -> Result<String, KeyUnavailable> {
        let moment = milliseconds(pending.begun_at).to_be_bytes();
        // One octet where nothing was sent ahead, so that no two requests have the same octets.
        let pushed = pending.pushed.map_or_else(|| vec![0], |pushed| pushed.octets().to_vec());
        let length = [u8::try_from(pushed.len()).unwrap_or(u8::MAX)];
        let parts = [b"latchkey-portal pending".as_slice(), &moment, &length, &pushed, pending.query.as_bytes()];
        self.keys.mac(key, &parts).map(|name| URL_SAFE_NO_PAD.encode(name))
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("hidden")
    }
}

/// A moment as texts for browsers have it.
pub(crate) fn milliseconds(time: OffsetDateTime) -> i64 {
    time.unix_timestamp().saturating_mul(1000).saturating_add(i64::from(time.millisecond()))
}
