//! `latchkey serve`: the local service for pages without a window. Whoever sits at the terminal is asked there.

use std::path::Path;
use std::sync::Arc;

use latchkey_agent::terminal::{Terminal, TerminalError};
use latchkey_agent::{Cancellation, Failure, ReaderName};
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::cv::rights::Rights;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::console::{Console, is_no, is_yes, lines_of};
use super::failure::CommandFailure;
use super::output;
use super::record::RecordingFile;
use super::tasks::Work;
use crate::desk::{Desk, DeskView, Phase, RequestNumber, RequestView, TerminalWork};
use crate::disclosure::DisclosureWords;
use crate::service::{CallersOfSystem, DEFAULT_PORT, Listeners, NoGuest, Service, Surroundings};
use crate::sign_in::status::Stapler;
use crate::texts::{Texts, printable, quotable};
use crate::wording::Told as _;

impl Work {
    /// Serves pages until the person interrupts.
    pub(super) fn serve(&self, record: Option<&Path>, as_json: bool) -> Result<(), CommandFailure> {
        let recording = record.map(RecordingFile::create).transpose()?;
        self.serve_for(None, recording.as_ref(), as_json)?;
        Ok(recording.as_ref().map_or(Ok(()), RecordingFile::finish)?)
    }

    /// Serves pages until the person interrupts, or until the guest for whom that portal is opened has gone.
    pub(super) fn serve_for(
        &self,
        portal: Option<&Origin>,
        recording: Option<&RecordingFile>,
        as_json: bool,
    ) -> Result<(), CommandFailure> {
        // Without a terminal nobody could be asked.
        Terminal::open().map_err(|_| Failure::NoPrompt)?;
        let managed = self.settings.managed();
        let listeners = Listeners::bind(managed.port().unwrap_or(DEFAULT_PORT))?;
        let agent = Arc::new(self.agent(Box::new(self.terminal_prompt()), recording)?);
        let guest = portal.map(|_| self.guest(agent.clone())).transpose()?.map(Arc::new);
        let ended = self.runtime.block_on(async {
            let stapler = Stapler::of(&self.settings, self.clock);
            let desk = Desk::open(agent.clone(), self.settings.clone(), stapler);
            let surroundings = Surroundings {
                desk: desk.clone(),
                agent,
                sites: self.settings.clone(),
                callers: Arc::new(CallersOfSystem),
                guest: match guest.clone() {
                    Some(guest) => guest,
                    None => Arc::new(NoGuest),
                },
                terminals: Arc::clone(managed.terminals()),
                clock: self.clock,
            };
            let service = Service::start(listeners, surroundings)?;
            let address = format!("http://127.0.0.1:{}", service.port());
            let texts = &self.console.texts;
            if as_json {
                output::write(&json!({ "event": "listening", "port": service.port() }).to_string())?;
            }
            self.console.line(&texts.fill("serve-listening", &[("address", address.into())]));
            let (tell, answers) = mpsc::unbounded_channel();
            let attendant =
                Attendant { console: &self.console, desk: desk.clone(), as_json, tell, open: None, before: Vec::new() };
            let attended = attendant.attend(answers);
            let ended = match (&guest, portal) {
                (Some(guest), Some(portal)) => self.with_guest(guest, portal, attended).await,
                _ => attended.await,
            };
            desk.stop();
            ended
        });
        if self.console.interruption.is_cancelled() {
            // To be interrupted is how this command ends.
            self.console.line(&self.console.texts.say("serve-ended"));
        }
        ended
    }
}

/// Asks at the terminal what the desk waits for.
struct Attendant<'work> {
    console: &'work Console,
    desk: Desk,
    as_json: bool,
    tell: mpsc::UnboundedSender<Answered>,
    /// The question that is open.
    open: Option<Open>,
    /// The requests as they were seen last.
    before: Vec<RequestView>,
}

/// A question at the terminal, open or answered: what the desk does with the answer may be seen later. Dropped, it is
/// taken back.
struct Open {
    number: RequestNumber,
    step: u32,
    answered: bool,
    taken_back: Cancellation,
}

/// What the person answered to the question for that request.
struct Answered {
    number: RequestNumber,
    step: u32,
    phase: Phase,
    answer: Result<String, TerminalError>,
}

impl Attendant<'_> {
    async fn attend(mut self, mut answers: mpsc::UnboundedReceiver<Answered>) -> Result<(), CommandFailure> {
        let mut changes = self.desk.changes();
        let (interrupt, mut interruption) = oneshot::channel();
        self.console.interruption.on_cancel(move || {
            // The command may have ended already.
            interrupt.send(()).ok();
        });
        loop {
            let view = Arc::clone(&changes.borrow_and_update());
            self.look(&view)?;
            tokio::select! {
                changed = changes.changed() => if changed.is_err() {
                    return Ok(());
                },
                Some(answered) = answers.recv() => self.answered(answered)?,
                _ = &mut interruption => return Ok(()),
            }
        }
    }

    /// Tells what is new, and asks what has to be asked.
    fn look(&mut self, view: &DeskView) -> Result<(), CommandFailure> {
        for request in &view.requests {
            let before = self.before.iter().find(|before| before.id == request.id);
            if before.is_none_or(|before| before.phase != request.phase) {
                self.tell_event(&event(request))?;
                self.tell_phase(request);
            }
            if let Some(seconds) =
                request.seconds_left.filter(|_| before.is_none_or(|before| before.seconds_left.is_none()))
            {
                let text = self.console.texts.fill("serve-seconds-left", &[("seconds", seconds.into())]);
                self.console.line(&text);
            }
        }
        for gone in self.before.iter().filter(|before| view.requests.iter().all(|request| request.id != before.id)) {
            self.tell_event(&json!({ "event": "gone", "id": gone.id.0 }))?;
            if !gone.is_over {
                let text = self.console.texts.fill("serve-gone", &[("origin", gone.origin.as_str().into())]);
                self.console.line(&text);
            }
        }
        self.before.clone_from(&view.requests);
        self.ask(view.requests.first());
        Ok(())
    }

    /// Opens the question of the request at work, if it was not opened before, and takes back any other.
    fn ask(&mut self, first: Option<&RequestView>) {
        let is_open = |request: &RequestView| {
            self.open.as_ref().is_some_and(|open| open.number == request.id && open.step == request.step)
        };
        if first.is_some_and(is_open) {
            return;
        }
        self.open = None;
        let Some(request) = first.filter(|request| !request.is_over) else { return };
        let texts = &self.console.texts;
        let question = match &request.phase {
            Phase::AskHandOver if request.disclosure.is_some() => disclosure(texts, request),
            Phase::AskHandOver => format!("{}\n{}", hand_over(texts, request), texts.say("ask-yes-no")),
            Phase::ChooseReader { readers } => which_reader(texts, readers),
            // A slip is forgiven while two tries are left, as with every command.
            Phase::Failed { failure } if failure.tries_left().is_some_and(|tries| tries > 1) => {
                return self.desk.retry(request.id);
            }
            Phase::Failed { .. } => format!("{}\n{}", texts.say("serve-again"), texts.say("ask-yes-no")),
            _ => return,
        };
        let (number, step, phase) = (request.id, request.step, request.phase.clone());
        let taken_back = Cancellation::default();
        let also = taken_back.clone();
        self.console.interruption.on_cancel(move || also.cancel());
        self.open = Some(Open { number, step, answered: false, taken_back: taken_back.clone() });
        let tell = self.tell.clone();
        tokio::task::spawn_blocking(move || {
            let answer = Terminal::open().and_then(|mut terminal| terminal.ask_line(&question, &taken_back));
            // Whoever was interrupted does not listen.
            tell.send(Answered { number, step, phase, answer }).ok();
        });
    }

    fn answered(&mut self, answered: Answered) -> Result<(), CommandFailure> {
        let Answered { number, step, phase, answer } = answered;
        let answer = match answer {
            Ok(answer) => answer,
            // It was taken back: its request is gone or has got on.
            Err(TerminalError::Cancelled) if self.open.as_ref().is_none_or(|open| open.taken_back.is_cancelled()) => {
                return Ok(());
            }
            Err(TerminalError::Cancelled) => String::new(),
            Err(TerminalError::Gone(_)) => return Err(Failure::NoPrompt.into()),
        };
        let is_asked = |open: &&mut Open| open.number == number && open.step == step && !open.answered;
        let Some(open) = self.open.as_mut().filter(is_asked) else { return Ok(()) };
        open.answered = true;
        let yes = is_yes(&self.console.texts, &answer);
        match phase {
            Phase::AskHandOver if yes => self.desk.agree(number),
            Phase::AskHandOver if self.leaves_out(number, &answer) => self.desk.agree(number),
            // Only a no in words keeps the site away for a day: an empty answer is a "not now".
            Phase::AskHandOver if is_no(&self.console.texts, &answer) => self.desk.refuse(number),
            Phase::Failed { .. } if yes => self.desk.retry(number),
            Phase::ChooseReader { readers } => match chosen(&readers, &answer) {
                Some(reader) => self.desk.choose_reader(number, reader),
                None => self.desk.end(number),
            },
            _ => self.desk.end(number),
        }
        Ok(())
    }

    /// Takes back what the person leaves out, if the answer is a list of its numbers.
    fn leaves_out(&self, number: RequestNumber, answer: &str) -> bool {
        let request = self.before.iter().find(|request| request.id == number);
        let Some(disclosure) = request.and_then(|request| request.disclosure.as_ref()) else { return false };
        let choices = disclosure.choices();
        let read = |part: &str| part.parse().ok().filter(|number| (1..=choices.len()).contains(number));
        let left_out: Option<Vec<usize>> = answer.split([' ', ',']).filter(|part| !part.is_empty()).map(read).collect();
        let Some(left_out) = left_out.filter(|left_out| !left_out.is_empty()) else { return false };
        let kept = (1..).zip(choices).filter(|(number, _)| !left_out.contains(number));
        self.desk.narrow(number, kept.fold(Rights::NONE, |kept, (_, (right, _))| kept | right));
        true
    }

    fn tell_event(&self, event: &Value) -> Result<(), CommandFailure> {
        if self.as_json { output::write(&event.to_string()) } else { Ok(()) }
    }

    fn tell_phase(&self, request: &RequestView) {
        let texts = &self.console.texts;
        let of_origin = |key| texts.fill(key, &[("origin", request.origin.as_str().into())]);
        match &request.phase {
            Phase::WaitingInLine => self.console.step(&of_origin("serve-waiting")),
            Phase::ConnectReader => self.console.line(&texts.say("wait-reader")),
            Phase::InsertCard => self.console.line(&texts.say("wait-card")),
            Phase::Signing => self.console.step(&texts.say("step-signing")),
            Phase::TerminalAtWork { work } => {
                let terminal = request.disclosure.as_ref().and_then(|disclosure| disclosure.terminal.as_ref());
                if let Some(terminal) = terminal.filter(|_| *work == TerminalWork::Reading) {
                    let number = terminal.number.as_str().into();
                    self.console.step(&texts.fill("serve-terminal-number", &[("number", number)]));
                }
                self.console.step(&of_origin(match work {
                    TerminalWork::Awaited => "serve-terminal-awaited",
                    TerminalWork::Reading => "serve-terminal-reading",
                    TerminalWork::Signing => "serve-terminal-signing",
                }));
            }
            Phase::Done if request.disclosure.is_some() => self.console.line(&of_origin("serve-done-terminal")),
            Phase::Done if !request.documents.is_empty() => self.console.line(&of_origin("serve-done-documents")),
            Phase::Done => self.console.line(&of_origin("serve-done")),
            Phase::Failed { failure } => {
                self.console.line(&CommandFailure::from(failure.clone()).tell(texts));
            }
            _ => {}
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.taken_back.cancel();
    }
}

fn hand_over(texts: &Texts, request: &RequestView) -> String {
    let name = request.says_it_is.as_deref().map(quotable);
    let origin = ("origin", request.origin.as_str().into());
    if let Ok(count @ 1..) = u32::try_from(request.documents.len()) {
        let mut text = texts.fill("ask-hand-over-documents", &[origin, ("count", count.into())]);
        for document in &request.documents {
            text.push_str(&format!("\n  – {}, {}", quotable(&document.name), texts.size(document.size)));
        }
        if let Some(name) = name {
            text.push('\n');
            text.push_str(&texts.fill("ask-says-it-is", &[("name", name.into())]));
        }
        return text;
    }
    match name {
        Some(name) => texts.fill("ask-hand-over", &[origin, ("name", name.into())]),
        None => texts.fill("ask-hand-over-unnamed", &[origin]),
    }
}

fn disclosure(texts: &Texts, request: &RequestView) -> String {
    let Some(disclosure) = &request.disclosure else { return String::new() };
    let words = DisclosureWords::of_request(disclosure, texts);
    let asked = texts.fill("ask-data", &[("origin", request.origin.as_str().into())]);
    let agree = if words.optional.is_empty() { "ask-data-agree" } else { "ask-data-agree-without" };
    format!("{asked}{}\n{}", lines_of(&words, texts), texts.say(agree))
}

fn which_reader(texts: &Texts, readers: &[String]) -> String {
    let lines = (1_u32..).zip(readers).map(|(number, reader)| format!("{number}  {}", printable(reader)));
    format!(
        "{}\n{}\n{}",
        texts.say("serve-which-reader"),
        lines.collect::<Vec<_>>().join("\n"),
        texts.say("serve-number")
    )
}

fn chosen(readers: &[String], answer: &str) -> Option<ReaderName> {
    let number: usize = answer.parse().ok()?;
    readers.get(number.checked_sub(1)?).and_then(|name| ReaderName::parse(name).ok())
}

fn event(request: &RequestView) -> Value {
    let (phase, code) = phase_name(&request.phase);
    let mut event = json!({ "event": "request", "id": request.id.0, "origin": request.origin, "phase": phase });
    if let (Some(code), Some(event)) = (code, event.as_object_mut()) {
        event.insert("code".into(), code.into());
    }
    event
}

/// The stable name of a phase, and the code of what failed.
const fn phase_name(phase: &Phase) -> (&'static str, Option<&'static str>) {
    let name = match phase {
        Phase::AskHost => "ask-host",
        Phase::Fetching => "fetching",
        Phase::WaitingInLine => "waiting-in-line",
        Phase::AskHandOver => "ask-hand-over",
        Phase::ConnectReader => "connect-reader",
        Phase::InsertCard => "insert-card",
        Phase::ChooseReader { .. } => "choose-reader",
        Phase::ReadingCard => "reading-card",
        Phase::AgentAsks { .. } => "agent-asks",
        Phase::Signing => "signing",
        Phase::Sending => "sending",
        Phase::TerminalAtWork { work } => work_name(*work),
        Phase::Done => "done",
        Phase::Failed { failure } => return ("failed", Some(failure.code())),
    };
    (name, None)
}

const fn work_name(work: TerminalWork) -> &'static str {
    match work {
        TerminalWork::Awaited => "terminal-awaited",
        TerminalWork::Reading => "terminal-reading",
        TerminalWork::Signing => "terminal-signing",
    }
}
