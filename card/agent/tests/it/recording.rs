//! What the agent says to cards, recorded and replayed: a bug report becomes a test.

use std::sync::{Arc, Mutex};

use latchkey_agent::{AfterUnblocking, Answer, CardTask, DeactivateWith, Failure, PinStatus};
use latchkey_fixtures::scripted::ScriptedChannel;

use crate::desk::{Desk, HolderCard, holder};
use crate::holder::{Reply, Scene, Text, sign_in};

const ORDINARY: &str = "hanna-vydumanaya";
const NEW_PIN: &str = "314159";
const ZEROS: Reply = Reply::Digits("000000");
const ZEROS_OF_PUK: Reply = Reply::Digits("0000000000");

/// How a request ended, without what a card computes.
fn ended(result: Result<Answer, Failure>) -> Result<Option<PinStatus>, &'static str> {
    match result {
        Ok(Answer::PinManaged(status)) => Ok(Some(status)),
        Ok(_) => Ok(None),
        Err(failure) => Err(failure.code()),
    }
}

/// Does that with a virtual card and records it; then does it again with the recording for a card, whose holder enters
/// zeros. Both end alike.
fn record_and_replay(id: &str, task: impl Fn() -> CardTask, entered: Vec<Reply>, zeros: Vec<Reply>) -> String {
    let text = Text::default();
    let scene = Scene::recorded(&Desk::with(&HolderCard::of(id)), entered, &text);
    let original = ended(scene.ask(task()));
    drop(scene);
    let text = text.get();

    let card = Arc::new(Mutex::new(ScriptedChannel::new(&text)));
    let desk = Desk::default();
    desk.plug_in("Reader");
    desk.insert_played("Reader", Box::new(Arc::clone(&card)));
    let scene = Scene::new(&desk, zeros);
    assert_eq!(ended(scene.ask(task())), original, "{text}");
    card.lock().unwrap().finish();
    text
}

#[test]
fn what_is_done_with_a_card_is_replayed_strictly() {
    let person = holder(ORDINARY);
    let change = || CardTask::ChangePin;
    let text = record_and_replay(
        ORDINARY,
        change,
        vec![Reply::Digits(person.pin), Reply::Digits(NEW_PIN)],
        vec![ZEROS, ZEROS],
    );
    assert!(text.contains("# CHANGE REFERENCE DATA\n> 00 24 00 03 0C 30 30 30 30 30 30 30 30 30 30 30 30\n"), "{text}");
    for secret in [person.pin, NEW_PIN, person.can, person.puk] {
        let hex = secret.bytes().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(" ");
        assert!(!text.contains(secret) && !text.contains(&hex), "{secret}: {text}");
    }

    let wrong = "999999";
    assert_ne!(person.pin, wrong);
    record_and_replay(ORDINARY, change, vec![Reply::Digits(wrong), Reply::Digits(NEW_PIN)], vec![ZEROS, ZEROS]);
    record_and_replay(ORDINARY, || CardTask::Status, vec![], vec![]);
    record_and_replay(
        "kastus-zablakavany",
        || CardTask::UnblockPin(AfterUnblocking::NewPin),
        vec![Reply::Digits(holder("kastus-zablakavany").puk), Reply::Digits(NEW_PIN)],
        vec![ZEROS_OF_PUK, ZEROS],
    );
    record_and_replay(
        ORDINARY,
        || CardTask::DeactivatePin(DeactivateWith::Pin),
        vec![Reply::Digits(person.pin)],
        vec![ZEROS],
    );
}

/// The certificate is blanked: up to where it is looked at, a sign-in is replayed.
#[test]
fn a_sign_in_is_replayed_until_its_certificate_is_looked_at() {
    let text = Text::default();
    let card = HolderCard::of(ORDINARY);
    let scene = Scene::recorded(&Desk::with(&card), [Reply::Digits(holder(ORDINARY).pin)], &text);
    let Answer::SignedIn(assertion) = scene.ask(sign_in()).unwrap() else { panic!("not signed in") };
    drop(scene);
    let text = text.get();
    let spaced = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(" ");
    assert!(!text.contains(&spaced(&assertion.signature()[..8])), "{text}");
    for run in card.image.esign.base_certificate.0.windows(16) {
        assert!(!text.contains(&spaced(run)), "{text}");
    }
    let desk = Desk::default();
    desk.plug_in("Reader");
    desk.insert_played("Reader", Box::new(Arc::new(Mutex::new(ScriptedChannel::new(&text)))));
    let replayed = Scene::new(&desk, [ZEROS]).ask(sign_in());
    assert_eq!(ended(replayed), Err("certificate-faulty"));
}
