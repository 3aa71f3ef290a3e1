//! Rights: encodings of the standard and reserved bits.

use latchkey_crypto::cv::rights::{CertHat, DataGroup, EidRights, EsignRights, TAG_CERT_HAT};
use latchkey_crypto::tlv::{TlvError, TlvErrorKind};
use latchkey_fixtures::vectors::vector;
use proptest::prelude::*;

fn group(number: u8) -> DataGroup {
    DataGroup::new(number).unwrap()
}

#[test]
fn objects_are_those_of_the_model_session() {
    let hello =
        vector("BPACE as profiled by the 2019 print: PIN 123456, hello_KP = CertHAT objects only").input("hello_B");
    let eid = CertHat::Eid(EidRights::from_octets([0x00, 0x3C, 0x6F, 0x5B, 0x10]));
    let esign = CertHat::Esign(EsignRights::from_octets([0xF2, 0x00]));
    assert_eq!([eid.to_octets(), esign.to_octets()].concat(), hello);
    assert_eq!(CertHat::parse(&eid.to_octets()), Ok(eid));
    assert_eq!(CertHat::parse(&esign.to_octets()), Ok(esign));
}

/// The worked example of the standard: its printed word is wrong, its list of groups is right.
#[test]
fn the_worked_example_gives_the_word_of_its_list() {
    let read = [1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 18, 21, 22];
    let word = read.into_iter().fold(EidRights::CAN_ACCESS, |word, number| word | EidRights::read(group(number)));
    assert_eq!(word.octets(), [0x00, 0x33, 0x6F, 0x7B, 0x10]);
}

#[test]
fn each_right_has_its_bit() {
    assert_eq!(EidRights::AGE_VERIFICATION.octets(), [0, 0, 0, 0, 0x01]);
    assert_eq!(EidRights::PLACE_VERIFICATION.octets(), [0, 0, 0, 0, 0x02]);
    assert_eq!(EidRights::CAN_ACCESS.octets(), [0, 0, 0, 0, 0x10]);
    assert_eq!(EidRights::MANAGE_PIN.octets(), [0, 0, 0, 0, 0x20]);
    assert_eq!(EidRights::read(group(1)).octets(), [0, 0, 0, 0x01, 0]);
    assert_eq!(EidRights::read(group(22)).octets(), [0, 0x20, 0, 0, 0]);
    assert_eq!(EidRights::write(group(22)).unwrap().octets(), [0x01, 0, 0, 0, 0]);
    assert_eq!(EidRights::write(group(17)).unwrap().octets(), [0x20, 0, 0, 0, 0]);
    assert_eq!(EidRights::write(group(16)), None);
    assert_eq!((DataGroup::new(0), DataGroup::new(23)), (None, None));
    assert_eq!((group(1).number(), group(22).number()), (1, 22));
    let rows = [
        (EsignRights::ACTIVATE_PIN, 0x0040),
        (EsignRights::CHANGE_PIN, 0x0080),
        (EsignRights::UNBLOCK_PIN, 0x0100),
        (EsignRights::WRITE_NAME, 0x0200),
        (EsignRights::ACTIVATE_KEYS, 0x0400),
        (EsignRights::TERMINAL_KEYS, 0x1000),
        (EsignRights::BASE_KEYS, 0x2000),
        (EsignRights::TERMINAL_SIGNING, 0x4000),
        (EsignRights::BASE_SIGNING, 0x8000_u16),
    ];
    for (right, word) in rows {
        assert_eq!(right.octets(), word.to_be_bytes(), "{right:?}");
    }
    let all = rows.into_iter().fold(EsignRights::NONE, |all, (right, _)| all | right);
    assert_eq!(all, EsignRights::ALL);
}

#[test]
fn the_greatest_words_are_those_of_the_standard() {
    assert_eq!(EidRights::ALL.octets(), [0x3F, 0x3F, 0xFF, 0xFF, 0x33]);
    assert_eq!(EsignRights::ALL.octets(), [0xF7, 0xC0]);
    assert_eq!(EsignRights::IN_BASE_MODE.octets(), [0xA5, 0xC0]);
}

/// Published model certificates carry reserved bit 5 of the eSign word.
#[test]
fn reserved_bits_are_masked() {
    assert_eq!(EsignRights::from_octets([0xF7, 0xE0]), EsignRights::ALL);
    assert_eq!(EsignRights::from_octets([0xFF; 2]), EsignRights::ALL);
    assert_eq!(EidRights::from_octets([0xFF; 5]), EidRights::ALL);
}

#[test]
fn malformed_objects_are_refused() {
    let rows = [
        ("nothing", "", TlvErrorKind::Missing(TAG_CERT_HAT), 0),
        ("another application", "7F4C10060A2A7000020022654F060304020000", TlvErrorKind::Value, 5),
        ("a word of three octets", "7F4C11060A2A7000020022654F06020403000000", TlvErrorKind::Value, 17),
        ("eID with the word of eSign", "7F4C10060A2A7000020022654F060104020000", TlvErrorKind::Value, 17),
        ("a third object", "7F4C12060A2A7000020022654F0602040200000500", TlvErrorKind::Trailing, 19),
        ("octets behind", "7F4C10060A2A7000020022654F06020402000000", TlvErrorKind::Trailing, 19),
    ];
    for (name, octets, kind, offset) in rows {
        let error = CertHat::parse(&hex::decode(octets).unwrap()).unwrap_err();
        assert_eq!(error, TlvError { kind, offset }, "{name}");
    }
    for whole in [CertHat::Eid(EidRights::ALL).to_octets(), CertHat::Esign(EsignRights::ALL).to_octets()] {
        for kept in 0..whole.len() {
            assert!(CertHat::parse(&whole[..kept]).is_err(), "a beginning of {kept} octets was accepted");
        }
    }
}

proptest! {
    #[test]
    fn any_word_survives(eid: [u8; 5], esign: [u8; 2]) {
        for right in [CertHat::Eid(EidRights::from_octets(eid)), CertHat::Esign(EsignRights::from_octets(esign))] {
            prop_assert_eq!(CertHat::parse(&right.to_octets()), Ok(right));
        }
    }

    #[test]
    fn an_altered_object_is_refused_or_says_something_else(eid: [u8; 5], place in 0_usize..22, bit in 0_u8..8) {
        let right = CertHat::Eid(EidRights::from_octets(eid));
        let mut octets = right.to_octets();
        octets[place] ^= 1 << bit;
        match CertHat::parse(&octets) {
            Ok(CertHat::Eid(_)) => prop_assert!(place >= 17, "octet {} is no part of the word", place),
            Ok(other) => prop_assert!(false, "{:?}", other),
            Err(_) => {}
        }
    }
}
