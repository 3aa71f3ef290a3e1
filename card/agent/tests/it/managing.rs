//! The card in the holder's own hands: certificates, and the PIN changed, unblocked, activated and deactivated.

use latchkey_agent::{AfterUnblocking, Answer, Asker, CardTask, DeactivateWith, Failure, PinStatus, SecretKind};
use latchkey_crypto::x509::Certificate;
use latchkey_fixtures::vcard::automaton::PinState;

use crate::desk::{Desk, HolderCard, holder};
use crate::holder::{Reply, Scene, sign_in};

const ORDINARY: &str = "hanna-vydumanaya";
const BLOCKED: &str = "kastus-zablakavany";
const DEACTIVATED: &str = "ihar-adkliuchany";
const ALL_TRIES: PinStatus = PinStatus::Usable { tries_left: 3 };

fn pin(id: &str) -> Reply {
    Reply::Digits(holder(id).pin)
}

fn puk(id: &str) -> Reply {
    Reply::Digits(holder(id).puk)
}

fn managed(answer: Answer) -> PinStatus {
    match answer {
        Answer::PinManaged(status) => status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_certificates_are_read_and_the_card_is_kept_from_signing() {
    let card = HolderCard::of(ORDINARY);
    let scene = Scene::new(&Desk::with(&card), [pin(ORDINARY)]);
    let Answer::Card(contents) = scene.ask(CardTask::ReadCertificates).unwrap() else { panic!() };
    assert_eq!(contents.certificates, [card.image.esign.base_certificate.0]);
    assert!(Certificate::from_der(&contents.certificates[0]).is_ok());
    assert_eq!(format!("{contents:?}"), "CardContents(Reader, 1 certificates hidden)");
    // VERIFY with P1 = FF clears the confirmation before anything is read.
    let sent = scene.desk.instructions();
    let (cleared, first_read) =
        (sent.iter().position(|sent| *sent == 0x20), sent.iter().position(|sent| *sent == 0xB0));
    assert!(cleared.unwrap() < first_read.unwrap());
    assert_eq!(scene.questions()[0].1.asker, Asker::Holder);
}

#[test]
fn a_changed_pin_is_the_one_that_signs_in() {
    let card = HolderCard::of(ORDINARY);
    let replies = [pin(ORDINARY), Reply::Digits("518273"), pin(ORDINARY), Reply::Digits("518273")];
    let scene = Scene::new(&Desk::with(&card), replies);
    assert_eq!(managed(scene.ask(CardTask::ChangePin).unwrap()), ALL_TRIES);
    assert_eq!(scene.asked(), [SecretKind::Pin, SecretKind::NewPin]);
    assert_eq!(scene.ask(sign_in()).unwrap_err(), Failure::PinWrong { tries_left: 2 });
    scene.ask(sign_in()).unwrap();
}

#[test]
fn a_wrong_old_pin_changes_nothing() {
    let card = HolderCard::of(ORDINARY);
    let scene = Scene::new(&Desk::with(&card), [Reply::Digits("999999"), Reply::Digits("518273"), pin(ORDINARY)]);
    assert_eq!(scene.ask(CardTask::ChangePin).unwrap_err(), Failure::PinWrong { tries_left: 2 });
    scene.ask(sign_in()).unwrap();
}

#[test]
fn a_blocked_pin_is_unblocked_and_kept_or_replaced() {
    let card = HolderCard::of(BLOCKED);
    let scene = Scene::new(&Desk::with(&card), [puk(BLOCKED), pin(BLOCKED)]);
    let kept = scene.ask(CardTask::UnblockPin(AfterUnblocking::KeepPin)).unwrap();
    assert_eq!(managed(kept), ALL_TRIES);
    scene.ask(sign_in()).unwrap();

    let card = HolderCard::of(BLOCKED);
    let scene = Scene::new(&Desk::with(&card), [puk(BLOCKED), Reply::Digits("518273"), Reply::Digits("518273")]);
    let replaced = scene.ask(CardTask::UnblockPin(AfterUnblocking::NewPin)).unwrap();
    assert_eq!(managed(replaced), ALL_TRIES);
    scene.ask(sign_in()).unwrap();
    assert_eq!(scene.asked(), [SecretKind::Puk, SecretKind::NewPin, SecretKind::Pin]);
}

#[test]
fn wrong_puks_are_counted_only_while_the_pin_is_blocked() {
    let unblock = CardTask::UnblockPin(AfterUnblocking::KeepPin);
    let scene = Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), [Reply::Digits("0000000000")]);
    assert_eq!(scene.ask(unblock.clone()).unwrap_err(), Failure::PukWrong { tries_left: None });

    let card = HolderCard::of(BLOCKED);
    let wrong = (0..10).map(|_| Reply::Digits("0000000000"));
    let scene = Scene::new(&Desk::with(&card), wrong.chain([puk(BLOCKED), puk(BLOCKED)]).collect::<Vec<_>>());
    for tries_left in (1..=9).rev() {
        assert_eq!(scene.ask(unblock.clone()).unwrap_err(), Failure::PukWrong { tries_left: Some(tries_left) });
    }
    assert_eq!(scene.ask(unblock.clone()).unwrap_err(), Failure::PinDead);
    assert_eq!(card.pin_state(), PinState::Puk0);
    assert_eq!(scene.ask(unblock).unwrap_err(), Failure::PinDead, "the right PUK comes too late");
    let deactivate = CardTask::DeactivatePin(DeactivateWith::Puk);
    assert_eq!(scene.ask(deactivate).unwrap_err(), Failure::PinBlocked, "else it could be activated again");
    assert_eq!(card.pin_state(), PinState::Puk0);
}

#[test]
fn a_pin_is_put_out_of_use_and_into_use() {
    for (with, secret, kind) in [
        (DeactivateWith::Pin, holder(ORDINARY).pin, SecretKind::Pin),
        (DeactivateWith::Puk, holder(ORDINARY).puk, SecretKind::Puk),
    ] {
        let card = HolderCard::of(ORDINARY);
        let scene = Scene::new(&Desk::with(&card), [Reply::Digits(secret), puk(ORDINARY), pin(ORDINARY)]);
        assert_eq!(managed(scene.ask(CardTask::DeactivatePin(with)).unwrap()), PinStatus::Deactivated);
        assert_eq!(scene.asked(), [kind]);
        assert_eq!(scene.ask(sign_in()).unwrap_err(), Failure::PinDeactivated);
        assert_eq!(managed(scene.ask(CardTask::ActivatePin).unwrap()), ALL_TRIES);
        scene.ask(sign_in()).unwrap();
    }
}

#[test]
fn a_card_that_came_deactivated_is_put_into_use() {
    let card = HolderCard::of(DEACTIVATED);
    let scene = Scene::new(&Desk::with(&card), [puk(DEACTIVATED), pin(DEACTIVATED)]);
    assert_eq!(managed(scene.ask(CardTask::ActivatePin).unwrap()), ALL_TRIES);
    scene.ask(sign_in()).unwrap();
}
