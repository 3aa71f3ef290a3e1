//! Command and response APDUs against hand-built vectors, and properties.

use std::num::NonZeroU8;

use latchkey_card::apdu::{
    ApduError, Command, Header, LengthForm, MAX_EXTENDED_DATA, MAX_EXTENDED_EXPECTED, Response, StatusWord,
};
use latchkey_fixtures::vectors::{Vector, vector};
use proptest::prelude::*;

/// A command by its parts: header, data, number of expected octets.
type Parts = ([u8; 4], Vec<u8>, Option<u32>);

fn parts(header: [u8; 4], data: &str, expected: Option<u32>) -> Parts {
    (header, hex::decode(data).unwrap(), expected)
}

fn command((header, data, expected): &Parts) -> Command {
    let [cla, ins, p1, p2] = *header;
    let command = Command::new(Header::new(cla, ins, p1, p2)).with_data(data).unwrap();
    match expected {
        Some(count) => command.expecting(*count).unwrap(),
        None => command,
    }
}

fn commands_of_the_standard() -> Vec<(Vector, Parts)> {
    let bauth = |id: &str| {
        parts([0x00, 0x22, if id == "0B" { 0xF1 } else { 0xB1 }, 0xA4], &format!("80092A7000020022654F{id}"), None)
    };
    let bpace_with_rights = "80092A700002002265420D8301037F4C13060A2A7000020022654F06010405003C6F5B10\
                             7F4C10060A2A7000020022654F06020402F200";
    vec![
        (vector("APDU SELECT MF"), parts([0x00, 0xA4, 0x00, 0x00], "", None)),
        (vector("APDU SELECT eID"), parts([0x00, 0xA4, 0x04, 0x0C], "D11200020022654F0701", None)),
        (vector("APDU SELECT eSign"), parts([0x00, 0xA4, 0x04, 0x0C], "D11200020022654F0702", None)),
        (vector("APDU SELECT EF 5201"), parts([0x00, 0xA4, 0x02, 0x0C], "5201", None)),
        (vector("APDU READ BINARY offset 0, Le 256"), parts([0x00, 0xB0, 0x00, 0x00], "", Some(256))),
        (vector("APDU READ BINARY offset 0x0100, Le 0x80"), parts([0x00, 0xB0, 0x01, 0x00], "", Some(128))),
        (vector("APDU VERIFY PIN 123456"), parts([0x00, 0x20, 0x00, 0x03], "313233343536", None)),
        (vector("APDU VERIFY flag state"), parts([0x00, 0x20, 0x00, 0x03], "", None)),
        (vector("APDU VERIFY reset flag"), parts([0x00, 0x20, 0xFF, 0x03], "", None)),
        (vector("APDU CHANGE PIN 123456->654321"), parts([0x00, 0x24, 0x00, 0x03], "313233343536363534333231", None)),
        (vector("APDU UNBLOCK with new PIN"), parts([0x00, 0x2C, 0x02, 0x00], "363534333231", None)),
        (vector("APDU UNBLOCK only"), parts([0x00, 0x2C, 0x03, 0x00], "", None)),
        (vector("APDU ACTIVATE PIN"), parts([0x00, 0x44, 0x10, 0x03], "", None)),
        (vector("APDU DEACTIVATE PIN"), parts([0x00, 0x04, 0x10, 0x03], "", None)),
        (vector("APDU ACTIVATE key 01"), parts([0x00, 0x44, 0x21, 0x00], "840101", None)),
        (vector("APDU GENERATE key 01"), parts([0x00, 0x46, 0x80, 0x00], "B603840101", Some(256))),
        (vector("APDU TERMINATE key 01"), parts([0x00, 0xE6, 0x21, 0x00], "B603840101", None)),
        (vector("APDU MSE Set DST key 01 belt-hash"), parts([0x00, 0x22, 0x41, 0xB6], "840101800190", None)),
        (vector("APDU MSE Set CT key 01"), parts([0x00, 0x22, 0x41, 0xB8], "840101", None)),
        (vector("APDU MSE Set CS -> KP"), parts([0x00, 0x22, 0x01, 0xA4], "E103810100", None)),
        (vector("APDU MSE Set CS -> terminal"), parts([0x00, 0x22, 0x01, 0xA4], "E103810101", None)),
        (
            vector("APDU MSE Set AT BPACE, CAN, no rights"),
            parts([0x00, 0x22, 0xC1, 0xA4], "80092A700002002265420D830102", None),
        ),
        (
            vector("APDU MSE Set AT BPACE, PIN, eID+eSign rights"),
            parts([0x00, 0x22, 0xC1, 0xA4], bpace_with_rights, None),
        ),
        (vector("APDU MSE Set AT BAUTH bilateral, OID only"), bauth("0B")),
        (vector("APDU MSE Set AT BAUTH unilateral, OID only"), bauth("0C")),
    ]
}

#[test]
fn commands_are_written_and_read_as_the_standard_shows_them() {
    for (vector, parts) in commands_of_the_standard() {
        let octets = vector.output("apdu");
        let command = command(&parts);
        assert_eq!(command.to_octets().to_vec(), octets, "{}", vector.name);
        assert_eq!(Command::parse(&octets), Ok(command), "{}", vector.name);
    }
}

#[test]
fn bee2_writes_the_same_command_and_response() {
    let expected = vector("APDU command encoding");
    let octet = |key: &str| expected.input(key)[0];
    let header = Header::new(octet("cla"), octet("ins"), octet("p1"), octet("p2"));
    let count: u32 = expected.text("le").parse().unwrap();
    let command = Command::new(header).with_data(&expected.input("cdf")).unwrap().expecting(count).unwrap();
    assert_eq!(command.to_octets().to_vec(), expected.output("apdu"));

    let expected = vector("APDU response encoding");
    let status = u16::from_be_bytes(expected.input("sw").try_into().unwrap());
    let response = Response::new(expected.input("rdf"), StatusWord::new(status));
    assert_eq!(response.to_octets().to_vec(), expected.output("apdu"));
    assert_eq!(Response::parse(&expected.output("apdu")), Some(response));
}

/// A proper beginning of a command is either refused or another command: one without its data or Le.
#[test]
fn no_cut_command_passes_for_the_whole() {
    for (vector, _) in commands_of_the_standard() {
        let whole = vector.output("apdu");
        for kept in 0..whole.len() {
            if let Ok(command) = Command::parse(&whole[..kept]) {
                assert_eq!(command.to_octets().to_vec(), whole[..kept], "{}", vector.name);
                let meaning = (kept == 4) || (kept == 5 && command.data().is_empty()) || command.expected().is_none();
                assert!(meaning, "{}: a beginning of {kept} octets was read as {command:?}", vector.name);
            }
        }
    }
}

#[test]
fn malformed_lengths_are_refused() {
    let rows: [(&str, &str, ApduError); 11] = [
        ("no octet", "", ApduError::NoHeader),
        ("three octets", "00A400", ApduError::NoHeader),
        ("short Lc, data missing", "00A4000002AA", ApduError::WrongLength),
        ("short Lc, two octets of Le", "00A4000001AA0000", ApduError::WrongLength),
        ("extended Lc of zero", "00A40000000000AA", ApduError::WrongLength),
        ("extended Lc, data missing", "00A40000000002AA", ApduError::WrongLength),
        ("extended Lc, one octet of Le in a plain command", "00A40000000001AA00", ApduError::WrongLength),
        ("extended Lc, one octet of Le that is not 00, protected", "04A40000000001AA01", ApduError::WrongLength),
        ("extended Lc, three octets of Le", "00A40000000001AA000000", ApduError::WrongLength),
        ("two octets of length", "00A400000000", ApduError::WrongLength),
        ("Lc 00 and data as if it counted 256", "00A4000000AA", ApduError::WrongLength),
    ];
    for (name, octets, error) in rows {
        assert_eq!(Command::parse(&hex::decode(octets).unwrap()), Err(error), "{name}");
    }
}

#[test]
fn limits_of_a_command_are_kept() {
    let header = Header::new(0, 0, 0, 0);
    assert!(Command::new(header).with_data(&vec![0; MAX_EXTENDED_DATA]).is_ok());
    assert_eq!(Command::new(header).with_data(&vec![0; MAX_EXTENDED_DATA + 1]), Err(ApduError::WrongLength));
    assert_eq!(Command::new(header).expecting(0), Err(ApduError::WrongLength));
    assert!(Command::new(header).expecting(MAX_EXTENDED_EXPECTED).is_ok());
    assert_eq!(Command::new(header).expecting(MAX_EXTENDED_EXPECTED + 1), Err(ApduError::WrongLength));
    // The short form, as far as it goes.
    for (size, form) in [(255, LengthForm::Short), (256, LengthForm::Extended)] {
        assert_eq!(Command::new(header).with_data(&vec![0; size]).unwrap().form(), form, "{size} octets of data");
    }
    for (count, form) in [(256, LengthForm::Short), (257, LengthForm::Extended)] {
        assert_eq!(Command::new(header).expecting(count).unwrap().form(), form, "{count} octets expected");
    }
    let short = Command::new(header).expecting_short(NonZeroU8::MAX).with_short_data(&[7; 255]);
    assert_eq!((short.form(), short.expected()), (LengthForm::Short, Some(255)));
}

#[test]
fn an_extended_command_of_secure_messaging_ends_with_one_octet_of_le() {
    let octets = [hex::decode("042A00BE000100").unwrap(), vec![7; 256], vec![0]].concat();
    let command = Command::parse(&octets).unwrap();
    assert_eq!((command.form(), command.expected()), (LengthForm::ExtendedProtected, Some(256)));
    assert_eq!(command.to_octets().to_vec(), octets);
}

#[test]
fn tries_left_are_read_from_63cx_only() {
    let rows = [
        (0x63C0, Some(0)),
        (0x63C2, Some(2)),
        (0x63CF, Some(15)),
        (0x63B2, None),
        (0x6300, None),
        (0x62C2, None),
        (0x9000, None),
    ];
    for (value, tries) in rows {
        assert_eq!(StatusWord::new(value).tries_left(), tries, "{value:04X}");
    }
    assert_eq!(StatusWord::with_tries_left(2), StatusWord::new(0x63C2));
}

#[test]
fn a_response_has_two_octets_at_least() {
    assert_eq!(Response::parse(&[]), None);
    assert_eq!(Response::parse(&[0x90]), None);
    assert_eq!(Response::parse(&[0x90, 0x00]), Some(Response::status_only(StatusWord::SUCCESS)));
}

proptest! {
    #[test]
    fn a_command_survives_the_wire(
        header: [u8; 4],
        data in proptest::collection::vec(any::<u8>(), 0..700),
        expected in proptest::option::of(1..=MAX_EXTENDED_EXPECTED),
        extended: bool,
    ) {
        let form = if extended { LengthForm::Extended } else { LengthForm::Short };
        let command = command(&(header, data, expected)).in_form(form);
        let read = Command::parse(&command.to_octets()).unwrap();
        // Without any length field there is nothing that could show the form.
        let bare = command.data().is_empty() && command.expected().is_none();
        prop_assert_eq!(read.to_octets(), command.to_octets());
        prop_assert!(bare || read == command);
    }

    #[test]
    fn octets_that_are_read_as_a_command_are_written_back(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(command) = Command::parse(&octets) {
            prop_assert_eq!(command.to_octets().to_vec(), octets);
        }
    }

    #[test]
    fn octets_that_are_read_as_a_response_are_written_back(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Some(response) = Response::parse(&octets) {
            prop_assert_eq!(response.to_octets().to_vec(), octets);
        }
    }
}
