//! Data objects: the length rules, places of errors, truncation, properties.

use latchkey_crypto::tlv::{Cursor, Tag, TlvError, TlvErrorKind, Writer};
use latchkey_fixtures::vectors::vector;
use proptest::prelude::*;

fn error(octets: &[u8]) -> TlvError {
    Cursor::new(octets).object().unwrap_err()
}

/// The objects of MSE:Set AT with rights in both applications.
fn template() -> Vec<u8> {
    vector("BPACE as profiled by STB 34.101.79 with errata: PIN 123456, hello_KP = whole MSE CDF").input("hello_B")
}

#[test]
fn objects_of_the_standard_are_walked_over() {
    let octets = template();
    let mut cursor = Cursor::new(&octets);
    let mut tags = Vec::new();
    let mut again = Writer::new();
    while !cursor.is_empty() {
        let object = cursor.object().unwrap();
        tags.push(object.tag.number());
        again = again.object(object.tag, &[object.value.rest()]);
    }
    assert_eq!(tags, [0x80, 0x83, 0x7F4C, 0x7F4C]);
    assert_eq!(again.finish(), octets);
}

#[test]
fn malformed_objects_are_refused_with_their_place() {
    use TlvErrorKind::{Length, Tag as MalformedTag, Truncated};
    let rows: [(&str, &[u8], TlvErrorKind, usize); 17] = [
        ("nothing", &[], Truncated, 0),
        ("a tag without a length", &[0x80], Truncated, 1),
        ("a length without a value", &[0x80, 1], Truncated, 2),
        ("half a value", &[0x80, 2, 7], Truncated, 2),
        ("a padding octet 00", &[0x00, 0], MalformedTag, 0),
        ("half a tag", &[0x7F], Truncated, 1),
        ("two thirds of a tag", &[0x7F, 0x81], Truncated, 2),
        ("a long tag for a short number", &[0x7F, 0x1E, 0], MalformedTag, 0),
        ("a long tag with a leading zero", &[0x7F, 0x80, 0x21, 0], MalformedTag, 0),
        ("a tag of four octets", &[0x7F, 0x81, 0x81, 0x01, 0], MalformedTag, 0),
        ("an indefinite length", &[0x80, 0x80, 7, 0, 0], Length, 1),
        ("a long length for a short value", &[0x80, 0x81, 0x7F], Length, 1),
        ("two octets of length for one", &[0x80, 0x82, 0x00, 0xFF], Length, 1),
        ("half a length", &[0x80, 0x82, 0x01], Truncated, 2),
        ("no length octet after 81", &[0x80, 0x81], Truncated, 2),
        ("three octets of length", &[0x80, 0x83, 1, 0, 0], Length, 1),
        ("a reserved length octet", &[0x80, 0xFF], Length, 1),
    ];
    for (name, octets, kind, offset) in rows {
        assert_eq!(error(octets), TlvError { kind, offset }, "{name}");
    }
}

#[test]
fn lengths_have_one_form() {
    for (length, head) in [
        (0_usize, vec![0x80, 0]),
        (127, vec![0x80, 127]),
        (128, vec![0x80, 0x81, 128]),
        (255, vec![0x80, 0x81, 255]),
        (256, vec![0x80, 0x82, 1, 0]),
        (65_535, vec![0x80, 0x82, 255, 255]),
    ] {
        let value = vec![7; length];
        let octets = Writer::new().object(Tag::new(0x80), &[&value]).finish();
        assert_eq!(octets, [head, value.clone()].concat(), "{length}");
        assert_eq!(Cursor::new(&octets).expect(Tag::new(0x80)).unwrap().rest(), value, "{length}");
    }
}

#[test]
fn expectations_that_fail_name_what_stands_there_and_where() {
    let octets = [0x80, 1, 7, 0x7C, 3, 0x81, 1, 9, 0xAA];
    let mut cursor = Cursor::new(&octets);
    let other = cursor.clone().expect(Tag::new(0x87)).unwrap_err();
    assert_eq!(other, TlvError { kind: TlvErrorKind::UnexpectedTag(Tag::new(0x80)), offset: 0 });
    assert!(cursor.optional(Tag::new(0x87)).unwrap().is_none());
    assert_eq!(cursor.optional(Tag::new(0x80)).unwrap().unwrap().rest(), [7]);
    let mut inner = cursor.expect(Tag::new(0x7C)).unwrap();
    let value = inner.expect(Tag::new(0x81)).unwrap();
    assert_eq!(value.whole_array::<2>().unwrap_err(), TlvError { kind: TlvErrorKind::Value, offset: 7 });
    let missing = inner.expect(Tag::new(0x82)).unwrap_err();
    assert_eq!(missing, TlvError { kind: TlvErrorKind::Missing(Tag::new(0x82)), offset: 8 });
    assert_eq!(cursor.finish(), Err(TlvError { kind: TlvErrorKind::Trailing, offset: 8 }));
    assert_eq!(missing.to_string(), "no object 82 at octet 8");
}

#[test]
fn every_truncation_of_an_object_is_refused() {
    let whole = Writer::new().object(Tag::new(0x7F4C), &[&[5; 300]]).finish();
    for kept in 0..whole.len() {
        assert!(Cursor::new(&whole[..kept]).object().is_err(), "a beginning of {kept} octets was accepted");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(value in proptest::collection::vec(any::<u8>(), 0..1000), tag in prop::sample::select(vec![0x04_u32, 0x30, 0x5F29, 0x7C, 0x7F4C, 0x87, 0xBF_8121])) {
        let octets = Writer::new().object(Tag::new(tag), &[&value]).octets(&[1, 2]).finish();
        let mut cursor = Cursor::new(&octets);
        let object = cursor.object().unwrap();
        prop_assert_eq!(object.tag, Tag::new(tag));
        prop_assert_eq!(object.value.rest(), &value);
        prop_assert_eq!(object.whole, &octets[..octets.len() - 2]);
        prop_assert_eq!(cursor.rest(), &[1, 2]);
        prop_assert_eq!(cursor.offset(), octets.len() - 2);
    }

    #[test]
    fn any_octets_are_walked_over_or_refused_and_written_back(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut cursor = Cursor::new(&octets);
        let mut again = Writer::new();
        while let Ok(object) = cursor.object() {
            again = again.object(object.tag, &[object.value.rest()]);
        }
        let again = again.finish();
        prop_assert!(octets.starts_with(&again));
    }
}
