//! What the service does, apart from HTTP: issue challenges, judge assertions, keep sessions.

mod cabinets;
mod links;
mod outside_accounts;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use latchkey_crypto::assertion::{ChallengeText, Origin};
use latchkey_crypto::x509::STATUS_NONCE_SIZE;
use latchkey_verify::{
    PendingChallenge, PresentedAssertion, ProvenSignIn, Purpose, Rejection, RevocationSources, SignInPolicy,
    VerifiedSignIn, VerifiedStatusAnswer,
};
use rand_core::CryptoRng;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};
use tokio::sync::Notify;

use crate::audit::{Audit, Event};
use crate::cabinet::{BrowserFamily, CabinetId, Entered, Knock};
use crate::challenge::ChallengeId;
use crate::http::{Language, Refusal};
use crate::keys::CabinetKeys;
use crate::metrics::Metrics;
use crate::outside::{Clock, Outside, Random};
use crate::outside_account::OutsideAccounts;
use crate::provider::clients::Client;
use crate::rates::{Exceeded, Limit, RateSettings, Rates, Source};
use crate::revocation::{ListRenewal, ListsOnDisk, StatusService, name_of};
use crate::session::{Assurance, Holder, Person, Session, Way};
use crate::storage::{Cabinets, KeptChallenge, KeptLink, Opening, Storage, StorageError};
use crate::terminal::ReadIdentity;
use crate::token::Token;

pub use cabinets::SIGN_INS_KEPT;
pub(crate) use cabinets::{Contents, Demand, Visit};
pub(crate) use links::OfferedLink;

/// The names of the portal, which clients show as what it calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalName {
    /// In Belarusian.
    pub belarusian: String,
    /// In Russian.
    pub russian: String,
    /// In English.
    pub english: String,
}

impl PortalName {
    /// The name in a language.
    #[must_use]
    pub fn of(&self, language: Language) -> &str {
        match language {
            Language::Belarusian => &self.belarusian,
            Language::Russian => &self.russian,
            Language::English => &self.english,
        }
    }
}

/// What distinguishes one portal from another.
#[derive(Debug, Clone)]
pub struct PortalSettings {
    /// What the portal calls itself.
    pub name: PortalName,
    /// Where client programs listen on their users' computers.
    pub client_port: u16,
    /// In which time people are told of moments, ahead of UTC.
    pub utc_offset: UtcOffset,
    /// How long a challenge can be used.
    pub challenge_lifetime: time::Duration,
    /// How many challenges are kept at most, those among them that were used or have expired.
    pub challenge_limit: u64,
    /// How long a session lasts.
    pub session_lifetime: time::Duration,
    /// How much one source, or one site, may ask for in a minute.
    pub rates: RateSettings,
    /// How long a request may take.
    pub request_time_limit: Duration,
    /// Which assertions are accepted, and the origin under which browsers see this service.
    pub policy: SignInPolicy,
}

/// What the service takes from outside.
pub struct Surroundings {
    /// Challenges and sessions.
    pub storage: Arc<dyn Storage>,
    /// Revoked certificates.
    pub revocation: Arc<ListsOnDisk>,
    /// Who is asked whether a certificate is revoked, beside the lists.
    pub status_service: Option<StatusService>,
    /// Where events are written.
    pub audit: Arc<Audit>,
    /// What time it is.
    pub clock: Box<dyn Fn() -> OffsetDateTime + Send + Sync>,
    /// What cabinets need, if there are any.
    pub cabinets: Option<CabinetSurroundings>,
    /// Another provider whose accounts may sign in, if one is configured.
    pub outside_accounts: Option<OutsideAccounts>,
    /// Where tokens and challenges are drawn from.
    pub random: Box<dyn CryptoRng + Send>,
}

/// What cabinets take from outside.
pub struct CabinetSurroundings {
    /// What names them.
    pub naming: CabinetKeys,
    /// What is remembered of them: by the same database as sessions.
    pub storage: Arc<dyn Cabinets>,
}

/// The identification service.
pub struct Portal {
    settings: PortalSettings,
    storage: Arc<dyn Storage>,
    revocation: Arc<ListsOnDisk>,
    status_service: Option<StatusService>,
    cabinets: Option<CabinetSurroundings>,
    outside_accounts: Option<OutsideAccounts>,
    clock: Clock,
    random: Random,
    rates: Rates,
    audit: Arc<Audit>,
    metrics: Arc<Metrics>,
    /// Challenges that the database had at the last purge, and those issued here since. Other processes' newer ones are
    /// not among them.
    challenges: AtomicU64,
    stopping: AtomicBool,
    /// Told whenever this process has ended something that sites may be told of.
    ends: Notify,
}

/// A session that has begun, under a token of its own.
pub(crate) struct StartedSession {
    pub(crate) token: Token,
    pub(crate) session: Session,
    /// How long it lasts from now on.
    pub(crate) lasts: time::Duration,
}

impl Portal {
    /// A service with these settings.
    #[must_use]
    pub fn new(settings: PortalSettings, surroundings: Surroundings) -> Arc<Self> {
        let Surroundings { storage, revocation, status_service, audit, clock, cabinets, outside_accounts, mut random } =
            surroundings;
        let portal = Self {
            rates: Rates::new(settings.rates.clone(), &mut *random),
            settings,
            storage,
            revocation,
            status_service,
            cabinets,
            outside_accounts,
            clock,
            random: Random::new(random),
            audit,
            metrics: Arc::new(Metrics::new()),
            challenges: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            ends: Notify::new(),
        };
        portal.look_at_revocation_dates();
        Arc::new(portal)
    }

    /// Takes revocation lists that have changed on disk into use. Reads files: not for a thread that answers requests.
    pub fn renew_revocation(&self) {
        let ListRenewal { taken, faults } = self.revocation.renew();
        for error in &faults {
            self.metrics.revocation_reload_failed();
            tracing::error!(%error, "a changed revocation list is not usable; the former one stays in use");
            self.note(&Event::RevocationRefused);
        }
        if taken.is_empty() {
            return;
        }
        self.metrics.revocation_reloaded();
        self.note(&Event::RevocationTaken { count: u64::try_from(taken.len()).unwrap_or(u64::MAX) });
        self.look_at_revocation_dates();
        for list in &taken {
            let (issuer, entries) = (list.issuer(), list.revoked_count());
            let (this_update, next_update) = (list.this_update(), list.next_update());
            tracing::info!(%issuer, entries, %this_update, %next_update, "a changed revocation list is in use");
        }
    }

    /// What time it is, to those who work for the service.
    pub(crate) fn time(&self) -> OffsetDateTime {
        self.now()
    }

    /// Says that the service is not ready any more and lets no new sign-in begin. Those begun are finished.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Says that something has ended that sites may be told of.
    pub(crate) fn end_something(&self) {
        self.ends.notify_one();
    }

    /// Waits until this process has ended something.
    pub(crate) async fn something_ends(&self) {
        self.ends.notified().await;
    }

    /// Forgets what is over.
    ///
    /// # Errors
    /// [`StorageError`] if the database gives no answer.
    pub async fn purge(&self) -> Result<crate::storage::Purged, StorageError> {
        let purged = self.counted(self.storage.purge(self.now()).await)?;
        self.challenges.store(purged.challenges_left, Ordering::Relaxed);
        self.forget_sign_ins().await?;
        Ok(purged)
    }

    /// Writes an event down for auditors. If that fails, it is counted and told in the log, and the service goes on.
    pub fn note(&self, event: &Event<'_>) {
        self.audit.tell(&self.metrics, self.now(), event);
    }

    /// Somebody did not get in.
    pub(crate) fn sign_in_refused(&self, refusal: &Refusal) {
        self.metrics.sign_in_refused(refusal.code());
        self.note(&Event::SignInRefused { code: refusal.code() });
    }

    /// The service's counters.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) const fn origin(&self) -> &Origin {
        &self.settings.policy.origin
    }

    /// The highest level that anybody can reach here.
    pub(crate) fn highest_assurance(&self) -> Assurance {
        let levels = &self.settings.policy.levels;
        if !levels.card_held_key.is_empty() {
            Assurance::High
        } else if !levels.other_key.is_empty() {
            Assurance::Substantial
        } else {
            Assurance::Low
        }
    }

    /// In which time people are told of moments.
    pub(crate) const fn utc_offset(&self) -> UtcOffset {
        self.settings.utc_offset
    }

    pub(crate) const fn client_port(&self) -> u16 {
        self.settings.client_port
    }

    pub(crate) const fn request_time_limit(&self) -> Duration {
        self.settings.request_time_limit
    }

    pub(crate) const fn rates(&self) -> &Rates {
        &self.rates
    }

    /// Counts what a source asks for, unless it is too much.
    pub(crate) fn serve(&self, limit: Limit, source: &Source) -> Result<(), Refusal> {
        self.limited(self.rates.take(limit, source, self.now()))
    }

    /// Counts what a site asks for, unless it is too much: for the site if it has proven who it is. Anybody may call himself by
    /// the name of one that proves nothing, so that it counts for whoever asks.
    pub(crate) fn serve_site(&self, client: &Client, asking: &Source) -> Result<(), Refusal> {
        if client.is_confidential() {
            self.serve(Limit::Site, &self.rates.site(client.id.as_str()))
        } else {
            self.serve(Limit::Requests, asking)
        }
    }

    /// Whether what a source asks for is too much already.
    pub(crate) fn would_serve(&self, limit: Limit, source: &Source) -> Result<(), Refusal> {
        self.limited(self.rates.look(limit, source, self.now()))
    }

    /// Counts what was served to a source already, and is no more than may be.
    pub(crate) fn count(&self, limit: Limit, source: &Source) {
        // Of many at the same moment the last may be too many; the next is put off anyway.
        let _ = self.rates.take(limit, source, self.now());
    }

    fn limited(&self, outcome: Result<(), Exceeded>) -> Result<(), Refusal> {
        outcome.inspect_err(|exceeded| self.metrics.rate_limited(exceeded.limit)).map_err(Refusal::from)
    }

    pub(crate) fn name(&self, language: Language) -> &str {
        self.settings.name.of(language)
    }

    pub(crate) fn draw_token(&self) -> Token {
        self.draw(|random| Token::draw(random))
    }

    pub(crate) async fn check_storage(&self) -> Result<(), StorageError> {
        self.counted(self.storage.check().await)
    }

    pub(crate) async fn issue_challenge(&self, browser: &Token) -> Result<KeptChallenge, Refusal> {
        self.keep_challenge(browser, None).await
    }

    /// Everybody may ask for challenges, so their number is bounded: a flood must not fill the disk.
    async fn keep_challenge(&self, browser: &Token, link: Option<KeptLink>) -> Result<KeptChallenge, Refusal> {
        if self.is_stopping() {
            return Err(Refusal::Stopping);
        }
        if self.challenges.load(Ordering::Relaxed) >= self.settings.challenge_limit {
            return Err(Refusal::TooManyChallenges);
        }
        let issued_at = self.now();
        let (id, text) = self.draw(|random| (ChallengeId::draw(random), ChallengeText::draw(random)));
        let kept = KeptChallenge {
            id,
            browser: browser.hash(),
            text,
            purpose: Purpose::SignIn,
            issued_at,
            expires_at: issued_at.saturating_add(self.settings.challenge_lifetime),
            link,
        };
        self.counted(self.storage.keep_challenge(&kept).await)?;
        self.challenges.fetch_add(1, Ordering::Relaxed);
        self.metrics.challenge_issued();
        Ok(kept)
    }

    /// Takes the challenge, judges the assertion, and opens a session under a new token in place of `former`. Revocation data
    /// that is out of date makes no session surer than it is.
    pub(crate) async fn sign_in(
        self: &Arc<Self>,
        challenge: ChallengeId,
        browser: &Token,
        assertion: Bytes,
        former: Option<&Token>,
        (way, family): (Way, BrowserFamily),
    ) -> Result<(StartedSession, VerifiedSignIn), Refusal> {
        let browser = browser.hash();
        let kept = self.counted(self.storage.take_challenge(challenge, &browser, self.now()).await)??;
        let (session, verified) = self.judged(&assertion, &kept, way).await?;
        if let (Some(next_update), Some(former)) = (verified.stale_since(), former) {
            let former = self.session(former).await?;
            if former.is_some_and(|former| former.assurance < session.assurance) {
                return Err(Rejection::RevocationStale { next_update }.into());
            }
        }
        Ok((self.open(session, former, family).await?, verified))
    }

    /// Opens a session for somebody whom the terminal has read from his card, under a new token in place of `former`.
    pub(crate) async fn sign_in_identified(
        &self,
        identity: ReadIdentity,
        former: Option<&Token>,
        family: BrowserFamily,
    ) -> Result<StartedSession, Refusal> {
        let ReadIdentity { holder, is_of_age, assurance } = identity;
        let required = self.settings.policy.minimum_assurance;
        if assurance < required {
            return Err(Rejection::WrongPolicy { reached: assurance, required }.into());
        }
        let signed_in_at = self.now();
        let session = Session {
            signed_in_at,
            expires_at: signed_in_at.saturating_add(self.settings.session_lifetime),
            assurance,
            way: Way::Terminal,
            cabinet: None,
            acting: None,
            age_over_18: is_of_age,
            person: Person::Holder(holder),
        };
        self.open(session, former, family).await
    }

    /// Opens a session under a new token in place of `former`, if its holder's cabinet has it.
    async fn open(
        &self,
        session: Session,
        former: Option<&Token>,
        family: BrowserFamily,
    ) -> Result<StartedSession, Refusal> {
        let token = self.draw_token();
        let knock = self.knock(&session).await?;
        let opening =
            Opening { token: token.hash(), session, replaced: former.map(Token::hash), knock, browser: family };
        let entered = self.counted(self.storage.open_session(&opening).await)??;
        Ok(self.started(token, opening.session, entered, former))
    }

    /// The door of a holder's cabinet, where there are cabinets. Nobody else has one.
    async fn knock(&self, session: &Session) -> Result<Option<Knock>, Refusal> {
        let (Some(CabinetSurroundings { naming, storage }), Some(holder)) = (&self.cabinets, session.holder()) else {
            return Ok(None);
        };
        let names = naming.names(&holder.personal_number)?;
        self.counted(storage.rename_cabinet(&names).await)?;
        Ok(Some(Knock { named: names.newest, id: self.draw(|random| CabinetId::draw(random)) }))
    }

    /// A session that has taken the place of `former`.
    fn started(&self, token: Token, mut session: Session, entered: Entered, former: Option<&Token>) -> StartedSession {
        session.cabinet = entered.cabinet;
        if former.is_some() {
            self.end_something();
        }
        self.metrics.sign_in_accepted(session.assurance.name());
        let (assurance, way) = (session.assurance.name(), session.way.name());
        self.note(&Event::SignInAccepted { assurance, way, cabinet: session.cabinet });
        if let Some(cabinet) = session.cabinet.filter(|_| entered.opened) {
            self.metrics.cabinet_opened();
            self.note(&Event::CabinetOpened { cabinet });
        }
        let lasts = session.expires_at - self.now();
        StartedSession { token, session, lasts }
    }

    /// Judges an assertion, and says which session it is good for. On the thread that asks: with the keys of ID cards it
    /// takes a tenth of a millisecond, and not much more than one with the slowest that are accepted.
    async fn judged(
        &self,
        assertion: &[u8],
        kept: &KeptChallenge,
        way: Way,
    ) -> Result<(Session, VerifiedSignIn), Refusal> {
        let verified = self.judge(assertion, kept).await?;
        let signed_in_at = self.now();
        let session = Session {
            signed_in_at,
            expires_at: signed_in_at.saturating_add(self.settings.session_lifetime),
            assurance: verified.assurance(),
            way,
            cabinet: None,
            acting: None,
            age_over_18: None,
            person: Person::Holder(Holder::from(verified.identity())),
        };
        Ok((session, verified))
    }

    pub(crate) async fn session(&self, token: &Token) -> Result<Option<Session>, StorageError> {
        self.counted(self.storage.session(&token.hash(), self.now()).await)
    }

    pub(crate) async fn end_session(&self, token: &Token) -> Result<bool, StorageError> {
        let ended = self.counted(self.storage.end_session(&token.hash()).await);
        self.end_something();
        if let Ok(true) = ended {
            self.note(&Event::SignedOut);
        }
        ended
    }

    async fn judge(&self, assertion: &[u8], kept: &KeptChallenge) -> Result<VerifiedSignIn, Refusal> {
        let pending = PendingChallenge {
            text: kept.text.clone(),
            issued_at: kept.issued_at,
            lifetime: kept.expires_at - kept.issued_at,
            purpose: kept.purpose,
        };
        let started = Instant::now();
        let presented = PresentedAssertion::read(assertion)?;
        let proven = presented.prove(&pending, &self.settings.policy, self.now());
        self.metrics.verified_in(started.elapsed());
        let proven = proven?;
        let answers: Vec<_> = match proven.stapled_answer() {
            Some(answer) => vec![answer],
            None => self.ask_status_service(&proven).await.into_iter().collect(),
        };
        let lists = self.revocation.current();
        Ok(proven.conclude(&RevocationSources { lists: &lists, answers: &answers })?)
    }

    /// What the status service says of the certificate, if there is one and it says something.
    async fn ask_status_service(&self, proven: &ProvenSignIn<'_>) -> Option<VerifiedStatusAnswer> {
        let service = self.status_service.as_ref()?;
        let (certificate, issuer) = proven.certificate_and_issuer()?;
        let nonce = self.draw(|random| {
            let mut nonce = [0; STATUS_NONCE_SIZE];
            random.fill_bytes(&mut nonce);
            nonce
        });
        let outcome = service.ask(certificate, issuer, nonce, self.now()).await;
        self.metrics.status_service_asked(name_of(&outcome));
        outcome.inspect_err(|error| tracing::warn!(%error, "the status service said nothing of a certificate")).ok()
    }

    fn look_at_revocation_dates(&self) {
        let Some(until) = self.revocation.current_until() else { return };
        self.metrics.revocation_current_until(until);
        if until < self.now() {
            tracing::error!(%until, "a revocation list is out of date: sign-ins that need it are refused");
        }
    }
}

impl Outside for Portal {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn random(&self) -> &Random {
        &self.random
    }

    fn counters(&self) -> &Metrics {
        &self.metrics
    }
}

/// A time in an answer.
pub(crate) fn rfc3339(time: OffsetDateTime) -> Result<String, Refusal> {
    time.format(&Rfc3339).map_err(|_| Refusal::Internal("a time has no RFC 3339 form"))
}
