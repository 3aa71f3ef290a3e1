//! Strictness: every field's own rule, every truncation, every octet.

use latchkey_crypto::bign::{InvalidPublicKey, PrivateKey, SignatureError};
use latchkey_crypto::cv::{
    Certificate, CertificateError, CertificateFault, Date, DateError, Name, NameError, Period, Request, RequestError,
    Role, TrustAnchor,
};
use latchkey_crypto::tlv::{Tag, TlvErrorKind, Writer};
use latchkey_fixtures::cv::{Field, resigned};
use latchkey_fixtures::vectors::{file, vector};
use proptest::prelude::*;
use time::macros::date;

use super::{certificate, day, octets_of, test_set, today};

const AUTHORITY: usize = 1;
const KEY: usize = 2;
const HOLDER: usize = 3;
const RIGHTS: usize = 4;
const FROM: usize = 5;
const UNTIL: usize = 6;
const EXTENSIONS: usize = 7;

type Edit = fn(&mut Vec<Field>);

/// The fault that editing the fields of a terminal's certificate leads to.
fn fault(edit: Edit) -> CertificateFault {
    let key = PrivateKey::from_octets(&[7; 32]).unwrap();
    Certificate::parse(&resigned(&certificate(&file("cv/terminal.cert")), &key, edit)).unwrap_err().fault
}

/// An object identifier of STB 34.101.79: its two last numbers.
fn identifier(last: [u8; 2]) -> Vec<u8> {
    [&[0x06, 0x0A, 0x2A, 0x70, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F][..], &last].concat()
}

/// What stands in a CertHAT object.
fn rights(application: u8, word: &[u8]) -> Vec<u8> {
    Writer::new().octets(&identifier([6, application])).object(Tag::new(0x04), &[word]).finish()
}

fn extension(identifier: &[u8], rights: &[u8], more: &[u8]) -> Vec<u8> {
    let rights = Writer::new().object(Tag::new(0x7F4C), &[rights]).finish();
    Writer::new().object(Tag::new(0x73), &[identifier, &rights, more]).finish()
}

fn bits(value: &mut Vec<u8>, bits: &[u8]) {
    value.truncate(12);
    value.extend(Writer::new().object(Tag::new(0x03), &[bits]).finish());
}

#[test]
fn every_field_has_its_rule() {
    use CertificateFault as Fault;
    use TlvErrorKind::{Missing, Trailing, Truncated, UnexpectedTag, Value};
    let objects = Fault::Objects;
    let unexpected = |tag| Fault::Objects(UnexpectedTag(Tag::new(tag)));
    let rows: [(&str, CertificateFault, Edit); 35] = [
        ("version 1", Fault::Version, |f| f[0].value = vec![1]),
        ("a version of two octets", Fault::Version, |f| f[0].value = vec![0, 0]),
        ("an empty version", Fault::Version, |f| f[0].value.clear()),
        ("no version", unexpected(0x42), |f| drop(f.remove(0))),
        ("a repeated version", unexpected(0x5F29), |f| f.insert(1, f[0].clone())),
        ("an authority of 7", Fault::Name(NameError::Length(7)), |f| f[AUTHORITY].value.truncate(7)),
        ("an authority of 13", Fault::Name(NameError::Length(13)), |f| f[AUTHORITY].value.extend(b"00000")),
        ("an underscore", Fault::Name(NameError::Character(b'_')), |f| f[HOLDER].value[3] = b'_'),
        ("a holder in UTF-8", Fault::Name(NameError::Character(0xD0)), |f| f[HOLDER].value[0] = 0xD0),
        ("names in other places", unexpected(0x5F20), |f| f.swap(AUTHORITY, HOLDER)),
        ("a key of another algorithm", Fault::KeyAlgorithm, |f| f[KEY].value[11] = 2),
        ("an unused bit", Fault::KeyBits, |f| f[KEY].value[14] = 1),
        ("a key of 48 octets", Fault::Key(InvalidPublicKey::Length(48)), |f| bits(&mut f[KEY].value, &[0; 49])),
        ("no key", Fault::Key(InvalidPublicKey::Length(0)), |f| bits(&mut f[KEY].value, &[0])),
        ("no bits", objects(Truncated), |f| bits(&mut f[KEY].value, &[])),
        ("a key off the curve", Fault::Key(InvalidPublicKey::NotOnCurve), |f| f[KEY].value[20] ^= 1),
        ("something after the key", objects(Trailing), |f| f[KEY].value.extend([5, 0])),
        ("rights in eSign", Fault::RightsApplication, |f| f[RIGHTS].value = rights(2, &[0; 2])),
        ("rights in no application", objects(Value), |f| f[RIGHTS].value = rights(3, &[0; 5])),
        ("a word of four octets", objects(Value), |f| f[RIGHTS].value = rights(1, &[0; 4])),
        ("a date of five digits", objects(Value), |f| f[FROM].value.truncate(5)),
        ("a date of seven digits", objects(Value), |f| f[UNTIL].value.push(0)),
        ("the digit ten", Fault::Date(DateError::Digit(10)), |f| f[FROM].value[5] = 10),
        ("30 February", Fault::Date(DateError::NoSuchDay), |f| f[UNTIL].value = vec![2, 7, 0, 2, 3, 0]),
        ("month 0", Fault::Date(DateError::NoSuchDay), |f| f[UNTIL].value = vec![2, 7, 0, 0, 1, 0]),
        ("no first day", unexpected(0x5F24), |f| drop(f.remove(FROM))),
        ("no last day", unexpected(0x65), |f| drop(f.remove(UNTIL))),
        ("ending the day before", Fault::EndsBeforeItBegins, |f| f[UNTIL].value = vec![2, 6, 1, 1, 1, 9]),
        ("no extension inside", objects(Missing(Tag::new(0x73))), |f| f[EXTENSIONS].value.clear()),
        ("two extensions", objects(Trailing), |f| f[EXTENSIONS].value.extend_from_within(..)),
        ("another extension", Fault::Extension, |f| {
            f[EXTENSIONS].value = extension(&identifier([8, 2]), &rights(2, &[0; 2]), &[]);
        }),
        ("an extension without rights", objects(Missing(Tag::new(0x7F4C))), |f| {
            f[EXTENSIONS].value = Writer::new().object(Tag::new(0x73), &[&identifier([8, 1])]).finish();
        }),
        ("an extension with rights in eID", Fault::RightsApplication, |f| {
            f[EXTENSIONS].value = extension(&identifier([8, 1]), &rights(1, &[0; 5]), &[]);
        }),
        ("an extension with more", objects(Trailing), |f| {
            f[EXTENSIONS].value = extension(&identifier([8, 1]), &rights(2, &[0; 2]), &[5, 0]);
        }),
        ("a field after the last", objects(Trailing), |f| f.push(Field { tag: 0x5F20, value: vec![b'0'; 8] })),
    ];
    for (name, expected, edit) in rows {
        assert_eq!(fault(edit), expected, "{name}");
    }
}

/// Octets around the body: tag of each object, the signature's size, what follows.
#[test]
fn the_frame_has_its_rules() {
    use CertificateFault::{Objects, SignatureLength};
    let good = certificate(&file("cv/terminal.cert"));
    let body = good.body_octets();
    let signed = |size: usize| Writer::new().octets(body).object(Tag::new(0x5F37), &[&vec![1; size]]).finish();
    let framed = |tag, contents: &[u8]| Writer::new().object(Tag::new(tag), &[contents]).finish();
    let unexpected = |tag| Objects(TlvErrorKind::UnexpectedTag(Tag::new(tag)));
    let missing = |tag| Objects(TlvErrorKind::Missing(Tag::new(tag)));
    let rows = [
        ("nothing", vec![], missing(0x7F21), 0),
        ("another object", framed(0x7F22, &good.contents()), unexpected(0x7F22), 0),
        ("an empty one", framed(0x7F21, &[]), missing(0x7F4E), 3),
        ("no signature", framed(0x7F21, body), missing(0x5F37), body.len() + 4),
        ("a signature first", framed(0x7F21, &signed(48)[body.len()..]), unexpected(0x5F37), 3),
        ("a signature of level 96", framed(0x7F21, &signed(34)), SignatureLength(34), body.len() + 8),
        ("an empty signature", framed(0x7F21, &signed(0)), SignatureLength(0), body.len() + 7),
        (
            "a length in the long form",
            [&[0x7F, 0x21, 0x82, 0x00], &good.to_octets()[3..]].concat(),
            Objects(TlvErrorKind::Length),
            2,
        ),
    ];
    for (name, octets, fault, offset) in rows {
        let CertificateError { fault: found, offset: at } = Certificate::parse(&octets).unwrap_err();
        assert_eq!(found, fault, "{name}");
        // The header of the frame is one octet longer from 128 octets on.
        assert!(at.abs_diff(offset) <= 1, "{name}: {at}, {offset}");
    }
    for size in [48, 72, 96] {
        assert!(Certificate::parse_contents(&signed(size)).is_ok(), "{size}");
    }
}

#[test]
fn every_truncation_is_refused() {
    for (name, octets) in test_set() {
        // One of the files is a whole certificate and an octet.
        let whole = octets.len() - usize::from(name == "terminal-trailing-octet.cert");
        for kept in 0..whole {
            assert!(Certificate::parse(&octets[..kept]).is_err(), "{name}: a beginning of {kept} octets was accepted");
        }
        if let Ok(certificate) = Certificate::parse(&octets) {
            let contents = certificate.contents();
            for kept in 0..contents.len() {
                assert!(Certificate::parse_contents(&contents[..kept]).is_err(), "{name}: {kept} octets of contents");
            }
        }
    }
}

/// The model certificates of the standard's companion library: one level, 8-character authorities, a reserved bit set.
#[test]
fn model_certificates_are_read() {
    let rows = [
        (vector("CV certificate ca0000.cert"), "BYCA0000", "BYCA0000", 241, "3f3fffff33f7c0"),
        (vector("CV certificate ca0001.cert"), "BYCA0001", "BYCA0001", 241, "3f3fffff33f7c0"),
        (vector("CV certificate ca0001.link"), "BYCA0000", "BYCA0001", 241, "3f3fffff33f7c0"),
        (vector("CV certificate ca1000.cert"), "BYCA0000", "BYCA1000", 241, "3f3fffff33f7c0"),
        (vector("CV certificate term.cert"), "BYCA1000", "001123456789", 245, "003c6f5b10f200"),
        (vector("CV certificate ct.cert"), "BYCA0000", "000123456789", 188, "00000000000000"),
    ];
    for (vector, authority, holder, size, words) in rows {
        let octets = vector.output("der");
        let read = certificate(&octets);
        let body = read.body();
        assert_eq!((body.authority.as_str(), body.holder.as_str(), octets.len()), (authority, holder, size));
        let (eid, esign) = (hex::encode(body.rights.eid.octets()), hex::encode(body.rights.esign.octets()));
        assert_eq!([eid, esign].concat(), words, "{}", vector.name);
        assert_eq!(read.to_octets(), octets, "{}", vector.name);
    }
}

/// Both roots prove that their makers have the keys; the link to the second has the old root's signature.
#[test]
fn the_model_roots_are_roots_and_the_link_is_none() {
    for root in [vector("CV certificate ca0000.cert"), vector("CV certificate ca0001.cert")] {
        let octets = root.output("der");
        assert!(TrustAnchor::of_root(certificate(&octets)).is_ok(), "{}", root.name);
        let request = Request::parse(&octets).unwrap();
        assert_eq!(request.body(), certificate(&octets).body(), "{}", root.name);
    }
    let link = vector("CV certificate ca0001.link").output("der");
    assert!(TrustAnchor::of_root(certificate(&link)).is_err());
    assert_eq!(Request::parse(&link), Err(RequestError::Signature(SignatureError::Mismatch)));
    let cut = Request::parse(&link[..link.len() - 1]).unwrap_err();
    assert!(matches!(cut, RequestError::Malformed(_)), "{cut}");
}

#[test]
fn names_tell_what_their_holder_is() {
    let rows = [
        ("BYCA0777", Role::Root),
        ("BYCA00000000", Role::Root),
        ("BYCA1777", Role::Subordinate),
        ("BYCA1000000", Role::Subordinate),
        ("BYCA2777", Role::CardOrTerminal),
        ("BYCA077A", Role::CardOrTerminal),
        ("byca0777", Role::CardOrTerminal),
        ("780000000001", Role::CardOrTerminal),
        ("A'()+,-./:=?", Role::CardOrTerminal),
        ("12 45 78", Role::CardOrTerminal),
    ];
    for (text, role) in rows {
        let name = Name::parse(text.as_bytes()).unwrap();
        assert_eq!((name.role(), name.as_str(), name.to_string().as_str()), (role, text, text));
    }
    assert!(Name::parse(b"1234567").is_err() && Name::parse(b"1234567890123").is_err() && Name::parse(b"").is_err());
}

#[test]
fn days_are_those_of_the_calendar_and_the_century() {
    let first = Date::try_from(date!(2000 - 01 - 01)).unwrap();
    let last = Date::try_from(date!(2099 - 12 - 31)).unwrap();
    assert_eq!((first.octets(), last.octets()), ([0, 0, 0, 1, 0, 1], [9, 9, 1, 2, 3, 1]));
    assert_eq!(
        (time::Date::from(day("280229")), day("280229").to_string().as_str()),
        (date!(2028 - 02 - 29), "2028-02-29")
    );
    assert_eq!(Date::try_from(date!(1999 - 12 - 31)), Err(DateError::Year(1999)));
    assert_eq!(Date::try_from(date!(2100 - 01 - 01)), Err(DateError::Year(2100)));
    let rows = [
        ("29 February of a common year", [2, 7, 0, 2, 2, 9], DateError::NoSuchDay),
        ("day 0", [2, 7, 0, 2, 0, 0], DateError::NoSuchDay),
        ("day 32", [2, 7, 0, 1, 3, 2], DateError::NoSuchDay),
        ("month 99", [2, 7, 9, 9, 0, 1], DateError::NoSuchDay),
        ("no digit in the year", [10, 7, 0, 1, 0, 1], DateError::Digit(10)),
        ("no digit at the end", [2, 7, 0, 1, 0, 255], DateError::Digit(255)),
    ];
    for (name, octets, error) in rows {
        assert_eq!(Date::from_octets(octets), Err(error), "{name}");
    }
}

#[test]
fn periods_include_their_ends() {
    let period = Period::new(day("261120"), day("261123")).unwrap();
    assert_eq!((period.from(), period.until()), (day("261120"), day("261123")));
    let rows = [("261119", false), ("261120", true), ("261121", true), ("261123", true), ("261124", false)];
    for (text, is_inside) in rows {
        assert_eq!(period.contains(day(text)), is_inside, "{text}");
    }
    assert!(Period::new(day("261120"), day("261120")).is_some());
    assert!(Period::new(day("261120"), day("261119")).is_none());
}

/// Places and reasons as they are told.
#[test]
fn errors_say_what_and_where() {
    let rows = [
        ("terminal-date-ascii.cert", "the octet 32 is no digit at octet 145"),
        ("terminal-date-month-13.cert", "there is no such day at octet 154"),
        ("terminal-from-after-until.cert", "in force until a day before it begins at octet 154"),
        ("terminal-name-too-short.cert", "a name of 7 characters at octet 108"),
        ("terminal-trailing-octet.cert", "octets after the last object at octet 270"),
        ("terminal-key-off-curve.cert", "the octets are no point of the Bign curve of their length at octet 41"),
    ];
    for (file, text) in rows {
        assert_eq!(Certificate::parse(&octets_of(file)).unwrap_err().to_string(), text, "{file}");
    }
}

proptest! {
    /// An altered certificate of each level's issuer: read or not, nobody accepts it.
    #[test]
    fn no_certificate_with_one_other_octet_is_accepted(
        row in 0_usize..4, place in any::<prop::sample::Index>(), change in 1_u8..,
    ) {
        let root = TrustAnchor::of_root(certificate(&octets_of("root.cert"))).unwrap();
        let authority = root.as_authority().authority(&certificate(&octets_of("sub.cert")), today()).unwrap();
        let file = ["root2.link", "sub.cert", "terminal.cert", "card.cert"][row];
        let mut octets = octets_of(file);
        let place = place.index(octets.len());
        octets[place] ^= change;
        if let Ok(altered) = Certificate::parse(&octets) {
            prop_assert_eq!(altered.to_octets(), octets);
            prop_assert!(root.linked(&altered, today()).is_err());
            prop_assert!(root.as_authority().authority(&altered, today()).is_err());
            prop_assert!(authority.terminal(&altered, today()).is_err());
            prop_assert!(authority.card(&altered, today()).is_err());
        }
    }

    #[test]
    fn octets_by_chance_are_no_certificate(octets in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Certificate::parse(&octets).is_err());
        prop_assert!(Certificate::parse_contents(&octets).is_err());
    }
}
