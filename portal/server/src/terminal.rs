//! The terminal: what it does, apart from HTTP. It authenticates cards and itself to each other, reads them and has them
//! sign, through a client program that passes on what it cannot read.
//!
//! No node remembers a session. Between two requests it is a sealed record in a database; a request opens the record,
//! computes the next command, and puts the record with that command in the former one's place by one statement. Only who
//! did that gives the command away, so that no key and counter ever protect two commands that both leave. An answer that
//! is lost on its way therefore ends its session: the record has gone on, and the card's former answer does not fit it.

pub mod attributes;
pub mod authority;
mod caller;
mod card_renewal;
pub mod credentials;
mod machine;
mod own_keys;
pub mod personal_data;
mod record;
mod refusal;
pub mod renewal;
mod sealing;
mod sign_in;
mod signature;
mod status;
mod ticket;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration as StdDuration;

use latchkey_crypto::bign::PUBLIC_KEY_SIZE;
use latchkey_crypto::cv::Date;
use latchkey_crypto::x509::TrustStore;
use rand_core::CryptoRng;
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

pub use attributes::{Attributes, DEPLOYED_GROUPS, MalformedGroup};
pub use caller::{Caller, Sources};
pub use card_renewal::Renewed;
pub use credentials::{Credentials, FORMER_KEY_LIFETIME, Shown};
pub use machine::{AnsweredCommand, CardKind, CommandToCard};
pub use own_keys::{KeysInFiles, SigningKey, TerminalKeys};
pub use personal_data::PersonalData;
pub use refusal::TerminalRefusal;
pub use sealing::{NotSealedHere, RecordKey};
pub use sign_in::{ReadIdentity, SignInStep};
pub use signature::{DATA_TO_SIGN_MAX_SIZE, ToSign};
pub use status::{DocumentRegister, DocumentStatus, UnknownDocuments};
pub use ticket::{OwnRequest, TICKET_REQUEST_MAX_SIZE, Tickets};

use crate::audit::{Audit, Event as AuditEvent};
use crate::files::Renewal;
use crate::http::Refusal;
use crate::metrics::Metrics;
use crate::outside::{Clock, Outside, Random};
use crate::revocation::ListsOnDisk;
use crate::session::Assurance;
use crate::storage::{KeptStep, Steps, StorageError};
use crate::token::Token;
use authority::Authority;
use card_renewal::{CardRenewal, Question, RenewalEvent, Word};
use machine::{Errand, Event, Machine, Outcome};
use record::Record;

/// From each step of a session to the next.
pub const STEP_LIFETIME: Duration = Duration::minutes(2);
/// From the beginning of a session to its end, however busy it is: long enough for two questions to its holder.
pub const SESSION_LIFETIME: Duration = Duration::minutes(10);

/// What distinguishes one terminal from another.
#[derive(Debug, Clone)]
pub struct TerminalRules {
    /// Who may call.
    pub sources: Sources,
    /// How many sessions are kept at most.
    pub session_limit: u64,
    /// How long a request may take.
    pub request_time_limit: StdDuration,
    /// What happens with documents of which nobody says anything.
    pub unknown_documents: UnknownDocuments,
    /// Whose certificates count for signatures.
    pub trust: TrustStore,
}

/// What the terminal takes from outside.
pub struct TerminalSurroundings {
    /// Open sessions.
    pub steps: Arc<dyn Steps>,
    /// The key under which their records are sealed.
    pub record_key: RecordKey,
    /// Certificates and key.
    pub credentials: Arc<Credentials>,
    /// What has become of documents.
    pub register: Arc<DocumentRegister>,
    /// Revoked certificates.
    pub revocation: Arc<ListsOnDisk>,
    /// Whose requests for tickets are taken, and how tickets are signed, if there are any.
    pub tickets: Option<Tickets>,
    /// Who certifies new keys of cards, if that is offered.
    pub authority: Option<Authority>,
    /// Where events are written.
    pub audit: Arc<Audit>,
    /// Where things are counted.
    pub metrics: Arc<Metrics>,
    /// What time it is.
    pub clock: Box<dyn Fn() -> OffsetDateTime + Send + Sync>,
    /// Where handles, nonces and challenges are drawn from.
    pub random: Box<dyn CryptoRng + Send>,
}

/// The terminal.
pub struct Terminal {
    rules: TerminalRules,
    steps: Arc<dyn Steps>,
    record_key: RecordKey,
    credentials: Arc<Credentials>,
    register: Arc<DocumentRegister>,
    revocation: Arc<ListsOnDisk>,
    tickets: Option<Tickets>,
    authority: Option<Authority>,
    audit: Arc<Audit>,
    metrics: Arc<Metrics>,
    clock: Clock,
    random: Random,
    /// The day on which the log was last told that the certificate is near its end.
    warned_on: Mutex<Option<Date>>,
    stopping: AtomicBool,
}

/// What begins a session.
#[derive(Debug)]
pub struct Beginning {
    /// What kind of card it is.
    pub card: CardKind,
    /// The CertHAT objects that the client program sent the card, if it says so.
    pub rights: Option<Vec<u8>>,
}

/// A session that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Its handle.
    pub hreq: Token,
    /// The certificates for the card to verify.
    pub certificates: Vec<u8>,
    /// The data of MSE:Set AT.
    pub template: Vec<u8>,
}

/// What was read of a genuine card whose document is not known to be lost.
#[derive(Debug)]
pub struct ReadData {
    /// The person and the document.
    pub personal_data: PersonalData,
    /// What the register says of the document.
    pub document_status: DocumentStatus,
    /// How sure that is.
    pub assurance: Assurance,
}

/// What comes next in a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenewalStep {
    /// A command for the card.
    Command(CommandToCard),
    /// It is the client program's turn: it confirms with the PIN and gives the turn back.
    Confirm,
    /// Nothing more.
    Over(Renewed),
}

impl Terminal {
    /// A terminal with these rules.
    #[must_use]
    pub fn new(rules: TerminalRules, surroundings: TerminalSurroundings) -> Arc<Self> {
        let TerminalSurroundings {
            steps,
            record_key,
            credentials,
            register,
            revocation,
            tickets,
            authority,
            audit,
            metrics,
            clock,
            random,
        } = surroundings;
        metrics.describe_terminal();
        let terminal = Self {
            rules,
            steps,
            record_key,
            credentials,
            register,
            revocation,
            tickets,
            authority,
            audit,
            metrics,
            clock,
            random: Random::new(random),
            warned_on: Mutex::new(None),
            stopping: AtomicBool::new(false),
        };
        terminal.look_at_the_certificates_end();
        Arc::new(terminal)
    }

    /// Takes files that have changed on disk into use: certificates, key, the register. Reads files: not for a thread
    /// that answers requests.
    pub fn renew(&self) {
        renew_credentials(&self.credentials, self.now());
        match self.register.renew() {
            Ok(Renewal::Taken) => tracing::info!("the changed register of documents is in use"),
            Err(error) => {
                tracing::error!(%error, "the changed register of documents is not usable; the former one stays in use");
            }
            Ok(Renewal::Unchanged) => {}
        }
        self.look_at_the_certificates_end();
    }

    /// Whether it is time to ask for another certificate: early enough that it can fail for a while before the present
    /// one is called near its end.
    #[must_use]
    pub fn wants_another_certificate(&self, today: Date) -> bool {
        self.credentials.current().wants_another(today)
    }

    /// Lets no new session begin. Those begun go on.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Forgets the sessions that are over.
    ///
    /// # Errors
    /// [`StorageError`] if the database gives no answer.
    pub async fn purge(&self) -> Result<u64, StorageError> {
        self.counted(self.steps.purge(self.now()).await)
    }

    /// Begins a session for this caller.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn begin(&self, caller: &Caller, beginning: Beginning) -> Result<Begun, Refusal> {
        self.check_caller(caller)?;
        self.begin_for(caller, beginning, None).await
    }

    /// Begins a session for a relying party's request, CMS SignedData, with a card of the standard to which the client
    /// program has sent `rights`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn begin_ticket(&self, caller: &Caller, request: &[u8], rights: Vec<u8>) -> Result<Begun, Refusal> {
        self.check_caller(caller)?;
        let tickets = self.tickets.as_ref().ok_or(TerminalRefusal::TicketRequest("no tickets are issued here"))?;
        let (trust, lists) = (&self.rules.trust, self.revocation.current());
        let order = tickets.order(request, &rights, caller.is_own_page(), (trust, &lists), self.now())?;
        let beginning = Beginning { card: CardKind::Standard, rights: Some(rights) };
        self.begin_for(caller, beginning, Some(Errand::Ticket(order))).await
    }

    /// Begins a session in which a card of the standard, to which the client program has sent `rights`, gets another key
    /// for terminals and a certificate for it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn begin_renewal(&self, caller: &Caller, rights: Vec<u8>) -> Result<Begun, Refusal> {
        self.check_caller(caller)?;
        if self.authority.is_none() {
            return Err(TerminalRefusal::Renewal("no authority is configured").into());
        }
        if !card_renewal::is_allowed(self.credentials.current().rights.esign) {
            return Err(TerminalRefusal::Renewal("the terminal's certificate does not allow it").into());
        }
        if !card_renewal::is_agreed(&rights) {
            return Err(TerminalRefusal::Renewal("the holder has not agreed to it").into());
        }
        let beginning = Beginning { card: CardKind::Standard, rights: Some(rights) };
        self.begin_for(caller, beginning, Some(Errand::Renewal(CardRenewal::default()))).await
    }

    /// Begins the renewal, when card and terminal have proved themselves to each other.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn start_renewal(&self, caller: &Caller, hreq: &str) -> Result<RenewalStep, Refusal> {
        self.renew_card(caller, hreq, RenewalEvent::Start).await
    }

    /// Takes the card's answer.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn go_on_renewing(&self, caller: &Caller, hreq: &str, answer: &[u8]) -> Result<RenewalStep, Refusal> {
        self.renew_card(caller, hreq, RenewalEvent::Card(answer)).await
    }

    /// The client program has confirmed with the PIN.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn renewal_confirmed(&self, caller: &Caller, hreq: &str) -> Result<RenewalStep, Refusal> {
        self.renew_card(caller, hreq, RenewalEvent::Confirmed).await
    }

    async fn renew_card(&self, caller: &Caller, hreq: &str, event: RenewalEvent<'_>) -> Result<RenewalStep, Refusal> {
        match self.advance(caller, hreq, Event::Renew(event)).await? {
            Outcome::Command(command) => Ok(RenewalStep::Command(command)),
            Outcome::Confirm => Ok(RenewalStep::Confirm),
            Outcome::Renewed(renewed) => Ok(RenewalStep::Over(renewed)),
            _ => Err(NO_SUCH_OUTCOME),
        }
    }

    /// Begins to read what the request asked for and the holder agreed to.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn read_for_ticket(&self, caller: &Caller, hreq: &str) -> Result<CommandToCard, Refusal> {
        command(self.advance(caller, hreq, Event::ReadForTicket).await?)
    }

    /// Gives the ticket over what was read, DER, and forgets what was read.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn issue_ticket(&self, caller: &Caller, hreq: &str) -> Result<Vec<u8>, Refusal> {
        match self.advance(caller, hreq, Event::IssueTicket).await? {
            Outcome::Ticket(ticket) => Ok(ticket),
            _ => Err(NO_SUCH_OUTCOME),
        }
    }

    async fn begin_for(&self, caller: &Caller, beginning: Beginning, errand: Option<Errand>) -> Result<Begun, Refusal> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(Refusal::Stopping);
        }
        let now = self.now();
        let shown = self.credentials.current();
        let today = today(now).ok_or(Refusal::Internal("today is no day of certificates"))?;
        if shown.days_left(today) < 0 {
            return Err(TerminalRefusal::OwnCertificate.into());
        }
        let (machine, template) = Machine::begin(&shown, beginning, errand, now)?;
        let hreq = self.draw(|random| Token::draw(random));
        let first = KeptStep {
            session: hreq.hash(),
            caller: self.record_key.caller_tag(caller)?,
            step: 0,
            expires_at: now.saturating_add(STEP_LIFETIME),
            record: Vec::new(),
        };
        let first = self.sealed(&hreq, first, &Record { begun_at: now, machine })?;
        if !self.counted(self.steps.begin(&first, self.rules.session_limit).await)? {
            return Err(TerminalRefusal::TooManySessions.into());
        }
        self.metrics.terminal_session_begun();
        let certificates = shown.path.iter().flat_map(latchkey_crypto::cv::Certificate::to_octets).collect();
        Ok(Begun { hreq, certificates, template })
    }

    /// Takes the card's answer to the authentication.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn authenticate(&self, caller: &Caller, hreq: &str, answer: &[u8]) -> Result<AnsweredCommand, Refusal> {
        let outcome = self.advance(caller, hreq, Event::Authenticate(answer)).await?;
        let next = answered(outcome)?;
        if matches!(next, AnsweredCommand::Done) {
            self.metrics.terminal_established();
            self.note(&AuditEvent::TerminalEstablished);
        }
        Ok(next)
    }

    /// Begins to read groups of the deployed card, or what a card of the standard has in their place.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn begin_reading(&self, caller: &Caller, hreq: &str, groups: Vec<u8>) -> Result<CommandToCard, Refusal> {
        command(self.advance(caller, hreq, Event::BeginReading(groups)).await?)
    }

    /// Takes the card's answer to the reading.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn read(&self, caller: &Caller, hreq: &str, answer: &[u8]) -> Result<AnsweredCommand, Refusal> {
        answered(self.advance(caller, hreq, Event::Read(answer)).await?)
    }

    /// Gives what was read, and forgets it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn take_data(&self, caller: &Caller, hreq: &str) -> Result<ReadData, Refusal> {
        match self.advance(caller, hreq, Event::TakeData).await? {
            Outcome::Data(data) => Ok(*data),
            _ => Err(NO_SUCH_OUTCOME),
        }
    }

    /// Begins a signature with the card's key for terminals.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn begin_signing(&self, caller: &Caller, hreq: &str) -> Result<CommandToCard, Refusal> {
        command(self.advance(caller, hreq, Event::BeginSigning).await?)
    }

    /// Takes the card's answer to the choice of the application.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn select_key(&self, caller: &Caller, hreq: &str, answer: &[u8]) -> Result<CommandToCard, Refusal> {
        command(self.advance(caller, hreq, Event::SelectKey(answer)).await?)
    }

    /// Takes the card's answer to the choice of the key, and has the card sign.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn sign(
        &self,
        caller: &Caller,
        hreq: &str,
        answer: &[u8],
        to_sign: ToSign,
    ) -> Result<CommandToCard, Refusal> {
        command(self.advance(caller, hreq, Event::Sign(answer, to_sign)).await?)
    }

    /// Takes the card's signature; gives the message, DER.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn take_signature(&self, caller: &Caller, hreq: &str, answer: &[u8]) -> Result<Vec<u8>, Refusal> {
        match self.advance(caller, hreq, Event::TakeSignature(answer)).await? {
            Outcome::Signature(message) => Ok(message),
            _ => Err(NO_SUCH_OUTCOME),
        }
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn end(&self, caller: &Caller, hreq: &str) -> Result<(), Refusal> {
        let hreq = Token::parse(hreq).ok_or(TerminalRefusal::Unknown)?;
        let kept = self.kept(caller, &hreq, self.now()).await?;
        self.counted(self.steps.end(&kept.session).await)?;
        Ok(())
    }

    pub(crate) async fn check(&self) -> Result<(), Refusal> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(Refusal::Stopping);
        }
        Ok(self.counted(self.steps.check().await)?)
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) const fn request_time_limit(&self) -> StdDuration {
        self.rules.request_time_limit
    }

    pub(crate) fn count_refusal(&self, code: &'static str) {
        self.metrics.terminal_refused(code);
        self.note(&AuditEvent::TerminalRefused { code });
    }

    /// Writes an event down for auditors.
    pub(crate) fn note(&self, event: &AuditEvent<'_>) {
        self.audit.tell(&self.metrics, self.now(), event);
    }

    /// Opens the record, computes the next one, and puts it in the former's place. Whatever does not fit ends the
    /// session: a card's protected channel cannot be taken up again, and a caller who mistakes the order is not believed
    /// afterwards.
    async fn advance(&self, caller: &Caller, hreq: &str, event: Event<'_>) -> Result<Outcome, Refusal> {
        let hreq = Token::parse(hreq).ok_or(TerminalRefusal::Unknown)?;
        let now = self.now();
        let kept = self.kept(caller, &hreq, now).await?;
        match self.computed(&hreq, &kept, event, now).await {
            Ok((next, outcome)) => {
                let is_ours = self.counted(self.steps.advance(&next, now).await)?;
                if is_ours { Ok(outcome) } else { Err(TerminalRefusal::StepTaken.into()) }
            }
            Err(refusal) => {
                self.counted(self.steps.end(&kept.session).await)?;
                Err(refusal)
            }
        }
    }

    async fn kept(&self, caller: &Caller, hreq: &Token, now: OffsetDateTime) -> Result<KeptStep, Refusal> {
        self.check_caller(caller)?;
        let kept = self.counted(self.steps.step(&hreq.hash(), now).await)?.ok_or(TerminalRefusal::Unknown)?;
        if self.record_key.is_tag_of(&kept.caller, caller) {
            Ok(kept)
        } else {
            Err(TerminalRefusal::OtherCaller.into())
        }
    }

    async fn computed(
        &self,
        hreq: &Token,
        kept: &KeptStep,
        event: Event<'_>,
        now: OffsetDateTime,
    ) -> Result<(KeptStep, Outcome), Refusal> {
        let damaged = || StorageError::Damaged("record");
        let record = {
            let opened = self.record_key.open(hreq, kept).map_err(|_| damaged())?;
            Record::from_secret_octets(&opened).ok_or_else(damaged)?
        };
        let Record { begun_at, mut machine } = record;
        let shown_to_card = match machine.needed_key() {
            Some(key) => self.shown_with(key, now).await,
            None => None,
        };
        let mut event = event;
        let outcome = loop {
            let (next, outcome) = self.step(machine, event, shown_to_card.as_deref(), now)?;
            machine = next;
            match outcome {
                // What the authority is asked can be asked again: if the step was taken meanwhile, nothing is lost.
                Outcome::Ask(question) => event = Event::Renew(RenewalEvent::Authority(self.ask(question).await?)),
                outcome => break outcome,
            }
        };
        let next = KeptStep {
            session: kept.session,
            caller: kept.caller,
            step: kept.step.saturating_add(1),
            expires_at: now.saturating_add(STEP_LIFETIME).min(begun_at.saturating_add(SESSION_LIFETIME)),
            record: Vec::new(),
        };
        Ok((self.sealed(hreq, next, &Record { begun_at, machine })?, outcome))
    }

    /// What cards are shown with this key. Another process may have taken into use already what waits in the files.
    async fn shown_with(&self, key: &[u8; PUBLIC_KEY_SIZE], now: OffsetDateTime) -> Option<Arc<Shown>> {
        if let Some(shown) = self.credentials.of_key(key, now) {
            return Some(shown);
        }
        let credentials = Arc::clone(&self.credentials);
        tokio::task::spawn_blocking(move || renew_credentials(&credentials, now)).await.ok()?;
        self.credentials.of_key(key, now)
    }

    fn step(
        &self,
        machine: Machine,
        event: Event<'_>,
        shown_to_card: Option<&Shown>,
        now: OffsetDateTime,
    ) -> Result<(Machine, Outcome), Refusal> {
        let today = today(now).ok_or(Refusal::Internal("today is no day of certificates"))?;
        let shown = self.credentials.current();
        let judging = machine::Judging {
            shown: &shown,
            shown_to_card,
            register: &self.register,
            unknown_documents: self.rules.unknown_documents,
            trust: &self.rules.trust,
            revocation: &self.revocation.current(),
            tickets: self.tickets.as_ref(),
            now,
            today,
        };
        machine.advance(event, &judging, &mut &self.random)
    }

    async fn ask(&self, question: Question) -> Result<Word, TerminalRefusal> {
        let authority = self.authority.as_ref().ok_or(TerminalRefusal::Renewal("no authority is configured"))?;
        Ok(match question {
            Question::Ready => authority.ready().await.map(|()| Word::Ready)?,
            Question::Submit(request) => authority.submit(request).await.map(|()| Word::Submitted)?,
            Question::Collect(ticket) => authority.collect(&ticket).await.map(Word::Collected)?,
        })
    }

    fn sealed(&self, hreq: &Token, step: KeptStep, record: &Record) -> Result<KeptStep, Refusal> {
        let contents: Zeroizing<Vec<u8>> = record.to_secret_octets();
        let sealed = self.draw(|random| self.record_key.seal(hreq, &step, &contents, random));
        let record = sealed.ok_or(Refusal::Internal("a record could not be sealed"))?;
        Ok(KeptStep { record, ..step })
    }

    fn check_caller(&self, caller: &Caller) -> Result<(), TerminalRefusal> {
        if self.rules.sources.allow(caller) { Ok(()) } else { Err(TerminalRefusal::Caller) }
    }

    fn look_at_the_certificates_end(&self) {
        let Some(today) = today(self.now()) else { return };
        let shown = self.credentials.current();
        let over = time::Date::from(shown.until).next_day().unwrap_or(time::Date::MAX).midnight().assume_utc();
        self.metrics.terminal_certificate_until(over);
        let mut warned_on = self.warned_on.lock().unwrap_or_else(PoisonError::into_inner);
        if !shown.is_near_its_end(today) || *warned_on == Some(today) {
            return;
        }
        *warned_on = Some(today);
        let (until, days_left) = (shown.until, shown.days_left(today));
        if days_left < 0 {
            tracing::error!(%until, "the terminal's certificate is not in force any more: no session begins");
        } else {
            tracing::warn!(%until, days_left, "the terminal's certificate is near its end; renew it");
        }
    }
}

impl Outside for Terminal {
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

const NO_SUCH_OUTCOME: Refusal = Refusal::Internal("a step had another outcome than it can have");

fn command(outcome: Outcome) -> Result<CommandToCard, Refusal> {
    match outcome {
        Outcome::Command(command) => Ok(command),
        _ => Err(NO_SUCH_OUTCOME),
    }
}

fn answered(outcome: Outcome) -> Result<AnsweredCommand, Refusal> {
    match outcome {
        Outcome::Command(command) => Ok(AnsweredCommand::Next(command)),
        Outcome::Done => Ok(AnsweredCommand::Done),
        _ => Err(NO_SUCH_OUTCOME),
    }
}

/// Takes changed certificates and keys into use. Reads files.
fn renew_credentials(credentials: &Credentials, now: OffsetDateTime) {
    match today(now).map(|today| credentials.renew(today, now)) {
        Some(Ok(Renewal::Taken)) => tracing::info!("the terminal's changed certificate is in use"),
        Some(Err(error)) => {
            tracing::error!(%error, "the terminal's changed files are not usable; the former ones stay in use");
        }
        Some(Ok(Renewal::Unchanged)) | None => {}
    }
}

/// The day of certificates; UTC, like every time here.
fn today(now: OffsetDateTime) -> Option<Date> {
    Date::try_from(now.date()).ok()
}
