//! What protects the holder's tries.

use latchkey_agent::{CardAgent, CardTask, Failure, NoSecret, PinStatus, SecretKind};
use latchkey_card::CardChannel;
use latchkey_card::dialogue::Selected;
use latchkey_card::password::{Password, Pin};
use latchkey_card::profile::Profile;
use latchkey_card::rights::Authority;
use latchkey_card::{ChannelError, Command, Response};
use latchkey_fixtures::faults::Exchanged;
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::vcard::automaton::PinState;
use latchkey_reader::CardAfter;

use crate::desk::{Desk, Event, HolderCard, Played, holder};
use crate::holder::{Reply, Scene, sign_in};

const ORDINARY: &str = "hanna-vydumanaya";
const SUSPENDED: &str = "alena-prypynenaya";
const WRONG: &str = "999999";

fn pin(id: &str) -> Reply {
    Reply::Digits(holder(id).pin)
}

#[test]
fn a_wrong_pin_is_presented_once() {
    let card = HolderCard::of(ORDINARY);
    let scene = Scene::new(&Desk::with(&card), [Reply::Digits(WRONG)]);
    assert_eq!(scene.ask(sign_in()).unwrap_err(), Failure::PinWrong { tries_left: 2 });
    assert_eq!(scene.desk.instructions(), [0xA4, 0x22, 0xA4, 0x22, 0x86, 0x86]);
    assert_eq!(card.pin_state(), PinState::Pin2);
    assert_eq!(scene.desk.events().last(), Some(&Event::Ended(CardAfter::Reset)));
}

#[test]
fn every_entry_is_preceded_by_the_tries_that_are_left() {
    let card = HolderCard::of(ORDINARY);
    let replies = [Reply::Digits(WRONG), Reply::Digits(WRONG), Reply::Yes, Reply::Digits(holder(ORDINARY).can)];
    let scene = Scene::new(&Desk::with(&card), replies.into_iter().chain([Reply::Digits(WRONG)]));
    let failures: Vec<_> = (0..4).map(|_| scene.ask(sign_in()).unwrap_err()).collect();
    let expected = [
        Failure::PinWrong { tries_left: 2 },
        // One try is left: the card is suspended.
        Failure::PinWrong { tries_left: 1 },
        Failure::PinWrong { tries_left: 0 },
        Failure::PinBlocked,
    ];
    assert_eq!(failures, expected);
    let shown: Vec<_> = scene.questions().into_iter().map(|(kind, question)| (kind, question.pin)).collect();
    let expected = [
        (SecretKind::Pin, PinStatus::Usable { tries_left: 3 }),
        (SecretKind::Pin, PinStatus::Usable { tries_left: 2 }),
        (SecretKind::LastTryConfirmation, PinStatus::Suspended),
        (SecretKind::Can, PinStatus::Suspended),
        (SecretKind::Pin, PinStatus::Suspended),
    ];
    assert_eq!(shown, expected);
    assert_eq!(card.pin_state(), PinState::Pin0);
}

#[test]
fn the_last_try_is_not_touched_without_the_holders_word() {
    let card = HolderCard::of(SUSPENDED);
    let scene = Scene::new(&Desk::with(&card), [Reply::Cancel]);
    assert_eq!(scene.ask(sign_in()).unwrap_err(), Failure::Cancelled);
    assert_eq!(scene.asked(), [SecretKind::LastTryConfirmation]);
    assert_eq!(scene.desk.instructions(), [0xA4, 0x22]);
    assert_eq!(card.pin_state(), PinState::Pins);
}

#[test]
fn a_wrong_can_keeps_the_pin_from_the_card() {
    let card = HolderCard::of(SUSPENDED);
    let scene = Scene::new(&Desk::with(&card), [Reply::Yes, Reply::Digits("000000"), pin(SUSPENDED)]);
    assert_eq!(scene.ask(sign_in()).unwrap_err(), Failure::CanWrong);
    assert_eq!(scene.desk.instructions(), [0xA4, 0x22, 0xA4, 0x22, 0x86, 0x86]);
    assert_eq!(card.pin_state(), PinState::Pins);
}

#[test]
fn the_last_try_succeeds_after_the_can_and_gives_all_tries_back() {
    let card = HolderCard::of(SUSPENDED);
    let replies = [Reply::Yes, Reply::Digits(holder(SUSPENDED).can), pin(SUSPENDED)];
    let scene = Scene::new(&Desk::with(&card), replies);
    scene.ask(sign_in()).unwrap();
    assert_eq!(card.pin_state(), PinState::Pin3);
}

#[test]
fn after_another_programs_reset_the_tries_are_shown_again() {
    let card = HolderCard::of(ORDINARY);
    let reset = Reply::after(|desk| desk.foreign_reset("Reader"), Reply::Digits(WRONG));
    let scene = Scene::new(&Desk::with(&card), [reset, pin(ORDINARY)]);
    // The first entry was a wrong one: had it been presented, a try would be gone.
    scene.ask(sign_in()).unwrap();
    assert_eq!(scene.asked(), [SecretKind::Pin, SecretKind::Pin]);
    assert!(scene.questions().iter().all(|(_, question)| question.pin == PinStatus::Usable { tries_left: 3 }));
    assert_eq!(card.pin_state(), PinState::Pin3);
}

#[test]
fn tries_that_another_program_spent_are_shown_before_the_pin_is_presented() {
    let card = HolderCard::of(ORDINARY);
    let spend = |desk: &Desk| desk.behind_our_back("Reader", |card| present_wrong_pin(card));
    let replies = [Reply::after(spend, Reply::Digits(WRONG)), pin(ORDINARY)];
    let scene = Scene::new(&Desk::with(&card), replies);
    scene.ask(sign_in()).unwrap();
    let shown: Vec<_> = scene.questions().into_iter().map(|(_, question)| question.pin.tries_left()).collect();
    assert_eq!(shown, [3, 2]);
    assert_eq!(card.pin_state(), PinState::Pin3);
}

#[test]
fn a_quarrelling_program_ends_the_request_and_not_the_tries() {
    let card = HolderCard::of(ORDINARY);
    let again = || Reply::after(|desk| desk.foreign_reset("Reader"), Reply::Digits(WRONG));
    let scene = Scene::new(&Desk::with(&card), [again(), again(), again()]);
    assert_eq!(scene.ask(sign_in()).unwrap_err(), Failure::PinStatusChanged);
    assert_eq!(card.pin_state(), PinState::Pin3);
}

#[test]
fn the_pin_does_not_go_to_a_card_that_was_put_in_meanwhile() {
    let (card, other) = (HolderCard::of(ORDINARY), HolderCard::of("yan-bezbatskovich"));
    let inserted = other.clone();
    let swap = move |desk: &Desk| {
        desk.pull("Reader");
        desk.insert("Reader", &inserted);
    };
    let scene = Scene::new(&Desk::with(&card), [Reply::after(swap, pin(ORDINARY))]);
    assert_eq!(scene.ask(sign_in()).unwrap_err(), Failure::CardRemoved);
    assert_eq!(scene.desk.instructions(), [0xA4, 0x22]);
    assert_eq!((card.pin_state(), other.pin_state()), (PinState::Pin3, PinState::Pin3));
}

#[test]
fn a_request_taken_back_presents_nothing() {
    let card = HolderCard::of(ORDINARY);
    let scene = Scene::new(&Desk::with(&card), [Reply::Think, pin(ORDINARY)]);
    let exchange = scene.agent.send(crate::holder::of_card(sign_in()));
    let cancellation = exchange.cancellation();
    let result = exchange.finish(|report| {
        if matches!(report, latchkey_agent::Report::Progress(latchkey_agent::Step::WaitingFor(_))) {
            cancellation.cancel();
        }
    });
    assert_eq!(result.unwrap_err(), Failure::Cancelled);
    assert_eq!(scene.desk.instructions(), [0xA4, 0x22]);
    // The connection's end resets the card, and the next request is carried out.
    assert_eq!(scene.desk.events().last(), Some(&Event::ResetByDrop));
    scene.ask(sign_in()).unwrap();
}

#[test]
fn a_request_taken_back_while_another_is_at_work_never_begins() {
    let card = HolderCard::of(ORDINARY);
    let scene = Scene::new(&Desk::with(&card), [Reply::Think]);
    let first = scene.agent.send(crate::holder::of_card(sign_in()));
    let second = scene.agent.send(crate::holder::of_card(CardTask::ChangePin));
    second.cancellation().cancel();
    first.cancellation().cancel();
    assert_eq!(first.finish(|_| ()).unwrap_err(), Failure::Cancelled);
    assert_eq!(second.finish(|report| panic!("{report:?}")).unwrap_err(), Failure::Cancelled);
    assert!(scene.asked().len() <= 1);
}

#[test]
fn why_a_question_was_not_answered_is_told_and_nothing_presented() {
    let rows = [
        (ORDINARY, NoSecret::NoPrompt, "no-prompt"),
        (ORDINARY, NoSecret::Silent, "holder-silent"),
        (ORDINARY, NoSecret::Malformed, "secret-malformed"),
        (SUSPENDED, NoSecret::LastTryNotAllowed, "last-try-not-allowed"),
    ];
    for (id, reason, code) in rows {
        let card = HolderCard::of(id);
        let scene = Scene::new(&Desk::with(&card), [Reply::Cannot(reason)]);
        assert_eq!(scene.ask(sign_in()).unwrap_err().code(), code);
        assert_eq!(scene.desk.instructions(), [0xA4, 0x22]);
    }
}

#[test]
fn what_the_holder_gave_is_in_no_report() {
    let card = HolderCard::of(ORDINARY);
    let secret = holder(ORDINARY).pin;
    let scene = Scene::new(&Desk::with(&card), [pin(ORDINARY), pin(ORDINARY), Reply::Digits("518273")]);
    for task in [sign_in(), CardTask::ChangePin] {
        let mut reports = Vec::new();
        let exchange = scene.agent.send(crate::holder::of_card(task));
        let result = exchange.finish(|report| reports.push(format!("{report:?}")));
        reports.push(format!("{:?}", result.unwrap()));
        for report in reports {
            assert!(!report.contains(secret) && !report.contains("518273"), "{report}");
        }
    }
}

/// Another program that tries a PIN.
fn present_wrong_pin(card: &mut dyn Played) {
    struct Directly<'card>(&'card mut dyn Played);
    impl CardChannel for Directly<'_> {
        fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
            match self.0.exchange(&command.to_octets()) {
                Exchanged::Answered(octets, _) => Response::parse(&octets).ok_or(ChannelError::MalformedResponse),
                other => panic!("{other:?}"),
            }
        }
    }
    let mut channel = Directly(card);
    let wrong = Pin::parse(b"111111", 6).unwrap();
    let shown = PinStatus::Usable { tries_left: 3 };
    let random = &mut Seeded::new("another program");
    let profile = Profile::standard();
    let refused = Selected::select(&mut channel, &profile).unwrap();
    refused.secure_with_pin(wrong, shown, &Authority::SIGN_IN, random).unwrap_err();
    channel.0.reset();
}
