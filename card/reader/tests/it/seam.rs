//! The seam without any service: names, answers to reset, choosing, and the end of every transaction.

use std::cell::RefCell;
use std::ffi::CString;
use std::rc::Rc;

use latchkey_card::apdu::Header;
use latchkey_card::{CardChannel, ChannelError, Command, Response, StatusWord};
use latchkey_reader::{
    Atr, CardAfter, CardPresence, CardTransaction, Insertion, OpenTransaction, ReaderError, ReaderName, ReaderState,
    choose_card,
};

#[test]
fn reader_names_are_parsed_or_refused() {
    let longest = "r".repeat(127);
    let too_long = "r".repeat(128);
    for (case, text, accepted) in [
        ("usual", "Virtual PCD 00 00", true),
        ("one octet", "r", true),
        ("not ASCII", "Считыватель 00 01", true),
        ("longest", longest.as_str(), true),
        ("empty", "", false),
        ("one octet too long", too_long.as_str(), false),
        ("with a NUL", "reader\0other", false),
    ] {
        assert_eq!(ReaderName::parse(text).is_ok(), accepted, "{case}");
    }
}

#[test]
fn reader_names_cannot_steer_a_terminal() {
    let name = ReaderName::parse("Reader\u{1b}[2J 00").unwrap();
    assert_eq!(name.to_string(), "Reader\u{fffd}[2J 00");
    let foreign = ReaderName::from_service(&CString::new(b"Lector \xf1".as_slice()).unwrap()).unwrap();
    assert_eq!(foreign.to_string(), "Lector \u{fffd}");
    assert_eq!(foreign.as_c_str().to_bytes(), b"Lector \xf1");
}

#[test]
fn an_answer_to_reset_has_at_most_33_octets() {
    assert_eq!(Atr::new(&[0x3B; 33]).unwrap().octets(), &[0x3B; 33]);
    assert_eq!(Atr::new(&[0x3B; 34]), None);
    assert_eq!(Atr::new(&[0x3B, 0x80, 0x01]).unwrap().to_string(), "3B 80 01");
    assert_eq!(format!("{:?}", Atr::new(&[]).unwrap()), "Atr()");
}

#[test]
fn a_card_is_named_or_the_only_one_and_never_guessed() {
    let name = |text| ReaderName::parse(text).unwrap();
    let atr = Atr::new(&[0x3B, 0x00]).unwrap();
    let empty = ReaderState { name: name("empty"), presence: CardPresence::Absent };
    let present = |text, number| ReaderState {
        name: name(text),
        presence: CardPresence::Present { insertion: Insertion::new(number), atr },
    };
    let held = ReaderState {
        name: name("held"),
        presence: CardPresence::InUseExclusively { insertion: Insertion::new(8), atr },
    };
    let mute = ReaderState { name: name("mute"), presence: CardPresence::Mute { insertion: Insertion::new(9) } };

    type Row = (&'static str, Vec<ReaderState>, Option<&'static str>, Result<u64, ReaderError>);
    let rows: [Row; 11] = [
        ("no reader", vec![], None, Err(ReaderError::NoReader)),
        ("no reader, one wanted", vec![], Some("empty"), Err(ReaderError::NoReader)),
        ("no card", vec![empty.clone()], None, Err(ReaderError::NoCard)),
        ("no card in the wanted reader", vec![empty.clone(), present("a", 1)], Some("empty"), Err(ReaderError::NoCard)),
        ("another reader wanted", vec![present("a", 1)], Some("b"), Err(ReaderError::ReaderGone)),
        ("the only card", vec![empty.clone(), present("a", 1)], None, Ok(1)),
        ("two cards", vec![present("a", 1), present("b", 2)], None, Err(ReaderError::SeveralCards { count: 2 })),
        (
            "a card and a mute one",
            vec![present("a", 1), mute.clone()],
            None,
            Err(ReaderError::SeveralCards { count: 2 }),
        ),
        ("two cards, one named", vec![present("a", 1), present("b", 2)], Some("b"), Ok(2)),
        ("held by another program", vec![empty.clone(), held], None, Err(ReaderError::CardBusy)),
        ("mute", vec![mute, empty], None, Err(ReaderError::CardMute)),
    ];
    for (case, readers, wanted, expected) in rows {
        let wanted = wanted.map(name);
        let chosen = choose_card(&readers, wanted.as_ref()).map(|card| card.insertion);
        assert_eq!(chosen, expected.map(Insertion::new), "{case}");
    }
}

/// Notes how it was ended.
struct Noted(Rc<RefCell<Vec<CardAfter>>>);

impl CardChannel for Noted {
    fn transmit(&mut self, _: &Command) -> Result<Response, ChannelError> {
        Ok(Response::status_only(StatusWord::SUCCESS))
    }
}

impl OpenTransaction for Noted {
    fn end(&mut self, after: CardAfter) -> Result<(), ReaderError> {
        self.0.borrow_mut().push(after);
        Ok(())
    }
}

#[test]
fn a_transaction_ends_once_and_with_a_reset_unless_left() {
    let ended = |end: fn(CardTransaction<'_>)| {
        let notes = Rc::new(RefCell::new(Vec::new()));
        let mut transaction = CardTransaction::new(Box::new(Noted(Rc::clone(&notes))));
        assert!(transaction.transmit(&Command::new(Header::new(0, 0xA4, 0, 0))).unwrap().status().is_success());
        end(transaction);
        notes.take()
    };
    assert_eq!(ended(|transaction| transaction.leave().unwrap()), [CardAfter::Untouched]);
    assert_eq!(ended(|transaction| transaction.reset().unwrap()), [CardAfter::Reset]);
    assert_eq!(ended(|transaction| drop(transaction)), [CardAfter::Reset]);
}

#[test]
fn every_cause_has_a_code_of_its_own() {
    let causes = [
        ReaderError::NoService,
        ReaderError::NoReader,
        ReaderError::ReaderGone,
        ReaderError::NoCard,
        ReaderError::SeveralCards { count: 2 },
        ReaderError::CardRemoved,
        ReaderError::CardReset,
        ReaderError::CardMute,
        ReaderError::CardSilent,
        ReaderError::CardBusy,
        ReaderError::CardUnsupported,
        ReaderError::Transmission,
        ReaderError::MalformedResponse,
        ReaderError::ServiceFault { reason: "no memory".to_owned() },
    ];
    let codes: std::collections::BTreeSet<_> = causes.iter().map(ReaderError::code).collect();
    assert_eq!(codes.len(), causes.len());
}
