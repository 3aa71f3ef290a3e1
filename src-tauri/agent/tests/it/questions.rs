//! Every kind of question, answered in its window as an assistive tool does it.

use latchkey_agent::{
    AfterUnblocking, Answer, AskedRights, Asker, CardTask, DeactivateWith, Document, Documents, PinStatus, SecretKind,
    SignDocuments,
};
use latchkey_fixtures::holders::deployed_holders;
use latchkey_fixtures::vcard::automaton::PinState;

use crate::screen::{Scene, next_question};
use crate::stage::{ORDINARY, at_terminal, holder, sign_in};

const SUSPENDED: &str = "alena-prypynenaya";
const BLOCKED: &str = "kastus-zablakavany";
const DEACTIVATED: &str = "ihar-adkliuchany";

#[test]
fn a_sign_in_is_agreed_to_with_the_pin() {
    let mut scene = Scene::new(ORDINARY, "--lang en");
    let exchange = scene.begin(sign_in());
    for words in
        ["Sign in", "https://portal.example", "your personal number", "3 tries left", "Latchkey Virtual Reader"]
    {
        scene.sees(words);
    }
    scene.enter("PIN of your card, 6 digits", holder(ORDINARY).pin, "Sign in");
    assert!(matches!(exchange.finish(|_| ()), Ok(Answer::SignedIn(_))));
}

/// The CAN confirms which edition the card follows, PIN1 opens the channel, PIN2 allows the signature.
#[test]
fn a_card_with_two_pins_is_asked_about_each_by_its_name() {
    let person = deployed_holders().remove(0);
    let mut scene = Scene::new(person.id, "--lang en");
    let exchange = scene.begin(sign_in());
    scene.enter("CAN, printed on your card, 6 digits", person.can, "Continue");
    assert_eq!(next_question(&exchange), SecretKind::Pin);
    scene.enter("PIN1 of your card, 6 digits", person.pin, "Continue");
    assert_eq!(next_question(&exchange), SecretKind::Pin2);
    scene.sees("how many tries PIN2 has left");
    scene.enter("PIN2 of your card, 7 digits", &person.pin2(), "Sign in");
    assert!(matches!(exchange.finish(|_| ()), Ok(Answer::SignedIn(_))));
}

#[test]
fn documents_are_shown_by_name_and_size_before_the_pin() {
    let mut scene = Scene::new(ORDINARY, "--lang en");
    let contents = |name: &str, size| Document::Contents { name: name.into(), octets: vec![0x5A; size] };
    let documents = Documents::new(vec![contents("contract.txt", 12), contents("annex.pdf", 1_234_567)]).unwrap();
    let exchange = scene.begin(CardTask::SignDocuments(SignDocuments { asker: Asker::Holder, documents }));
    for words in [
        "Sign documents",
        "A signature counts like one by your own hand",
        "The card will make 2 signatures",
        "contract.txt, 12 B",
        "annex.pdf, 1.2 MB",
    ] {
        scene.sees(words);
    }
    scene.enter("PIN of your card, 6 digits", holder(ORDINARY).pin, "Sign");
    match exchange.finish(|_| ()) {
        Ok(Answer::DocumentsSigned(results)) => assert!(results.iter().all(Result::is_ok)),
        other => panic!("{other:?}"),
    }
}

/// Before a terminal is known, and with the groups of the card at hand.
#[test]
fn what_a_terminal_may_learn_is_shown_before_the_pin() {
    let mut scene = Scene::new(ORDINARY, "--lang en");
    let _exchange = scene.begin(at_terminal(AskedRights::OfModel { signs: true }));
    for words in [
        "A terminal is to read from your card for",
        "https://portal.example",
        "Nobody vouches for what this site says about itself.",
        "your family name",
        "it may have one thing signed by your card",
    ] {
        scene.sees(words);
    }
}

#[test]
fn the_last_try_is_warned_of_and_takes_yes_can_and_pin() {
    let mut scene = Scene::new(SUSPENDED, "--lang en");
    let person = holder(SUSPENDED);
    let exchange = scene.begin(sign_in());
    for words in ["Your PIN is suspended", "What happens next", "Nothing is lost"] {
        scene.sees(words);
    }
    scene.press("Use the last try");
    assert_eq!(next_question(&exchange), SecretKind::Can);
    scene.sees("The CAN never blocks");
    scene.sees("Step 1 of 2");
    scene.enter("CAN, printed on your card", person.can, "Continue");
    assert_eq!(next_question(&exchange), SecretKind::Pin);
    scene.sees("The last try: a wrong PIN will be blocked");
    scene.enter("PIN of your card", person.pin, "Sign in");
    assert!(matches!(exchange.finish(|_| ()), Ok(Answer::SignedIn(_))));
    assert_eq!(scene.card.pin_state(), PinState::Pin3);
}

#[test]
fn a_blocked_pin_is_unblocked_and_replaced_by_one_entered_twice() {
    let mut scene = Scene::new(BLOCKED, "--lang en");
    let exchange = scene.begin(CardTask::UnblockPin(AfterUnblocking::NewPin));
    for words in ["Unblock the PIN", "your card has blocked it", "After ten wrong PUKs", "Nothing leaves this computer"]
    {
        scene.sees(words);
    }
    scene.enter("PUK, from the letter", holder(BLOCKED).puk, "Continue");
    assert_eq!(next_question(&exchange), SecretKind::NewPin);
    scene.enter("New PIN, 6 digits", "580317", "Continue");
    scene.enter("The new PIN once more", "580371", "Unblock");
    scene.sees("The two entries differ");
    scene.enter("New PIN, 6 digits", "580317", "Continue");
    scene.enter("The new PIN once more", "580317", "Unblock");
    let answer = exchange.finish(|_| ()).unwrap();
    assert!(matches!(answer, Answer::PinManaged(PinStatus::Usable { tries_left: 3 })), "{answer:?}");
    let exchange = scene.begin(CardTask::ReadCertificates);
    scene.enter("PIN of your card", "580317", "Show");
    assert!(matches!(exchange.finish(|_| ()), Ok(Answer::Card(_))));
}

#[test]
fn a_deactivated_pin_is_put_into_use_and_out_of_use_again() {
    let mut scene = Scene::new(DEACTIVATED, "--lang en");
    let person = holder(DEACTIVATED);
    let exchange = scene.begin(CardTask::ActivatePin);
    scene.sees("nobody can sign in with this card");
    scene.enter("PUK, from the letter", person.puk, "Put into use");
    let answer = exchange.finish(|_| ()).unwrap();
    assert!(matches!(answer, Answer::PinManaged(PinStatus::Usable { .. })), "{answer:?}");
    let exchange = scene.begin(CardTask::DeactivatePin(DeactivateWith::Pin));
    scene.sees("Afterwards nobody can sign in");
    scene.enter("PIN of your card", person.pin, "Put out of use");
    let answer = exchange.finish(|_| ()).unwrap();
    assert!(matches!(answer, Answer::PinManaged(PinStatus::Deactivated)), "{answer:?}");
}

#[test]
fn a_pin_is_changed_in_two_steps_and_a_wrong_one_is_told_with_the_next_question() {
    let mut scene = Scene::new(ORDINARY, "--lang en");
    let exchange = scene.begin(CardTask::ChangePin);
    scene.sees("Step 1 of 2");
    scene.enter("PIN that you have now", "999999", "Continue");
    assert_eq!(next_question(&exchange), SecretKind::NewPin);
    scene.sees("Step 2 of 2");
    scene.enter("New PIN, 6 digits", "580317", "Continue");
    scene.enter("The new PIN once more", "580317", "Change");
    assert_eq!(exchange.finish(|_| ()).unwrap_err().tries_left(), Some(2));
    let exchange = scene.begin(CardTask::ChangePin);
    scene.sees("A wrong PIN was entered before: 2 tries left");
    scene.press("Cancel");
    assert_eq!(exchange.finish(|_| ()).unwrap_err().code(), "cancelled");
    assert_eq!(scene.card.pin_state(), PinState::Pin2);
}
