//! What two readers could understand differently is refused: revocation lists. And a list of national size.

use std::time::Instant;

use latchkey_crypto::x509::{
    Certificate, DerFault, RevocationData, RevocationFault, RevocationList, RevocationListError, RevocationLists,
    RevocationReason, SerialNumber,
};
use latchkey_fixtures::der_edit::{Value, edited, extensions, replace_extension, resigned};
use latchkey_fixtures::vectors::file;

use super::{NOW, certificate};

const VERSION: usize = 0;
const ALGORITHM: usize = 1;
const NEXT_UPDATE: usize = 4;
const ENTRIES: usize = 5;

type Edit = fn(&mut Vec<Value>);

fn read(edit: impl FnOnce(&mut Vec<Value>)) -> Result<RevocationList, RevocationListError> {
    RevocationList::from_der(&edited(&file("pki/sub-fresh.crl.der"), edit))
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
        let error = read(edit).map(|_| ()).expect_err(name);
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
    let fresh = || RevocationList::from_der(&file("pki/sub-fresh.crl.der")).unwrap();
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

/// 20,000 entries stand for the half a million of a country; the time is only kept from growing absurd.
#[test]
fn a_long_list_is_read_and_searched() {
    const COUNT: u32 = 20_000;
    let sub = certificate(&file("pki/sub.cert.der"));
    let key_info = file("pki/sub.testkey.der");
    let key =
        latchkey_crypto::bign::PrivateKey::from_octets(key_info[key_info.len() - 32..].try_into().unwrap()).unwrap();
    let serial = |number: u32| (0x0100_0000 + number).to_be_bytes().to_vec();
    let entry = |number| {
        let fields = vec![Value::Primitive(2, serial(number)), Value::Primitive(0x17, b"261120000000Z".to_vec())];
        Value::Constructed(0x30, fields)
    };
    let list = resigned(
        &file("pki/sub-fresh.crl.der"),
        |body| *body[ENTRIES].members() = (0..COUNT).map(entry).collect(),
        |body| key.sign_hash(&latchkey_crypto::belt::hash(&[body])).to_vec(),
    );
    let start = Instant::now();
    let verified = RevocationList::from_der(&list).unwrap().verified_by(&sub).unwrap();
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    assert_eq!(verified.revoked_count(), usize::try_from(COUNT).unwrap());
    for number in [0, 1, COUNT / 2, COUNT - 1] {
        let serial_number = SerialNumber::read(&serial(number)).unwrap();
        let revocation = verified.revocation_of(serial_number).unwrap();
        assert_eq!(revocation.reason, RevocationReason::Unspecified);
    }
    assert_eq!(verified.revocation_of(SerialNumber::read(&[2]).unwrap()), None);
}
