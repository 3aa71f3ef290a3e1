//! What the provider does, apart from HTTP: answer sites' requests, exchange codes, say who is signed in.

use std::sync::Arc;

use latchkey_crypto::x509::PersonalNumber;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::clients::{Client, ClientId};
use super::dpop::{self, InvalidProof, KeyThumbprint, Purpose};
use super::error::ErrorCode;
use super::jws::SigningFailed;
use super::logout::Messenger;
use super::parameters::Parameters;
use super::pending::{Pending, SealKey};
use super::proof::{NotProven, Presented, Proven};
use super::registered::{Registered, RegisteredOnDisk};
use super::request::{
    self, AuthorizationRequest, CodeChallenge, Consent, ErrorAnswer, Next, PUSHED_PREFIX, RequestFault, ToldFault,
};
use super::scope::Scopes;
use super::subject::{PersonTag, SubjectKey};
use super::tickets;
use crate::audit::Event;
use crate::files::Renewal;
use crate::http::{Language, Refusal};
use crate::keys::KeyUnavailable;
use crate::organisation::{Binding, BindingId};
use crate::outside::Outside as _;
use crate::portal::Portal;
use crate::session::{Assurance, Session};
use crate::storage::{
    ConnectedSite, DueLogout, FoundToken, GrantId, Grants, KeptCode, KeptGrant, NewToken, PresentedCode,
    PresentedRefresh, PushedRequest, Spent, StorageError, TakenCode, TokenKind,
};
use crate::terminal::Terminal;
use crate::token::Token;

/// How long a code waits for its site: as long as a browser takes to get there.
pub const CODE_LIFETIME: Duration = Duration::minutes(1);
/// How long an access token serves, unless the session ends before.
pub const ACCESS_LIFETIME: Duration = Duration::minutes(5);
/// How long a request that was sent ahead waits for its visitor.
pub(crate) const PUSHED_LIFETIME: Duration = Duration::minutes(1);
/// How long a refresh token serves, unless the session ends before: as long as a session can last.
const REFRESH_LIFETIME: Duration = Duration::days(1);

/// What the provider needs from files.
pub struct ProviderMaterial {
    /// Sites and keys for tickets.
    pub registered: RegisteredOnDisk,
    /// The key under which people get their subjects.
    pub subject_key: SubjectKey,
    /// The key under which requests are sealed while they wait.
    pub seal_key: SealKey,
    /// What tells sites that people have signed out.
    pub messenger: Messenger,
}

/// The provider of OpenID Connect.
pub struct Provider {
    portal: Arc<Portal>,
    grants: Arc<dyn Grants>,
    material: ProviderMaterial,
    terminal: Option<Arc<Terminal>>,
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) request: AuthorizationRequest,
    pub(crate) pending: Pending,
}

/// A browser that is signed in.
pub(crate) struct SignedIn {
    pub(crate) token: Token,
    pub(crate) session: Session,
}

/// What is done with a request now.
#[derive(Debug)]
pub(crate) enum Step {
    /// The person is asked to sign in; again, if a session is there that does not serve.
    SignIn { again: bool },
    /// The person is asked whether the site may know; also for which organisation he acts, if it is one.
    AskConsent { acting: Option<Binding> },
    /// The browser is sent to the site, with a code or an error.
    Send(String),
}

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

/// Why a site does not get what it asked for without a browser.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A protocol error.
    #[error("{0}")]
    Error(ErrorCode),
    /// The service itself.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Provider {
    /// A provider beside that service, on the same database; with a terminal that asks cards what only they say, if it can.
    #[must_use]
    pub fn new(
        portal: Arc<Portal>,
        grants: Arc<dyn Grants>,
        material: ProviderMaterial,
        terminal: Option<Arc<Terminal>>,
    ) -> Arc<Self> {
        portal.metrics().describe_provider();
        let terminal = terminal.filter(|terminal| terminal.can_sign_in());
        Arc::new(Self { portal, grants, material, terminal })
    }

    /// Takes sites and keys that have changed on disk into use. Reads files: not for a thread that answers requests.
    pub fn renew(&self) {
        match self.material.registered.renew() {
            Ok(Renewal::Unchanged) => {}
            Ok(Renewal::Taken) => {
                self.portal.note(&Event::SitesTaken);
                tracing::info!("the changed clients and keys for tickets are in use");
            }
            Err(error) => {
                self.portal.note(&Event::SitesRefused);
                tracing::error!(%error, "changed clients or keys for tickets are not usable; the former ones stay in use");
            }
        }
    }

    /// Forgets what is over.
    ///
    /// # Errors
    /// [`StorageError`] if the database gives no answer.
    pub async fn purge(&self) -> Result<(), StorageError> {
        self.portal.counted(self.grants.purge_grants(self.portal.now()).await)
    }

    pub(crate) const fn portal(&self) -> &Arc<Portal> {
        &self.portal
    }

    /// The terminal that asks cards what only they say, if there is one.
    pub(crate) const fn terminal(&self) -> Option<&Arc<Terminal>> {
        self.terminal.as_ref()
    }

    pub(crate) fn issuer(&self) -> &str {
        self.portal.origin().as_str()
    }

    pub(crate) fn registered(&self) -> Arc<Registered> {
        self.material.registered.current()
    }

    /// Reads a request that arrives with a browser. One that the site has sent ahead is taken; whoever loads its page again
    /// goes on with it, if it waits in the browser, `sealed`.
    pub(crate) async fn begin(
        &self,
        query: &str,
        sealed: Option<&str>,
    ) -> Result<Result<Waiting, RequestFault>, StorageError> {
        let registered = self.registered();
        let begun_at = self.portal.now();
        let Some((client, token)) = request::pushed(query, &registered.registry) else {
            let read = AuthorizationRequest::parse(query, &registered.registry).and_then(|request| {
                if request.client.must_push {
                    Err(RequestFault::Sent(request.error(ErrorCode::InvalidRequest)))
                } else {
                    Ok(Waiting { request, pending: Pending { begun_at, query: query.to_owned(), pushed: None } })
                }
            });
            return Ok(read);
        };
        let taken = self.portal.counted(self.grants.take_pushed(&token.hash(), &client.id, begun_at).await)?;
        let Some(query) = taken else {
            let waiting = sealed.map_or(Err(RequestFault::Told(ToldFault::Over)), |sealed| self.resume(sealed));
            return Ok(match waiting {
                Ok(waiting) if waiting.pending.pushed == Some(token.hash()) => Ok(waiting),
                _ => Err(RequestFault::Told(ToldFault::Over)),
            });
        };
        let read = AuthorizationRequest::parse(&query, &registered.registry);
        Ok(read.map(|request| Waiting { request, pending: Pending { begun_at, query, pushed: Some(token.hash()) } }))
    }

    /// Keeps a request that a site sends ahead of its visitor, and gives the `request_uri` that names it.
    pub(crate) async fn push(
        &self,
        client: &Client,
        parameters: &Parameters,
        key: Option<KeyThumbprint>,
    ) -> Result<String, Failure> {
        let mut query = parameters.query(&["client_secret", "client_assertion", "client_assertion_type"]);
        match (key, parameters.get("dpop_jkt")) {
            (None, _) => {}
            // The proof binds the code, as if the site had named the key (RFC 9449, clause 10.1).
            (Some(key), None) => query.push_str(&format!("&dpop_jkt={key}")),
            (Some(key), Some(named)) if key.to_string() == named => {}
            (Some(_), Some(_)) => return Err(Failure::Error(ErrorCode::InvalidDpopProof)),
        }
        let read = AuthorizationRequest::parse(&query, &self.registered().registry);
        match read {
            Ok(request) if request.client.id == client.id => {}
            Err(RequestFault::Sent(answer)) => return Err(Failure::Error(answer.code)),
            Ok(_) | Err(RequestFault::Told(_)) => return Err(Failure::Error(ErrorCode::InvalidRequest)),
        }
        let token = self.portal.draw_token();
        let pushed = PushedRequest {
            request: token.hash(),
            client: client.id.clone(),
            query,
            expires_at: self.portal.now() + PUSHED_LIFETIME,
        };
        self.portal.counted(self.grants.push(&pushed).await).map_err(Refusal::from)?;
        Ok(format!("{PUSHED_PREFIX}{}", token.expose_for_address()))
    }

    /// Reads a request that waits in the browser.
    pub(crate) fn resume(&self, sealed: &str) -> Result<Waiting, RequestFault> {
        let pending =
            self.material.seal_key.open(sealed, self.portal.now()).ok_or(RequestFault::Told(ToldFault::Over))?;
        let request = AuthorizationRequest::parse(&pending.query, &self.registered().registry)?;
        Ok(Waiting { request, pending })
    }

    /// The text for the browser's cookie.
    pub(crate) fn seal(&self, waiting: &Waiting) -> Result<String, Refusal> {
        Ok(self.material.seal_key.seal(&waiting.pending)?)
    }

    /// Names a request in a form.
    pub(crate) fn name(&self, waiting: &Waiting) -> Result<String, Refusal> {
        Ok(self.material.seal_key.name(&waiting.pending)?)
    }

    /// Who is signed in in a browser.
    pub(crate) async fn signed_in(&self, token: Option<Token>) -> Result<Option<SignedIn>, StorageError> {
        let Some(token) = token else { return Ok(None) };
        let session = self.portal.session(&token).await?;
        Ok(session.map(|session| SignedIn { token, session }))
    }

    /// Keeps that the person agrees to this request.
    pub(crate) async fn agree(&self, waiting: &Waiting, browser: &SignedIn) -> Result<(), Refusal> {
        let person = self.person(&browser.session)?;
        let client = &waiting.request.client.id;
        let before = self.portal.counted(self.grants.consent(&person, client, None).await)?.unwrap_or_default();
        let scopes = before.and(waiting.request.scopes);
        let acting = acting_in(&waiting.request, &browser.session);
        let agreed = self.grants.agree(&person, client, scopes, acting.as_ref(), self.portal.now()).await;
        self.portal.counted(agreed)?;
        self.portal.note(&Event::ConsentGiven { client: client.as_str(), scopes: &scopes.text() });
        Ok(())
    }

    /// The sites that a person has agreed to.
    pub(crate) async fn connected_sites(&self, person: &PersonalNumber) -> Result<Vec<ConnectedSite>, Refusal> {
        let person = self.material.subject_key.person(person)?;
        Ok(self.portal.counted(self.grants.connected_sites(&person).await)?)
    }

    /// What a registered site is called.
    pub(crate) fn site_name(&self, client: &ClientId, language: Language) -> Option<String> {
        let registered = self.registered();
        let site = registered.registry.client(client.as_str())?;
        Some(latchkey_texts::printable(site.name(language)))
    }

    /// Takes back what a person has agreed to, and ends what the site was granted of him.
    pub(crate) async fn withdraw(&self, person: &PersonalNumber, client: &ClientId) -> Result<bool, Refusal> {
        let person = self.material.subject_key.person(person)?;
        let withdrawn = self.portal.counted(self.grants.withdraw(&person, client).await);
        self.portal.end_something();
        let withdrawn = withdrawn?;
        if withdrawn {
            self.portal.note(&Event::ConsentWithdrawn { client: client.as_str() });
        }
        Ok(withdrawn)
    }

    /// What sites are to be told now.
    pub(super) async fn due_logouts(&self, limit: u32) -> Result<Vec<DueLogout>, StorageError> {
        self.portal.counted(self.grants.due_logouts(limit, self.portal.now()).await)
    }

    /// Takes note that a site was told, or is not told any more.
    pub(super) async fn forget_logout(&self, grant: &GrantId) -> Result<bool, StorageError> {
        self.portal.counted(self.grants.forget_logout(grant).await)
    }

    /// What a site is told of the end of what it was granted.
    pub(super) fn logout_token(&self, client: &Client, grant: &GrantId) -> Result<String, SigningFailed> {
        let registered = self.registered();
        let key = registered.keys.signing(client.algorithm).ok_or(SigningFailed)?;
        tickets::logout_token(key, self.issuer(), &client.id, grant, self.portal.now())
    }

    pub(super) const fn messenger(&self) -> &Messenger {
        &self.material.messenger
    }

    /// What is done with a request. `agreed`: the person has agreed to it just now.
    pub(crate) async fn step(
        &self,
        waiting: &Waiting,
        browser: Option<&SignedIn>,
        agreed: bool,
    ) -> Result<Step, Refusal> {
        let Waiting { request, pending } = waiting;
        if request.scopes.age_over_18 && self.terminal.is_none() {
            return Ok(self.refuse(request, ErrorCode::InvalidScope));
        }
        let consent = match browser {
            Some(_) if agreed => Consent::GivenNow,
            Some(browser) => self.consent(request, &browser.session).await?,
            None => Consent::NotGiven,
        };
        let meant = match self.meant(request, browser.map(|browser| &browser.session)) {
            Ok(meant) => meant,
            Err(code) => return Ok(self.refuse(request, code)),
        };
        let session = browser.filter(|browser| meant || browser.session.signed_in_at > pending.begun_at);
        let next = request.next(
            pending.begun_at,
            session.map(|browser| &browser.session),
            consent,
            self.highest_assurance(request),
            self.portal.now(),
        );
        match (next, session) {
            (Next::Refuse(code), _) => Ok(self.refuse(request, code)),
            (Next::SignIn, _) | (_, None) => Ok(Step::SignIn { again: browser.is_some() }),
            // Somebody else has signed in than the site means.
            (_, Some(_)) if !meant => Ok(self.refuse(request, ErrorCode::LoginRequired)),
            (Next::AskConsent, Some(browser)) => self.ask(request, &browser.session).await,
            (Next::Answer, Some(browser)) => self.answer(request, browser).await,
        }
    }

    /// The highest level that anybody can reach in the way in which this request is answered.
    fn highest_assurance(&self, request: &AuthorizationRequest) -> Assurance {
        if request.scopes.age_over_18 { Assurance::High } else { self.portal.highest_assurance() }
    }

    /// Whether what somebody has read before he agreed is what the site would be told now: he may have begun to act for
    /// somebody else meanwhile.
    pub(crate) fn has_read(&self, waiting: &Waiting, browser: &SignedIn, acting: Option<&str>) -> bool {
        acting_in(&waiting.request, &browser.session).map(|binding| binding.to_string()).as_deref() == acting
    }

    async fn ask(&self, request: &AuthorizationRequest, session: &Session) -> Result<Step, Refusal> {
        let acting = match acting_in(request, session) {
            Some(binding) => self.portal.binding(binding).await?,
            None => None,
        };
        Ok(Step::AskConsent { acting })
    }

    /// An error for the site.
    pub(crate) fn refuse(&self, request: &AuthorizationRequest, code: ErrorCode) -> Step {
        Step::Send(self.send_error(&request.error(code)))
    }

    /// The address with an error.
    pub(crate) fn send_error(&self, answer: &ErrorAnswer) -> String {
        self.portal.metrics().provider_refused(answer.code.name());
        answer.address(self.issuer())
    }

    /// Whether this session is the person's whom the site means, if it says whom (`id_token_hint`).
    fn meant(&self, request: &AuthorizationRequest, session: Option<&Session>) -> Result<bool, ErrorCode> {
        let Some(ticket) = &request.id_token_hint else { return Ok(true) };
        let registered = self.registered();
        let hint = tickets::hint(ticket, self.issuer(), registered.keys.public());
        let hint = hint.filter(|hint| hint.client == request.client.id.as_str()).ok_or(ErrorCode::InvalidRequest)?;
        let Some(session) = session else { return Ok(false) };
        let subject = self.subject(&request.client, session).map_err(|_| ErrorCode::ServerError)?;
        Ok(subject == hint.subject)
    }

    /// Who a person is to a site.
    pub(crate) fn subject(&self, client: &Client, session: &Session) -> Result<String, KeyUnavailable> {
        self.material.subject_key.subject(client.sector(), &session.holder.personal_number)
    }

    /// Who a person is to the database of consents.
    fn person(&self, session: &Session) -> Result<PersonTag, KeyUnavailable> {
        self.material.subject_key.person(&session.holder.personal_number)
    }

    async fn consent(&self, request: &AuthorizationRequest, session: &Session) -> Result<Consent, Refusal> {
        let person = self.person(session)?;
        let acting = acting_in(request, session);
        let given = self.grants.consent(&person, &request.client.id, acting.as_ref()).await;
        let given = self.portal.counted(given)?;
        Ok(match given {
            Some(scopes) if scopes.contains(request.scopes) => Consent::GivenBefore,
            _ => Consent::NotGiven,
        })
    }

    async fn answer(&self, request: &AuthorizationRequest, browser: &SignedIn) -> Result<Step, Refusal> {
        let SignedIn { token, session } = browser;
        let (id, code) = self.portal.draw(|random| (GrantId::draw(random), Token::draw(random)));
        let grant = KeptGrant {
            id,
            session: token.hash(),
            person: self.person(session)?,
            client: request.client.id.clone(),
            scopes: request.scopes,
            signed_in_at: session.signed_in_at,
            assurance: session.assurance,
            way: session.way,
            age_over_18: session.age_over_18.filter(|_| request.scopes.age_over_18),
            acting: acting_in(request, session),
            nonce: request.nonce.clone(),
        };
        let kept = KeptCode {
            code: code.hash(),
            redirect_uri: request.redirect_uri.as_str().to_owned(),
            challenge: request.code_challenge,
            key: request.code_key,
            expires_at: self.portal.now() + CODE_LIFETIME,
        };
        if self.portal.counted(self.grants.keep_grant(&grant, &kept).await)? {
            Ok(Step::Send(request.answer(&code.expose_for_address(), self.issuer())))
        } else {
            // The session has ended meanwhile.
            Ok(Step::SignIn { again: false })
        }
    }

    /// The site that asks without a browser, if it proves who it is. `endpoint` is the path that it called.
    pub(crate) async fn authenticate(
        &self,
        authorization: Option<&str>,
        parameters: &Parameters,
        endpoint: &str,
    ) -> Result<Arc<Client>, Failure> {
        let not_proven = |NotProven| Failure::Error(ErrorCode::InvalidClient);
        let presented = Presented::of(authorization, parameters).map_err(not_proven)?;
        let registered = self.registered();
        let client = registered.registry.client(&presented.id).ok_or(Failure::Error(ErrorCode::InvalidClient))?;
        let issuer = self.issuer();
        let audiences = [issuer.to_owned(), format!("{issuer}/token"), format!("{issuer}{endpoint}")];
        match presented.judge(client, &audiences, self.portal.now()).map_err(not_proven)? {
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
            // No verifier has that challenge: the code is used up all the same.
            challenge: verifier.unwrap_or(CodeChallenge::from([0; 32])),
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
            Ok(FoundToken { grant, session, acting, .. }) => {
                // A ticket that was asked for without a browser answers no request (OpenID Connect Core 1.0, clause 12.2).
                let scopes = wanted.unwrap_or(grant.scopes);
                let grant = KeptGrant { nonce: None, ..grant };
                self.give(client, drawn, scopes, &TakenCode { grant, session, acting })
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

    fn give(&self, client: &Client, drawn: Drawn, scopes: Scopes, taken: &TakenCode) -> Result<TokenSet, Failure> {
        let now = self.portal.now();
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
        TakenCode { grant, session, acting }: &TakenCode,
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
    pub(crate) async fn userinfo(&self, shown: &Token, how: Shown<'_>) -> Result<Result<Value, NotShown>, Refusal> {
        let found = self.portal.counted(self.grants.token(&shown.hash(), self.portal.now()).await)?;
        let found = found.filter(|found| found.token.kind == TokenKind::Access);
        let Some(FoundToken { token, grant, session, acting }) = found else { return Ok(Err(NotShown::Token)) };
        let registered = self.registered();
        // A site that was taken out of the registry learns nothing any more.
        let Some(client) = registered.registry.client(grant.client.as_str()) else { return Ok(Err(NotShown::Token)) };
        if let Err(why) = self.is_shown_right(shown, token.key, how).await? {
            return Ok(Err(why));
        }
        let acting = acting.as_ref().map(|binding| &binding.organisation);
        let mut claims = token.scopes.claims(&session.holder);
        claims.extend(token.scopes.granted_claims(grant.age_over_18, acting));
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

/// For which organisation the person acts, if the site asks for whom and it is one.
fn acting_in(request: &AuthorizationRequest, session: &Session) -> Option<BindingId> {
    session.acting.filter(|_| request.scopes.acting_account)
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

    fn tokens(&self, client: &Client, now: OffsetDateTime) -> Vec<NewToken> {
        let token = |token: &Token, kind, lifetime, key| NewToken {
            token: token.hash(),
            kind,
            expires_at: now + lifetime,
            key,
        };
        let access = token(&self.access_token, TokenKind::Access, ACCESS_LIFETIME, self.key);
        // A site that proves who it is may refresh with another key: nobody else has its refresh tokens (RFC 9449, clause 5).
        let of_refresh = self.key.filter(|_| !client.is_confidential());
        let refresh = self.refresh_token.as_ref();
        let refresh = refresh.map(|refresh| token(refresh, TokenKind::Refresh, REFRESH_LIFETIME, of_refresh));
        std::iter::once(access).chain(refresh).collect()
    }
}
