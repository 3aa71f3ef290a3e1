//! BAUTH objects against hand-built and computed vectors.

use latchkey_card::apdu::Command;
use latchkey_card::bauth::{
    ActiveChannel, Auxiliary, AuxiliaryAttribute, BilateralM2, Day, M1, M3, MOST_CERTIFICATES, Mode, RegionCode,
    TerminalCertificatesFault, TerminalTemplate, UnilateralM2, terminal_certificates,
};
use latchkey_card::profile::TerminalHello;
use latchkey_card::tlv::{Tag, TlvErrorKind};
use latchkey_crypto::cv::Certificate;
use latchkey_fixtures::vectors::{Vector, vector};
use proptest::prelude::*;
use time::macros::date;

fn data_of(vector: &Vector) -> Vec<u8> {
    Command::parse(&vector.output("apdu")).unwrap().data().to_vec()
}

fn day(date: time::Date) -> Day {
    Day::try_from(date).unwrap()
}

fn questions() -> Auxiliary {
    Auxiliary {
        valid_on: day(date!(2026 - 01 - 01)),
        born_by: Some(day(date!(2008 - 01 - 01))),
        region: RegionCode::parse(b"ZIPBY-220045"),
    }
}

fn model() -> Vector {
    vector("BAUTH bilateral, btok model term.cert/ct.cert, hello_T = BAUTH CDF || CertHAT*")
}

#[test]
fn templates_are_written_and_read_as_the_vectors_say() {
    let rows = [
        (vector("APDU MSE Set AT BAUTH bilateral, OID only"), Mode::Bilateral),
        (vector("APDU MSE Set AT BAUTH unilateral, OID only"), Mode::Unilateral),
    ];
    for (vector, mode) in rows {
        let written = TerminalTemplate::new(mode, None, None);
        assert_eq!(written.octets(), data_of(&vector), "{}", vector.name);
        assert_eq!(TerminalTemplate::parse(written.octets()), Ok(written), "{}", vector.name);
    }
}

#[test]
fn a_template_asks_as_the_standard_writes_it() {
    let template = TerminalTemplate::new(Mode::Bilateral, Some([0xAB; 32]), Some(questions()));
    let expected = [
        "80092A7000020022654F0B",
        &format!("8520{}", "AB".repeat(32)),
        "674C",
        "7316060A2A7000020022654F050183083230323630313031",
        "7316060A2A7000020022654F050288083230303830313031",
        "731A060A2A7000020022654F0503920C5A495042592D323230303435",
    ];
    assert_eq!(hex::encode_upper(template.octets()), expected.concat());
    assert_eq!(template.auxiliary().unwrap().attributes(), AuxiliaryAttribute::ALL);
    assert_eq!(template.request_hash(), Some(&[0xAB; 32]));
    assert_eq!(TerminalTemplate::parse(template.octets()), Ok(template));
    // The example of the standard, with the document's validity only.
    let only = Auxiliary::valid_on(day(date!(2026 - 01 - 01)));
    assert_eq!(hex::encode_upper(only.to_octets()), "67187316060A2A7000020022654F050183083230323630313031");
    assert_eq!(only.attributes(), [AuxiliaryAttribute::DocumentValidity]);
}

#[test]
fn each_edition_takes_its_own_hello() {
    let hello = model().input("hello_T");
    let (template, cert_hats) = hello.split_at(11);
    let template = TerminalTemplate::parse(template).unwrap();
    assert_eq!(template.hello(TerminalHello::TemplateAndCertHats, cert_hats), hello);
    assert!(template.hello(TerminalHello::RequestHash, cert_hats).is_empty());
    assert!(template.hello(TerminalHello::RequestHashObject, cert_hats).is_empty());
    let bound = TerminalTemplate::new(Mode::Bilateral, Some([0xAB; 32]), None);
    assert_eq!(bound.hello(TerminalHello::RequestHash, cert_hats), [0xAB; 32]);
    let object = [&[0x85, 32][..], &[0xAB; 32]].concat();
    assert_eq!(bound.hello(TerminalHello::RequestHashObject, cert_hats), object);
}

#[test]
fn templates_may_stand_in_any_order() {
    let auxiliary = "67187316060A2A7000020022654F050183083230323630313031";
    let octets = hex::decode(format!("{auxiliary}8520{}80092A7000020022654F0C", "00".repeat(32))).unwrap();
    let template = TerminalTemplate::parse(&octets).unwrap();
    assert_eq!((template.mode(), template.request_hash()), (Mode::Unilateral, Some(&[0; 32])));
    assert_eq!(template.octets(), octets, "the hello is what was sent");
}

#[test]
fn malformed_templates_are_refused() {
    let mechanism = "80092A7000020022654F0B";
    let validity = "7316060A2A7000020022654F050183083230323630313031";
    let rows = [
        ("nothing", String::new(), TlvErrorKind::Missing(Tag::new(0x80))),
        ("another mechanism", "80092A700002002265420D".to_owned(), TlvErrorKind::Value),
        ("mechanism twice", mechanism.repeat(2), TlvErrorKind::Repeated(Tag::new(0x80))),
        ("a short hash", format!("{mechanism}8502ABCD"), TlvErrorKind::Value),
        ("a password", format!("{mechanism}830103"), TlvErrorKind::UnexpectedTag(Tag::new(0x83))),
        ("no question", format!("{mechanism}6700"), TlvErrorKind::Missing(Tag::new(0x73))),
        (
            "age without validity",
            format!("{mechanism}67187316060A2A7000020022654F050288083230303830313031"),
            TlvErrorKind::Missing(Tag::new(0x73)),
        ),
        ("validity twice", format!("{mechanism}6730{validity}{validity}"), TlvErrorKind::Repeated(Tag::new(0x73))),
        (
            "an unknown attribute",
            format!("{mechanism}67187316060A2A7000020022654F050483083230323630313031"),
            TlvErrorKind::Value,
        ),
        (
            "the parameter of another attribute",
            format!("{mechanism}67187316060A2A7000020022654F050188083230323630313031"),
            TlvErrorKind::UnexpectedTag(Tag::new(0x88)),
        ),
        (
            "a day that is none",
            format!("{mechanism}67187316060A2A7000020022654F050183083230323630323330"),
            TlvErrorKind::Value,
        ),
        (
            "a day with a space",
            format!("{mechanism}67187316060A2A7000020022654F050183083230323630312020"),
            TlvErrorKind::Value,
        ),
    ];
    for (name, octets, kind) in rows {
        let error = TerminalTemplate::parse(&hex::decode(octets).unwrap()).unwrap_err();
        assert_eq!(error.kind, kind, "{name}");
    }
}

/// A cut between two objects leaves a template that asks for less; every other cut is refused.
#[test]
fn every_truncation_of_a_template_is_refused_or_asks_for_less() {
    let whole = TerminalTemplate::new(Mode::Bilateral, Some([7; 32]), Some(questions()));
    let whole = whole.octets();
    let accepted: Vec<_> = (0..whole.len()).filter(|kept| TerminalTemplate::parse(&whole[..*kept]).is_ok()).collect();
    assert_eq!(accepted, [11, 45], "after the mechanism, after the hash");
}

#[test]
fn messages_travel_in_their_objects() {
    let model = model();
    let unilateral = vector(
        "BAUTH unilateral, btok model term.cert/ct.cert, same hello (uses OID btok-bauth as in the bilateral vector)",
    );
    let rows = [
        ("M1", "7C628060", model.output("M1"), M1::encode(&model.output("M1").try_into().unwrap())),
        ("M2", "7C1A8118", model.output("M2"), BilateralM2::encode(&model.output("M2").try_into().unwrap())),
        (
            "M2, unilateral",
            "7C0A8108",
            unilateral.output("M2"),
            UnilateralM2::encode(&unilateral.output("M2").try_into().unwrap()),
        ),
        ("M3", "7C81E78281E4", model.output("M3"), M3::encode(&model.output("M3"))),
    ];
    for (name, head, message, encoded) in rows {
        assert_eq!(encoded, [hex::decode(head).unwrap(), message].concat(), "{name}");
    }
    let encoded = M3::encode(&model.output("M3"));
    assert_eq!(M3::decode(&encoded).unwrap(), model.output("M3"));
    for kept in 0..encoded.len() {
        assert!(M3::decode(&encoded[..kept]).is_err(), "a beginning of {kept} octets was accepted");
    }
    assert_eq!(M3::decode(&[&encoded[..], &[0]].concat()).unwrap_err().kind, TlvErrorKind::Trailing);
}

#[test]
fn channels_are_switched_as_the_vectors_say() {
    let rows = [
        (vector("APDU MSE Set CS -> KP"), ActiveChannel::Client),
        (vector("APDU MSE Set CS -> terminal"), ActiveChannel::Terminal),
    ];
    for (vector, channel) in rows {
        let data = data_of(&vector);
        assert_eq!(channel.to_octets().to_vec(), data, "{}", vector.name);
        assert_eq!(ActiveChannel::parse(&data), Ok(channel), "{}", vector.name);
        for kept in 0..data.len() {
            assert!(ActiveChannel::parse(&data[..kept]).is_err(), "{kept} octets");
        }
    }
    for octets in ["E103810102", "E10481020001", "E1038001 00", "E10681010081 0100", "E10381010000"] {
        let octets = hex::decode(octets.replace(' ', "")).unwrap();
        assert!(ActiveChannel::parse(&octets).is_err(), "{octets:02X?}");
    }
}

#[test]
fn attributes_are_named_by_their_identifiers() {
    for attribute in AuxiliaryAttribute::ALL {
        let octets = attribute.to_octets();
        assert_eq!(hex::encode_upper(&octets), format!("060A2A7000020022654F05{:02X}", attribute.number()));
        assert_eq!(AuxiliaryAttribute::parse(&octets), Ok(attribute));
        for kept in 0..octets.len() {
            assert!(AuxiliaryAttribute::parse(&octets[..kept]).is_err(), "{kept} octets");
        }
    }
    assert!(AuxiliaryAttribute::parse(&hex::decode("060A2A7000020022654F0504").unwrap()).is_err());
}

#[test]
fn days_have_four_digits_of_a_year() {
    assert_eq!(&day(date!(0001 - 02 - 03)).octets(), b"00010203");
    assert_eq!(&day(date!(9999 - 12 - 31)).octets(), b"99991231");
    assert!(Day::try_from(date!(-0001 - 01 - 01)).is_err());
    assert_eq!(time::Date::from(day(date!(2026 - 11 - 30))), date!(2026 - 11 - 30));
}

#[test]
fn regions_are_short_printable_texts() {
    for (text, is_region) in [("ZIPBY-220045", true), ("ZIPBY-", false), ("ZIPBY-1", true), ("ZIPBY_220045", false)] {
        assert_eq!(RegionCode::parse(text.as_bytes()).is_some(), is_region, "{text}");
    }
    assert!(RegionCode::parse(&[b'A'; 64]).is_some());
    assert!(RegionCode::parse(&[b'A'; 65]).is_none());
}

fn certificate(name: &str) -> Certificate {
    Certificate::parse(&vector(name).output("der")).unwrap()
}

#[test]
fn certificates_come_with_and_without_the_outer_object() {
    let authority = certificate("CV certificate ca1000.cert");
    let terminal = certificate("CV certificate term.cert");
    let expected = vec![authority.clone(), terminal.clone()];
    let rows = [
        ("both whole", [authority.to_octets(), terminal.to_octets()].concat()),
        ("both bare", [authority.contents(), terminal.contents()].concat()),
        ("mixed", [authority.contents(), terminal.to_octets()].concat()),
    ];
    for (name, octets) in rows {
        assert_eq!(terminal_certificates(&octets).as_ref(), Ok(&expected), "{name}");
        let half = if name == "both whole" { authority.to_octets().len() } else { authority.contents().len() };
        let accepted: Vec<_> =
            (0..octets.len()).filter(|kept| terminal_certificates(&octets[..*kept]).is_ok()).collect();
        assert_eq!(accepted, [half], "{name}: a cut between the two leaves the first");
    }
    assert_eq!(terminal_certificates(&[]), Err(TerminalCertificatesFault::None));
    let many = terminal.to_octets().repeat(MOST_CERTIFICATES + 1);
    assert_eq!(terminal_certificates(&many), Err(TerminalCertificatesFault::TooMany));
    assert_eq!(terminal_certificates(&terminal.to_octets().repeat(MOST_CERTIFICATES)).unwrap().len(), 3);
}

proptest! {
    #[test]
    fn any_octets_make_no_template_or_that_template(octets in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(template) = TerminalTemplate::parse(&octets) {
            prop_assert_eq!(template.octets(), octets);
        }
    }

    #[test]
    fn an_altered_template_is_refused_or_read_as_it_stands(place: prop::sample::Index, mask in 1_u8..) {
        let whole = TerminalTemplate::new(Mode::Bilateral, Some([7; 32]), Some(questions()));
        let mut octets = whole.octets().to_vec();
        *place.get_mut(&mut octets) ^= mask;
        if let Ok(template) = TerminalTemplate::parse(&octets) {
            prop_assert_eq!(template.octets(), &octets);
            prop_assert_ne!(template, whole);
        }
    }

    #[test]
    fn a_template_says_what_was_asked(
        bilateral: bool,
        request_hash: Option<[u8; 32]>,
        days in proptest::option::of((0_i32..3_000_000, proptest::option::of(0_i32..3_000_000))),
        region in proptest::option::of("[A-Z]{3}BY-[0-9]{1,20}"),
    ) {
        let day = |after: i32| Day::try_from(date!(0001 - 01 - 01) + time::Duration::days(after.into())).unwrap();
        let auxiliary = days.map(|(valid_on, born_by)| Auxiliary {
            valid_on: day(valid_on),
            born_by: born_by.map(day),
            region: region.and_then(|text| RegionCode::parse(text.as_bytes())),
        });
        let mode = if bilateral { Mode::Bilateral } else { Mode::Unilateral };
        let written = TerminalTemplate::new(mode, request_hash, auxiliary.clone());
        let read = TerminalTemplate::parse(written.octets()).unwrap();
        prop_assert_eq!(read.auxiliary(), auxiliary.as_ref());
        prop_assert_eq!(read, written);
    }
}
