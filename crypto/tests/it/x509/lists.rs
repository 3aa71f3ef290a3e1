//! What two readers could understand differently is refused: revocation lists. And a list of national size.

use std::time::Instant;

use latchkey_crypto::belt;
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::x509::{
    Certificate, DerFault, REVOCATION_LIST_MAX_ENTRIES, REVOCATION_LIST_MAX_SIZE, RevocationData, RevocationFault,
    RevocationList, RevocationListError, RevocationLists, RevocationReason, SerialNumber, VerificationError,
};
use latchkey_fixtures::der_edit::{Value, edited, extensions, replace_extension, resigned};
use latchkey_fixtures::pki::{Revocation, TestPki, made_up_serial_number};
use latchkey_fixtures::vectors::file;
use time::Duration;

use super::{NOW, certificate};

const VERSION: usize = 0;
const ALGORITHM: usize = 1;
const THIS_UPDATE: usize = 3;
const NEXT_UPDATE: usize = 4;
const ENTRIES: usize = 5;

type Edit = fn(&mut Vec<Value>);

fn read(edit: impl FnOnce(&mut Vec<Value>)) -> Result<(), RevocationListError> {
    RevocationList::from_der(&edited(&file("pki/sub-fresh.crl.der"), edit)).map(|_| ())
}

fn extension(number: u8, critical: bool, octets: &[u8]) -> Value {
    let mut fields = vec![Value::Primitive(0x06, vec![0x55, 0x1D, number])];
    if critical {
        fields.push(Value::Primitive(0x01, vec![0xFF]));
    }
    fields.push(Value::Primitive(0x04, octets.to_vec()));
    Value::Constructed(0x30, fields)
}

/// The extensions of the only entry.
fn of_entry(body: &mut [Value]) -> &mut Vec<Value> {
    body[ENTRIES].members()[0].members()[2].members()
}

#[test]
fn what_only_looks_unusual_is_accepted() {
    let rows: [(&str, Edit); 6] = [
        ("nothing changed", |_| {}),
        ("an empty list of entries", |body| body[ENTRIES].members().clear()),
        ("no list of entries", |body| {
            body.remove(ENTRIES);
        }),
        ("an entry twice", |body| {
            let entry = body[ENTRIES].members()[0].clone();
            body[ENTRIES].members().push(entry);
        }),
        ("an entry without extensions", |body| {
            body[ENTRIES].members()[0].members().pop();
        }),
        ("no extensions", |body| {
            body.pop();
        }),
    ];
    for (name, edit) in rows {
        assert!(read(edit).is_ok(), "{name}");
    }
}

#[test]
fn malformed_and_partial_lists_are_refused() {
    use RevocationListError as E;
    type Row = (&'static str, Edit, fn(&E) -> bool);
    let rows: [Row; 23] = [
        (
            "version 1",
            |body| {
                body.remove(VERSION);
            },
            |e| *e == E::Version,
        ),
        ("version 3", |body| body[VERSION] = Value::Primitive(2, vec![2]), |e| *e == E::Version),
        (
            "two algorithms",
            |body| *body[ALGORITHM].members()[0].octets().last_mut().unwrap() ^= 1,
            |e| *e == E::TwoAlgorithms,
        ),
        (
            "no next update",
            |body| {
                body.remove(NEXT_UPDATE);
            },
            |e| *e == E::Field("nextUpdate"),
        ),
        (
            "day 31 of November",
            |body| body[NEXT_UPDATE] = Value::Primitive(0x17, b"261131000000Z".to_vec()),
            |e| *e == E::Field("nextUpdate"),
        ),
        (
            "second 60",
            |body| body[NEXT_UPDATE] = Value::Primitive(0x17, b"261130000060Z".to_vec()),
            |e| *e == E::Field("nextUpdate"),
        ),
        (
            "text for a time",
            |body| body[NEXT_UPDATE] = Value::Primitive(0x13, b"261130000000Z".to_vec()),
            |e| *e == E::Field("nextUpdate"),
        ),
        ("delta", |body| extensions(body).push(extension(27, true, b"\x02\x01\x01")), |e| *e == E::NotComplete),
        (
            "delta, not critical",
            |body| extensions(body).push(extension(27, false, b"\x02\x01\x01")),
            |e| *e == E::NotComplete,
        ),
        (
            "partial",
            |body| extensions(body).push(extension(28, true, b"\x30\x03\x81\x01\xFF")),
            |e| *e == E::NotComplete,
        ),
        ("indirect", |body| of_entry(body).push(extension(29, true, b"\x30\x00")), |e| *e == E::NotComplete),
        (
            "unknown and critical",
            |body| extensions(body).push(extension(99, true, b"\x05\x00")),
            |e| matches!(e, E::UnknownCriticalExtension(_)),
        ),
        (
            "unknown and critical in an entry",
            |body| of_entry(body).push(extension(99, true, b"\x05\x00")),
            |e| matches!(e, E::UnknownCriticalExtension(_)),
        ),
        (
            "extension twice",
            |body| {
                let number = extensions(body)[1].clone();
                extensions(body).push(number);
            },
            |e| matches!(e, E::DuplicateExtension(_)),
        ),
        (
            "reason twice",
            |body| {
                let reason = of_entry(body)[0].clone();
                of_entry(body).push(reason);
            },
            |e| matches!(e, E::DuplicateExtension(_)),
        ),
        (
            "reason 7",
            |body| *of_entry(body)[0].members()[1].octets() = b"\x0A\x01\x07".to_vec(),
            |e| *e == E::Field("entry's reason"),
        ),
        (
            "removed from the list",
            |body| *of_entry(body)[0].members()[1].octets() = b"\x0A\x01\x08".to_vec(),
            |e| *e == E::Field("entry's reason"),
        ),
        (
            "negative serial number",
            |body| body[ENTRIES].members()[0].members()[0] = Value::Primitive(2, vec![0x80]),
            |e| *e == E::Field("entry's serial number"),
        ),
        ("negative list number", |body| replace_extension(body, 20, b"\x02\x01\xFF"), |e| *e == E::Field("number")),
        (
            "list number of 21 octets",
            |body| replace_extension(body, 20, &[&[2, 21][..], &[1; 21]].concat()),
            |e| *e == E::Field("number"),
        ),
        ("issuer without attributes", |body| body[2].members().clear(), |e| matches!(e, E::Name(_))),
        (
            "field in an entry",
            |body| body[ENTRIES].members()[0].members().push(Value::Primitive(5, vec![])),
            |e| matches!(e, E::Der(error) if error.fault == DerFault::Trailing),
        ),
        (
            "field behind the extensions",
            |body| body.push(Value::Primitive(5, vec![])),
            |e| matches!(e, E::Der(error) if error.fault == DerFault::Trailing),
        ),
    ];
    for (name, edit, is_expected) in rows {
        let error = read(edit).expect_err(name);
        assert!(is_expected(&error), "{name}: {error:?}");
    }
}

#[test]
fn another_key_under_the_same_name_does_not_make_a_list() {
    let sub = file("pki/sub.cert.der");
    // Key usage: certificates only. Then the identifier of another key.
    let without_right =
        Certificate::from_der(&edited(&sub, |body| replace_extension(body, 15, b"\x03\x02\x02\x04"))).unwrap();
    let other_key = Certificate::from_der(&edited(&sub, |body| replace_extension(body, 14, b"\x04\x01\x01"))).unwrap();
    let octets = file("pki/sub-fresh.crl.der");
    let fresh = || RevocationList::from_der(&octets).unwrap();
    assert_eq!(fresh().verified_by(&without_right).map(|_| ()), Err(RevocationListError::IssuerMayNot));
    assert_eq!(fresh().verified_by(&other_key).map(|_| ()), Err(RevocationListError::OtherIssuer));

    // A list counts for the key that signed it, not for its name.
    let mut lists = RevocationLists::new();
    lists.insert(fresh().verified_by(&certificate(&sub)).unwrap());
    let impostor = edited(&sub, |body| {
        let root = Value::read(&file("pki/root.cert.der")).members()[0].members()[6].clone();
        body[6] = root;
    });
    let person = certificate(&file("pki/person.cert.der"));
    assert_eq!(lists.status(&person, &certificate(&impostor), NOW), Err(RevocationFault::Unknown));
}

/// Name and key of the test set's subordinate authority, with which lists are signed that it never made.
fn signed(edit: impl FnOnce(&mut Vec<Value>)) -> Vec<u8> {
    let key_info = file("pki/sub.testkey.der");
    let key = PrivateKey::from_octets(key_info[key_info.len() - 32..].try_into().unwrap()).unwrap();
    resigned(&file("pki/sub-fresh.crl.der"), edit, |body| key.sign_hash(&belt::hash(&[body])).to_vec())
}

#[test]
fn the_first_authority_that_made_the_list_is_found_among_others() {
    let octets = file("pki/sub-fresh.crl.der");
    let sub = file("pki/sub.cert.der");
    let (root, sub, without_right, other_key) = (
        certificate(&file("pki/root.cert.der")),
        certificate(&sub),
        certificate(&edited(&sub, |body| replace_extension(body, 15, b"\x03\x02\x02\x04"))),
        certificate(&edited(&sub, |body| {
            body[6] = Value::read(&file("pki/root.cert.der")).members()[0].members()[6].clone()
        })),
    );
    let verdict = |authorities: &[&Certificate]| {
        let authorities: Vec<_> = authorities.iter().copied().cloned().collect();
        let list = RevocationList::from_der(&octets).unwrap().verified_by_one_of(&authorities);
        list.map(|list| assert_eq!(list.authority_key_info(), sub.public_key_info()))
    };
    let wrong = RevocationListError::Signature(VerificationError::WrongSignature);
    let rows: [(&str, &[&Certificate], Result<(), RevocationListError>); 6] = [
        ("nobody", &[], Err(RevocationListError::OtherIssuer)),
        ("another name", &[&root], Err(RevocationListError::OtherIssuer)),
        ("its maker behind another name", &[&root, &sub], Ok(())),
        ("its maker behind another key", &[&other_key, &without_right, &sub], Ok(())),
        ("another key of its name", &[&other_key, &root], Err(wrong)),
        ("its key without the right", &[&root, &without_right], Err(RevocationListError::IssuerMayNot)),
    ];
    for (name, authorities, expected) in rows {
        assert_eq!(verdict(authorities), expected, "{name}");
    }
}

/// Neither an earlier date nor a lower number takes the place of a list, whatever the other of the two says.
#[test]
fn what_is_older_by_date_or_number_does_not_replace_a_list() {
    const DATE: &[u8] = b"261120000000Z";
    const NUMBER: &[u8] = b"\x02\x02\x00\xF0";
    let sub = certificate(&file("pki/sub.cert.der"));
    let made = |date: &[u8], number: Option<&[u8]>| {
        let octets = signed(|body| {
            body[THIS_UPDATE] = Value::Primitive(0x17, date.to_vec());
            match number {
                Some(number) => replace_extension(body, 20, number),
                None => drop(extensions(body).pop()),
            }
        });
        RevocationList::from_der(&octets).unwrap().verified_by(&sub).unwrap()
    };
    type Row = (&'static str, &'static [u8], Option<&'static [u8]>, bool);
    let rows: [Row; 11] = [
        ("the same", DATE, Some(NUMBER), true),
        ("a second later, next number", b"261120000001Z", Some(b"\x02\x02\x00\xF1"), true),
        ("a second later, same number", b"261120000001Z", Some(NUMBER), true),
        ("a second later, no number", b"261120000001Z", None, true),
        ("same date, no number", DATE, None, true),
        ("a longer number", DATE, Some(b"\x02\x02\x01\x00"), true),
        ("a second earlier", b"261119235959Z", Some(NUMBER), false),
        ("a second earlier, no number", b"261119235959Z", None, false),
        ("a second earlier, next number", b"261119235959Z", Some(b"\x02\x02\x00\xF1"), false),
        ("a second later, number before", b"261120000001Z", Some(b"\x02\x02\x00\xEF"), false),
        ("a shorter number whose first digit is higher", DATE, Some(b"\x02\x01\x7F"), false),
    ];
    for (name, date, number, is_taken) in rows {
        let mut lists = RevocationLists::new();
        assert!(lists.insert(made(DATE, Some(NUMBER))));
        assert_eq!(lists.insert(made(date, number)), is_taken, "{name}");
    }
}

/// As long as the list of a country. The time is only kept from growing absurd.
#[test]
fn half_a_million_entries_are_read_verified_and_found() {
    const COUNT: u32 = 500_000;
    let pki = TestPki::new("long list", NOW).unwrap();
    let twice = Revocation {
        serial_number: made_up_serial_number(7).to_vec(),
        revoked_at: NOW - Duration::days(2),
        reason: latchkey_fixtures::pki::RevocationReason::Superseded,
    };
    let octets = pki.authority().long_revocation_list(&[twice], COUNT, NOW, 1).unwrap();
    assert!(octets.len() > 20_000_000);
    let start = Instant::now();
    let list = RevocationList::from_der(&octets).unwrap();
    let verified = list.verified_by(&certificate(&pki.authority().certificate().der)).unwrap();
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    assert_eq!(verified.revoked_count(), usize::try_from(COUNT).unwrap());
    let found = |octets: &[u8]| verified.revocation_of(SerialNumber::read(octets).unwrap());
    for entry in (0..COUNT).step_by(997).chain([COUNT - 1]).filter(|entry| *entry != 7) {
        let revocation = found(&made_up_serial_number(entry)).unwrap();
        assert_eq!(revocation.reason, RevocationReason::KeyCompromise, "{entry}");
        assert_eq!(revocation.since, NOW - Duration::HOUR, "{entry}");
    }
    let first = found(&made_up_serial_number(7)).unwrap();
    assert_eq!((first.since, first.reason), (NOW - Duration::days(2), RevocationReason::Superseded));
    for absent in [&[2][..], &made_up_serial_number(COUNT), &made_up_serial_number(COUNT)[..15]] {
        assert_eq!(found(absent), None);
    }
}

/// A list in which each entry has the fewest octets, with so many of them; not signed by anybody.
fn of_entries(count: usize) -> Vec<u8> {
    // Tag and length of what has more than 2^24 octets.
    let long = |contents: Vec<u8>| {
        let length = u32::try_from(contents.len()).unwrap().to_be_bytes();
        [&[0x30, 0x84][..], &length, &contents].concat()
    };
    let mut entries = Vec::new();
    for number in 0..u32::try_from(count).unwrap() {
        entries.extend_from_slice(b"\x30\x15\x02\x04");
        entries.extend_from_slice(&(number | 1 << 24).to_be_bytes());
        entries.extend_from_slice(b"\x17\x0D261120000000Z");
    }
    let mut whole = Value::read(&file("pki/sub-fresh.crl.der"));
    let encoded = |values: &[Value]| -> Vec<u8> { values.iter().flat_map(Value::to_der).collect() };
    let [body, frame @ ..] = &mut whole.members()[..] else { panic!("a list has three parts") };
    let (head, tail) = (encoded(&body.members()[..ENTRIES]), encoded(&body.members()[ENTRIES + 1..]));
    long([long([head, long(entries), tail].concat()), encoded(frame)].concat())
}

#[test]
fn a_list_has_at_most_so_many_entries_and_octets() {
    let most = RevocationList::from_der(&of_entries(REVOCATION_LIST_MAX_ENTRIES)).map(|_| ());
    assert_eq!(most, Ok(()));
    let more = RevocationList::from_der(&of_entries(REVOCATION_LIST_MAX_ENTRIES + 1)).map(|_| ());
    assert_eq!(more, Err(RevocationListError::TooManyEntries));
    let longer = vec![0; REVOCATION_LIST_MAX_SIZE + 1];
    let too_long = RevocationList::from_der(&longer).map(|_| ());
    assert_eq!(too_long, Err(RevocationListError::TooLong(longer.len())));
}
