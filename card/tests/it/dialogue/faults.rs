//! How a dialogue ends when holder, card or reader is at fault: one cause, one code.

use std::collections::BTreeSet;

use latchkey_card::apdu::StatusWord;
use latchkey_card::channel::ChannelError;
use latchkey_card::dialogue::{Culprit, DialogueError, Operation, PinStatus, ProtocolFault, Selected};
use latchkey_card::key::KeyId;
use latchkey_card::password::{Can, Password, Puk};
use latchkey_card::profile::Profile;
use latchkey_card::rights::Authority;
use latchkey_fixtures::scripted::ScriptedChannel;
use proptest::prelude::*;

use super::{SIGNING_SESSION, THREE_TRIES, in_session, pin, random, with_pin};

const SELECTED: &str = "> 00A40000\n< 9000\n";
const CHOOSE_PIN: &str = "> 0022C1A42480092A700002002265420D8301037F4C10060A2A7000020022654F060204028000530101\n";

fn refused(operation: Operation, status: u16) -> DialogueError {
    DialogueError::CardRefused { operation, status: StatusWord::new(status) }
}

fn closed(status: u16) -> DialogueError {
    DialogueError::ChannelClosed { status: StatusWord::new(status) }
}

#[test]
fn the_status_of_the_pin_is_learnt_without_presenting_it() {
    let usable = |tries_left| Ok(PinStatus::Usable { tries_left });
    let rows = [
        ("not wrong lately", "9000", usable(3)),
        ("two tries", "63C2", usable(2)),
        ("one try, CAN given", "63C1", usable(1)),
        ("no try", "63C0", Ok(PinStatus::Blocked)),
        ("suspended", "6985", Ok(PinStatus::Suspended)),
        ("blocked", "6983", Ok(PinStatus::Blocked)),
        ("deactivated", "6984", Ok(PinStatus::Deactivated)),
        ("another answer", "6A88", Err(refused(Operation::ChoosePassword, 0x6A88))),
    ];
    let profile = Profile::standard();
    for (name, answer, status) in rows {
        let text = format!("{SELECTED}> 0022C1A40E80092A700002002265420D830103\n< {answer}\n");
        let mut card = ScriptedChannel::new(&text);
        assert_eq!(Selected::select(&mut card, &profile).unwrap().pin_status(), status, "{name}");
        card.finish();
    }
}

/// The card is asked for nothing more, so no try is spent.
#[test]
fn a_pin_whose_status_is_not_the_one_shown_is_not_presented() {
    let usable = |tries_left| PinStatus::Usable { tries_left };
    let changed = |tries_left| DialogueError::PinStatusChanged { now: usable(tries_left) };
    let rows = [
        ("fewer tries than shown", usable(3), "63C2", changed(2)),
        ("more tries than shown", usable(2), "9000", changed(3)),
        ("the last try, not shown as such", usable(2), "63C1", changed(1)),
        ("suspended since", usable(2), "6985", DialogueError::PinSuspended),
        ("blocked since", usable(1), "6983", DialogueError::PinBlocked),
        ("no try left", usable(1), "63C0", DialogueError::PinBlocked),
        ("deactivated since", usable(3), "6984", DialogueError::PinDeactivated),
        ("no rights for that", usable(3), "6982", refused(Operation::ChoosePassword, 0x6982)),
    ];
    let profile = Profile::standard();
    for (name, shown, answer, error) in rows {
        let mut card = ScriptedChannel::new(&format!("{SELECTED}{CHOOSE_PIN}< {answer}\n"));
        let ended = with_pin(&mut card, &profile, shown, &Authority::SIGN_IN).unwrap_err();
        assert_eq!(ended, error, "{name}");
        card.finish();
    }
}

#[test]
fn a_refused_pin_is_told_by_its_cause() {
    let rows = [
        ("wrong", "63C2", DialogueError::PinWrong { tries_left: 2 }),
        ("wrong, one try left", "63C1", DialogueError::PinWrong { tries_left: 1 }),
        ("wrong for the last time", "63C0", DialogueError::PinWrong { tries_left: 0 }),
        ("blocked by it", "6983", DialogueError::PinWrong { tries_left: 0 }),
        // It was looked at: to ask the holder again would cost a second try.
        ("said to be suspended", "6985", refused(Operation::Authenticate, 0x6985)),
        ("said to be deactivated", "6984", refused(Operation::Authenticate, 0x6984)),
        ("bad data", "6A80", refused(Operation::Authenticate, 0x6A80)),
    ];
    let profile = Profile::standard();
    for (name, answer, error) in rows {
        let text = format!("{SELECTED}{CHOOSE_PIN}< 9000\n* bpace 999999 {answer}\n");
        let mut card = ScriptedChannel::new(&text);
        let ended = with_pin(&mut card, &profile, THREE_TRIES, &Authority::SIGN_IN).unwrap_err();
        assert_eq!(ended, error, "{name}");
        card.finish();
    }
}

#[test]
fn a_refused_can_or_puk_is_told_by_its_cause() {
    let profile = Profile::standard();
    let with_can = |choice: &str, rest: &str| {
        let text = format!("{SELECTED}> 0022C1A40E80092A700002002265420D830102\n< {choice}\n{rest}");
        let mut card = ScriptedChannel::new(&text);
        let can = Can::parse(b"654321", 6).unwrap();
        let selected = Selected::select(&mut card, &profile).unwrap();
        let ended = selected.secure_with_can(can, &Authority::NOTHING, &mut random()).unwrap_err();
        card.finish();
        ended
    };
    assert_eq!(with_can("9000", "* bpace 111111 63C1"), DialogueError::CanWrong);
    assert_eq!(with_can("6A80", ""), refused(Operation::ChoosePassword, 0x6A80));

    let with_puk = |choice: &str, rest: &str| {
        let text = format!("{SELECTED}> 0022C1A40E80092A700002002265420D830104\n< {choice}\n{rest}");
        let mut card = ScriptedChannel::new(&text);
        let puk = Puk::parse(b"1618033988", 10).unwrap();
        let selected = Selected::select(&mut card, &profile).unwrap();
        let ended = selected.secure_with_puk(puk, &Authority::NOTHING, &mut random()).unwrap_err();
        card.finish();
        ended
    };
    assert_eq!(with_puk("9000", "* bpace 1111111111 63C9"), DialogueError::PukWrong { tries_left: 9 });
    assert_eq!(with_puk("63C3", "* bpace 1111111111 63C2"), DialogueError::PukWrong { tries_left: 2 });
    assert_eq!(with_puk("6983", ""), refused(Operation::ChoosePassword, 0x6983));
}

/// Inside a channel only a protected answer says anything; a plain one closes it whatever it says.
#[test]
fn a_plain_answer_inside_the_channel_closes_it() {
    for (status, code) in [(0x9000, "9000"), (0x63C2, "63C2"), (0x6982, "6982"), (0x6983, "6983"), (0x6988, "6988")] {
        let query = format!("> 00200003\n! plain {code}\n");
        let ended = in_session(&query, |mut holder| {
            let ended = holder.is_confirmed().unwrap_err();
            // Nothing is sent any more, and the cause stays the same.
            assert_eq!(holder.sign_belt_hash(&[0; 32]), Err(ended), "{code}");
            assert_eq!(holder.read_name(), Err(ended), "{code}");
            Err::<(), _>(ended)
        });
        assert_eq!(ended, Err(closed(status)), "{code}");

        let verify = format!("> 0020000306313233343536\n! plain {code}\n");
        let ended = in_session(&verify, |holder| holder.confirm_again().map(|_| ()));
        assert_eq!(ended, Err(closed(status)), "{code} to VERIFY");
    }
}

#[test]
fn a_plain_answer_tells_no_tries_to_a_pin_inside_the_channel_of_the_can() {
    let profile = Profile::standard();
    let text = format!(
        "{SELECTED}> 0022C1A40E80092A700002002265420D830102\n< 9000\n* bpace 654321\n{CHOOSE_PIN}! plain 63C1\n"
    );
    let mut card = ScriptedChannel::new(&text);
    let can = Can::parse(b"654321", 6).unwrap();
    let selected = Selected::select(&mut card, &profile).unwrap();
    let secured = selected.secure_with_can(can, &Authority::NOTHING, &mut random()).unwrap();
    let shown = PinStatus::Usable { tries_left: 1 };
    let ended = secured.secure_with_pin(pin("123456"), shown, &Authority::SIGN_IN, &mut random()).unwrap_err();
    assert_eq!(ended, closed(0x63C1));
    card.finish();
}

#[test]
fn an_answer_that_is_not_authentic_closes_the_channel() {
    let not_authentic = DialogueError::CardProtocol(ProtocolFault::NotAuthentic);
    let ended = in_session("> 00200003\n! forged 9000\n", |mut holder| {
        let ended = holder.is_confirmed().unwrap_err();
        assert_eq!(holder.sign_belt_hash(&[0; 32]), Err(ended));
        Err::<(), _>(ended)
    });
    assert_eq!(ended, Err(not_authentic));
}

#[test]
fn commands_inside_esign_end_by_their_cause() {
    type Act = fn(super::HolderVerified<'_>) -> Result<(), DialogueError>;
    let sign: Act = |mut holder| holder.sign_belt_hash(&[0; 32]).map(|_| ());
    let read: Act = |mut holder| holder.read_certificate(KeyId::BASE_128).map(|_| ());
    let unwrap: Act = |mut holder| holder.unwrap_key(&[0; 16], &[0; 64]).map(|_| ());
    let confirm: Act = |holder| holder.confirm_again().map(|_| ());
    let change: Act = |holder| holder.change_pin(&pin("654321"));
    let query: Act = |mut holder| holder.is_confirmed().map(|_| ());
    let forget: Act = |mut holder| holder.forget_confirmation();
    let deactivate: Act = |holder| holder.deactivate_pin();
    let zeros = "00".repeat(32);
    let choose = "> 002241B606840101800190\n";
    let compute = format!("{choose}< 9000\n> 002A9E9A20{zeros}00\n");
    let decipher = format!("> 002241B803840101\n< 9000\n> 002A808650{}00\n", "00".repeat(80));
    let select_file = "> 00A4020C025201\n";
    let read_first = format!("{select_file}< 9000\n> 00B00000E0\n");
    let size = |size| DialogueError::CardProtocol(ProtocolFault::FileSize { size });
    let length = |found| DialogueError::CardProtocol(ProtocolFault::Length { found });
    let block = |octets: usize| format!("30820200{}", "07".repeat(octets - 4));
    let second = format!("{read_first}< {}9000\n> 00B000E0E0\n", block(224));
    let wrong = |tries_left| DialogueError::PinWrong { tries_left };
    let rows: Vec<(&str, String, Act, DialogueError)> = vec![
        ("inactive key", format!("{choose}< 6283"), sign, DialogueError::KeyInactive),
        ("destroyed key", format!("{choose}< 6984"), sign, DialogueError::KeyMissing),
        ("key never made", format!("{choose}< 6A88"), sign, DialogueError::KeyMissing),
        (
            "confirmation missing when the key is chosen",
            format!("{choose}< 6982"),
            sign,
            DialogueError::ConfirmationMissing,
        ),
        ("key refused", format!("{choose}< 6A80"), sign, refused(Operation::ChooseKey, 0x6A80)),
        (
            "key token, key not to be chosen",
            "> 002241B803840101\n< 6982".to_owned(),
            unwrap,
            refused(Operation::ChooseKey, 0x6982),
        ),
        ("confirmation used up", format!("{compute}< 6982"), sign, DialogueError::ConfirmationMissing),
        ("no signature", format!("{compute}< 6400"), sign, refused(Operation::Sign, 0x6400)),
        ("short signature", format!("{compute}< {}9000", "5A".repeat(47)), sign, length(47)),
        ("empty signature", format!("{compute}< 9000"), sign, length(0)),
        ("token for another key", format!("{decipher}< 6A80"), unwrap, refused(Operation::UnwrapKey, 0x6A80)),
        ("key of another length", format!("{decipher}< {}9000", "4B".repeat(24)), unwrap, length(24)),
        ("no right to the file", format!("{select_file}< 6982"), read, refused(Operation::SelectFile, 0x6982)),
        ("no right to read", format!("{read_first}< 6982"), read, refused(Operation::ReadFile, 0x6982)),
        ("file too large", format!("{read_first}< 3082FFFF{}9000", "07".repeat(220)), read, size(0x1_0003)),
        ("file one octet too large", format!("{read_first}< 30820FFD{}9000", "07".repeat(220)), read, size(4097)),
        ("first block cut", format!("{read_first}< {}9000", block(200)), read, length(200)),
        ("second block cut", format!("{second}< {}9000", "07".repeat(100)), read, length(100)),
        ("second block empty", format!("{second}< 9000"), read, length(0)),
        ("second block too long", format!("{second}< {}9000", "07".repeat(225)), read, length(225)),
        ("second block refused", format!("{second}< 6A86"), read, refused(Operation::ReadFile, 0x6A86)),
        ("wrong PIN to VERIFY", "> 0020000306313233343536\n< 63C2".to_owned(), confirm, wrong(2)),
        ("wrong PIN to its change", "> 002400030C313233343536363534333231\n< 63C1".to_owned(), change, wrong(1)),
        (
            "change not allowed",
            "> 002400030C313233343536363534333231\n< 6982".to_owned(),
            change,
            refused(Operation::ChangePin, 0x6982),
        ),
        ("odd answer to a question", "> 00200003\n< 6A88".to_owned(), query, refused(Operation::ConfirmPin, 0x6A88)),
        ("flag not cleared", "> 0020FF03\n< 6400".to_owned(), forget, refused(Operation::ConfirmPin, 0x6400)),
        ("not deactivated", "> 00041003\n< 6982".to_owned(), deactivate, refused(Operation::DeactivatePin, 0x6982)),
    ];
    for (name, text, act, error) in rows {
        assert_eq!(in_session(&text, act), Err(error), "{name}");
    }
    let malformed = in_session(&format!("{read_first}< 30809000"), read).unwrap_err();
    assert!(matches!(malformed, DialogueError::CardProtocol(ProtocolFault::Malformed(_))), "{malformed:?}");
    let too_long = in_session("", |mut holder| holder.unwrap_key(&[0; 16], &vec![0; 70_000]).map(|_| ()));
    assert_eq!(too_long.unwrap_err().code(), "request-too-long");
}

#[test]
fn commands_by_puk_end_by_their_cause() {
    let profile = Profile::standard();
    let session = "> 00A40000\n< 9000\n> 0022C1A40E80092A700002002265420D830104\n< 9000\n* bpace 1618033988\n\
                   > 00A4040C0AD11200020022654F0702\n< 9000\n";
    let rows = [
        ("not allowed", "> 002C0300\n< 6982", refused(Operation::UnblockPin, 0x6982)),
        ("dead", "> 002C0300\n< 6983", DialogueError::PinBlocked),
        ("deactivated", "> 002C0300\n< 6984", DialogueError::PinDeactivated),
    ];
    for (name, text, error) in rows {
        let mut card = ScriptedChannel::new(&format!("{session}{text}"));
        let puk = Puk::parse(b"1618033988", 10).unwrap();
        let selected = Selected::select(&mut card, &profile).unwrap();
        let secured = selected.secure_with_puk(puk, &Authority::NOTHING, &mut random()).unwrap();
        assert_eq!(secured.select_esign().unwrap().unblock_pin(), Err(error), "{name}");
        card.finish();
    }
}

#[test]
fn a_card_that_breaks_bpace_is_told() {
    let profile = Profile::standard();
    let begin = |answer: &str| {
        let text = format!("> 00A40000\n< 9000\n> 0022C1A40E80092A700002002265420D830102\n< 9000\n{answer}");
        let mut card = ScriptedChannel::new(&text);
        let can = Can::parse(b"654321", 6).unwrap();
        let selected = Selected::select(&mut card, &profile).unwrap();
        let mut recorded = latchkey_fixtures::random::Recorded::new(vec![1; 48]);
        selected.secure_with_can(can, &Authority::NOTHING, &mut recorded).unwrap_err()
    };
    let first = {
        let key = latchkey_crypto::bpace::password_key(b"654321");
        let m1 = latchkey_crypto::belt::encrypt_block(&key, &[1; 16]);
        format!("> 10860000147C128010{}00\n", hex::encode(m1))
    };
    let protocol = |ended: DialogueError| match ended {
        DialogueError::CardProtocol(fault) => fault,
        other => panic!("{other:?}"),
    };
    let off_curve = format!("{first}< 7C528150{}9000\n", "11".repeat(80));
    assert_eq!(protocol(begin(&off_curve)), ProtocolFault::InvalidPoint);
    let cut = format!("{first}< 7C5281509000\n");
    assert!(matches!(protocol(begin(&cut)), ProtocolFault::Malformed(_)));
    let refused_first = format!("{first}< 6A80\n");
    assert_eq!(begin(&refused_first), refused(Operation::Authenticate, 0x6A80));
}

/// A card that does not know the password cannot pretend that it accepted it.
#[test]
fn a_wrong_key_confirmation_of_the_card_is_told() {
    let transcript =
        latchkey_fixtures::vectors::vector("BPACE, errata profile: CAN 654321, hello_KP = CDF without CertHAT");
    let hex = |key: &str| hex::encode_upper(transcript.output(key));
    let mut m4 = transcript.output("M4");
    m4[7] ^= 1;
    let text = format!(
        "> 00A40000\n< 9000\n> 0022C1A40E80092A700002002265420D830102\n< 9000\n> 10860000147C128010{}00\n\
         < 7C528150{}9000\n> 008600004C7C4A8248{}00\n< 7C0A8308{}9000\n",
        hex("M1"),
        hex("M2"),
        hex("M3"),
        hex::encode_upper(m4),
    );
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&text);
    let mut recorded = latchkey_fixtures::random::Recorded::new(transcript.input("B_random (Rb||ub)"));
    let can = Can::parse(b"654321", 6).unwrap();
    let selected = Selected::select(&mut card, &profile).unwrap();
    let ended = selected.secure_with_can(can, &Authority::NOTHING, &mut recorded).unwrap_err();
    assert_eq!(ended, DialogueError::CardProtocol(ProtocolFault::KeyConfirmation));
}

#[test]
fn every_cause_has_one_code_and_a_culprit() {
    let usable = PinStatus::Usable { tries_left: 2 };
    let too_long = latchkey_card::apdu::ApduError::WrongLength;
    let rows = [
        (DialogueError::PinWrong { tries_left: 2 }, "pin-wrong", Culprit::Holder, Some(2)),
        (DialogueError::PinSuspended, "pin-suspended", Culprit::Holder, None),
        (DialogueError::PinBlocked, "pin-blocked", Culprit::Holder, None),
        (DialogueError::PinDeactivated, "pin-deactivated", Culprit::Holder, None),
        (DialogueError::CanWrong, "can-wrong", Culprit::Holder, None),
        (DialogueError::PukWrong { tries_left: 9 }, "puk-wrong", Culprit::Holder, Some(9)),
        (DialogueError::PinStatusChanged { now: usable }, "pin-status-changed", Culprit::Environment, None),
        (DialogueError::Pin2Wrong { tries_left: 1 }, "pin2-wrong", Culprit::Holder, Some(1)),
        (DialogueError::Pin2Blocked, "pin2-blocked", Culprit::Holder, None),
        (DialogueError::TerminalNeeded, "terminal-needed", Culprit::Caller, None),
        (DialogueError::ConfirmationMissing, "confirmation-missing", Culprit::Caller, None),
        (DialogueError::KeyInactive, "key-inactive", Culprit::Card, None),
        (DialogueError::KeyMissing, "key-missing", Culprit::Card, None),
        (DialogueError::CertificateMissing, "certificate-missing", Culprit::Card, None),
        (DialogueError::CertificatePending, "certificate-pending", Culprit::Card, None),
        (refused(Operation::Sign, 0x6400), "card-refused", Culprit::Card, None),
        (closed(0x6988), "card-closed-channel", Culprit::Card, None),
        (DialogueError::CardProtocol(ProtocolFault::KeyConfirmation), "card-protocol", Culprit::Card, None),
        (DialogueError::EditionsUnconfirmed, "editions-unconfirmed", Culprit::Caller, None),
        (DialogueError::Request(too_long), "request-too-long", Culprit::Caller, None),
        (DialogueError::Channel(ChannelError::CardSilent), "card-silent", Culprit::Environment, None),
    ];
    let mut codes = BTreeSet::new();
    for (error, code, culprit, tries_left) in rows {
        assert_eq!((error.code(), error.culprit(), error.tries_left()), (code, culprit, tries_left), "{error:?}");
        assert!(codes.insert(code), "{code} names two causes");
        assert!(!error.to_string().is_empty());
    }
    assert_eq!(refused(Operation::Sign, 0x6400).to_string(), "the card refused to sign: 6400");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a card answers inside the channel, reading ends with octets of a file or with an error.
    #[test]
    fn any_file_is_read_or_refused(contents in proptest::collection::vec(any::<u8>(), 0..224)) {
        let hex = hex::encode(&contents);
        let read = in_session(&format!("> 00A4020C025201\n< 9000\n> 00B00000E0\n< {hex}9000\n"), |mut holder| {
            holder.read_certificate(KeyId::BASE_128)
        });
        match read {
            Ok(certificate) => prop_assert!(contents.starts_with(&certificate)),
            Err(error) => prop_assert_eq!(error.culprit(), Culprit::Card),
        }
    }

    #[test]
    fn any_first_answer_ends_a_dialogue_in_order(status: u16) {
        let profile = Profile::standard();
        let mut card = ScriptedChannel::new(&format!("> 00A40000\n< {status:04X}\n"));
        let selected = Selected::select(&mut card, &profile).map(|_| ());
        let expected = if status == 0x9000 { Ok(()) } else { Err(refused(Operation::SelectMasterFile, status)) };
        prop_assert_eq!(selected, expected);
    }
}

#[test]
fn a_session_prints_neither_pin_nor_key() {
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(SIGNING_SESSION);
    let selected = Selected::select(&mut card, &profile).unwrap();
    let printed = format!("{selected:?}");
    assert_eq!(printed, "Selected(stb-34.101.79)");
    let secured = selected.secure_with_pin(pin("123456"), THREE_TRIES, &Authority::SIGN_IN, &mut random()).unwrap();
    assert_eq!(format!("{secured:?}"), "Secured(stb-34.101.79)");
    assert_eq!(format!("{:?}", secured.select_esign().unwrap()), "HolderVerified(stb-34.101.79)");
}
