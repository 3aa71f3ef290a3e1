//! Examining a card: the CAN alone is asked for, and the card is left reset with its PIN as it was.

use latchkey_agent::{Answer, CardTask, Failure, Purpose, SecretKind, Step};
use latchkey_fixtures::vcard::automaton::PinState;
use latchkey_reader::CardAfter;

use crate::desk::{Desk, Event, HolderCard, OneApplication, holder};
use crate::holder::{Reply, Scene};

const ORDINARY: &str = "hanna-vydumanaya";

#[test]
fn only_the_can_is_asked_for_and_nothing_is_spent() {
    let card = HolderCard::of(ORDINARY);
    let scene = Scene::new(&Desk::with(&card), [Reply::Digits(holder(ORDINARY).can)]);
    let (answer, steps) = scene.ask_with_steps(CardTask::Probe);
    let Answer::Probed(findings) = answer.unwrap() else { panic!("not examined") };
    assert!(findings.channel_opened);
    assert!(
        findings.report.contains("hello: errata-2020 accepted\nmac: errata-2020 accepted\n"),
        "{}",
        findings.report
    );
    assert!(findings.report.ends_with("[reader]\natr: 3B 80 80 01 01\n"), "{}", findings.report);
    assert!(steps.contains(&Step::Examining));
    let questions = scene.questions();
    assert_eq!(questions.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [SecretKind::Can]);
    assert_eq!(questions[0].1.purpose, Purpose::Probe);
    let instructions = scene.desk.instructions();
    assert!(instructions.iter().all(|ins| [0xA4, 0xB0, 0x22, 0x86].contains(ins)), "{instructions:02X?}");
    assert_eq!(scene.desk.events().last(), Some(&Event::Ended(CardAfter::Reset)));
    assert_eq!(card.pin_state(), PinState::Pin3);
}

#[test]
fn a_card_of_any_kind_can_be_examined() {
    let desk = Desk::default();
    desk.plug_in("Reader");
    desk.insert_played("Reader", Box::new(OneApplication(&[0xA0, 0x00, 0x00, 0x02, 0x47, 0x10, 0x01])));
    let scene = Scene::new(&desk, [Reply::Digits("123456")]);
    let Answer::Probed(findings) = scene.ask(CardTask::Probe).unwrap() else { panic!("not examined") };
    assert!(!findings.channel_opened);
    assert!(findings.report.contains("application A0000002471001: 9000, described 9000\n"), "{}", findings.report);
    assert!(findings.report.contains("entry: none: nothing takes a CAN\n"), "{}", findings.report);
}

#[test]
fn whoever_says_no_examines_nothing() {
    let scene = Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), [Reply::Cancel]);
    assert_eq!(scene.ask(CardTask::Probe).unwrap_err(), Failure::Cancelled);
    assert!(scene.desk.instructions().is_empty());
}
