//! The program over its pipes.

use latchkey_agent::{Answer, CardAgent, CardTask, Failure, PinStatus, Request};
use latchkey_fixtures::vcard::automaton::PinState;
use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{HolderCard, ORDINARY, Stage, ask, sign_in};

#[test]
fn readers_and_cards_are_told_by_a_process_of_its_own() {
    let stage = Stage::new();
    let agent = stage.agent();
    assert_eq!(agent.process_id(), None, "a process was started before anybody needed it");
    let card = stage.insert(&HolderCard::of(ORDINARY));
    match ask(&agent, CardTask::Status).finish(|_| ()).unwrap() {
        Answer::CardStatus(status) => assert_eq!(status.pin, PinStatus::Usable { tries_left: 3 }),
        other => panic!("{other:?}"),
    }
    match agent.send(Request::ListReaders).finish(|_| ()).unwrap() {
        Answer::Readers(readers) => assert!(readers[0].card),
        other => panic!("{other:?}"),
    }
    card.remove();
}

#[test]
fn without_a_screen_nothing_secret_is_asked_for() {
    let stage = Stage::new();
    let agent = stage.agent();
    let card = HolderCard::of(ORDINARY);
    let _inserted = stage.insert(&card);
    assert_eq!(ask(&agent, sign_in()).finish(|_| ()).unwrap_err(), Failure::NoPrompt);
    assert_eq!(card.pin_state(), PinState::Pin3);
}

#[test]
fn a_killed_process_is_told_and_replaced() {
    let stage = Stage::new();
    let agent = stage.agent();
    let watch = agent.send(Request::WatchReaders);
    let first = agent.process_id().unwrap();
    kill_process(Pid::from_raw(i32::try_from(first).unwrap()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(watch.finish(|_| ()).unwrap_err(), Failure::AgentStopped);
    agent.send(Request::ListReaders).finish(|_| ()).unwrap();
    assert_ne!(agent.process_id().unwrap(), first);
}
