//! Whatever octets come: an answer, no panic; and whatever is accepted, other parsers read the same way.

use std::sync::OnceLock;

use latchkey_crypto::x509::{Certificate, HolderIdentity, KeyUsage, ObjectIdentifier, RevocationList};
use latchkey_fixtures::vectors::{file, vector};
use proptest::prelude::*;
use x509_cert::der::{Decode, Encode, ErrorKind};

fn certificates() -> &'static [Vec<u8>] {
    static CERTIFICATES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    CERTIFICATES.get_or_init(|| {
        vec![
            file("pki/person.cert.der"),
            file("pki/sub.cert.der"),
            file("pki/root512.cert.der"),
            file("pki/person512.cert.der"),
            file("pki/tsa.cert.der"),
            vector("State PKI root CA (legacy) certificate").output("der"),
        ]
    })
}

fn lists() -> Vec<Vec<u8>> {
    vec![file("pki/sub-fresh.crl.der"), file("pki/root.crl.der")]
}

#[test]
fn every_truncation_is_refused() {
    for whole in certificates() {
        for kept in 0..whole.len() {
            assert!(Certificate::from_der(&whole[..kept]).is_err(), "the first {kept} octets were accepted");
        }
    }
    for whole in lists() {
        for kept in 0..whole.len() {
            assert!(RevocationList::from_der(&whole[..kept]).is_err(), "the first {kept} octets were accepted");
        }
    }
}

/// `x509-cert` (another parser than the one inside) and OpenSSL see the same certificate.
fn assert_others_agree(certificate: &Certificate) {
    let other = match x509_cert::Certificate::from_der(certificate.der()) {
        Ok(other) => other,
        // Its object identifiers end at 2.47.
        Err(error) if matches!(error.kind(), ErrorKind::OidMalformed) => return,
        Err(error) => panic!("x509-cert refuses what was accepted: {error}"),
    };
    let body = other.tbs_certificate();
    assert_eq!(body.subject().to_der().unwrap(), certificate.subject().der());
    assert_eq!(body.issuer().to_der().unwrap(), certificate.issuer().der());
    assert_eq!(body.subject_public_key_info().to_der().unwrap(), certificate.public_key_info());
    let digits = body.serial_number().as_bytes();
    assert_eq!(digits.strip_prefix(&[0]).unwrap_or(digits), certificate.serial_number().octets());
    let seconds = |time: &x509_cert::time::Time| time.to_unix_duration().as_secs();
    let until = u64::try_from(certificate.not_after().unix_timestamp()).unwrap();
    assert_eq!(seconds(&body.validity().not_after), until);

    let (rest, other) =
        x509_parser::parse_x509_certificate(certificate.der()).expect("x509-parser refuses what was accepted");
    assert!(rest.is_empty());
    assert_eq!(other.subject().as_raw(), certificate.subject().der());
    assert_eq!(other.public_key().raw, certificate.public_key_info());
    assert_eq!(other.validity().not_before.to_datetime(), certificate.not_before());
    assert_eq!(other.extensions().len(), body.extensions().map_or(0, |extensions| extensions.len()));
    let usage = other.key_usage().unwrap().map(|usage| usage.value.digital_signature());
    assert_eq!(usage, certificate.key_usage().map(|usage| usage.contains(KeyUsage::DIGITAL_SIGNATURE)));

    let other = openssl::x509::X509::from_der(certificate.der()).expect("OpenSSL refuses what was accepted");
    assert_eq!(other.subject_name().to_der().unwrap(), certificate.subject().der());
    assert_eq!(other.serial_number().to_bn().unwrap().to_vec(), certificate.serial_number().octets());
    assert_eq!(other.to_der().unwrap(), certificate.der());
}

#[test]
fn other_parsers_read_the_test_set_the_same_way() {
    for der in certificates() {
        assert_others_agree(&Certificate::from_der(der).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_altered_certificate_is_refused_or_read_by_all_in_one_way(
        which in any::<prop::sample::Index>(),
        positions in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut octets = which.get(certificates()).clone();
        for (position, octet) in positions {
            let position = position.index(octets.len());
            octets[position] = octet;
        }
        if let Ok(certificate) = Certificate::from_der(&octets) {
            assert_others_agree(&certificate);
            let _ = HolderIdentity::of(&certificate);
            let _ = certificate.verify_signature(certificate.public_key());
        }
    }

    #[test]
    fn an_altered_list_does_not_panic(
        which in any::<prop::sample::Index>(),
        position in any::<prop::sample::Index>(),
        octet: u8,
    ) {
        let mut octets = which.get(&lists()).clone();
        let position = position.index(octets.len());
        octets[position] = octet;
        if let Ok(list) = RevocationList::from_der(&octets) {
            let authority = Certificate::from_der(&file("pki/sub.cert.der")).unwrap();
            prop_assert!(octets == file("pki/sub-fresh.crl.der") || list.verified_by(&authority).is_err());
        }
    }

    #[test]
    fn random_octets_do_not_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Certificate::from_der(&octets).is_err());
        prop_assert!(RevocationList::from_der(&octets).is_err());
        if let Some(identifier) = ObjectIdentifier::read(&octets) {
            prop_assert_eq!(identifier.to_string().parse::<ObjectIdentifier>().unwrap(), identifier);
        }
    }

    #[test]
    fn object_identifiers_survive_writing_and_reading(root in 0_u8..3, second in 0_u8..40, rest: Vec<u128>) {
        let rest: Vec<u128> = rest.into_iter().take(3).collect();
        let text = rest.iter().fold(format!("{root}.{second}"), |text, number| format!("{text}.{number}"));
        let identifier: ObjectIdentifier = text.parse().unwrap();
        prop_assert_eq!(identifier.to_string(), text);
        prop_assert_eq!(ObjectIdentifier::read(identifier.contents()), Some(identifier));
    }
}

#[test]
fn what_is_no_object_identifier_is_refused() {
    for text in [
        "",
        "1",
        "1.",
        ".1",
        "3.1",
        "0.40",
        "1.2.",
        "1.02",
        "1.+2",
        "1.-2",
        "1 .2",
        "1.2.a",
        "2.340282366920938463463374607431768211456",
    ] {
        assert!(text.parse::<ObjectIdentifier>().is_err(), "{text:?}");
    }
    assert_eq!("2.999.7".parse::<ObjectIdentifier>().unwrap().contents(), [0x88, 0x37, 0x07]);
}
