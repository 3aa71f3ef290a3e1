//! Records are sealed for one session, step, caller and end.

use std::net::IpAddr;

use latchkey_fixtures::random::Seeded;
use latchkey_portal::storage::KeptStep;
use latchkey_portal::terminal::{Caller, NotSealedHere, RecordKey, Sources};
use latchkey_portal::token::Token;
use time::Duration;

use crate::support::NOW;

const CONTENTS: &[u8] = "ВЫДУМАНАЯ 4010190A000PB0".as_bytes();

pub(crate) fn key() -> RecordKey {
    RecordKey::parse(&[b'7'; 64]).unwrap()
}

fn caller(address: &str) -> Caller {
    Caller { address: address.parse().unwrap(), certificate: None }
}

fn step(key: &RecordKey, hreq: &Token) -> KeptStep {
    let step = KeptStep {
        session: hreq.hash(),
        caller: key.caller_tag(&caller("127.0.0.1")),
        step: 3,
        expires_at: NOW + Duration::minutes(2),
        record: Vec::new(),
    };
    let record = key.seal(hreq, &step, CONTENTS, &mut Seeded::new("nonce")).unwrap();
    KeptStep { record, ..step }
}

#[test]
fn a_record_opens_for_its_session_step_caller_and_end_alone() {
    let (key, hreq) = (key(), Token::draw(&mut Seeded::new("hreq")));
    let sealed = step(&key, &hreq);
    assert_eq!(key.open(&hreq, &sealed).unwrap().as_slice(), CONTENTS);
    assert!(!sealed.record.windows(8).any(|window| CONTENTS.windows(8).any(|part| part == window)));
    let other = Token::draw(&mut Seeded::new("other"));
    let rows: [(&str, KeptStep); 5] = [
        ("another session", KeptStep { session: other.hash(), ..sealed.clone() }),
        ("another step", KeptStep { step: 4, ..sealed.clone() }),
        ("another caller", KeptStep { caller: key.caller_tag(&caller("127.0.0.2")), ..sealed.clone() }),
        ("another end", KeptStep { expires_at: sealed.expires_at + Duration::milliseconds(1), ..sealed.clone() }),
        ("no record", KeptStep { record: Vec::new(), ..sealed.clone() }),
    ];
    for (name, altered) in rows {
        assert_eq!(key.open(&hreq, &altered), Err(NotSealedHere), "{name}");
    }
    assert_eq!(key.open(&other, &sealed), Err(NotSealedHere), "with another handle");
    let other_key = RecordKey::parse(&[b'8'; 64]).unwrap();
    assert_eq!(other_key.open(&hreq, &sealed), Err(NotSealedHere), "under another record key");
}

#[test]
fn every_octet_of_a_record_counts() {
    let (key, hreq) = (key(), Token::draw(&mut Seeded::new("hreq")));
    let sealed = step(&key, &hreq);
    for at in 0..sealed.record.len() {
        let mut altered = sealed.clone();
        altered.record[at] ^= 1;
        assert_eq!(key.open(&hreq, &altered), Err(NotSealedHere), "octet {at}");
        altered.record.truncate(at);
        assert_eq!(key.open(&hreq, &altered), Err(NotSealedHere), "{at} octets");
    }
}

#[test]
fn two_records_of_one_step_have_nothing_in_common() {
    let (key, hreq) = (key(), Token::draw(&mut Seeded::new("hreq")));
    let sealed = step(&key, &hreq);
    let again = key.seal(&hreq, &sealed, CONTENTS, &mut Seeded::new("another nonce")).unwrap();
    assert_ne!(again, sealed.record);
}

#[test]
fn a_record_key_is_64_hexadecimal_digits() {
    assert!(RecordKey::parse(format!("{}\n", "0123456789abcdefABCDEF9876543210".repeat(2)).as_bytes()).is_some());
    let seven = "7".repeat(64);
    for malformed in ["", "7", &seven[1..], &format!("{seven}7"), &format!("{seven}77"), &seven.replacen('7', "g", 1)] {
        assert!(RecordKey::parse(malformed.as_bytes()).is_none(), "{malformed}");
    }
    assert_eq!(format!("{:?}", key()), "hidden");
}

/// A caller is its certificate if it has one, else its address; one address has one form.
#[test]
fn a_caller_is_known_by_address_or_certificate() {
    let key = key();
    let mapped = caller("::ffff:127.0.0.1");
    assert_eq!(key.caller_tag(&mapped), key.caller_tag(&caller("127.0.0.1")));
    assert_ne!(key.caller_tag(&caller("::1")), key.caller_tag(&caller("127.0.0.1")));
    let with = |address: &str, certificate| Caller { certificate: Some(certificate), ..caller(address) };
    assert_eq!(key.caller_tag(&with("192.0.2.1", [1; 32])), key.caller_tag(&with("192.0.2.9", [1; 32])));
    assert_ne!(key.caller_tag(&with("192.0.2.1", [1; 32])), key.caller_tag(&with("192.0.2.1", [2; 32])));
}

#[test]
fn who_may_call_is_loopback_listed_or_certified() {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let listed = Sources::Listed(vec![address("192.0.2.7")]);
    let rows = [
        (Sources::Loopback, caller("127.0.0.1"), true),
        (Sources::Loopback, caller("::1"), true),
        (Sources::Loopback, caller("::ffff:127.0.0.1"), true),
        (Sources::Loopback, caller("192.0.2.7"), false),
        (listed.clone(), caller("192.0.2.7"), true),
        (listed.clone(), caller("::ffff:192.0.2.7"), true),
        (listed.clone(), caller("192.0.2.8"), false),
        (listed, caller("127.0.0.1"), false),
        (Sources::AnyWithCertificate, caller("192.0.2.8"), false),
        (Sources::AnyWithCertificate, Caller { certificate: Some([1; 32]), ..caller("192.0.2.8") }, true),
    ];
    for (sources, caller, allowed) in rows {
        assert_eq!(sources.allow(&caller), allowed, "{sources:?} {caller:?}");
    }
}
