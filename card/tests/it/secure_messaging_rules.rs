//! Secure messaging: every rule of refusal, truncation, mutation, and round trips through both sides.

use latchkey_card::apdu::{Command, Header, Response, StatusWord};
use latchkey_card::profile::Edition;
use latchkey_card::secure_messaging::{
    AwaitedResponse, CardSecureMessaging, ClientSecureMessaging, CommandFault, ResponseFault,
};
use latchkey_crypto::belt;
use latchkey_crypto::secret::BeltKey;
use latchkey_fixtures::vectors::{series, vector};
use proptest::prelude::*;

const SESSION_KEY: [u8; 32] = [0x42; 32];

fn card() -> CardSecureMessaging {
    CardSecureMessaging::new(&BeltKey::new(SESSION_KEY), Edition::Errata2020)
}

fn client() -> ClientSecureMessaging {
    ClientSecureMessaging::new(&BeltKey::new(SESSION_KEY), Edition::Errata2020)
}

fn awaiting() -> AwaitedResponse {
    client().protect(&Command::new(Header::new(0, 0xA4, 0, 0))).unwrap().1
}

/// The octets of a hex text, in which ‹MAC› stands for the object with the right MAC over everything before it.
fn written(hex_with_mac: &str, counter: u8, skipped: usize, behind: &[u8]) -> Vec<u8> {
    let Some((before, after)) = hex_with_mac.split_once("‹MAC›") else { return hex::decode(hex_with_mac).unwrap() };
    let before = hex::decode(before).unwrap();
    let key = belt::keyrep(&BeltKey::new(SESSION_KEY), &[0; 12], &1_u128.to_le_bytes());
    let header = if skipped == 0 { &[][..] } else { &before[..4] };
    let counter = u128::from(counter).to_le_bytes();
    let mac = belt::mac(&key, &[&counter, header, &before[skipped..], behind]);
    [before, vec![0x8E, 8], mac.to_vec(), hex::decode(after).unwrap()].concat()
}

/// An extended command with 256 octets of data and `le` as its `97` object.
fn long_command(le: &str) -> String {
    let objects = 4 + 1 + 256 + le.len() / 2 + 10;
    format!("04D6000000{objects:04X}87820101 02{}{le}‹MAC›00", "55".repeat(256)).replace(' ', "")
}

#[test]
fn the_card_refuses_by_every_rule() {
    use CommandFault::{Incorrect, Missing};
    let rows: Vec<(&str, String, CommandFault)> = [
        ("a plain command", "00A40000", Missing),
        ("a plain command that is malformed", "00A4000005AA", Missing),
        ("no octet", "", Incorrect),
        ("half a header", "04A4", Incorrect),
        ("no objects and no Le", "04A40000", Missing),
        ("no objects", "04A4000000", Missing),
        ("data without a MAC", "04A40000058703025555 00", Missing),
        ("Le without a MAC", "04A4000003 970100 00", Missing),
        ("data and Le without a MAC", "04A4000008 8703025555 970100 00", Missing),
        ("no Le octet behind the objects", "04A400000A‹MAC›", Incorrect),
        ("an Le octet behind that is not 00", "04A400000A‹MAC›01", Incorrect),
        ("two Le octets behind", "04A400000A‹MAC›0000", Incorrect),
        ("two Le octets behind extended objects", "04A4000000000A‹MAC›0000", Incorrect),
        ("Lc too small", "04A4000009‹MAC›00", Incorrect),
        ("Lc too large", "04A400000B‹MAC›00", Incorrect),
        ("Le before data", "04A4000012 970100 8703025555 ‹MAC›00", Incorrect),
        ("data twice", "04A4000014 8703025555 8703025555 ‹MAC›00", Incorrect),
        ("Le twice", "04A4000010 970100 970100 ‹MAC›00", Incorrect),
        ("an unknown object first", "04A400000D 990100 ‹MAC›00", Incorrect),
        ("an unknown object before the MAC", "04A4000012 8703025555 990100 ‹MAC›00", Incorrect),
        ("a data object without a value", "04A400000C 8700 ‹MAC›00", Incorrect),
        ("a data object with its indicator only", "04A400000D 870102 ‹MAC›00", Incorrect),
        ("a data object that says it is padded", "04A400000F 8703015555 ‹MAC›00", Incorrect),
        ("a data object with a long length", "04A4000010 878103025555 ‹MAC›00", Incorrect),
        ("a data object with an indefinite length", "04A4000011 8780025555 0000 ‹MAC›00", Incorrect),
        ("a data object that is cut", "04A4000003 870502 00", Incorrect),
        ("an Le object without a value", "04A400000C 9700 ‹MAC›00", Incorrect),
        ("an Le object of four octets", "04A4000010 970400000100 ‹MAC›00", Incorrect),
        ("two octets of Le without data", "04A400000E 97020200 ‹MAC›00", Incorrect),
        ("two octets of Le where one would do", "04A4000013 8703025555 97020100 ‹MAC›00", Incorrect),
        ("three octets of Le with data", "04A4000014 8703025555 9703000200 ‹MAC›00", Incorrect),
        ("three octets of Le where one would do", "04A400000F 9703000100 ‹MAC›00", Incorrect),
        ("three octets of Le not beginning with 00", "04A400000F 9703010200 ‹MAC›00", Incorrect),
        ("octets behind the MAC", "04A400000C‹MAC›9900 00", Incorrect),
        ("an object behind the MAC", "04A400000F‹MAC›8703025555 00", Incorrect),
        ("a MAC of seven octets", "04A4000009 8E0711223344556677 00", Incorrect),
        ("a MAC of nine octets", "04A400000B 8E09112233445566778899 00", Incorrect),
        ("another MAC", "04A400000A 8E081122334455667788 00", Incorrect),
    ]
    .into_iter()
    .map(|(name, octets, fault)| (name, octets.replace(' ', ""), fault))
    .chain([
        ("one octet of Le with long data", long_command("970180"), Incorrect),
        ("one octet of Le with long data, 00", long_command("970100"), Incorrect),
    ])
    .collect();
    for (name, octets, fault) in rows {
        let wrong_lengths = name.starts_with("Lc ") || name.starts_with("two Le octets behind");
        let authentic = octets.contains("‹MAC›");
        let octets = written(&octets, 1, skipped(&octets), &[]);
        assert!(!authentic || wrong_lengths || Command::parse(&octets).is_ok(), "{name}: the row's own Lc is wrong");
        assert_eq!(card().unprotect(&octets).err(), Some(fault), "{name}");
    }
    assert_eq!(Missing.status(), StatusWord::new(0x6987));
    assert_eq!(Incorrect.status(), StatusWord::new(0x6988));
}

/// How many octets of a command stand before its objects: header and Lc.
fn skipped(octets: &str) -> usize {
    if octets.len() > 10 && &octets[8..10] == "00" { 7 } else { 5 }
}

#[test]
fn the_card_takes_what_no_rule_forbids() {
    let rows = [
        ("nothing but a MAC", "04A400000A‹MAC›00".to_owned(), "00A40000"),
        ("in the extended form", "04A4000000000A‹MAC›00".to_owned(), "00A40000"),
        ("one octet of Le", "04B000000D 970180 ‹MAC›00".replace(' ', ""), "00B0000080"),
        ("three octets of Le", "04B000000F 9703000101 ‹MAC›00".replace(' ', ""), "00B00000000101"),
        ("three octets of Le, all 00", "04B000000F 9703000000 ‹MAC›00".replace(' ', ""), "00B00000000000"),
    ];
    for (name, octets, plain) in rows {
        let octets = written(&octets, 1, skipped(&octets), &[]);
        let (command, _) = card().unprotect(&octets).map_err(|fault| format!("{name}: {fault}")).unwrap();
        assert_eq!(hex::encode_upper(&*command.to_octets()), plain, "{name}");
    }
    let octets = long_command("97020080");
    let (command, _) = card().unprotect(&written(&octets, 1, 7, &[])).unwrap();
    assert_eq!((command.data().len(), command.expected()), (256, Some(128)));
}

#[test]
fn the_client_refuses_by_every_rule() {
    let unprotected = |value| ResponseFault::Unprotected(StatusWord::new(value));
    let incorrect = ResponseFault::Incorrect;
    let rows = [
        ("success", "9000", unprotected(0x9000)),
        ("tries left", "63C2", unprotected(0x63C2)),
        ("a channel closed by the card", "6988", unprotected(0x6988)),
        ("plain data", "6F00 9000", unprotected(0x9000)),
        ("another object before the MAC", "990290008E081122334455667788 9000", unprotected(0x9000)),
        ("a malformed tag", "1F 9000", unprotected(0x9000)),
        ("no MAC", "87030255559000", incorrect),
        ("a data object without a value", "8700‹MAC›9000", incorrect),
        ("a data object with its indicator only", "870102‹MAC›9000", incorrect),
        ("a data object that says it is padded", "8703015555‹MAC›9000", incorrect),
        ("a data object with a long length", "878103025555‹MAC›9000", incorrect),
        ("a data object twice", "87030255558703025555‹MAC›9000", incorrect),
        ("an object between data and MAC", "870302555599029000‹MAC›9000", incorrect),
        ("octets behind the MAC", "‹MAC›00 9000", incorrect),
        ("a MAC of seven octets", "8E0711223344556677 9000", incorrect),
        ("another MAC", "8E081122334455667788 9000", incorrect),
    ];
    for (name, octets, fault) in rows {
        let octets = written(&octets.replace(' ', ""), 2, 0, &[0x90, 0x00]);
        let response = Response::parse(&octets).unwrap();
        assert_eq!(awaiting().unprotect(&response).err(), Some(fault), "{name}");
    }
    let fine = written("8703025555‹MAC›9000", 2, 0, &[0x90, 0x00]);
    assert!(awaiting().unprotect(&Response::parse(&fine).unwrap()).is_ok());
}

#[test]
fn a_message_is_good_once_and_in_its_place() {
    let first = vector("SM pair, ctr 1/2");
    let second = vector("SM pair, ctr 3/4 no data no Le");
    let key = || BeltKey::new(first.input("K0").try_into().unwrap());
    let response = |octets: Vec<u8>| Response::parse(&octets).unwrap();

    let card = || CardSecureMessaging::new(&key(), Edition::Errata2020);
    assert_eq!(card().unprotect(&second.output("cmd_protected")).err(), Some(CommandFault::Incorrect), "too early");
    let (_, due) = card().unprotect(&first.output("cmd_protected")).unwrap();
    let (_, next) = due.protect(&response(first.input("resp")));
    assert_eq!(next.unprotect(&first.output("cmd_protected")).err(), Some(CommandFault::Incorrect), "again");

    let client = ClientSecureMessaging::new(&key(), Edition::Errata2020);
    let (_, awaited) = client.protect(&Command::parse(&first.input("cmd")).unwrap()).unwrap();
    let (_, client) = awaited.unprotect(&response(first.output("resp_protected"))).unwrap();
    let (_, awaited) = client.protect(&Command::parse(&second.input("cmd")).unwrap()).unwrap();
    let again = awaited.unprotect(&response(first.output("resp_protected"))).err();
    assert_eq!(again, Some(ResponseFault::Incorrect), "again");
}

#[test]
fn editions_of_the_mac_do_not_understand_each_other() {
    let command = Command::new(Header::new(0, 0xA4, 0, 0));
    for (ours, theirs) in [(Edition::Print2019, Edition::Errata2020), (Edition::Errata2020, Edition::Print2019)] {
        let client = ClientSecureMessaging::new(&BeltKey::new(SESSION_KEY), ours);
        let card = CardSecureMessaging::new(&BeltKey::new(SESSION_KEY), theirs);
        let (protected, _) = client.protect(&command).unwrap();
        assert_eq!(card.unprotect(&protected.to_octets()).err(), Some(CommandFault::Incorrect));
    }
}

#[test]
fn the_keys_of_a_channel_are_those_of_the_vector() {
    let expected = vector("SM keys from K0");
    let session_key = BeltKey::new(expected.input("K0").try_into().unwrap());
    let key = |number: u128| belt::keyrep(&session_key, &[0; 12], &number.to_le_bytes()).expose().to_vec();
    assert_eq!((key(1), key(2)), (expected.output("K1_mac"), expected.output("K2_enc")));
}

#[test]
fn every_truncation_is_refused_by_both_sides() {
    for pair in series("SM pair, ctr 1/2") {
        let key = BeltKey::new(pair.input("K0").try_into().unwrap());
        let whole = pair.output("cmd_protected");
        for kept in 0..whole.len() {
            let card = CardSecureMessaging::new(&key, Edition::Errata2020);
            assert!(card.unprotect(&whole[..kept]).is_err(), "a command of {kept} octets was accepted");
        }
        let whole = pair.output("resp_protected");
        let command = Command::parse(&pair.input("cmd")).unwrap();
        for kept in 2..whole.len() {
            let (_, awaited) = ClientSecureMessaging::new(&key, Edition::Errata2020).protect(&command).unwrap();
            let cut = Response::parse(&whole[..kept]).unwrap();
            assert!(awaited.unprotect(&cut).is_err(), "a response of {kept} octets was accepted");
        }
    }
}

#[test]
fn what_fits_no_command_is_not_protected() {
    let command = Command::new(Header::new(0, 0xD6, 0, 0)).with_data(&vec![0; 65_530]).unwrap();
    assert!(client().protect(&command).is_err());
}

fn any_command() -> impl Strategy<Value = Command> {
    let data = proptest::collection::vec(any::<u8>(), 0..600);
    (any::<[u8; 3]>(), any::<bool>(), data, proptest::option::of(1_u32..=65_536)).prop_map(
        |([ins, p1, p2], chained, data, expected)| {
            let cla = if chained { 0x10 } else { 0x00 };
            let command = Command::new(Header::new(cla, ins, p1, p2)).with_data(&data).unwrap();
            match expected {
                Some(count) => command.expecting(count).unwrap(),
                None => command,
            }
        },
    )
}

fn any_response() -> impl Strategy<Value = Response> {
    (proptest::collection::vec(any::<u8>(), 0..600), any::<u16>())
        .prop_map(|(data, status)| Response::new(data, StatusWord::new(status)))
}

proptest! {
    #[test]
    fn a_session_passes_through_both_sides(
        exchanges in proptest::collection::vec((any_command(), any_response()), 1..5),
        corrected: bool,
    ) {
        let edition = if corrected { Edition::Errata2020 } else { Edition::Print2019 };
        let mut client = ClientSecureMessaging::new(&BeltKey::new(SESSION_KEY), edition);
        let mut card = CardSecureMessaging::new(&BeltKey::new(SESSION_KEY), edition);
        for (command, response) in exchanges {
            let (protected, awaited) = client.protect(&command).unwrap();
            let wire = protected.to_octets();
            prop_assert_eq!(&Command::parse(&wire).unwrap(), &protected);
            let (plain, due) = card.unprotect(&wire).unwrap();
            prop_assert_eq!(plain, command);
            let (protected, next) = due.protect(&response);
            card = next;
            let received = Response::parse(&protected.to_octets()).unwrap();
            let (plain, next) = awaited.unprotect(&received).unwrap();
            client = next;
            prop_assert_eq!(plain, response);
        }
    }

    #[test]
    fn an_altered_command_is_refused(command in any_command(), place: prop::sample::Index, mask in 1_u8..) {
        let (protected, _) = client().protect(&command).unwrap();
        let mut octets = protected.to_octets().to_vec();
        let place = place.index(octets.len());
        octets[place] ^= mask;
        prop_assert!(card().unprotect(&octets).is_err());
    }

    #[test]
    fn an_altered_response_is_refused(response in any_response(), place: prop::sample::Index, mask in 1_u8..) {
        let (command, awaited) = client().protect(&Command::new(Header::new(0, 0xB0, 0, 0))).unwrap();
        let (_, due) = card().unprotect(&command.to_octets()).unwrap();
        let (protected, _) = due.protect(&response);
        let mut octets = protected.to_octets().to_vec();
        let place = place.index(octets.len());
        octets[place] ^= mask;
        prop_assert!(awaited.unprotect(&Response::parse(&octets).unwrap()).is_err());
    }

    #[test]
    fn any_octets_are_refused(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(card().unprotect(&octets).is_err());
        if let Some(response) = Response::parse(&octets) {
            prop_assert!(awaiting().unprotect(&response).is_err());
        }
    }

    #[test]
    fn any_objects_are_refused(objects in proptest::collection::vec(
        (prop::sample::select(vec![0x87_u8, 0x97, 0x8E, 0x99]), proptest::collection::vec(any::<u8>(), 0..12)), 0..4,
    )) {
        let size = |octets: &[u8]| u8::try_from(octets.len()).unwrap();
        let body: Vec<u8> =
            objects.iter().flat_map(|(tag, value)| [vec![*tag, size(value)], value.clone()].concat()).collect();
        let command = [vec![0x04, 0xA4, 0x00, 0x00, size(&body)], body.clone(), vec![0]].concat();
        prop_assert!(card().unprotect(&command).is_err());
        prop_assert!(awaiting().unprotect(&Response::new(body, StatusWord::SUCCESS)).is_err());
    }
}
