//! BPACE objects against hand-built and computed vectors.

use latchkey_card::apdu::Command;
use latchkey_card::bpace::{AuthenticationTemplate, M1, M2, M3, M4, SignatureCount};
use latchkey_card::profile::{Edition, Profile, RightsOrder};
use latchkey_card::rights::{Authority, EidRights, EsignRights};
use latchkey_card::tlv::{Tag, TlvErrorKind};
use latchkey_fixtures::vectors::{Vector, series, vector};
use proptest::prelude::*;
use std::num::NonZeroU8;

#[test]
fn templates_are_written_and_read_as_the_vectors_say() {
    let model = Authority {
        eid: Some(EidRights::from_octets([0x00, 0x3C, 0x6F, 0x5B, 0x10])),
        esign: Some(EsignRights::from_octets([0xF2, 0x00])),
        signatures: None,
    };
    let profile = Profile::standard();
    let rows = [
        (vector("APDU MSE Set AT BPACE, CAN, no rights"), profile.can.id, Authority::NOTHING),
        (vector("APDU MSE Set AT BPACE, PIN, eID+eSign rights"), profile.pin.id, model),
    ];
    for (vector, id, authority) in rows {
        let written = AuthenticationTemplate::new(id, &authority, RightsOrder::EidFirst);
        let command = Command::parse(&vector.output("apdu")).unwrap();
        assert_eq!(written.octets(), command.data(), "{}", vector.name);
        assert_eq!(AuthenticationTemplate::parse(command.data()), Ok(written), "{}", vector.name);
    }
}

#[test]
fn each_edition_takes_its_own_hello() {
    let errata = vector("BPACE as profiled by STB 34.101.79 with errata: PIN 123456, hello_KP = whole MSE CDF");
    let print = vector("BPACE as profiled by the 2019 print: PIN 123456, hello_KP = CertHAT objects only");
    let template = AuthenticationTemplate::parse(&errata.input("hello_B")).unwrap();
    assert_eq!(template.hello(Edition::Errata2020), errata.input("hello_B"));
    assert_eq!(template.hello(Edition::Print2019), print.input("hello_B"));
}

fn transcripts() -> Vec<Vector> {
    let mut all = series("BPACE l=128 transcript");
    all.push(vector("BPACE as profiled by STB 34.101.79 with errata: PIN 123456, hello_KP = whole MSE CDF"));
    all.push(vector("BPACE, errata profile: CAN 654321, hello_KP = CDF without CertHAT"));
    all
}

#[test]
fn messages_travel_in_their_objects() {
    for transcript in transcripts() {
        let rows = [
            ("M1", "7C128010", M1::encode(&transcript.output("M1").try_into().unwrap())),
            ("M2", "7C528150", M2::encode(&transcript.output("M2").try_into().unwrap())),
            ("M3", "7C4A8248", M3::encode(&transcript.output("M3").try_into().unwrap())),
            ("M4", "7C0A8308", M4::encode(&transcript.output("M4").try_into().unwrap())),
        ];
        for (name, head, encoded) in rows {
            let expected = [hex::decode(head).unwrap(), transcript.output(name)].concat();
            assert_eq!(encoded, expected, "{}: {name}", transcript.name);
        }
        let m2 = hex::decode("7C528150").unwrap().into_iter().chain(transcript.output("M2")).collect::<Vec<_>>();
        assert_eq!(M2::decode(&m2).unwrap().to_vec(), transcript.output("M2"), "{}", transcript.name);
    }
}

#[test]
fn other_objects_than_the_message_are_refused() {
    let rows = [
        ("nothing", "", TlvErrorKind::Missing(Tag::new(0x7C))),
        ("no message", "7C00", TlvErrorKind::Missing(Tag::new(0x83))),
        ("another step's message", "7C0A81081122334455667788", TlvErrorKind::UnexpectedTag(Tag::new(0x81))),
        ("no wrapping", "83081122334455667788", TlvErrorKind::UnexpectedTag(Tag::new(0x83))),
        ("too short", "7C09830711223344556677", TlvErrorKind::Value),
        ("too long", "7C0B8309112233445566778899", TlvErrorKind::Value),
        ("an object behind the message", "7C0C830811223344556677880500", TlvErrorKind::Trailing),
        ("an octet behind", "7C0A8308112233445566778800", TlvErrorKind::Trailing),
    ];
    for (name, octets, kind) in rows {
        assert_eq!(M4::decode(&hex::decode(octets).unwrap()).unwrap_err().kind, kind, "{name}");
    }
    let whole = M1::encode(&[7; 16]);
    for kept in 0..whole.len() {
        assert!(M1::decode(&whole[..kept]).is_err(), "a beginning of {kept} octets was accepted");
    }
}

#[test]
fn templates_may_stand_in_any_order_and_say_how_many_signatures() {
    let seven = SignatureCount::Limited(NonZeroU8::new(7).unwrap());
    let rows = [
        ("unstated", "83010380092A700002002265420D", SignatureCount::Unstated),
        ("seven", "53010783010380092A700002002265420D", seven),
        ("unlimited", "80092A700002002265420D830103530100", SignatureCount::Unlimited),
    ];
    for (name, octets, count) in rows {
        let octets = hex::decode(octets).unwrap();
        let template = AuthenticationTemplate::parse(&octets).unwrap();
        assert_eq!((template.password_id(), template.signatures()), (3, count), "{name}");
        assert_eq!((template.octets(), template.hello(Edition::Errata2020)), (&octets[..], &octets[..]), "{name}");
        assert!(template.hello(Edition::Print2019).is_empty(), "{name}");
    }
}

/// The field's order, eSign first, enters the hello of 2019 as it was sent.
#[test]
fn rights_are_listed_in_the_order_of_the_profile() {
    let model = Authority { eid: Some(EidRights::ALL), esign: Some(EsignRights::ALL), signatures: NonZeroU8::new(9) };
    let template = AuthenticationTemplate::new(3, &model, RightsOrder::EsignFirst);
    let hello = "7F4C10060A2A7000020022654F06020402F7C07F4C13060A2A7000020022654F060104053F3FFFFF33";
    assert_eq!(hex::encode_upper(template.hello(Edition::Print2019)), hello);
    assert_eq!(template.cert_hats(), template.hello(Edition::Print2019));
    assert_eq!(AuthenticationTemplate::parse(template.octets()), Ok(template));
}

#[test]
fn malformed_templates_are_refused() {
    let rows = [
        ("nothing", "", TlvErrorKind::Missing(Tag::new(0x80))),
        ("no mechanism", "830103", TlvErrorKind::Missing(Tag::new(0x80))),
        ("no password", "80092A700002002265420D", TlvErrorKind::Missing(Tag::new(0x83))),
        ("another mechanism", "80092A7000020022654F0B830103", TlvErrorKind::Value),
        (
            "mechanism twice",
            "80092A700002002265420D80092A700002002265420D830103",
            TlvErrorKind::Repeated(Tag::new(0x80)),
        ),
        ("password twice", "80092A700002002265420D830103830102", TlvErrorKind::Repeated(Tag::new(0x83))),
        ("a password of two octets", "80092A700002002265420D83020303", TlvErrorKind::Value),
        ("signatures twice", "80092A700002002265420D830103530101530102", TlvErrorKind::Repeated(Tag::new(0x53))),
        ("signatures without a number", "80092A700002002265420D8301035300", TlvErrorKind::Value),
        ("an unknown object", "80092A700002002265420D830103840101", TlvErrorKind::UnexpectedTag(Tag::new(0x84))),
        (
            "eSign rights twice",
            "80092A700002002265420D8301037F4C10060A2A7000020022654F060204020000\
             7F4C10060A2A7000020022654F060204020000",
            TlvErrorKind::Repeated(Tag::new(0x7F4C)),
        ),
    ];
    for (name, octets, kind) in rows {
        let error = AuthenticationTemplate::parse(&hex::decode(octets).unwrap()).unwrap_err();
        assert_eq!(error.kind, kind, "{name}");
    }
}

/// A cut between two objects leaves a template that asks for less; every other cut is refused.
#[test]
fn every_truncation_of_a_template_is_refused_or_asks_for_less() {
    let whole = vector("APDU MSE Set AT BPACE, PIN, eID+eSign rights");
    let whole = Command::parse(&whole.output("apdu")).unwrap().data().to_vec();
    let accepted: Vec<_> =
        (0..whole.len()).filter(|kept| AuthenticationTemplate::parse(&whole[..*kept]).is_ok()).collect();
    assert_eq!(accepted, [14, 36], "after the password, after the rights in eID");
}

proptest! {
    #[test]
    fn any_octets_make_no_message_or_that_message(octets in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(message) = M4::decode(&octets) {
            prop_assert_eq!(M4::encode(&message), octets.clone());
        }
        if let Ok(template) = AuthenticationTemplate::parse(&octets) {
            prop_assert_eq!(template.octets(), octets);
        }
    }

    #[test]
    fn an_altered_template_is_refused_or_read_as_it_stands(place in 0_usize..55, mask in 1_u8..) {
        let whole = vector("APDU MSE Set AT BPACE, PIN, eID+eSign rights");
        let mut octets = Command::parse(&whole.output("apdu")).unwrap().data().to_vec();
        let before = AuthenticationTemplate::parse(&octets).unwrap();
        octets[place] ^= mask;
        if let Ok(template) = AuthenticationTemplate::parse(&octets) {
            prop_assert_eq!(template.octets(), &octets);
            prop_assert_ne!(template, before);
        }
    }

    #[test]
    fn a_template_says_what_was_asked(
        id: u8,
        eid: Option<[u8; 5]>,
        esign: Option<[u8; 2]>,
        count: Option<NonZeroU8>,
        esign_first: bool,
    ) {
        let authority = Authority {
            eid: eid.map(EidRights::from_octets),
            esign: esign.map(EsignRights::from_octets),
            signatures: count,
        };
        let order = if esign_first { RightsOrder::EsignFirst } else { RightsOrder::EidFirst };
        let written = AuthenticationTemplate::new(id, &authority, order);
        let read = AuthenticationTemplate::parse(written.octets()).unwrap();
        prop_assert_eq!(read.eid_rights(), authority.eid.unwrap_or_default());
        prop_assert_eq!(read.esign_rights(), authority.esign.unwrap_or_default());
        prop_assert_eq!(read, written);
    }
}
