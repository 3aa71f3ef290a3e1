//! Signing many documents under one decision: exchanges with the card for each, and how many an agent signs with a card
//! that answers as soon as it can. No peer signs with such a card; the floor is the standard's, whose signature command
//! must directly follow the command that names the key (STB 34.101.79, clause on eSign).
#![allow(clippy::unwrap_used, reason = "a benchmark that panics has nothing to measure")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use latchkey_agent::{
    Agent, Answer, Asker, Asking, Can, CardAgent as _, CardRequest, CardTask, Document, Documents, NoSecret, Password,
    Pin, Pin2, Puk, Question, ReaderChoice, Request, SecretPrompt, SignDocuments,
};
use latchkey_card::{CardChannel, ChannelError, Command, Response};
use latchkey_fixtures::holders::{issue_card, sample_holders, sample_pki};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::store::InProcess;
use latchkey_fixtures::vcard::VirtualCard;
use latchkey_reader::{
    Atr, CardAfter, CardConnection, CardPresence, CardReaders, CardTransaction, Insertion, OpenTransaction,
    ReaderError, ReaderEvent, ReaderName, ReaderState,
};
use latchkey_tests::benchmark::{Benchmark, Figure};
use time::OffsetDateTime;

const DOCUMENTS: u32 = 100;
/// The command that names the key, and the one that signs.
const EXCHANGES_AT_MOST: f64 = 2.0;
const ROUNDS: u32 = 9;

fn main() -> ExitCode {
    let mut benchmark = match Benchmark::from_arguments() {
        Ok(benchmark) => benchmark,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{DOCUMENTS} documents under one decision");
    let scene = Scene::set();
    let (few, _) = scene.sign(1);
    let (many, _) = scene.sign(DOCUMENTS + 1);
    let each = f64::from(many - few) / f64::from(DOCUMENTS);
    let figure = |name: &str, value, unit| Figure { name: name.to_owned(), value, unit, peer: None };
    benchmark.limit(figure("document-exchanges", each, "exchanges a document"), EXCHANGES_AT_MOST);
    let rounds = if benchmark.is_measurement() { ROUNDS } else { 1 };
    let mut times: Vec<_> = (0..rounds).map(|_| scene.sign(DOCUMENTS).1).collect();
    times.sort();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let per_second = f64::from(DOCUMENTS) / median.as_secs_f64();
    benchmark.record(figure("documents-signed", per_second, "documents/s, the card's arithmetic included"));
    benchmark.finish()
}

/// An agent, and a reader with a sample holder's card in it.
struct Scene {
    agent: Agent,
    exchanges: Arc<AtomicU32>,
}

impl Scene {
    fn set() -> Self {
        let (pki, holder) = (sample_pki(present()).unwrap(), sample_holders().into_iter().next().unwrap());
        let image = issue_card(&pki, &holder, present()).unwrap();
        let pin = image.passwords.pin.ascii().to_vec();
        let card = VirtualCard::new(image, Box::new(InProcess::default()), Box::new(Seeded::new("a card"))).unwrap();
        let exchanges = Arc::new(AtomicU32::new(0));
        let reader = Reader { card: Arc::new(Mutex::new(card)), exchanges: Arc::clone(&exchanges) };
        let random = Box::new(Seeded::new("an agent"));
        let agent = Agent::start(Arc::new(reader), Box::new(Knowing(pin)), random, present).unwrap();
        Self { agent, exchanges }
    }

    /// Has so many documents signed; gives the exchanges and the time that it took.
    fn sign(&self, count: u32) -> (u32, Duration) {
        let contents = |number| Document::Contents { name: format!("{number}.txt"), octets: vec![0x5A; 1024] };
        let documents = Documents::new((0..count).map(contents).collect()).unwrap();
        let task = CardTask::SignDocuments(SignDocuments { asker: Asker::Holder, documents });
        let request = CardRequest { reader: ReaderChoice::TheOnlyCard, patience: Duration::ZERO, task };
        let (before, began) = (self.exchanges.load(Ordering::Relaxed), Instant::now());
        let answer = self.agent.send(Request::OfCard(request)).finish(|_| ()).unwrap();
        let took = began.elapsed();
        assert!(matches!(answer, Answer::DocumentsSigned(results) if results.iter().all(Result::is_ok)));
        (self.exchanges.load(Ordering::Relaxed) - before, took)
    }
}

/// Knows the PIN and needs no time to enter it.
struct Knowing(Vec<u8>);

impl SecretPrompt for Knowing {
    fn pin(&mut self, question: &Question, _: &Asking) -> Result<Pin, NoSecret> {
        Ok(Pin::parse(&self.0, question.digits).unwrap())
    }

    fn pin2(&mut self, _: &Question, _: &Asking) -> Result<Pin2, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn new_pin(&mut self, _: &Question, _: &Asking) -> Result<Pin, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn can(&mut self, _: &Question, _: &Asking) -> Result<Can, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn puk(&mut self, _: &Question, _: &Asking) -> Result<Puk, NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn confirm_last_try(&mut self, _: &Question, _: &Asking) -> Result<(), NoSecret> {
        Err(NoSecret::NoPrompt)
    }

    fn consent(&mut self, _: &Question, _: &Asking) -> Result<(), NoSecret> {
        Err(NoSecret::NoPrompt)
    }
}

/// A reader without a service, which counts what passes.
#[derive(Clone)]
struct Reader {
    card: Arc<Mutex<VirtualCard>>,
    exchanges: Arc<AtomicU32>,
}

impl CardReaders for Reader {
    fn list(&self) -> Result<Vec<ReaderState>, ReaderError> {
        let presence = CardPresence::Present { insertion: Insertion::new(1), atr: atr() };
        Ok(vec![ReaderState { name: ReaderName::parse("Reader").unwrap(), presence }])
    }

    fn subscribe(&self) -> mpsc::Receiver<ReaderEvent> {
        mpsc::channel().1
    }

    fn connect(&self, _: &ReaderName, _: Insertion) -> Result<Box<dyn CardConnection>, ReaderError> {
        Ok(Box::new(self.clone()))
    }
}

impl CardConnection for Reader {
    fn insertion(&self) -> Insertion {
        Insertion::new(1)
    }

    fn atr(&self) -> Atr {
        atr()
    }

    fn begin(&mut self) -> Result<CardTransaction<'_>, ReaderError> {
        Ok(CardTransaction::new(Box::new(self.clone())))
    }
}

impl CardChannel for Reader {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        self.card.lock().unwrap().transmit(command)
    }
}

impl OpenTransaction for Reader {
    fn end(&mut self, after: CardAfter) -> Result<(), ReaderError> {
        if after == CardAfter::Reset {
            self.card.lock().unwrap().reset();
        }
        Ok(())
    }
}

fn atr() -> Atr {
    Atr::new(&[0x3B, 0x80, 0x80, 0x01, 0x01]).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "signatures state the machine's time")]
fn present() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
