//! What a card, or somebody on the way, can do to a terminal: the session ends with the reason, and there is no result.

use latchkey_card::apdu::StatusWord;
use latchkey_card::dialogue::{MAX_GROUP_SIZE, Operation, ProtocolFault};
use latchkey_card::profile::Edition;
use latchkey_card::rights::DataGroup;
use latchkey_card::secure_messaging::CardSecureMessaging;
use latchkey_card::terminal::{KeyAct, Next, TerminalFault, TerminalFile};

use super::{PlayedCard, established, established_asking, model_session_key};

const SELECT_EID: &str = "> 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 01\n< 90 00\n";
const SELECT_ESIGN: &str = "> 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 02\n< 90 00\n";

/// Reads data group 5 from the card of the text, which must not go well.
fn reading_fault(text: &str) -> TerminalFault {
    let mut card = PlayedCard::new(&model_session_key(), text);
    let mut next = established().read(&[TerminalFile::DataGroup(DataGroup::new(5).unwrap())]).unwrap();
    loop {
        let Next::Command(step, command) = next else { panic!("it went well") };
        match step.receive(&card.answer(&command)) {
            Ok(then) => next = then,
            Err(fault) => {
                card.finish();
                return fault;
            }
        }
    }
}

#[test]
fn a_broken_channel_is_told_from_a_refusal() {
    let rows = [
        ("unprotected", "! plain 69 88\n", TerminalFault::ChannelClosed { status: StatusWord::new(0x6988) }),
        ("unprotected success", "! plain 90 00\n", TerminalFault::ChannelClosed { status: StatusWord::SUCCESS }),
        ("forged", "! forged 90 00\n", TerminalFault::CardProtocol(ProtocolFault::NotAuthentic)),
    ];
    for (name, answer, expected) in rows {
        let text = format!("> 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 01\n{answer}");
        assert_eq!(reading_fault(&text), expected, "{name}");
    }
    let refused = "> 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 02\n< 6A 82\n";
    let mut card = PlayedCard::new(&model_session_key(), refused);
    let (step, command) = established().sign().unwrap();
    let fault = step.receive(&card.answer(&command)).unwrap_err();
    let status = StatusWord::FILE_NOT_FOUND;
    assert_eq!(fault, TerminalFault::CardRefused { operation: Operation::SelectApplication, status });
}

#[test]
fn a_file_that_lies_about_its_size_is_refused() {
    let selected = format!("{SELECT_EID}> 00 A4 02 0C 02 01 05\n< 90 00\n");
    let first = |block: &str| format!("{selected}> 00 B0 00 00 E0\n< {block} 90 00\n");
    let full = format!("4582 0200 {}", "00".repeat(220));
    let too_long = format!("4582 8000 {}", "00".repeat(220));
    let size = MAX_GROUP_SIZE + 5;
    assert_eq!(reading_fault(&first(&too_long)), TerminalFault::CardProtocol(ProtocolFault::FileSize { size }));
    assert_eq!(reading_fault(&first("45 05 00")).code(), "card-protocol");
    assert_eq!(reading_fault(&first("45")).code(), "card-protocol");
    assert_eq!(reading_fault(&first("45 80 00")).code(), "card-protocol");
    let second = |answer: &str| format!("{}> 00 B0 00 E0 E0\n< {answer}\n", first(&full));
    let short = reading_fault(&second(&format!("{} 90 00", "00".repeat(223))));
    assert_eq!(short, TerminalFault::CardProtocol(ProtocolFault::Length { found: 223 }));
}

#[test]
fn a_question_that_the_card_does_not_answer_ends_the_session() {
    let asking = "80092A7000020022654F0B67187316060A2A7000020022654F050183083230323630313031";
    let rows = [
        ("eID refused", "> 00A4040C0AD11200020022654F0701\n< 6982\n".to_owned(), Operation::SelectApplication),
        (
            "the comparison refused",
            format!("{SELECT_EID}> 80208000 0C060A2A7000020022654F0501\n< 6982\n"),
            Operation::CompareAttribute,
        ),
    ];
    for (name, text, operation) in rows {
        let (established, key) = established_asking(asking);
        let mut card = PlayedCard::new(&key, &text);
        let mut next = established.read(&[]).unwrap();
        let fault = loop {
            let Next::Command(step, command) = next else { panic!("{name}: it went well") };
            match step.receive(&card.answer(&command)) {
                Ok(then) => next = then,
                Err(fault) => break fault,
            }
        };
        let status = StatusWord::NOT_ALLOWED;
        assert_eq!(fault, TerminalFault::CardRefused { operation, status }, "{name}");
    }
}

#[test]
fn a_signature_or_key_that_is_none_is_refused() {
    let chosen = format!("{SELECT_ESIGN}> 00 22 41 B6 06 84 01 11 80 01 90\n< 90 00\n");
    let text = format!("{chosen}> 00 2A 9E 9A 20 {} 00\n< {} 90 00\n", "AA".repeat(32), "5A".repeat(47));
    let mut card = PlayedCard::new(&model_session_key(), &text);
    let (step, command) = established().sign().unwrap();
    let (step, command) = step.receive(&card.answer(&command)).unwrap();
    let (step, command) = step.receive(&card.answer(&command), &[0xAA; 32]).unwrap();
    let fault = step.receive(&card.answer(&command)).unwrap_err();
    assert_eq!(fault, TerminalFault::CardProtocol(ProtocolFault::Length { found: 47 }));

    let rows = [
        (format!("{} 90 00", "FF".repeat(64)), "card-protocol"),
        (format!("{} 90 00", "07".repeat(63)), "card-protocol"),
        ("69 84".to_owned(), "card-refused"),
    ];
    for (answer, code) in rows {
        let text = format!("{SELECT_ESIGN}> 00 46 80 00 05 B6 03 84 01 11 00\n< {answer}\n");
        let mut card = PlayedCard::new(&model_session_key(), &text);
        let (step, command) = established().manage_key(KeyAct::Generate).unwrap();
        let Next::Command(step, command) = step.receive(&card.answer(&command)).unwrap() else { panic!("too early") };
        assert_eq!(step.receive(&card.answer(&command)).unwrap_err().code(), code, "{answer}");
    }
}

#[test]
fn more_than_a_file_holds_is_not_written() {
    let fault = established().write_file(TerminalFile::Certificate, &[0; 4097]).unwrap_err();
    assert_eq!(fault, TerminalFault::CardProtocol(ProtocolFault::FileSize { size: 4097 }));
}

/// A card of the other edition of the MAC does not understand the first command.
#[test]
fn another_edition_of_the_mac_fails_at_the_first_command() {
    let (_, command) = established().sign().unwrap();
    let [cla, ins, p1, p2] = command.header;
    let mut wire = vec![cla, ins, p1, p2, u8::try_from(command.data.len()).unwrap()];
    wire.extend_from_slice(&command.data);
    wire.push(0);
    let card = CardSecureMessaging::new(&model_session_key(), Edition::Print2019);
    assert!(card.unprotect(&wire).is_err());
}

/// An answer without its status is one of success, or it is not genuine.
#[test]
fn a_status_may_be_missing_but_not_made_up() {
    let select = "> 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 02\n";
    for (status, is_genuine) in [("90 00", true), ("62 00", false), ("6A 82", false)] {
        let mut card = PlayedCard::new(&model_session_key(), &format!("{select}< {status}\n"));
        let (step, command) = established().sign().unwrap();
        let answer = card.answer(&command);
        assert_eq!(step.receive(&answer[..answer.len() - 2]).is_ok(), is_genuine, "{status}");
    }
}
