//! The cookies. Their names begin with `__Host-`: browsers take them only over HTTPS, from this host itself and
//! for all of its paths, so that no neighbouring host can plant one.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::AppendHeaders;
use time::Duration;

use super::Refusal;
use crate::portal::StartedSession;
use crate::token::Token;

/// Says which browser asked for a challenge. Never needed on the way from another site, hence `Strict`.
pub(super) const BROWSER: Cookie = Cookie { name: "__Host-latchkey-pre", same_site: "Strict" };
/// Says which session a browser has. `Lax`, so that a link from another site finds the person signed in.
pub(super) const SESSION: Cookie = Cookie { name: "__Host-latchkey-session", same_site: "Lax" };

/// Stands in no sealed request.
const TAG_SIGN: char = ':';

/// Keeps another site's request while its visitor signs in. `Lax`, since the visitor comes from there.
pub(super) const PENDING: Cookie = Cookie { name: "__Host-latchkey-request", same_site: "Lax" };

/// Says which of the portal's own pages a visitor is on the way to, who signs in by link meanwhile.
pub(super) const PLACE: Cookie = Cookie { name: "__Host-latchkey-place", same_site: "Strict" };

/// Keeps what a visitor needs who has set out for another provider. `Lax`, since he comes back from there.
pub(super) const OUTSIDE_ACCOUNT: Cookie = Cookie { name: "__Host-latchkey-outside", same_site: "Lax" };

/// Says in which language the visitor wants the pages.
pub(super) const LANGUAGE: Cookie = Cookie { name: "__Host-latchkey-language", same_site: "Lax" };

/// Another site's request that waits in the browser, sealed, and the tag of the language that the site wants, or nothing. The
/// tag is not sealed: a browser that alters it gets other pages, and nobody else does.
pub(super) fn waiting(headers: &HeaderMap) -> Option<(&str, &str)> {
    let text = PENDING.text(headers)?;
    Some(text.split_once(TAG_SIGN).unwrap_or((text, "")))
}

/// Has the browser keep a request for `lifetime`, with the tag of the language that its site wants, if it wants one.
pub(super) fn wait(sealed: &str, tag: Option<&str>, lifetime: Duration) -> Result<HeaderValue, Refusal> {
    match tag {
        Some(tag) => PENDING.set_text(&format!("{sealed}{TAG_SIGN}{tag}"), lifetime),
        None => PENDING.set_text(sealed, lifetime),
    }
}

/// A browser that is signed in has a session, and asks for nothing any more.
pub(super) fn signed_in(started: &StartedSession) -> Result<AppendHeaders<[(HeaderName, HeaderValue); 2]>, Refusal> {
    Ok(AppendHeaders([(SET_COOKIE, SESSION.set(&started.token, started.lasts)?), (SET_COOKIE, BROWSER.clear()?)]))
}

pub(super) struct Cookie {
    name: &'static str,
    same_site: &'static str,
}

impl Cookie {
    /// The token that the browser sent.
    pub(super) fn read(&self, headers: &HeaderMap) -> Option<Token> {
        Token::parse(self.text(headers)?)
    }

    /// The text that the browser sent. A cookie that is sent twice counts as none: which of the two is meant would be
    /// a guess.
    pub(super) fn text<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let mut values = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter_map(|(name, value)| (name == self.name).then_some(value));
        let value = values.next()?;
        if values.next().is_some() { None } else { Some(value) }
    }

    /// The header that gives the browser a token for `lifetime`.
    pub(super) fn set(&self, token: &Token, lifetime: Duration) -> Result<HeaderValue, Refusal> {
        self.header(&token.expose_for_cookie(), lifetime.whole_seconds())
    }

    /// The header that gives the browser a text without quotation marks, spaces and semicolons for `lifetime`.
    pub(super) fn set_text(&self, text: &str, lifetime: Duration) -> Result<HeaderValue, Refusal> {
        self.header(text, lifetime.whole_seconds())
    }

    /// The header that takes it away.
    pub(super) fn clear(&self) -> Result<HeaderValue, Refusal> {
        self.header("", 0)
    }

    fn header(&self, value: &str, max_age: i64) -> Result<HeaderValue, Refusal> {
        let Self { name, same_site } = self;
        let text = format!("{name}={value}; Max-Age={max_age}; Path=/; Secure; HttpOnly; SameSite={same_site}");
        let mut header = HeaderValue::from_str(&text).map_err(|_| Refusal::Internal("a cookie cannot be written"))?;
        header.set_sensitive(true);
        Ok(header)
    }
}
