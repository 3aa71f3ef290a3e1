//! What each command does.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use latchkey_agent::terminal::{DescriptorPrompt, TerminalPrompt};
use latchkey_agent::{
    AfterUnblocking, Agent, Answer, CardAgent, CardContents, CardRequest, CardStatus, CardTask, DeactivateWith,
    Failure, ReaderChoice, ReaderName, RecordingSink, Report, Request, SecretPrompt, Step,
};
use latchkey_crypto::assertion::{Assertion, Origin};
use time::OffsetDateTime;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::arguments::{Common, Consent, Task, command};
use super::console::{Console, Wording};
use super::failure::{CommandFailure, UsageFailure};
use super::output;
use super::record::RecordingFile;
use super::turn::{Handled, in_turn};
use crate::desk::RequestFailure;
use crate::portal::{Access, CA_FILE_MAX_SIZE, ExtraTrust, PortalFailure};
use crate::settings::SettingsStore;
use crate::sign_in::HostQuestion;
use crate::sign_in::browser::{Opener, SystemBrowser};
use crate::sign_in::link::Link;
use crate::sign_in::status::Stapler;
use crate::texts::quotable;

/// What commands work with.
pub(super) struct Work {
    pub(super) console: Console,
    pub(super) runtime: Runtime,
    pub(super) now: OffsetDateTime,
    pub(super) clock: fn() -> OffsetDateTime,
    pub(super) settings: Arc<SettingsStore>,
}

/// An agent and the card that the person means.
pub(super) struct AtCard {
    agent: Agent,
    reader: ReaderChoice,
    /// How long to wait for it.
    patience: Duration,
    /// Lets the person be asked; none if nobody types the secrets.
    handled: Option<Handled>,
    /// Where what is said to it is recorded.
    recording: Option<RecordingFile>,
}

impl Work {
    pub(super) fn carry_out(&self, task: Task) -> Result<(), CommandFailure> {
        match task {
            Task::Readers { watch: false, json } => self.readers(json),
            Task::Readers { watch: true, json } => self.watch(json),
            Task::Card { common, pin } => self.card(&common, pin),
            Task::Probe(task) => self.probe(&task),
            Task::Renew(task) => self.renew(&task),
            Task::SignIn { common, address, ca_file, consent } => {
                let origin = HostQuestion::about(&address)?.origin().clone();
                let result = self.sign_in(&common, &address, ca_file.as_deref(), consent);
                self.remember(origin, &result);
                result
            }
            Task::Open { common, link, ca_file, consent } => {
                let origin = Link::parse(&link)?.origin().clone();
                let result = self.open(&common, &link, ca_file.as_deref(), consent);
                self.remember(origin, &result);
                result
            }
            Task::Sign(task) => self.sign(&task),
            Task::Verify(task) => self.verify(&task),
            Task::PinStatus(common) => self.card(&common, false),
            Task::PinChange(common) => self.manage_pin(&common, CardTask::ChangePin, "pin-changed"),
            Task::PinUnblock { common, new_pin } => {
                let after = if new_pin { AfterUnblocking::NewPin } else { AfterUnblocking::KeepPin };
                self.manage_pin(&common, CardTask::UnblockPin(after), "pin-unblocked")
            }
            Task::PinActivate(common) => self.manage_pin(&common, CardTask::ActivatePin, "pin-activated"),
            Task::PinDeactivate { common, puk } => {
                let with = if puk { DeactivateWith::Puk } else { DeactivateWith::Pin };
                self.manage_pin(&common, CardTask::DeactivatePin(with), "pin-put-out-of-use")
            }
            Task::Doctor(task) => self.diagnose(&task),
            Task::Settings { task, json } => self.change_settings(&task, json),
            Task::Guest { address, json } => self.open_for_guest(address.as_deref(), json),
            Task::Serve { record, json } => self.serve(record.as_deref(), json),
            Task::OpenApi => output::write(&description()),
            Task::History { delete, json } => self.show_history(delete, json),
            Task::Update { json } => self.ask_for_update(json),
            Task::Man(manual) => output::write(manual.page(&self.console.texts).trim_end()),
            Task::Completions(shell) => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut command(&self.console.texts), "latchkey", &mut script);
                output::write(&String::from_utf8_lossy(&script))
            }
        }
    }

    fn readers(&self, json: bool) -> Result<(), CommandFailure> {
        let agent = Agent::start_on_pcsc(Box::new(self.terminal_prompt()), self.clock)?;
        match agent.send(Request::ListReaders).finish(|_| ())? {
            Answer::Readers(readers) => output::readers(&self.console.texts, &readers).write(json),
            _ => Err(Failure::AgentFault.into()),
        }
    }

    fn watch(&self, json: bool) -> Result<(), CommandFailure> {
        let agent = Agent::start_on_pcsc(Box::new(self.terminal_prompt()), self.clock)?;
        let exchange = agent.send(Request::WatchReaders);
        let cancellation = exchange.cancellation();
        self.console.interruption.on_cancel(move || cancellation.cancel());
        loop {
            match exchange.next() {
                Report::Readers(event) => {
                    if let Some(happened) = output::reader_event(&self.console.texts, &event) {
                        happened.write(json)?;
                    }
                }
                // To be interrupted is how this command ends.
                Report::Finished(Ok(_) | Err(Failure::Cancelled)) => return Ok(()),
                Report::Finished(Err(failure)) => return Err(failure.into()),
                _ => {}
            }
        }
    }

    fn card(&self, common: &Common, pin: bool) -> Result<(), CommandFailure> {
        let card = self.at_card(common)?;
        let status = self.status(&card)?;
        // One that is inserted from now on is another card.
        let card = AtCard { patience: Duration::ZERO, ..card };
        let contents = if pin { Some(self.contents(&card)?) } else { None };
        // With the PIN entered right, all tries are back: what is shown is what the card says now.
        let status = if pin { self.status(&card)? } else { status };
        output::card(&self.console.texts, &status, contents.as_ref(), self.now).write(common.json)
    }

    fn status(&self, card: &AtCard) -> Result<CardStatus, CommandFailure> {
        match self.ask(card, Request::OfCard(card.request(CardTask::Status)), false)? {
            Answer::CardStatus(status) => Ok(status),
            _ => Err(Failure::AgentFault.into()),
        }
    }

    pub(super) fn contents(&self, card: &AtCard) -> Result<CardContents, CommandFailure> {
        match self.ask(card, Request::OfCard(card.request(CardTask::ReadCertificates)), true)? {
            Answer::Card(contents) => Ok(contents),
            _ => Err(Failure::AgentFault.into()),
        }
    }

    fn manage_pin(&self, common: &Common, task: CardTask, done: &str) -> Result<(), CommandFailure> {
        let card = self.at_card(common)?;
        match self.ask(&card, Request::OfCard(card.request(task)), true)? {
            Answer::PinManaged(status) => {
                output::pin(&self.console.texts, &self.console.texts.say(done), status).write(common.json)
            }
            _ => Err(Failure::AgentFault.into()),
        }
    }

    fn sign_in(
        &self,
        common: &Common,
        address: &str,
        ca_file: Option<&std::path::Path>,
        consent: Consent,
    ) -> Result<(), CommandFailure> {
        let texts = &self.console.texts;
        let question = HostQuestion::about(address)?;
        let origin = question.origin().clone();
        let access = self.access(&origin, ca_file)?;
        self.console.agree(&texts.fill("ask-host", &[("origin", origin.as_str().into())]), consent.host)?;
        let question = self.online(question.agreed().fetch(access, texts.language()), Failure::Cancelled.into())?;
        self.console.step(&texts.say("step-fetched"));

        let fillings = [("origin", origin.as_str().into()), ("name", quotable(question.portal_name()).into())];
        self.console.agree(&texts.fill("ask-hand-over", &fillings), consent.hand_over)?;
        let agreed = question.agreed();

        let card = self.at_card(common)?;
        let assertion = self.signed(&card, agreed.request(card.reader.clone(), card.patience))?;
        self.console.step(&texts.say("step-sending"));
        let verdict = self.online(agreed.present(&assertion), CommandFailure::HandOverInterrupted)?;
        output::accepted(texts, &origin, &verdict).write(common.json)
    }

    fn open(
        &self,
        common: &Common,
        link: &str,
        ca_file: Option<&std::path::Path>,
        consent: Consent,
    ) -> Result<(), CommandFailure> {
        let texts = &self.console.texts;
        let link = Link::parse(link)?;
        let origin = link.origin().clone();
        let access = self.access(&origin, ca_file)?;
        self.console.agree(&texts.fill("ask-host", &[("origin", origin.as_str().into())]), consent.host)?;
        let question = self.online(link.agreed().fetch(access, texts.language()), Failure::Cancelled.into())?;
        self.console.step(&texts.say("step-fetched"));

        let fillings = [("origin", origin.as_str().into()), ("name", quotable(question.portal_name()).into())];
        let code = texts.fill("ask-own-link", &[("code", question.short_code().into())]);
        let asked = format!("{code}\n{}", texts.fill("ask-hand-over", &fillings));
        self.console.agree(&asked, consent.hand_over)?;
        let agreed = question.agreed();

        let card = self.at_card(common)?;
        let assertion = self.signed(&card, agreed.request(card.reader.clone(), card.patience))?;
        self.console.step(&texts.say("step-sending"));
        let address = self.online(agreed.present(&assertion), CommandFailure::HandOverInterrupted)?;
        SystemBrowser.open(&address)?;
        output::opened(texts, &origin).write(common.json)
    }

    /// The assertion that the card signs for a sign-in, with what the status service says of its certificate, if an
    /// administrator wants that asked.
    fn signed(&self, card: &AtCard, request: Request) -> Result<Assertion, CommandFailure> {
        let Answer::SignedIn(assertion) = self.ask(card, request, true)? else {
            return Err(Failure::AgentFault.into());
        };
        match Stapler::of(&self.settings, self.clock) {
            // The portal has got nothing yet.
            Some(stapler) => self.online(async { Ok(stapler.staple(assertion).await) }, Failure::Cancelled.into()),
            None => Ok(assertion),
        }
    }

    /// How the portal of that origin is reached, if the administrator lets anybody go there.
    pub(super) fn access(&self, origin: &Origin, ca_file: Option<&std::path::Path>) -> Result<Access, CommandFailure> {
        if self.settings.managed().is_forbidden(origin) {
            return Err(RequestFailure::SiteForbidden.into());
        }
        let mut access = Access::of(&self.settings);
        access.trust.add(ca_file.map(read_trust).transpose()?.unwrap_or_default());
        Ok(access)
    }

    /// Asks the agent. After a wrong PIN a person is asked again as long as two tries are left: the last one is not
    /// drifted into.
    pub(super) fn ask(&self, card: &AtCard, request: Request, with_progress: bool) -> Result<Answer, CommandFailure> {
        loop {
            let exchange = card.agent.send(request.clone());
            let cancellation = exchange.cancellation();
            self.console.interruption.on_cancel(move || cancellation.cancel());
            let result = exchange.finish(|report| {
                let is_instruction = matches!(report, Report::Progress(Step::WaitingForReader | Step::WaitingForCard));
                if with_progress || is_instruction {
                    self.console.report(report);
                }
                card.handled(report);
            });
            match result {
                Err(failure @ Failure::PinWrong { tries_left: 2.. }) if card.asks_a_person() => {
                    self.console.line(&CommandFailure::from(failure).tell(&self.console.texts));
                }
                result => {
                    let kept = card.keep_recording();
                    let answer = result?;
                    kept?;
                    return Ok(answer);
                }
            }
        }
    }

    /// Waits for the network, or until the person interrupts, which is told as `interrupted`: by then something may have
    /// been sent. Whoever interrupted before has nothing sent.
    pub(super) fn online<T>(
        &self,
        work: impl Future<Output = Result<T, PortalFailure>>,
        interrupted: CommandFailure,
    ) -> Result<T, CommandFailure> {
        if self.console.interruption.is_cancelled() {
            return Err(Failure::Cancelled.into());
        }
        let (interrupt, interruption) = oneshot::channel();
        self.console.interruption.on_cancel(move || {
            // The work may be done already.
            interrupt.send(()).ok();
        });
        self.runtime.block_on(async {
            tokio::select! {
                done = work => Ok(done?),
                Ok(()) = interruption => Err(interrupted),
            }
        })
    }

    pub(super) fn at_card(&self, common: &Common) -> Result<AtCard, CommandFailure> {
        self.at_recorded_card(common, RecordingFile::wanted(common)?)
    }

    /// The same with a recording that was begun before, if there is one.
    pub(super) fn at_recorded_card(
        &self,
        common: &Common,
        recording: Option<RecordingFile>,
    ) -> Result<AtCard, CommandFailure> {
        let reader = match &common.reader {
            None => ReaderChoice::TheOnlyCard,
            Some(text) => ReaderChoice::Reader(
                ReaderName::parse(text)
                    .map_err(|_| UsageFailure::Value { argument: "--reader".to_owned(), value: text.clone() })?,
            ),
        };
        let (prompt, handled): (Box<dyn SecretPrompt>, _) = match common.pin_fd {
            None => {
                let (prompt, handled) = in_turn(self.terminal_prompt());
                (Box::new(prompt), Some(handled))
            }
            Some(descriptor) => {
                let inherited = DescriptorPrompt::inherited(descriptor, common.allow_last_try);
                let prompt = inherited.map_err(|error| {
                    tracing::debug!(%error, descriptor, "the descriptor cannot be read");
                    if error.kind() == std::io::ErrorKind::InvalidInput {
                        let value = descriptor.to_string();
                        CommandFailure::from(UsageFailure::Value { argument: "--pin-fd".to_owned(), value })
                    } else {
                        Failure::NoPrompt.into()
                    }
                })?;
                (Box::new(prompt), None)
            }
        };
        let agent = self.agent(prompt, recording.as_ref())?;
        Ok(AtCard { agent, reader, patience: self.patience(common), handled, recording })
    }

    /// An agent that records what it says to cards, if that is wanted.
    pub(super) fn agent(
        &self,
        prompt: Box<dyn SecretPrompt>,
        recording: Option<&RecordingFile>,
    ) -> Result<Agent, CommandFailure> {
        let sink = recording.map(|file| Box::new(file.clone()) as Box<dyn RecordingSink>);
        Ok(Agent::start_on_pcsc_recording(prompt, self.clock, sink)?)
    }

    /// Without a wish, only a person who reads along is waited for.
    fn patience(&self, common: &Common) -> Duration {
        let is_person = self.console.is_read && common.pin_fd.is_none() && !common.json;
        common
            .wait
            .map_or(if is_person { PATIENCE } else { Duration::ZERO }, |seconds| Duration::from_secs(seconds.into()))
    }

    pub(super) fn terminal_prompt(&self) -> TerminalPrompt {
        TerminalPrompt::new(Box::new(Wording(Arc::clone(&self.console.texts))))
    }
}

/// How long a person has to find the card and the reader.
const PATIENCE: Duration = Duration::from_secs(60);

impl AtCard {
    pub(super) fn request(&self, task: CardTask) -> CardRequest {
        CardRequest { reader: self.reader.clone(), patience: self.patience, task }
    }

    pub(super) const fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Whether a person types the secrets.
    pub(super) const fn asks_a_person(&self) -> bool {
        self.handled.is_some()
    }

    /// A report was handled: a question that it announced may be asked. To be called when everything before was printed.
    pub(super) fn handled(&self, report: &Report) {
        if let Some(handled) = &self.handled {
            handled.report(report);
        }
    }

    /// Ends the recording, if there is one.
    pub(super) fn keep_recording(&self) -> Result<(), CommandFailure> {
        Ok(self.recording.as_ref().map_or(Ok(()), RecordingFile::finish)?)
    }
}

impl Task {
    /// Whether the result is wanted as JSON.
    pub(super) fn is_json(&self) -> bool {
        match self {
            Self::Readers { json, .. }
            | Self::Settings { json, .. }
            | Self::Serve { json, .. }
            | Self::Guest { json, .. }
            | Self::History { json, .. }
            | Self::Update { json } => *json,
            Self::Card { common, .. }
            | Self::SignIn { common, .. }
            | Self::Open { common, .. }
            | Self::PinUnblock { common, .. }
            | Self::PinDeactivate { common, .. }
            | Self::PinStatus(common)
            | Self::PinChange(common)
            | Self::PinActivate(common) => common.json,
            Self::Renew(task) => task.common.json,
            Self::Probe(task) => task.common.json,
            Self::Doctor(task) => task.common.json,
            Self::Sign(task) => task.common.json,
            Self::Verify(task) => task.json,
            Self::Man(_) | Self::OpenApi | Self::Completions(_) => false,
        }
    }
}

fn read_trust(file: &std::path::Path) -> Result<ExtraTrust, PortalFailure> {
    let unreadable = |error: std::io::Error| PortalFailure::CaFileUnreadable { reason: error.to_string() };
    let mut octets = Vec::new();
    let open = std::fs::File::open(file).map_err(unreadable)?;
    open.take(CA_FILE_MAX_SIZE.saturating_add(1)).read_to_end(&mut octets).map_err(unreadable)?;
    if u64::try_from(octets.len()).is_ok_and(|length| length <= CA_FILE_MAX_SIZE) {
        ExtraTrust::from_pem(&octets)
    } else {
        Err(unreadable(std::io::ErrorKind::FileTooLarge.into()))
    }
}

/// The description of the local service.
fn description() -> String {
    crate::service::description().to_pretty_json().unwrap_or_default()
}
