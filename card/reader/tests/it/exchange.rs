//! Responses in parts (61XX) and corrected lengths (6CXX), by a scripted card without any service.

use latchkey_card::apdu::{Header, LengthForm};
use latchkey_card::{ChannelError, Command, Response};
use latchkey_reader::exchange;
use proptest::prelude::*;
use zeroize::Zeroizing;

/// Commands that a card must get, and its answers.
type Script<'a> = &'a [(&'a str, &'a str)];

/// Runs one exchange against a card that must get exactly these commands and gives these answers.
fn run(command: &Command, script: Script<'_>) -> Result<Response, ChannelError> {
    let mut script = script.iter();
    let response = exchange(command, &mut |octets| {
        let (expected, answer) = script.next().unwrap_or_else(|| panic!("one command too many: {octets:02X?}"));
        assert_eq!(hex::encode(&*octets), expected.replace(' ', ""));
        Ok(Zeroizing::new(hex::decode(answer.replace(' ', "")).unwrap()))
    });
    assert_eq!(script.next(), None, "a command was not sent");
    response
}

fn read(class: u8) -> Command {
    Command::new(Header::new(class, 0xB0, 0, 0)).expecting(256).unwrap()
}

fn with_data(class: u8) -> Command {
    Command::new(Header::new(class, 0x86, 0, 0)).with_data(&[0xAA]).unwrap().expecting(256).unwrap()
}

#[test]
fn responses_in_parts_are_put_together_and_lengths_corrected() {
    let select = Command::new(Header::new(0, 0xA4, 0, 0)).with_data(&[0x3F, 0x00]).unwrap();
    let verify = Command::new(Header::new(0, 0x20, 0, 1)).with_data(b"1234").unwrap();
    let rows: [(&str, Command, Script<'_>, &str, u16); 11] = [
        ("plain", read(0), &[("00b0000000", "0102 9000")], "0102", 0x9000),
        ("one part", with_data(0), &[("0086000001aa00", "6102"), ("00c0000002", "0102 9000")], "0102", 0x9000),
        (
            "two parts after data",
            read(0),
            &[("00b0000000", "01 6102"), ("00c0000002", "0203 6101"), ("00c0000001", "04 9000")],
            "01020304",
            0x9000,
        ),
        ("256 more", read(0), &[("00b0000000", "6100"), ("00c0000000", "05 9000")], "05", 0x9000),
        ("no answer was expected", select, &[("00a40000023f00", "6101"), ("00c0000001", "6f 9000")], "6f", 0x9000),
        ("exact length", read(0), &[("00b0000000", "6c02"), ("00b0000002", "0102 9000")], "0102", 0x9000),
        ("exact length once only", read(0), &[("00b0000000", "6c02"), ("00b0000002", "6c03")], "", 0x6C03),
        ("never again with data", with_data(0), &[("0086000001aa00", "6c02")], "", 0x6C02),
        ("never a password again", verify, &[("002000010431323334", "6c02")], "", 0x6C02),
        (
            "exact length of a part",
            read(0),
            &[("00b0000000", "6105"), ("00c0000005", "6c02"), ("00c0000002", "0102 9000")],
            "0102",
            0x9000,
        ),
        ("an error after a part", read(0), &[("00b0000000", "01 6102"), ("00c0000002", "6f00")], "01", 0x6F00),
    ];
    for (case, command, script, data, status) in rows {
        let response = run(&command, script).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!((hex::encode(response.data()).as_str(), response.status().value()), (data, status), "{case}");
    }
}

#[test]
fn parts_are_fetched_on_the_commands_logical_channel_without_secure_messaging() {
    for (case, class, expected) in [
        ("basic channel", 0x00, "00"),
        ("secure messaging", 0x0C, "00"),
        ("channel 2 with secure messaging", 0x0E, "02"),
        ("chained", 0x11, "01"),
        ("further channel", 0x45, "45"),
        ("further channel with secure messaging", 0x67, "47"),
        ("proprietary", 0x81, "01"),
    ] {
        let first = format!("{class:02x}b0000000");
        let next = format!("{expected}c0000001");
        let response = run(&read(class), &[(&first, "6101"), (&next, "07 9000")]);
        assert_eq!(response.unwrap().data(), [7], "{case}");
    }
}

#[test]
fn what_is_no_response_is_refused() {
    let short = |octets: usize| [vec![0; octets], vec![0x90, 0x00]].concat();
    let extended = read(0).in_form(LengthForm::Extended);
    let rows: [(&str, Command, Vec<u8>, bool); 8] = [
        ("nothing", read(0), vec![], false),
        ("one octet", read(0), vec![0x90], false),
        ("a status word", read(0), vec![0x90, 0x00], true),
        ("as much as a short command can ask for", read(0), short(256), true),
        ("one octet more", read(0), short(257), false),
        ("the same in answer to an extended one", extended, short(257), true),
        ("as much as an extended one can ask for", read(0).in_form(LengthForm::Extended), short(65_536), true),
        ("one octet more", read(0).in_form(LengthForm::Extended), short(65_537), false),
    ];
    for (case, command, answer, accepted) in rows {
        let response = exchange(&command, &mut |_| Ok(Zeroizing::new(answer.clone())));
        match response {
            Ok(response) => assert!(accepted && response.data().len() + 2 == answer.len(), "{case}"),
            Err(error) => assert!(!accepted && error == ChannelError::MalformedResponse, "{case}: {error}"),
        }
    }
}

#[test]
fn a_card_that_announces_more_for_ever_is_stopped() {
    for (case, part) in [("without ever giving any", vec![]), ("giving 256 octets each time", vec![0; 256])] {
        let mut sent = 0;
        let response = exchange(&read(0), &mut |_| {
            sent += 1;
            Ok(Zeroizing::new([part.as_slice(), &[0x61, 0x00]].concat()))
        });
        assert_eq!(response, Err(ChannelError::MalformedResponse), "{case}");
        assert!(sent <= 257, "{case}: {sent} commands");
    }
}

#[test]
fn faults_on_the_way_are_passed_on() {
    for fault in [ChannelError::CardRemoved, ChannelError::CardSilent, ChannelError::CardReset] {
        assert_eq!(exchange(&read(0), &mut |_| Err(fault)), Err(fault));
        let mut answers = vec![Err(fault), Ok(Zeroizing::new(vec![0x61, 0x01]))];
        assert_eq!(exchange(&read(0), &mut |_| answers.pop().unwrap()), Err(fault));
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic_or_run_on(
        data in proptest::collection::vec(any::<u8>(), 0..4),
        answers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..6), 0..8),
    ) {
        let command = Command::new(Header::new(0, 0xB0, 0, 0)).with_data(&data).unwrap().expecting(256).unwrap();
        let mut answers = answers.into_iter();
        exchange(&command, &mut |_| Ok(Zeroizing::new(answers.next().unwrap_or_default()))).ok();
    }

    #[test]
    fn a_response_in_any_parts_is_the_same(parts in proptest::collection::vec(1..=255_usize, 1..20)) {
        let whole: Vec<u8> = (0..parts.iter().sum()).map(|index: usize| index.to_le_bytes()[0]).collect();
        let mut offset = 0;
        let mut sizes = parts.iter().copied().peekable();
        let response = exchange(&read(0), &mut |_| {
            let size = sizes.next().unwrap();
            let mut answer = whole[offset..offset + size].to_vec();
            offset += size;
            match sizes.peek() {
                Some(next) => answer.extend([0x61, next.to_le_bytes()[0]]),
                None => answer.extend([0x90, 0x00]),
            }
            Ok(Zeroizing::new(answer))
        }).unwrap();
        prop_assert_eq!(response.data(), whole);
    }
}
