//! Signing in with an account of another provider.

use latchkey_verify::Rejection;
use url::Url;

use super::{Portal, StartedSession};
use crate::cabinet::BrowserFamily;
use crate::http::Refusal;
use crate::outside::Outside as _;
use crate::outside_account::{OutsideAccounts, Returned, UnderWay};
use crate::session::{Assurance, Person, Session, Way};
use crate::storage::StorageError;
use crate::token::Token;

impl Portal {
    /// Another provider whose accounts may sign in here, if one is configured.
    pub(crate) const fn outside_accounts(&self) -> Option<&OutsideAccounts> {
        self.outside_accounts.as_ref()
    }

    /// Begins a sign-in with the other provider: where the visitor goes, and what waits in his browser. `anew`: he is to sign in
    /// there, too, whoever he is there already.
    pub(crate) async fn begin_outside(&self, anew: bool) -> Result<(Url, UnderWay), Refusal> {
        if self.is_stopping() {
            return Err(Refusal::Stopping);
        }
        let accounts = self.outside_accounts().ok_or(Refusal::NotFound)?;
        let now = self.now();
        let under_way = UnderWay { since: now, token: self.draw_token() };
        let address = accounts.address(self.origin(), &under_way, anew, now).await?;
        Ok((address, under_way))
    }

    /// Whether a browser is signed in with a card: nothing less takes that session's place.
    pub(crate) async fn has_holder(&self, token: Option<&Token>) -> Result<bool, StorageError> {
        let Some(token) = token else { return Ok(false) };
        Ok(self.session(token).await?.is_some_and(|session| session.holder().is_some()))
    }

    /// Opens a session for whoever comes back from the other provider, under a new token in place of `former`.
    pub(crate) async fn sign_in_outside(
        &self,
        under_way: &UnderWay,
        returned: Returned<'_>,
        former: Option<&Token>,
    ) -> Result<StartedSession, Refusal> {
        let accounts = self.outside_accounts().ok_or(Refusal::NotFound)?;
        let (reached, required) = (Assurance::Low, self.settings.policy.minimum_assurance);
        if reached < required {
            return Err(Rejection::WrongPolicy { reached, required }.into());
        }
        let (account, earlier) = accounts.account(self.origin(), under_way, returned, self.now()).await?;
        let now = self.now();
        let session = Session {
            signed_in_at: earlier.unwrap_or(now),
            expires_at: now.saturating_add(self.settings.session_lifetime),
            assurance: reached,
            way: Way::OutsideAccount,
            cabinet: None,
            acting: None,
            age_over_18: None,
            person: Person::OutsideAccount(account),
        };
        // The kind of browser is kept for cabinets only.
        self.open(session, former, BrowserFamily::Other).await
    }
}
