//! Sign-ins by link: offered to a browser, fetched and signed by a client program, completed by the browser that asked.

use std::sync::Arc;

use axum::body::Bytes;
use latchkey_verify::Rejection;

use super::{Portal, StartedSession};
use crate::cabinet::BrowserFamily;
use crate::http::Refusal;
use crate::link::{COMPLETION_LIFETIME, ShortCode};
use crate::outside::Outside as _;
use crate::session::Way;
use crate::storage::{Completing, KeptChallenge, KeptCompletion, KeptLink};
use crate::token::Token;

/// A link that a browser was given.
pub(crate) struct OfferedLink {
    pub(crate) request: Token,
    pub(crate) short_code: ShortCode,
    pub(crate) challenge: KeptChallenge,
}

impl Portal {
    pub(crate) async fn offer_link(&self, browser: &Token) -> Result<OfferedLink, Refusal> {
        let (request, short_code) = self.draw(|random| (Token::draw(random), ShortCode::draw(random)));
        let link = KeptLink { request: request.hash(), short_code };
        let challenge = self.keep_challenge(browser, Some(link)).await?;
        Ok(OfferedLink { request, short_code, challenge })
    }

    /// Gives a link's challenge to the first who asks for it.
    pub(crate) async fn fetch_link(&self, request: &Token) -> Result<(KeptChallenge, ShortCode), Refusal> {
        let now = self.now();
        let kept = self.counted(self.storage.fetch_link(&request.hash(), now).await)??;
        if now > kept.expires_at {
            return Err(Rejection::ChallengeExpired.into());
        }
        let Some(link) = kept.link else { return Err(Refusal::Internal("the challenge of a link has no link")) };
        Ok((kept, link.short_code))
    }

    /// Takes a link's challenge, judges the assertion, and keeps what it comes to for the browser that asked. The token
    /// is that of the address where it waits.
    pub(crate) async fn sign_for_link(self: &Arc<Self>, request: &Token, assertion: Bytes) -> Result<Token, Refusal> {
        let kept = self.counted(self.storage.take_link(&request.hash(), self.now()).await)??;
        let browser = kept.browser;
        let (session, verified) = self.judged(&assertion, &kept, Way::Link).await?;
        let token = self.draw_token();
        let ends_at = self.now().saturating_add(COMPLETION_LIFETIME);
        let knock = self.knock(&session).await?;
        let completion = KeptCompletion {
            token: token.hash(),
            browser,
            ends_at,
            session,
            knock,
            stale_since: verified.stale_since(),
        };
        self.counted(self.storage.keep_completion(&completion).await)?;
        Ok(token)
    }

    /// Opens the session that waits at the address with `completion`, if `browser` is the one that asked for the link.
    /// Whatever the verdict, nothing waits there any more.
    pub(crate) async fn complete(
        &self,
        completion: &Token,
        browser: Option<&Token>,
        former: Option<&Token>,
        family: BrowserFamily,
    ) -> Result<StartedSession, Refusal> {
        let token = self.draw_token();
        let completing = Completing {
            completion: completion.hash(),
            browser: browser.map(Token::hash),
            session: token.hash(),
            replaced: former.map(Token::hash),
            family,
        };
        let (session, entered) = self.counted(self.storage.complete(&completing, self.now()).await)??;
        Ok(self.started(token, session, entered?, former))
    }
}
