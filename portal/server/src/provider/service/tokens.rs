//! What sites are given without a browser: they prove who they are, exchange codes and refresh tokens, and ask about people.

use std::sync::Arc;

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::{ACCESS_LIFETIME, Failure, Provider, REFRESH_LIFETIME};
use crate::audit::Event;
use crate::http::Refusal;
use crate::outside::Outside as _;
use crate::provider::clients::Client;
use crate::provider::dpop::{self, InvalidProof, KeyThumbprint, Purpose};
use crate::provider::error::ErrorCode;
use crate::provider::jws::SigningFailed;
use crate::provider::parameters::Parameters;
use crate::provider::proof::{NotProven, Presented, Proven};
use crate::provider::request::CodeChallenge;
use crate::provider::scope::Scopes;
use crate::provider::tickets;
use crate::rates::Source;
use crate::storage::{
    FoundToken, NewToken, NewTokens, PresentedCode, PresentedRefresh, Spent, StorageError, TokenKind,
};
use crate::token::Token;

/// What a site is given for a code or a refresh token.
pub(crate) struct TokenSet {
    pub(crate) access_token: Token,
    pub(crate) refresh_token: Option<Token>,
    pub(crate) ticket: String,
    pub(crate) scopes: Scopes,
    pub(crate) expires_in: Duration,
    /// Whether the access token is of use only with proofs that the site holds a key.
    pub(crate) is_bound: bool,
}

/// How an access token is shown.
pub(crate) enum Shown<'a> {
    /// By whoever bears it.
    Bearer,
    /// With a proof that whoever shows it holds the key, if exactly one came along; the method of the request.
    WithProof(Option<&'a str>, &'a str),
}

/// Why nothing is told by an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotShown {
    /// There is no such token, or it was not shown as it has to be.
    Token,
    /// The proof does not hold.
    Proof,
}

impl Provider {
    /// The site that asks without a browser, if it proves who it is.
    pub(crate) async fn authenticate(
        &self,
        authorization: Option<&str>,
        parameters: &Parameters,
    ) -> Result<Arc<Client>, Failure> {
        let not_proven = |NotProven| Failure::Error(ErrorCode::InvalidClient);
        let presented = Presented::of(authorization, parameters).map_err(not_proven)?;
        let registered = self.registered();
        let client = registered.registry.client(&presented.id).ok_or(Failure::Error(ErrorCode::InvalidClient))?;
        match presented.judge(client, self.issuer(), self.portal.now()).map_err(not_proven)? {
            Proven::Always => Ok(Arc::clone(client)),
            Proven::Once(statement, until) => {
                if self.portal.counted(self.grants.see_once(&statement, until).await).map_err(Refusal::from)? {
                    Ok(Arc::clone(client))
                } else {
                    Err(Failure::Error(ErrorCode::InvalidClient))
                }
            }
        }
    }

    /// The key that a site proves to hold at an address of this service, if it shows a proof; more than one are none.
    pub(crate) async fn proven_key(
        &self,
        proof: Result<Option<&str>, InvalidProof>,
        endpoint: &str,
    ) -> Result<Option<KeyThumbprint>, Failure> {
        let invalid = |InvalidProof| Failure::Error(ErrorCode::InvalidDpopProof);
        let Some(proof) = proof.map_err(invalid)? else { return Ok(None) };
        let address = format!("{}{endpoint}", self.issuer());
        let purpose = Purpose { method: "POST", address: &address, access_token: None };
        let seen = self.see_proof(proof, &purpose).await.map_err(Refusal::from)?;
        seen.map(Some).map_err(invalid)
    }

    /// Judges a proof, and takes note of it: it serves once.
    async fn see_proof(
        &self,
        proof: &str,
        purpose: &Purpose<'_>,
    ) -> Result<Result<KeyThumbprint, InvalidProof>, StorageError> {
        let Ok(sound) = dpop::judge(proof, purpose, self.portal.now()) else { return Ok(Err(InvalidProof)) };
        let is_new = self.portal.counted(self.grants.see_once(&sound.name, sound.until).await)?;
        Ok(if is_new { Ok(sound.key) } else { Err(InvalidProof) })
    }

    /// Exchanges a code. What it gives is bound to the key that the site proves to hold.
    pub(crate) async fn exchange(
        &self,
        client: &Client,
        parameters: &Parameters,
        key: Option<KeyThumbprint>,
    ) -> Result<TokenSet, Failure> {
        let required = |name| parameters.get(name).ok_or(Failure::Error(ErrorCode::InvalidRequest));
        let (code, redirect_uri) = (required("code")?, required("redirect_uri")?);
        let spent = Failure::Error(ErrorCode::InvalidGrant);
        let verifier = CodeChallenge::of(required("code_verifier")?);
        let Some(code) = Token::parse(code) else { return Err(spent) };
        let presented = PresentedCode {
            code: code.hash(),
            client: client.id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            // The code is used up all the same.
            challenge: verifier.unwrap_or(CodeChallenge::OF_NOTHING),
            key,
        };
        let drawn = Drawn::new(self, client.may_refresh, key);
        let now = self.portal.now();
        let taken = self.portal.counted(self.grants.take_code(&presented, &drawn.tokens(client, now), now).await);
        match taken.map_err(Refusal::from)? {
            Ok(taken) => self.give(client, drawn, taken.grant.scopes, &taken),
            Err(why) => Err(self.spent(client, why)),
        }
    }

    /// Exchanges a refresh token.
    pub(crate) async fn refresh(
        &self,
        client: &Client,
        parameters: &Parameters,
        key: Option<KeyThumbprint>,
    ) -> Result<TokenSet, Failure> {
        let token = parameters.get("refresh_token").ok_or(Failure::Error(ErrorCode::InvalidRequest))?;
        let Some(token) = Token::parse(token) else { return Err(Failure::Error(ErrorCode::InvalidGrant)) };
        let wanted = parameters.get("scope").map(Scopes::parse);
        let found = self.token_of(client, &token).await.map_err(Refusal::from)?;
        if let (Some(wanted), Some(found)) = (wanted, &found)
            && (!wanted.openid || !found.grant.scopes.contains(wanted))
        {
            return Err(Failure::Error(ErrorCode::InvalidScope));
        }
        let (drawn, now) = (Drawn::new(self, true, key), self.portal.now());
        let presented =
            PresentedRefresh { token: token.hash(), scopes: wanted, key, repeat: client.may_repeat(key.is_some()) };
        let refreshed = self.grants.refresh(&presented, &client.id, &drawn.tokens(client, now), now).await;
        match self.portal.counted(refreshed).map_err(Refusal::from)? {
            Ok(mut found) => {
                // A ticket that was asked for without a browser answers no request (OpenID Connect Core 1.0, clause 12.2).
                found.grant.nonce = None;
                self.give(client, drawn, wanted.unwrap_or(found.grant.scopes), &found)
            }
            Err(why) => Err(self.spent(client, why)),
        }
    }

    fn spent(&self, client: &Client, why: Spent) -> Failure {
        if why == Spent::Replayed {
            self.portal.note(&Event::TokenReplayed { client: client.id.as_str() });
            self.portal.metrics().provider_refused("replayed");
            tracing::warn!("a code or a refresh token was used twice; what came of it has ended");
            self.portal.end_something();
        }
        Failure::Error(ErrorCode::InvalidGrant)
    }

    fn give(&self, client: &Client, drawn: Drawn, scopes: Scopes, taken: &FoundToken) -> Result<TokenSet, Failure> {
        let now = self.portal.now();
        // What the operator has taken from the registration meanwhile is given to nobody.
        let scopes = scopes.within(client.scopes);
        let Drawn { access_token, refresh_token, key } = drawn;
        let ticket = self
            .ticket(client, scopes, taken, &access_token)
            .map_err(|SigningFailed| Failure::Refused(Refusal::Internal("the key for tickets does not sign")))?;
        let assurance = taken.grant.assurance.name();
        self.portal.metrics().ticket_issued(assurance);
        self.portal.note(&Event::TicketIssued { client: client.id.as_str(), assurance });
        let expires_in = ACCESS_LIFETIME.min(taken.session.expires_at - now);
        Ok(TokenSet { access_token, refresh_token, ticket, scopes, expires_in, is_bound: key.is_some() })
    }

    fn ticket(
        &self,
        client: &Client,
        scopes: Scopes,
        FoundToken { grant, session, acting, .. }: &FoundToken,
        access_token: &Token,
    ) -> Result<String, SigningFailed> {
        let registered = self.registered();
        let key = registered.keys.signing(client.algorithm).ok_or(SigningFailed)?;
        let (subject, access_token) = (self.subject(client, session)?, access_token.expose_for_caller());
        let acting = acting.as_ref().map(|binding| &binding.organisation);
        let granted = scopes.granted_claims(grant.age_over_18, acting);
        tickets::ticket(key, self.issuer(), &subject, grant, granted, &access_token, self.portal.now())
    }

    /// What a site may know by an access token.
    pub(crate) async fn userinfo(
        &self,
        shown: &Token,
        how: Shown<'_>,
        asking: &Source,
    ) -> Result<Result<Value, NotShown>, Refusal> {
        let found = self.portal.counted(self.grants.token(&shown.hash(), self.portal.now()).await)?;
        let found = found.filter(|found| found.token.kind == TokenKind::Access);
        let Some(FoundToken { token, grant, session, acting }) = found else { return Ok(Err(NotShown::Token)) };
        let registered = self.registered();
        // A site that was taken out of the registry learns nothing any more.
        let Some(client) = registered.registry.client(grant.client.as_str()) else { return Ok(Err(NotShown::Token)) };
        self.portal.serve_site(client, asking)?;
        if let Err(why) = self.is_shown_right(shown, token.key, how).await? {
            return Ok(Err(why));
        }
        let acting = acting.as_ref().map(|binding| &binding.organisation);
        // What another provider calls somebody is not this service's to vouch for.
        let scopes = token.scopes.within(client.scopes);
        let mut claims = session.holder().map(|holder| scopes.claims(holder)).unwrap_or_default();
        claims.extend(scopes.granted_claims(grant.age_over_18, acting));
        Ok(Ok(tickets::userinfo(&self.subject(client, &session)?, claims)))
    }

    /// Whether an access token is shown as it has to be: with a proof by its own key if it is bound to one, and only then.
    async fn is_shown_right(
        &self,
        token: &Token,
        key: Option<KeyThumbprint>,
        how: Shown<'_>,
    ) -> Result<Result<(), NotShown>, StorageError> {
        let (key, proof, method) = match (key, how) {
            (None, Shown::Bearer) => return Ok(Ok(())),
            (Some(key), Shown::WithProof(Some(proof), method)) => (key, proof, method),
            (Some(_), Shown::WithProof(None, _)) => return Ok(Err(NotShown::Proof)),
            (None, Shown::WithProof(..)) | (Some(_), Shown::Bearer) => return Ok(Err(NotShown::Token)),
        };
        let (address, access_token) = (format!("{}/userinfo", self.issuer()), token.expose_for_caller());
        let purpose = Purpose { method, address: &address, access_token: Some(&access_token) };
        Ok(match self.see_proof(proof, &purpose).await? {
            Ok(proven) if proven == key => Ok(()),
            Ok(_) => Err(NotShown::Token),
            Err(InvalidProof) => Err(NotShown::Proof),
        })
    }

    /// A token of that site's, if it is good now.
    pub(crate) async fn token_of(&self, client: &Client, token: &Token) -> Result<Option<FoundToken>, StorageError> {
        let found = self.portal.counted(self.grants.token(&token.hash(), self.portal.now()).await)?;
        Ok(found.filter(|found| found.grant.client == client.id))
    }

    /// Ends a token of that site's; with a refresh token everything that was granted with it.
    pub(crate) async fn revoke(&self, client: &Client, token: &Token) -> Result<(), StorageError> {
        let Some(found) = self.token_of(client, token).await? else { return Ok(()) };
        let ended = match found.token.kind {
            TokenKind::Access => self.grants.end_token(&found.token.token).await,
            TokenKind::Refresh => self.grants.end_grant(&found.grant.id).await,
        };
        self.portal.counted(ended).map(|_| ())
    }
}

/// Tokens that were drawn, and are not given to anybody yet.
struct Drawn {
    access_token: Token,
    refresh_token: Option<Token>,
    key: Option<KeyThumbprint>,
}

impl Drawn {
    fn new(provider: &Provider, may_refresh: bool, key: Option<KeyThumbprint>) -> Self {
        provider.portal.draw(|random| Self {
            access_token: Token::draw(random),
            refresh_token: may_refresh.then(|| Token::draw(random)),
            key,
        })
    }

    fn tokens(&self, client: &Client, now: OffsetDateTime) -> NewTokens {
        let token = |token: &Token, lifetime, key| NewToken { token: token.hash(), expires_at: now + lifetime, key };
        // A site that proves who it is may refresh with another key: nobody else has its refresh tokens (RFC 9449, clause 5).
        let of_refresh = self.key.filter(|_| !client.is_confidential());
        NewTokens {
            access: token(&self.access_token, ACCESS_LIFETIME, self.key),
            refresh: self.refresh_token.as_ref().map(|refresh| token(refresh, REFRESH_LIFETIME, of_refresh)),
        }
    }
}
