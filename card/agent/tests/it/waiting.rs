//! A card that comes later: waited for by events, for a time, until taken back.

use std::time::{Duration, Instant};

use latchkey_agent::{
    Answer, CardAgent, CardRequest, CardTask, Exchange, Failure, ReaderChoice, ReaderName, Report, Request, Step,
};

use crate::desk::{Desk, HolderCard, holder};
use crate::holder::{Reply, Scene, assertion, sign_in};

const ORDINARY: &str = "hanna-vydumanaya";
/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(600);

fn send(scene: &Scene, reader: ReaderChoice, patience: Duration, task: CardTask) -> Exchange {
    scene.agent.send(Request::OfCard(CardRequest { reader, patience, task }))
}

fn status(scene: &Scene, patience: Duration) -> Exchange {
    send(scene, ReaderChoice::TheOnlyCard, patience, CardTask::Status)
}

fn next_step(exchange: &Exchange) -> Step {
    match exchange.next() {
        Report::Progress(step) => step,
        other => panic!("no step: {other:?}"),
    }
}

#[test]
fn reader_and_card_are_waited_for_one_after_the_other_and_then_used() {
    let desk = Desk::default();
    let scene = Scene::new(&desk, [Reply::Digits(holder(ORDINARY).pin)]);
    let exchange = send(&scene, ReaderChoice::TheOnlyCard, LONG, sign_in());
    assert_eq!(next_step(&exchange), Step::WaitingForReader);
    desk.plug_in("Reader");
    assert_eq!(next_step(&exchange), Step::WaitingForCard);
    // More readers without a card change nothing, and nothing is said again.
    desk.plug_in("Another");
    desk.insert("Reader", &HolderCard::of(ORDINARY));
    assert_eq!(next_step(&exchange), Step::ReaderChosen(ReaderName::parse("Reader").unwrap()));
    assertion(exchange.finish(|_| ()).unwrap());
}

#[test]
fn a_card_that_is_there_is_not_waited_for() {
    let scene = Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), []);
    let mut steps = Vec::new();
    status(&scene, LONG).finish(|report| steps.push(format!("{report:?}"))).unwrap();
    assert!(!steps.iter().any(|step| step.contains("WaitingFor")), "{steps:?}");
}

#[test]
fn the_card_is_waited_for_in_the_reader_that_was_named() {
    let desk = Desk::with(&HolderCard::of(ORDINARY));
    desk.plug_in("Right");
    let scene = Scene::new(&desk, []);
    let right = ReaderName::parse("Right").unwrap();
    let exchange = send(&scene, ReaderChoice::Reader(right.clone()), LONG, CardTask::Status);
    assert_eq!(next_step(&exchange), Step::WaitingForCard);
    desk.insert("Right", &HolderCard::of("yan-bezbatskovich"));
    match exchange.finish(|_| ()).unwrap() {
        Answer::CardStatus(status) => assert_eq!(status.reader, right),
        other => panic!("{other:?}"),
    }
}

#[test]
fn after_the_wait_it_fails_as_it_would_have_at_once() {
    let desk = Desk::default();
    let scene = Scene::new(&desk, []);
    let short = Duration::from_millis(30);
    for (plug_in, failure) in [(false, Failure::NoReader), (true, Failure::NoCard)] {
        if plug_in {
            desk.plug_in("Reader");
        }
        let begun = Instant::now();
        let mut steps = Vec::new();
        assert_eq!(status(&scene, short).finish(|report| steps.push(format!("{report:?}"))).unwrap_err(), failure);
        assert!(begun.elapsed() >= short, "{failure}: given up too early");
        assert_eq!(steps.len(), 1, "{steps:?}");
        let at_once = status(&scene, Duration::ZERO).finish(|report| panic!("{report:?}")).unwrap_err();
        assert_eq!(at_once, failure);
    }
}

#[test]
fn what_waiting_cannot_mend_is_told_at_once() {
    let desk = Desk::with(&HolderCard::of(ORDINARY));
    let scene = Scene::new(&desk, []);
    let unknown = ReaderChoice::Reader(ReaderName::parse("Misspelt").unwrap());
    let failure = send(&scene, unknown, LONG, CardTask::Status).finish(|_| ()).unwrap_err();
    assert_eq!(failure.code(), "unknown-reader");
    desk.plug_in("Another");
    desk.insert("Another", &HolderCard::of("yan-bezbatskovich"));
    assert_eq!(status(&scene, LONG).finish(|_| ()).unwrap_err().code(), "several-cards");
    desk.stop_service();
    assert_eq!(status(&scene, LONG).finish(|_| ()).unwrap_err(), Failure::NoService);
}

#[test]
fn a_wait_is_taken_back_and_a_service_that_ends_ends_it() {
    let desk = Desk::default();
    let scene = Scene::new(&desk, []);
    let exchange = status(&scene, LONG);
    assert_eq!(next_step(&exchange), Step::WaitingForReader);
    exchange.cancellation().cancel();
    assert_eq!(exchange.finish(|_| ()).unwrap_err(), Failure::Cancelled);

    let exchange = status(&scene, Duration::MAX);
    assert_eq!(next_step(&exchange), Step::WaitingForReader);
    desk.stop_service();
    assert_eq!(exchange.finish(|_| ()).unwrap_err(), Failure::NoService);
}
