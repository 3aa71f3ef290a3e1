//! An agent in this process with a virtual card, and a holder who answers its questions as a test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey_agent::{
    Agent, Asking, CardAgent as _, CardRequest, CardTask, NoSecret, Question, ReaderChoice, ReaderName, Request,
    SecretKind, SecretPrompt,
};
use latchkey_card::password::{Can, Password, Pin, Pin2, Puk};
use latchkey_fixtures::faults::{Exchanged, FaultyCard};
use latchkey_fixtures::random::Seeded;
use tokio::sync::mpsc;

use crate::readers::{Desk as Readers, Event, HolderCard, NOW, Played, holder};

/// Whose card it is.
pub(crate) const HOLDER: &str = "hanna-vydumanaya";

/// What the holder does when asked for a secret.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    Digits(&'static str),
    Cancel,
    /// Thinks until the request is taken back.
    Think,
}

impl Reply {
    /// The right PIN.
    pub(crate) fn pin() -> Self {
        Self::Digits(holder(HOLDER).pin)
    }
}

/// A holder at his readers.
pub(crate) struct Holder {
    pub(crate) agent: Arc<Agent>,
    pub(crate) readers: Readers,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    asked: mpsc::UnboundedReceiver<(SecretKind, Question, Asking)>,
}

impl Holder {
    /// His card is in the only reader; he thinks about whatever he is asked.
    pub(crate) fn with_card() -> Self {
        Self::at(Readers::with(&HolderCard::of(HOLDER)))
    }

    /// His card takes its time to sign: until the other part is dropped.
    pub(crate) fn with_slow_card() -> (Self, Busy) {
        Self::with_card_slow_if(|command| command.get(1) == Some(&SIGN))
    }

    /// The same at every command for which that is so.
    pub(crate) fn with_card_slow_if(is_slow: impl Fn(&[u8]) -> bool + Send + 'static) -> (Self, Busy) {
        let (hold, held) = std::sync::mpsc::channel();
        let (reach, reached) = mpsc::unbounded_channel();
        let readers = Readers::default();
        readers.plug_in("Reader");
        let card = HolderCard::of(HOLDER).powered_up();
        let slow = Slow { card: card.into(), is_slow: Box::new(is_slow), reach, held };
        readers.insert_played("Reader", Box::new(slow));
        (Self::at(readers), Busy { _hold: hold, reached })
    }

    pub(crate) fn at(readers: Readers) -> Self {
        let (tell, asked) = mpsc::unbounded_channel();
        let replies = Arc::default();
        let prompt = Asked { tell, replies: Arc::clone(&replies), readers: readers.clone() };
        let random = Box::new(Seeded::new("an agent in a test"));
        let agent = Arc::new(Agent::start(Arc::new(readers.clone()), Box::new(prompt), random, || NOW).unwrap());
        Self { agent, readers, replies, asked }
    }

    /// How he answers from now on.
    pub(crate) fn replies(&self, replies: impl IntoIterator<Item = Reply>) {
        self.replies.lock().unwrap().extend(replies);
    }

    /// Waits until the agent asks him something.
    pub(crate) async fn asked(&mut self) -> (SecretKind, Question) {
        let (kind, question, _) = self.asked.recv().await.unwrap();
        (kind, question)
    }

    /// Waits until the agent asks him something, and gives the question while it is open.
    pub(crate) async fn asking(&mut self) -> Asking {
        self.asked.recv().await.unwrap().2
    }

    /// Waits until the agent has done everything that it was asked for, and sees that it left nothing in the card.
    pub(crate) async fn until_card_was_reset(&self) {
        let agent = Arc::clone(&self.agent);
        let reader = ReaderChoice::Reader(ReaderName::parse("Nowhere").unwrap());
        // Requests are carried out one after another; this one touches no card.
        let request = Request::OfCard(CardRequest { reader, patience: Duration::ZERO, task: CardTask::Status });
        tokio::task::spawn_blocking(move || agent.send(request).finish(|_| ())).await.unwrap().unwrap_err();
        assert!(self.card_was_reset(), "{:?}", self.readers.events());
    }

    /// Whether the card was left without our session in it.
    pub(crate) fn card_was_reset(&self) -> bool {
        use latchkey_reader::CardAfter;
        !self.readers.is_in_transaction()
            && matches!(
                self.readers.events().iter().rfind(|event| !matches!(event, Event::Asked(_))),
                None | Some(Event::ResetByDrop | Event::Ended(CardAfter::Reset))
            )
    }
}

/// As long as this is kept, a slow card works at what it is slow at.
pub(crate) struct Busy {
    _hold: std::sync::mpsc::Sender<()>,
    reached: mpsc::UnboundedReceiver<()>,
}

impl Busy {
    /// Waits until the card has begun.
    pub(crate) async fn begun(&mut self) {
        self.reached.recv().await.unwrap();
    }
}

/// At which commands.
type IsSlow = Box<dyn Fn(&[u8]) -> bool + Send>;

struct Slow {
    card: FaultyCard,
    is_slow: IsSlow,
    reach: mpsc::UnboundedSender<()>,
    held: std::sync::mpsc::Receiver<()>,
}

/// PERFORM SECURITY OPERATION: the instruction that signs.
const SIGN: u8 = 0x2A;

impl Played for Slow {
    fn exchange(&mut self, command: &[u8]) -> Exchanged {
        if (self.is_slow)(command) {
            // A test may not ask.
            self.reach.send(()).ok();
            // Nothing is ever sent: this waits until the other end is dropped.
            self.held.recv().ok();
        }
        self.card.exchange(command)
    }

    fn reset(&mut self) {
        self.card.card_mut().reset();
    }
}

struct Asked {
    tell: mpsc::UnboundedSender<(SecretKind, Question, Asking)>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    readers: Readers,
}

impl Asked {
    fn answer(&self, kind: SecretKind, question: &Question, asking: &Asking) -> Result<&'static str, NoSecret> {
        assert!(!self.readers.is_in_transaction(), "a transaction is held while the holder thinks");
        // A test that has ended does not listen.
        self.tell.send((kind, question.clone(), asking.clone())).ok();
        match self.replies.lock().unwrap().pop_front().unwrap_or(Reply::Think) {
            Reply::Digits(digits) => return Ok(digits),
            Reply::Cancel => return Err(NoSecret::Cancelled),
            Reply::Think => {}
        }
        assert!(asking.cancellation().wait(Duration::from_secs(60)), "nobody took the request back");
        Err(NoSecret::Cancelled)
    }

    fn secret<P: Password>(&self, kind: SecretKind, question: &Question, asking: &Asking) -> Result<P, NoSecret> {
        let digits = self.answer(kind, question, asking)?;
        Ok(P::parse(digits.as_bytes(), question.digits).unwrap())
    }
}

impl SecretPrompt for Asked {
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
