//! What the provider does, apart from HTTP: answer sites' requests, and what sites ask themselves.

mod tokens;

use std::sync::Arc;

use latchkey_crypto::x509::PersonalNumber;
use time::Duration;

use super::clients::{Client, ClientId};
use super::dpop::KeyThumbprint;
use super::error::ErrorCode;
use super::jws::SigningFailed;
use super::logout::Messenger;
use super::parameters::Parameters;
use super::pending::{Pending, SealKey};
use super::registered::{Registered, RegisteredOnDisk};
use super::request::{self, AuthorizationRequest, Consent, ErrorAnswer, Next, PUSHED_PREFIX, RequestFault, ToldFault};
use super::subject::{PersonTag, SubjectKey};
use super::tickets;
use crate::audit::Event;
use crate::files::Renewal;
use crate::http::{Language, Refusal};
use crate::keys::KeyUnavailable;
use crate::organisation::{Binding, BindingId};
use crate::outside::Outside as _;
use crate::portal::Portal;
use crate::session::{Assurance, Person, Session};
use crate::storage::{
    Basis, ConnectedSite, DueLogout, GrantId, Grants, KeptCode, KeptGrant, PushedRequest, StorageError,
};
use crate::terminal::Terminal;
use crate::token::Token;

pub(crate) use tokens::{NotShown, Shown, TokenSet};

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

    /// Keeps that the person agrees to this request, for this time only if it does not count for more.
    pub(crate) async fn agree(&self, waiting: &Waiting, browser: &SignedIn) -> Result<(), Refusal> {
        if !browser.session.keeps_consents() {
            let Waiting { request, .. } = waiting;
            let (client, scopes) = (request.client.id.as_str(), request.scopes.text());
            self.portal.note(&Event::ConsentGiven { client, scopes: &scopes });
            return Ok(());
        }
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

    /// Whether this session is the person's whom the site means, if it says whom: by `id_token_hint`, or by the value of the
    /// claim `sub`.
    fn meant(&self, request: &AuthorizationRequest, session: Option<&Session>) -> Result<bool, ErrorCode> {
        let hinted = request.id_token_hint.as_deref().map(|ticket| self.hinted(request, ticket)).transpose()?;
        if hinted.is_none() && request.subjects.is_none() {
            return Ok(true);
        }
        let Some(session) = session else { return Ok(false) };
        let subject = self.subject(&request.client, session).map_err(|_| ErrorCode::ServerError)?;
        let is_listed = request.subjects.as_ref().is_none_or(|subjects| subjects.contains(&subject));
        Ok(is_listed && hinted.is_none_or(|hinted| hinted == subject))
    }

    /// Who a ticket of that site's is about.
    fn hinted(&self, request: &AuthorizationRequest, ticket: &str) -> Result<String, ErrorCode> {
        let hint = tickets::hint(ticket, self.issuer(), self.registered().keys.public());
        let hint = hint.filter(|hint| hint.client == request.client.id.as_str());
        hint.map(|hint| hint.subject).ok_or(ErrorCode::InvalidRequest)
    }

    /// Who a person is to a site.
    pub(crate) fn subject(&self, client: &Client, session: &Session) -> Result<String, KeyUnavailable> {
        let key = &self.material.subject_key;
        match &session.person {
            Person::Holder(holder) => key.subject(&client.sector(), &holder.personal_number),
            Person::OutsideAccount(account) => key.outside_subject(&client.sector(), account),
        }
    }

    /// Who a person is to the database of consents.
    fn person(&self, session: &Session) -> Result<PersonTag, KeyUnavailable> {
        match &session.person {
            Person::Holder(holder) => self.material.subject_key.person(&holder.personal_number),
            Person::OutsideAccount(account) => self.material.subject_key.outside_person(account),
        }
    }

    async fn consent(&self, request: &AuthorizationRequest, session: &Session) -> Result<Consent, Refusal> {
        if !counts_again(request, session) {
            return Ok(Consent::NotGiven);
        }
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
        let basis = if session.keeps_consents() { Basis::Consent } else { Basis::ThisTime };
        if self.portal.counted(self.grants.keep_grant(&grant, &kept, basis).await)? {
            Ok(Step::Send(request.answer(&code.expose_for_address(), self.issuer())))
        } else {
            // The session has ended meanwhile, or does not act for that organisation any more, or the person has withdrawn
            // what he had agreed to.
            Ok(Step::SignIn { again: false })
        }
    }
}

/// Whether what the person agrees to counts the next time, too: it is certain enough who he is, and who the site is.
pub(crate) fn counts_again(request: &AuthorizationRequest, session: &Session) -> bool {
    session.keeps_consents() && request.client.is_nobody_else()
}

/// For which organisation the person acts, if the site asks for whom and it is one.
fn acting_in(request: &AuthorizationRequest, session: &Session) -> Option<BindingId> {
    session.acting.filter(|_| request.scopes.acting_account)
}
