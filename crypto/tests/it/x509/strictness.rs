//! What two readers could understand differently is refused: certificates.

use latchkey_crypto::x509::{Certificate, CertificateError, DerFault, NameError, PublicKeyError};
use latchkey_fixtures::der_edit::{Value, edited, extensions, replace_extension};
use latchkey_fixtures::vectors::file;

// Positions in the signed part, and extensions of person.cert.der in their order.
const VERSION: usize = 0;
const SERIAL_NUMBER: usize = 1;
const ALGORITHM: usize = 2;
const VALIDITY: usize = 4;
const SUBJECT: usize = 5;
const KEY: usize = 6;
const BASIC_CONSTRAINTS: u8 = 19;
const KEY_USAGE: u8 = 15;

type Edit = fn(&mut Vec<Value>);
type IsExpected = fn(&CertificateError) -> bool;
type Row = (&'static str, Edit, IsExpected);
/// Name of the row; object identifier, tag and octets of an attribute in a name.
type Attribute = (&'static str, &'static [u8], u8, &'static [u8], IsExpected);

fn refusal(edit: impl FnOnce(&mut Vec<Value>)) -> Option<CertificateError> {
    Certificate::from_der(&edited(&file("pki/person.cert.der"), edit)).err()
}

fn assert_refused(rows: &[Row]) {
    for (name, edit, is_expected) in rows {
        assert_refused_for(name, edit, *is_expected);
    }
}

fn assert_refused_for(name: &str, edit: impl FnOnce(&mut Vec<Value>), is_expected: IsExpected) {
    let error = refusal(edit).unwrap_or_else(|| panic!("{name}: accepted"));
    assert!(is_expected(&error), "{name}: {error:?}");
}

fn relative_name(kind: &[u8], tag: u8, text: &[u8]) -> Value {
    let pair = vec![Value::Primitive(0x06, kind.to_vec()), Value::Primitive(tag, text.to_vec())];
    Value::Constructed(0x31, vec![Value::Constructed(0x30, pair)])
}

/// An extension with an identifier below 2.999.
fn unknown_extension(critical: bool) -> Value {
    let mut fields = vec![Value::Primitive(0x06, vec![0x88, 0x37, 0x2A])];
    if critical {
        fields.push(Value::Primitive(0x01, vec![0xFF]));
    }
    fields.push(Value::Primitive(0x04, vec![0x05, 0x00]));
    Value::Constructed(0x30, fields)
}

fn restriction(number: u8, octets: &[u8]) -> Value {
    let identifier = Value::Primitive(0x06, vec![0x55, 0x1D, number]);
    Value::Constructed(0x30, vec![identifier, Value::Primitive(0x04, octets.to_vec())])
}

#[test]
fn what_only_looks_unusual_is_accepted() {
    let rows: [(&str, Edit); 7] = [
        ("nothing changed", |_| {}),
        ("an alternative name of the last kind", |body| {
            extensions(body).push(restriction(17, b"\x30\x03\x88\x01\x2A"));
        }),
        ("an unknown extension that is not critical", |body| extensions(body).push(unknown_extension(false))),
        ("two organisational units", |body| {
            let unit = relative_name(b"\x55\x04\x0B", 0x0C, "Отдел".as_bytes());
            body[SUBJECT].members().extend([unit.clone(), unit]);
        }),
        ("a name in BMPString", |body| {
            body[SUBJECT].members().push(relative_name(b"\x55\x04\x0A", 0x1E, b"\x04\x2E\x04\x46"));
        }),
        ("the longest serial number", |body| {
            body[SERIAL_NUMBER] = Value::Primitive(0x02, [0x7F; 20].to_vec());
        }),
        ("a serial number with its sign octet", |body| {
            body[SERIAL_NUMBER] = Value::Primitive(0x02, vec![0x00, 0x80]);
        }),
    ];
    for (name, edit) in rows {
        assert_eq!(refusal(edit), None, "{name}");
    }
}

#[test]
fn malformed_fields_are_refused() {
    assert_refused(&[
        (
            "version 2",
            |body| body[VERSION].members()[0] = Value::Primitive(2, vec![1]),
            |e| *e == CertificateError::Version,
        ),
        (
            "version 4",
            |body| body[VERSION].members()[0] = Value::Primitive(2, vec![3]),
            |e| *e == CertificateError::Version,
        ),
        (
            "serial number 0",
            |body| body[SERIAL_NUMBER] = Value::Primitive(2, vec![0]),
            |e| *e == CertificateError::SerialNumber,
        ),
        (
            "negative",
            |body| body[SERIAL_NUMBER] = Value::Primitive(2, vec![0x80]),
            |e| *e == CertificateError::SerialNumber,
        ),
        (
            "21 octets",
            |body| body[SERIAL_NUMBER] = Value::Primitive(2, [1; 21].to_vec()),
            |e| *e == CertificateError::SerialNumber,
        ),
        (
            "20 octets and a sign",
            |body| body[SERIAL_NUMBER] = Value::Primitive(2, [vec![0], vec![0x80; 20]].concat()),
            |e| *e == CertificateError::SerialNumber,
        ),
        ("padded serial number", |body| body[SERIAL_NUMBER] = Value::Primitive(2, vec![0, 1]), is_contents),
        ("empty serial number", |body| body[SERIAL_NUMBER] = Value::Primitive(2, vec![]), is_contents),
        (
            "two algorithms",
            |body| *body[ALGORITHM].members()[0].octets().last_mut().unwrap() ^= 1,
            |e| *e == CertificateError::TwoAlgorithms,
        ),
        ("validity reversed", |body| body[VALIDITY].members().reverse(), |e| *e == CertificateError::Field("validity")),
        (
            "month 13",
            |body| body[VALIDITY].members()[0] = Value::Primitive(0x17, b"261315000000Z".to_vec()),
            |e| *e == CertificateError::Field("validity"),
        ),
        (
            "no seconds",
            |body| body[VALIDITY].members()[0] = Value::Primitive(0x17, b"2611150000Z".to_vec()),
            is_contents,
        ),
        (
            "offset instead of Z",
            |body| body[VALIDITY].members()[0] = Value::Primitive(0x17, b"261115000000+0300".to_vec()),
            is_contents,
        ),
        (
            "fraction of a second",
            |body| body[VALIDITY].members()[0] = Value::Primitive(0x18, b"20261115000000.5Z".to_vec()),
            is_contents,
        ),
        (
            "unique identifier",
            |body| body.insert(7, Value::Primitive(0x82, vec![0, 1])),
            |e| *e == CertificateError::UniqueIdentifier,
        ),
        (
            "field behind the extensions",
            |body| body.push(Value::Primitive(5, vec![])),
            |e| is_fault(e, DerFault::Trailing),
        ),
        (
            "constructed string",
            |body| body[SERIAL_NUMBER] = Value::Constructed(0x24, vec![]),
            |e| is_fault(e, DerFault::Form),
        ),
        ("real number", |body| body[SERIAL_NUMBER] = Value::Primitive(0x09, vec![]), |e| is_fault(e, DerFault::Tag)),
    ]);
}

#[test]
fn ambiguous_names_are_refused() {
    assert_refused(&[
        ("empty", |body| body[SUBJECT].members().clear(), |e| *e == CertificateError::Name(NameError::Empty)),
        (
            "empty relative name",
            |body| body[SUBJECT].members().push(Value::Constructed(0x31, vec![])),
            |e| *e == CertificateError::Name(NameError::Empty),
        ),
        (
            "family name twice",
            |body| {
                let family_name = body[SUBJECT].members()[1].clone();
                body[SUBJECT].members().push(family_name);
            },
            is_duplicate_attribute,
        ),
        (
            "serial number twice in one relative name",
            |body| {
                let mut more = body[SUBJECT].members()[3].members()[0].clone();
                *more.members()[1].octets().last_mut().unwrap() += 1;
                body[SUBJECT].members()[3].members().push(more);
            },
            is_duplicate_attribute,
        ),
        (
            "relative name out of order",
            |body| {
                let earlier = relative_name(b"\x55\x04\x03", 0x0C, b"A").members()[0].clone();
                body[SUBJECT].members()[3].members().push(earlier);
            },
            |e| is_fault(e, DerFault::SetOrder),
        ),
    ]);
}

#[test]
fn attributes_of_names_that_could_be_read_differently_are_refused() {
    const ORGANISATION: &[u8] = b"\x55\x04\x0A";
    let is_identifier: IsExpected = |e| *e == CertificateError::Name(NameError::ObjectIdentifier);
    let rows: [Attribute; 12] = [
        ("TeletexString", ORGANISATION, 0x14, b"A", is_text),
        ("number instead of text", ORGANISATION, 0x02, b"\x01", is_text),
        ("empty text", ORGANISATION, 0x0C, b"", is_text),
        ("line feed", ORGANISATION, 0x0C, b"A\nB", is_text),
        ("NUL", ORGANISATION, 0x0C, b"A\0", is_text),
        ("surrogate", ORGANISATION, 0x1E, b"\xD8\x3D\xDE\x00", is_text),
        ("odd BMPString", ORGANISATION, 0x1E, b"\x04", is_contents),
        ("not UTF-8", ORGANISATION, 0x0C, b"\xC0\xAF", is_contents),
        ("asterisk in PrintableString", ORGANISATION, 0x13, b"*", is_contents),
        ("padded object identifier", b"\x55\x04\x80\x0A", 0x0C, b"A", is_contents),
        ("object identifier cut", b"\x55\x84", 0x0C, b"A", is_contents),
        ("object identifier of 65 octets", &[1; 65], 0x0C, b"A", is_identifier),
    ];
    for (name, kind, tag, text, is_expected) in rows {
        assert_refused_for(name, |body| body[SUBJECT].members().push(relative_name(kind, tag, text)), is_expected);
    }
}

#[test]
fn keys_that_are_none_are_refused() {
    assert_refused(&[
        (
            "unknown curve",
            |body| *body[KEY].members()[0].members()[1].octets().last_mut().unwrap() = 9,
            |e| is_key(e, PublicKeyError::UnsupportedAlgorithm),
        ),
        (
            "curve of another level",
            |body| *body[KEY].members()[0].members()[1].octets().last_mut().unwrap() = 2,
            |e| is_key(e, PublicKeyError::NotAKey),
        ),
        (
            "no curve",
            |body| {
                body[KEY].members()[0].members().pop();
            },
            |e| is_key(e, PublicKeyError::UnsupportedAlgorithm),
        ),
        ("off the curve", |body| body[KEY].members()[1].octets()[1] ^= 1, |e| is_key(e, PublicKeyError::NotAKey)),
        (
            "an octet short",
            |body| {
                body[KEY].members()[1].octets().pop();
            },
            |e| is_key(e, PublicKeyError::NotAKey),
        ),
        ("an octet long", |body| body[KEY].members()[1].octets().push(0), |e| is_key(e, PublicKeyError::NotAKey)),
        (
            "a bit short",
            |body| {
                let key = body[KEY].members()[1].octets();
                key[0] = 1;
                *key.last_mut().unwrap() &= 0xFE;
            },
            |e| is_key(e, PublicKeyError::NotAKey),
        ),
        (
            "unused bits set",
            |body| {
                let key = body[KEY].members()[1].octets();
                key[0] = 1;
                *key.last_mut().unwrap() |= 1;
            },
            is_contents,
        ),
        ("eight unused bits", |body| body[KEY].members()[1].octets()[0] = 8, is_contents),
    ]);
}

#[test]
fn malformed_extensions_are_refused() {
    assert_refused(&[
        (
            "one twice",
            |body| {
                let usage = extensions(body)[1].clone();
                extensions(body).push(usage);
            },
            |e| matches!(e, CertificateError::DuplicateExtension(_)),
        ),
        (
            "an unknown one twice",
            |body| extensions(body).extend([unknown_extension(false), unknown_extension(false)]),
            |e| matches!(e, CertificateError::DuplicateExtension(_)),
        ),
        ("unknown and critical", |body| extensions(body).push(unknown_extension(true)), is_unknown_critical),
        ("name constraints", |body| extensions(body).push(restriction(30, b"\x30\x00")), is_unknown_critical),
        (
            "policy constraints",
            |body| extensions(body).push(restriction(36, b"\x30\x03\x80\x01\x00")),
            is_unknown_critical,
        ),
        ("no policy may be any", |body| extensions(body).push(restriction(54, b"\x02\x01\x00")), is_unknown_critical),
        (
            "criticality false written out",
            |body| extensions(body)[0].members().insert(1, Value::Primitive(1, vec![0])),
            is_contents,
        ),
        ("criticality 1", |body| extensions(body)[0].members().insert(1, Value::Primitive(1, vec![1])), is_contents),
        (
            "octets behind a value",
            |body| replace_extension(body, KEY_USAGE, b"\x03\x02\x06\xC0\x00"),
            |e| is_fault(e, DerFault::Trailing),
        ),
        ("empty value", |body| replace_extension(body, KEY_USAGE, b""), |e| is_fault(e, DerFault::Truncated)),
        ("key usage, zero at the end", |body| replace_extension(body, KEY_USAGE, b"\x03\x02\x05\xC0"), is_extension),
        ("key usage, no bit", |body| replace_extension(body, KEY_USAGE, b"\x03\x01\x00"), is_extension),
        ("key usage, zero octet", |body| replace_extension(body, KEY_USAGE, b"\x03\x03\x00\xC0\x00"), is_extension),
        (
            "key usage, three octets",
            |body| replace_extension(body, KEY_USAGE, b"\x03\x04\x00\xC0\x00\x01"),
            is_extension,
        ),
        ("key usage as a number", |body| replace_extension(body, KEY_USAGE, b"\x02\x01\x40"), is_extension),
        (
            "no authority written out",
            |body| replace_extension(body, BASIC_CONSTRAINTS, b"\x30\x03\x01\x01\x00"),
            is_contents,
        ),
        (
            "path length of no authority",
            |body| replace_extension(body, BASIC_CONSTRAINTS, b"\x30\x03\x02\x01\x00"),
            is_extension,
        ),
        (
            "negative path length",
            |body| replace_extension(body, BASIC_CONSTRAINTS, b"\x30\x06\x01\x01\xFF\x02\x01\xFF"),
            is_extension,
        ),
        (
            "path length of two octets",
            |body| replace_extension(body, BASIC_CONSTRAINTS, b"\x30\x07\x01\x01\xFF\x02\x02\x01\x00"),
            is_extension,
        ),
        (
            "field behind the constraints",
            |body| replace_extension(body, BASIC_CONSTRAINTS, b"\x30\x08\x01\x01\xFF\x02\x01\x00\x05\x00"),
            is_extension,
        ),
        ("no policy", |body| replace_extension(body, 32, b"\x30\x00"), is_extension),
        (
            "a policy twice",
            |body| replace_extension(body, 32, b"\x30\x0C\x30\x04\x06\x02\x2A\x03\x30\x04\x06\x02\x2A\x03"),
            is_extension,
        ),
        ("no purpose", |body| extensions(body).push(restriction(37, b"\x30\x00")), is_extension),
        (
            "a purpose twice",
            |body| extensions(body).push(restriction(37, b"\x30\x08\x06\x02\x2A\x03\x06\x02\x2A\x03")),
            is_extension,
        ),
        ("no alternative name", |body| extensions(body).push(restriction(17, b"\x30\x00")), is_extension),
        (
            "alternative name of kind 9",
            |body| extensions(body).push(restriction(17, b"\x30\x02\x89\x00")),
            is_extension,
        ),
        (
            "alternative name of no kind",
            |body| extensions(body).push(restriction(17, b"\x30\x02\x0C\x00")),
            is_extension,
        ),
        ("key identifier as a text", |body| replace_extension(body, 14, b"\x0C\x01A"), is_extension),
        (
            "field behind the issuer's key identifier",
            |body| replace_extension(body, 35, b"\x30\x04\x80\x00\x83\x00"),
            is_extension,
        ),
    ]);
}

/// Where the Belarusian names of people stand.
#[test]
fn directory_names_among_the_alternative_ones_are_read() {
    let name = Value::Constructed(0x30, vec![relative_name(b"\x55\x04\x03", 0x0C, "Імя".as_bytes())]);
    let names = Value::Constructed(0x30, vec![Value::Constructed(0xA4, vec![name])]).to_der();
    let der = edited(&file("pki/person.cert.der"), |body| extensions(body).push(restriction(17, &names)));
    let certificate = Certificate::from_der(&der).unwrap();
    let read: Vec<_> = certificate.alternative_names().iter().map(|name| name.common_name()).collect();
    assert_eq!(read, [Some("Імя")]);
}

/// The octets around the signed part.
#[test]
fn a_malformed_frame_is_refused() {
    let der = file("pki/person.cert.der");
    let with = |edit: &dyn Fn(&mut Vec<Value>)| {
        let mut whole = Value::read(&der);
        edit(whole.members());
        whole.to_der()
    };
    let algorithm_without_parameters = {
        let mut whole = Value::read(&der);
        whole.members()[0].members()[ALGORITHM].members().pop();
        whole.members()[1].members().pop();
        whole.to_der()
    };
    let rows: [(&str, Vec<u8>, IsExpected); 12] = [
        ("octet behind", [der.as_slice(), &[0]].concat(), |e| is_fault(e, DerFault::Trailing)),
        ("long length", [&[0x30, 0x83, 0x00], &der[2..]].concat(), |e| is_fault(e, DerFault::Length)),
        ("indefinite length", [&[0x30, 0x80], &der[4..], &[0, 0]].concat(), |e| is_fault(e, DerFault::Length)),
        ("length of 127 octets", [&[0x30, 0xFF], &der[2..]].concat(), |e| is_fault(e, DerFault::Length)),
        ("short form in the long one", vec![0x30, 0x81, 0x02, 0x05, 0x00], |e| is_fault(e, DerFault::Length)),
        ("high tag", vec![0x3F, 0x10, 0x00], |e| is_fault(e, DerFault::Tag)),
        ("set instead of sequence", [&[0x31], &der[1..]].concat(), |e| matches!(e, CertificateError::Der(_))),
        (
            "deep nesting",
            (0..60).fold(vec![], |inner: Vec<u8>, _| [vec![0x30, u8::try_from(inner.len()).unwrap()], inner].concat()),
            |e| is_fault(e, DerFault::Depth),
        ),
        ("fourth member", with(&|members| members.push(Value::Primitive(5, vec![]))), |e| {
            is_fault(e, DerFault::Trailing)
        }),
        ("signature in bits", with(&|members| members[2] = Value::Primitive(3, vec![1, 0xFE])), |e| {
            *e == CertificateError::Field("signature")
        }),
        ("algorithm without NULL", algorithm_without_parameters, |e| *e == CertificateError::UnsupportedAlgorithm),
        ("too long", vec![0; 16 * 1024 + 1], |e| matches!(e, CertificateError::TooLong(_))),
    ];
    for (name, octets, is_expected) in rows {
        let error = Certificate::from_der(&octets).expect_err(name);
        assert!(is_expected(&error), "{name}: {error:?}");
    }
}

fn is_fault(error: &CertificateError, fault: DerFault) -> bool {
    matches!(error, CertificateError::Der(error) if error.fault == fault)
}

fn is_contents(error: &CertificateError) -> bool {
    is_fault(error, DerFault::Contents)
}

fn is_text(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Name(NameError::Text(_)))
}

fn is_duplicate_attribute(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Name(NameError::Duplicate(_)))
}

fn is_key(error: &CertificateError, expected: PublicKeyError) -> bool {
    *error == CertificateError::PublicKey(expected)
}

fn is_extension(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Extension(_))
}

fn is_unknown_critical(error: &CertificateError) -> bool {
    matches!(error, CertificateError::UnknownCriticalExtension(_))
}
