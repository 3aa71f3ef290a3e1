//! Records are sealed for one session, step, caller and end.

use std::net::IpAddr;
use std::sync::Arc;

use latchkey_crypto::secret::BeltKey;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::keys::{KeptKeys, Key, KeySecret, KeyUse};
use latchkey_portal::storage::KeptStep;
use latchkey_portal::terminal::{Caller, NotSealedHere, RecordKey, Sources};
use latchkey_portal::token::Token;
use time::Duration;

use crate::own_keys::of_octet;
use crate::support::NOW;

const CONTENTS: &[u8] = "ВЫДУМАНАЯ 4010190A000PB0".as_bytes();

pub(crate) fn key() -> RecordKey {
    RecordKey::new(of_octet(KeyUse::Record, 0x77)).unwrap()
}

fn caller(address: &str) -> Caller {
    Caller::back_end(address.parse().unwrap(), None)
}

fn step(key: &RecordKey, hreq: &Token) -> KeptStep {
    let step = KeptStep {
        session: hreq.hash(),
        caller: key.caller_tag(&caller("127.0.0.1")).unwrap(),
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
        ("another caller", KeptStep { caller: key.caller_tag(&caller("127.0.0.2")).unwrap(), ..sealed.clone() }),
        ("another end", KeptStep { expires_at: sealed.expires_at + Duration::milliseconds(1), ..sealed.clone() }),
        ("no record", KeptStep { record: Vec::new(), ..sealed.clone() }),
    ];
    for (name, altered) in rows {
        assert_eq!(key.open(&hreq, &altered), Err(NotSealedHere), "{name}");
    }
    assert_eq!(key.open(&other, &sealed), Err(NotSealedHere), "with another handle");
    let other_key = RecordKey::new(of_octet(KeyUse::Record, 0x88)).unwrap();
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

/// After a rotation sessions that have begun go on.
#[test]
fn an_older_record_key_opens_what_it_has_sealed() {
    let mac = |number: u32, octet| Key::new(KeyUse::Record, number, KeySecret::Mac(BeltKey::new([octet; 32])));
    let keys = |keys: Vec<Key>| RecordKey::new(Arc::new(keys.into_iter().collect::<KeptKeys>())).unwrap();
    let (old, hreq) = (keys(vec![mac(1, 0x77)]), Token::draw(&mut Seeded::new("hreq")));
    let rotated = keys(vec![mac(1, 0x77), mac(2, 0x88)]);
    let sealed = step(&old, &hreq);
    assert_eq!(rotated.open(&hreq, &sealed).unwrap().as_slice(), CONTENTS);
    assert!(rotated.is_tag_of(&sealed.caller, &caller("127.0.0.1")));
    assert!(!rotated.is_tag_of(&sealed.caller, &caller("127.0.0.2")));
    assert_eq!(old.open(&hreq, &step(&rotated, &hreq)), Err(NotSealedHere), "the newest seals");
    assert!(RecordKey::new(of_octet(KeyUse::Seal, 1)).is_none(), "a key serves one use");
}

/// A caller is its certificate if it has one, else its address; one address has one form.
#[test]
fn a_caller_is_known_by_address_or_certificate() {
    let key = key();
    let mapped = caller("::ffff:127.0.0.1");
    assert_eq!(key.caller_tag(&mapped).unwrap(), key.caller_tag(&caller("127.0.0.1")).unwrap());
    assert_ne!(key.caller_tag(&caller("::1")).unwrap(), key.caller_tag(&caller("127.0.0.1")).unwrap());
    let with = |address: &str, certificate| Caller::back_end(address.parse().unwrap(), Some(certificate));
    assert_eq!(
        key.caller_tag(&with("192.0.2.1", [1; 32])).unwrap(),
        key.caller_tag(&with("192.0.2.9", [1; 32])).unwrap()
    );
    assert_ne!(
        key.caller_tag(&with("192.0.2.1", [1; 32])).unwrap(),
        key.caller_tag(&with("192.0.2.1", [2; 32])).unwrap()
    );
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
        (Sources::AnyWithCertificate, Caller::back_end("192.0.2.8".parse().unwrap(), Some([1; 32])), true),
    ];
    for (sources, caller, allowed) in rows {
        assert_eq!(sources.allow(&caller), allowed, "{sources:?} {caller:?}");
    }
}
