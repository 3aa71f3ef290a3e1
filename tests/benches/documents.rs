//! Signing many documents under one decision: exchanges with the card for each, and how many an agent signs with a card
//! that answers as soon as it can. No peer signs with such a card; the floor is the standard's, whose signature command
//! must directly follow the command that names the key (STB 34.101.79, clause on eSign).
#![allow(clippy::unwrap_used, reason = "a benchmark that panics has nothing to measure")]

// Readers with virtual cards, as the agent's own tests have them.
#[allow(dead_code, reason = "the agent's tests use all of it")]
#[path = "../../card/agent/tests/it/desk.rs"]
mod readers;
#[path = "../tests/it/willing.rs"]
mod willing;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use latchkey_agent::{
    Agent, Answer, Asker, CardAgent as _, CardRequest, CardTask, Document, Documents, ReaderChoice, Request,
    SignDocuments,
};
use latchkey_fixtures::random::Seeded;
use latchkey_tests::benchmark::{Benchmark, Figure};

use readers::{Desk, HolderCard, NOW, holder};
use willing::Willing;

const HOLDER: &str = "hanna-vydumanaya";
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
    readers: Desk,
}

impl Scene {
    fn set() -> Self {
        let readers = Desk::with(&HolderCard::of(HOLDER));
        let prompt = Box::new(Willing::with_pin(holder(HOLDER).pin));
        let random = Box::new(Seeded::new("an agent"));
        let agent = Agent::start(Arc::new(readers.clone()), prompt, random, || NOW).unwrap();
        Self { agent, readers }
    }

    /// Has so many documents signed; gives the exchanges and the time that it took.
    fn sign(&self, count: u32) -> (u32, Duration) {
        let contents = |number| Document::Contents { name: format!("{number}.txt"), octets: vec![0x5A; 1024] };
        let documents = Documents::new((0..count).map(contents).collect()).unwrap();
        let task = CardTask::SignDocuments(SignDocuments { asker: Asker::Holder, documents });
        let request = CardRequest { reader: ReaderChoice::TheOnlyCard, patience: Duration::ZERO, task };
        let (before, began) = (self.exchanges(), Instant::now());
        let answer = self.agent.send(Request::OfCard(request)).finish(|_| ()).unwrap();
        let took = began.elapsed();
        assert!(matches!(answer, Answer::DocumentsSigned(results) if results.iter().all(Result::is_ok)));
        (self.exchanges() - before, took)
    }

    /// How many commands have reached the card.
    fn exchanges(&self) -> u32 {
        u32::try_from(self.readers.instructions().len()).unwrap()
    }
}
