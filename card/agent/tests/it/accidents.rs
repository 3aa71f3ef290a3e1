//! What is missing, or cannot be used at all. What goes wrong at an exchange is in `fault_matrix`.

use std::time::Duration;

use latchkey_agent::{
    Answer, CardAgent, CardRequest, CardStatus, CardTask, Failure, PinStatus, ReaderChoice, ReaderName, Report, Request,
};
use latchkey_reader::{ReaderError, ReaderEvent};

use crate::desk::{Desk, HolderCard};
use crate::holder::{Reply, Scene, sign_in};

const ORDINARY: &str = "hanna-vydumanaya";

#[test]
fn of_several_cards_none_is_guessed() {
    let (hanna, yan) = (HolderCard::of(ORDINARY), HolderCard::of("yan-bezbatskovich"));
    let desk = Desk::default();
    for reader in ["Left", "Middle", "Right"] {
        desk.plug_in(reader);
    }
    desk.insert("Left", &hanna);
    desk.insert("Right", &yan);
    let scene = Scene::new(&desk, []);
    let name = |name| ReaderName::parse(name).unwrap();
    let failure = scene.ask(CardTask::Status).unwrap_err();
    assert_eq!(failure, Failure::SeveralCards { readers: vec![name("Left"), name("Right")] });
    assert!(desk.instructions().is_empty(), "a card was touched");

    let status = |reader| {
        let choice = ReaderChoice::Reader(name(reader));
        let request = CardRequest { reader: choice, patience: Duration::ZERO, task: CardTask::Status };
        scene.agent.send(Request::OfCard(request)).finish(|_| ())
    };
    assert!(matches!(status("Right"), Ok(Answer::CardStatus(CardStatus { reader, .. })) if reader == name("Right")));
    assert_eq!(status("Middle").unwrap_err(), Failure::NoCard);
    let readers = vec![name("Left"), name("Middle"), name("Right")];
    assert_eq!(status("Upper").unwrap_err(), Failure::UnknownReader { name: name("Upper"), readers });
}

#[test]
fn what_is_missing_is_named() {
    let desk = Desk::default();
    let scene = Scene::new(&desk, []);
    assert_eq!(scene.ask(CardTask::Status).unwrap_err(), Failure::NoReader);
    desk.plug_in("Reader");
    assert_eq!(scene.ask(CardTask::Status).unwrap_err(), Failure::NoCard);
    desk.stop_service();
    assert_eq!(scene.ask(CardTask::Status).unwrap_err(), Failure::NoService);
}

#[test]
fn a_card_that_cannot_be_connected_to_says_why() {
    let desk = Desk::with(&HolderCard::of(ORDINARY));
    desk.strike_mute();
    assert_eq!(Scene::new(&desk, []).ask(CardTask::Status).unwrap_err().code(), "card-mute");
    let refused = ReaderError::ServiceFault { reason: "no memory".into() };
    for (error, code) in [(refused, "service-fault"), (ReaderError::CardUnsupported, "card-unsupported")] {
        let desk = Desk::with(&HolderCard::of(ORDINARY));
        desk.refuse_connections(error);
        assert_eq!(Scene::new(&desk, []).ask(CardTask::Status).unwrap_err().code(), code);
    }
}

#[test]
fn an_agent_that_died_says_so_to_everyone_who_waits() {
    let desk = Desk::with(&HolderCard::of(ORDINARY));
    let die = |_: &Desk| panic!("the prompt dies on purpose");
    let scene = Scene::new(&desk, [Reply::after(die, Reply::Cancel)]);
    let (first, second) = (scene.ask(sign_in()), scene.ask(CardTask::Status));
    assert_eq!(first.unwrap_err().code(), "agent-stopped");
    assert_eq!(second.unwrap_err().code(), "agent-stopped");
    // Even then the card was not left as it was.
    assert_eq!(desk.events().last(), Some(&crate::desk::Event::ResetByDrop));
}

#[test]
fn the_status_is_told_without_a_question_and_leaves_the_card_reset() {
    let scene = Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), []);
    match scene.ask(CardTask::Status).unwrap() {
        Answer::CardStatus(status) => assert_eq!(status.pin, PinStatus::Usable { tries_left: 3 }),
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.desk.instructions(), [0xA4, 0x22]);
    assert_eq!(scene.desk.events().last(), Some(&crate::desk::Event::ResetByDrop));
}

#[test]
fn readers_are_listed_and_watched_while_the_holder_is_asked() {
    let desk = Desk::with(&HolderCard::of(ORDINARY));
    let scene = Scene::new(&desk, [Reply::Think]);
    let asked = scene.agent.send(crate::holder::of_card(sign_in()));
    match scene.agent.send(Request::ListReaders).finish(|_| ()).unwrap() {
        Answer::Readers(readers) => assert!(readers.iter().all(|reader| reader.card)),
        other => panic!("{other:?}"),
    }
    let watch = scene.agent.send(Request::WatchReaders);
    assert!(matches!(watch.next(), Report::Readers(ReaderEvent::ServiceUp)));
    assert!(matches!(watch.next(), Report::Readers(ReaderEvent::ReaderAppeared(_))));
    assert!(matches!(watch.next(), Report::Readers(ReaderEvent::CardInserted { .. })));
    desk.plug_in("Another");
    assert!(
        matches!(watch.next(), Report::Readers(ReaderEvent::ReaderAppeared(name)) if name.to_string() == "Another")
    );
    watch.cancellation().cancel();
    assert!(matches!(watch.next(), Report::Finished(Err(Failure::Cancelled))));
    asked.cancellation().cancel();
    assert_eq!(asked.finish(|_| ()).unwrap_err(), Failure::Cancelled);
}
