//! The process killed at any moment: it is told, the card is free and reset, and the next request works.

use latchkey_agent::wire::AgentProcess;
use latchkey_agent::{Answer, Exchange, Failure, Report, Step};
use latchkey_fixtures::vcard::automaton::PinState;
use latchkey_tests::desktop::wait_until;
use rustix::process::{Pid, Signal, kill_process};

use crate::screen::Scene;
use crate::stage::{ORDINARY, holder, sign_in};

fn kill(agent: &AgentProcess) {
    let id = i32::try_from(agent.process_id().unwrap()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
}

/// Waits for that step, and tells what came instead if it does not come.
fn reach(exchange: &Exchange, wanted: &Step) -> Result<(), Report> {
    loop {
        match exchange.next() {
            Report::Progress(step) if step == *wanted => return Ok(()),
            Report::Progress(_) => {}
            other => return Err(other),
        }
    }
}

#[test]
fn a_card_is_let_go_whatever_it_was_doing_and_the_next_sign_in_works() {
    let mut scene = Scene::slow(ORDINARY, "--lang en");
    let pin = holder(ORDINARY).pin;
    for step in [Step::ChannelOpen, Step::CertificateRead, Step::Signing] {
        let exchange = scene.begin(sign_in());
        scene.enter("PIN of your card", pin, "Sign in");
        reach(&exchange, &step).unwrap();
        kill(&scene.agent);
        match exchange.finish(|_| ()) {
            Err(Failure::AgentStopped) => {}
            // The last words may have been on their way already.
            Ok(Answer::SignedIn(_)) if step == Step::Signing => {}
            other => panic!("{step:?}: {other:?}"),
        }
        scene.expect_reset();
        // Its end is seen by a thread of ours, even if nobody waited for anything.
        wait_until("the end to be noticed", || Ok(scene.agent.process_id().is_none().then_some(()))).unwrap();
    }
    let exchange = scene.begin(sign_in());
    scene.enter("PIN of your card", pin, "Sign in");
    assert!(matches!(exchange.finish(|_| ()), Ok(Answer::SignedIn(_))));
    assert_eq!(scene.card.pin_state(), PinState::Pin3);
}

#[test]
fn a_question_dies_with_its_process_and_spends_no_try() {
    let mut scene = Scene::new(ORDINARY, "--lang en");
    let exchange = scene.begin(sign_in());
    let field = scene.field("PIN of your card");
    scene.tool.insert(&field, "2101").unwrap();
    kill(&scene.agent);
    assert_eq!(exchange.finish(|_| ()).unwrap_err(), Failure::AgentStopped);
    scene.expect_no_window();
    let exchange = scene.begin(sign_in());
    // Nothing of what was entered is left.
    scene.sees("0 of 6");
    scene.enter("PIN of your card", holder(ORDINARY).pin, "Sign in");
    exchange.finish(|_| ()).unwrap();
    assert_eq!(scene.card.pin_state(), PinState::Pin3);
}

#[test]
fn the_process_ends_with_whoever_started_it() {
    let mut scene = Scene::new(ORDINARY, "--lang en");
    let exchange = scene.begin(sign_in());
    scene.field("PIN of your card");
    scene.agent.stop();
    assert_eq!(exchange.finish(|_| ()).unwrap_err(), Failure::Cancelled);
    scene.expect_no_window();
    assert_eq!(scene.agent.process_id(), None);
}
