//! A holder who answers as the test says, and what the test asks the agent for him.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey_agent::{
    Agent, Answer, Asking, CardAgent, CardRequest, CardTask, Clock, Failure, NoSecret, Question, ReaderChoice,
    Recorded, RecordingSink, Report, Request, SecretKind, SecretPrompt, SignIn, Step,
};
use latchkey_card::password::{Can, Password, Pin, Pin2, Puk};
use latchkey_crypto::assertion::{Assertion, ChallengeText, Origin};
use latchkey_fixtures::random::Seeded;
use latchkey_reader::CardReaders;

use crate::desk::{Desk, Event, NOW};

/// What the holder does when asked.
pub(crate) enum Reply {
    /// Enters these digits.
    Digits(&'static str),
    /// Says yes.
    Yes,
    /// Says no.
    Cancel,
    /// Cannot answer.
    Cannot(NoSecret),
    /// Thinks until the request is taken back.
    Think,
    /// Something happens at the desk first.
    After(Box<dyn FnOnce(&Desk) + Send>, Box<Reply>),
}

impl Reply {
    pub(crate) fn after(act: impl FnOnce(&Desk) + Send + 'static, reply: Self) -> Self {
        Self::After(Box::new(act), Box::new(reply))
    }
}

/// What a holder knows by heart, and enters whenever it is asked for. He allows the last try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Knowing {
    pub(crate) pin: &'static str,
    pub(crate) pin2: &'static str,
    pub(crate) new_pin: &'static str,
    pub(crate) can: &'static str,
    pub(crate) puk: &'static str,
}

impl Knowing {
    fn reply(self, kind: SecretKind) -> Reply {
        match kind {
            SecretKind::Pin => Reply::Digits(self.pin),
            SecretKind::Pin2 => Reply::Digits(self.pin2),
            SecretKind::NewPin => Reply::Digits(self.new_pin),
            SecretKind::Can => Reply::Digits(self.can),
            SecretKind::Puk => Reply::Digits(self.puk),
            SecretKind::LastTryConfirmation | SecretKind::Consent => Reply::Yes,
        }
    }
}

/// What was asked, with what the holder was told.
pub(crate) type Asked = Arc<Mutex<Vec<(SecretKind, Question)>>>;

struct Scripted {
    desk: Desk,
    replies: VecDeque<Reply>,
    /// Answers what is asked beyond the replies.
    knowing: Option<Knowing>,
    asked: Asked,
}

impl Scripted {
    fn answer(&mut self, kind: SecretKind, question: &Question, asking: &Asking) -> Result<&'static str, NoSecret> {
        assert!(!self.desk.is_in_transaction(), "a transaction is held while the holder thinks");
        self.desk.record(Event::Asked(kind));
        self.asked.lock().unwrap().push((kind, question.clone()));
        let known = self.knowing.map(|knowing| knowing.reply(kind));
        let reply = self.replies.pop_front().or(known);
        let mut reply = reply.unwrap_or_else(|| panic!("nobody expected a question for {kind:?}"));
        loop {
            match reply {
                Reply::Digits(digits) => return Ok(digits),
                Reply::Yes => return Ok(""),
                Reply::Cancel => return Err(NoSecret::Cancelled),
                Reply::Cannot(reason) => return Err(reason),
                Reply::Think => {
                    assert!(asking.cancellation().wait(Duration::from_secs(60)), "nobody took the request back");
                    return Err(NoSecret::Cancelled);
                }
                Reply::After(act, next) => {
                    act(&self.desk);
                    reply = *next;
                }
            }
        }
    }

    fn secret<P: Password>(&mut self, kind: SecretKind, question: &Question, asking: &Asking) -> Result<P, NoSecret> {
        let digits = self.answer(kind, question, asking)?;
        Ok(P::parse(digits.as_bytes(), question.digits).unwrap())
    }
}

impl SecretPrompt for Scripted {
    fn pin(&mut self, question: &Question, asking: &Asking) -> Result<Pin, NoSecret> {
        self.secret(SecretKind::Pin, question, asking)
    }

    fn pin2(&mut self, question: &Question, asking: &Asking) -> Result<Pin2, NoSecret> {
        self.secret(SecretKind::Pin2, question, asking)
    }

    fn new_pin(&mut self, question: &Question, asking: &Asking) -> Result<Pin, NoSecret> {
        self.secret(SecretKind::NewPin, question, asking)
    }

    fn can(&mut self, question: &Question, asking: &Asking) -> Result<Can, NoSecret> {
        self.secret(SecretKind::Can, question, asking)
    }

    fn puk(&mut self, question: &Question, asking: &Asking) -> Result<Puk, NoSecret> {
        self.secret(SecretKind::Puk, question, asking)
    }

    fn confirm_last_try(&mut self, question: &Question, asking: &Asking) -> Result<(), NoSecret> {
        self.answer(SecretKind::LastTryConfirmation, question, asking).map(|_| ())
    }

    fn consent(&mut self, question: &Question, asking: &Asking) -> Result<(), NoSecret> {
        self.answer(SecretKind::Consent, question, asking).map(|_| ())
    }
}

/// A recording as text. Clones are the same text.
#[derive(Clone, Default)]
pub(crate) struct Text(Arc<Mutex<String>>);

impl Text {
    pub(crate) fn get(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl RecordingSink for Text {
    fn keep(&mut self, lines: &Recorded) {
        self.0.lock().unwrap().push_str(lines.as_str());
    }
}

/// An agent at a desk, with a holder.
pub(crate) struct Scene {
    pub(crate) agent: Agent,
    pub(crate) desk: Desk,
    asked: Asked,
}

impl Scene {
    /// With a holder who replies so, and expects no other questions.
    pub(crate) fn new(desk: &Desk, replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::at(desk, replies, || NOW)
    }

    /// The same at another time.
    pub(crate) fn at(desk: &Desk, replies: impl IntoIterator<Item = Reply>, clock: Clock) -> Self {
        Self::with(desk, replies.into_iter().collect(), None, clock)
    }

    /// With a holder who answers whatever he is asked, however often.
    pub(crate) fn with_holder(desk: &Desk, knowing: Knowing) -> Self {
        Self::with(desk, VecDeque::new(), Some(knowing), || NOW)
    }

    /// With a holder who replies so, and everything that is said to cards recorded into `text`.
    pub(crate) fn recorded(desk: &Desk, replies: impl IntoIterator<Item = Reply>, text: &Text) -> Self {
        let readers = latchkey_agent::recorded(Arc::new(desk.clone()), Box::new(text.clone()));
        Self::with_readers(desk, readers, replies.into_iter().collect(), None, || NOW)
    }

    fn with(desk: &Desk, replies: VecDeque<Reply>, knowing: Option<Knowing>, clock: Clock) -> Self {
        Self::with_readers(desk, Arc::new(desk.clone()), replies, knowing, clock)
    }

    fn with_readers(
        desk: &Desk,
        readers: Arc<dyn CardReaders>,
        replies: VecDeque<Reply>,
        knowing: Option<Knowing>,
        clock: Clock,
    ) -> Self {
        let asked = Asked::default();
        let prompt = Scripted { desk: desk.clone(), replies, knowing, asked: Arc::clone(&asked) };
        let random = Box::new(Seeded::new("an agent in a test"));
        let agent = Agent::start(readers, Box::new(prompt), random, clock).unwrap();
        Self { agent, desk: desk.clone(), asked }
    }

    /// Asks for that with the only card.
    pub(crate) fn ask(&self, task: CardTask) -> Result<Answer, Failure> {
        self.ask_with_steps(task).0
    }

    pub(crate) fn ask_with_steps(&self, task: CardTask) -> (Result<Answer, Failure>, Vec<Step>) {
        let mut steps = Vec::new();
        let result = self.agent.send(of_card(task)).finish(|report| {
            if let Report::Progress(step) = report {
                steps.push(step.clone());
            }
        });
        (result, steps)
    }

    /// What the holder was asked so far.
    pub(crate) fn asked(&self) -> Vec<SecretKind> {
        self.asked.lock().unwrap().iter().map(|(kind, _)| *kind).collect()
    }

    pub(crate) fn questions(&self) -> Vec<(SecretKind, Question)> {
        self.asked.lock().unwrap().clone()
    }
}

pub(crate) fn of_card(task: CardTask) -> Request {
    Request::OfCard(CardRequest { reader: ReaderChoice::TheOnlyCard, patience: Duration::ZERO, task })
}

pub(crate) fn origin() -> Origin {
    Origin::parse("https://portal.example").unwrap()
}

pub(crate) fn challenge() -> ChallengeText {
    ChallengeText::draw(&mut Seeded::new("a challenge in a test"))
}

pub(crate) fn sign_in() -> CardTask {
    CardTask::SignIn(SignIn { origin: origin(), challenge: challenge(), app_version: "latchkey:test".into() })
}

pub(crate) fn assertion(answer: Answer) -> Assertion {
    match answer {
        Answer::SignedIn(assertion) => assertion,
        other => panic!("not signed in: {other:?}"),
    }
}
