//! Who a certificate speaks of.

use latchkey_crypto::x509::{Certificate, HolderIdentity, HolderIdentityError, PersonalNumber};
use latchkey_fixtures::der_edit::{Value, edited};
use latchkey_fixtures::vectors::file;

const SUBJECT: usize = 5;
const SURNAME: &[u8] = b"\x55\x04\x04";
const SERIAL_NUMBER: &[u8] = b"\x55\x04\x05";
const COMMON_NAME: &[u8] = b"\x55\x04\x03";
const NAME: &[u8] = b"\x55\x04\x29";
const GIVEN_NAME: &[u8] = b"\x55\x04\x2A";

#[test]
fn personal_numbers_have_one_spelling() {
    let rows = [
        ("with type and country", "PNOBY-3000000A000PB0", "PNOBY-3000000A000PB0"),
        ("alone", "3000000A000PB0", "PNOBY-3000000A000PB0"),
        ("small letters", "pnoby-3000000a000pb0", "PNOBY-3000000A000PB0"),
        ("Cyrillic letters", "3000000А000РВ0", "PNOBY-3000000A000PB0"),
        ("small Cyrillic letters", "3000000а000рв0", "PNOBY-3000000A000PB0"),
        ("Belarusian letter І", "3000000Н000ВІ0", "PNOBY-3000000H000BI0"),
        ("spaces around", " 3000000A000PB0 ", "PNOBY-3000000A000PB0"),
        ("another country", "PNOXX-38001010000", "PNOXX-38001010000"),
        ("another country, small letters", "pnoxx-ab-1", "PNOXX-AB-1"),
    ];
    for (name, text, spelling) in rows {
        let number = PersonalNumber::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(number.as_str(), spelling, "{name}");
        assert_eq!(number, spelling.parse().unwrap(), "{name}");
        assert_eq!(format!("PNO{}-{}", number.country(), number.number()), spelling, "{name}");
        assert!(!format!("{number:?}").contains("000"), "{name}: a log would show it");
    }
}

#[test]
fn what_is_no_personal_number_is_refused() {
    let rows = [
        ("empty", ""),
        ("short", "3000000A000PB"),
        ("long", "3000000A000PB00"),
        ("letter for a digit", "300000OA000PB0"),
        ("digit for a letter", "30000001000PB0"),
        ("space inside", "3000000A 000PB0"),
        ("Cyrillic letter without a Latin twin", "3000000Б000PB0"),
        ("foreign number without country", "38001010000"),
        ("country of three letters", "PNOBLR-3000000A000PB0"),
        ("country in digits", "PNO12-3000000A000PB0"),
        ("other type of number", "IDCBY-3000000A000PB0"),
        ("passport", "PASBY-AB1234567"),
        ("no number", "PNOXX-"),
        ("underscore", "PNOXX-A_1"),
        ("33 characters", "PNOXX-000000000000000000000000000000000"),
    ];
    for (name, text) in rows {
        assert!(PersonalNumber::parse(text).is_err(), "{name}");
    }
}

/// The attributes as they stand in the subject, and who that is.
fn identity(attributes: &[(&[u8], &str)]) -> Result<HolderIdentity, HolderIdentityError> {
    let relative_name = |(kind, text): &(&[u8], &str)| {
        let pair = vec![Value::Primitive(0x06, kind.to_vec()), Value::Primitive(0x0C, text.as_bytes().to_vec())];
        Value::Constructed(0x31, vec![Value::Constructed(0x30, pair)])
    };
    let der = edited(&file("pki/person.cert.der"), |body| {
        body[SUBJECT] = Value::Constructed(0x30, attributes.iter().map(relative_name).collect());
    });
    HolderIdentity::of(&Certificate::from_der(&der).unwrap())
}

#[test]
fn names_are_read_in_both_manners() {
    let state = [
        (COMMON_NAME, "PRYKLAD VYDUMANY 3000000A000PB0"),
        (SURNAME, "ВЫДУМАННЫЙ"),
        (NAME, "ПРИМЕР"),
        (GIVEN_NAME, "ОБРАЗЦОВИЧ"),
    ];
    let identity_of_state = identity(&state).unwrap();
    assert_eq!(identity_of_state.personal_number().as_str(), "PNOBY-3000000A000PB0");
    assert_eq!(identity_of_state.latin_name(), Some("PRYKLAD VYDUMANY"));
    assert_eq!(identity_of_state.name().given.as_deref(), Some("ПРИМЕР"));
    assert_eq!(identity_of_state.name().patronymic.as_deref(), Some("ОБРАЗЦОВИЧ"));
    assert_eq!(identity_of_state.belarusian_name(), None);

    let without_patronymic = identity(&state[..3]).unwrap();
    assert_eq!(without_patronymic.name().to_string(), "ВЫДУМАННЫЙ ПРИМЕР");

    let elsewhere = [(SURNAME, "INVENTED"), (GIVEN_NAME, "EXAMPLE MIDDLE"), (SERIAL_NUMBER, "PNOXX-1")];
    let identity_elsewhere = identity(&elsewhere).unwrap();
    assert_eq!(identity_elsewhere.name().given.as_deref(), Some("EXAMPLE MIDDLE"));
    assert_eq!(identity_elsewhere.name().patronymic, None);
    assert_eq!(format!("{identity_elsewhere:?}"), "HolderIdentity(hidden)");
}

#[test]
fn whoever_is_not_one_person_is_nobody() {
    use HolderIdentityError as Error;
    type Attributes = &'static [(&'static [u8], &'static str)];
    let rows: [(&str, Attributes, Error); 5] = [
        ("no number", &[(COMMON_NAME, "PRYKLAD VYDUMANY"), (SURNAME, "ВЫДУМАННЫЙ")], Error::NoPersonalNumber),
        ("serial number of a device", &[(SERIAL_NUMBER, "1234"), (SURNAME, "ВЫДУМАННЫЙ")], Error::NoPersonalNumber),
        (
            "two numbers",
            &[(COMMON_NAME, "P V 3000000A000PB0"), (SERIAL_NUMBER, "PNOBY-3000000A001PB0"), (SURNAME, "В")],
            Error::TwoPersonalNumbers,
        ),
        ("no name", &[(SERIAL_NUMBER, "PNOBY-3000000A000PB0")], Error::NoName),
        ("common name alone", &[(COMMON_NAME, "PRYKLAD VYDUMANY 3000000A000PB0")], Error::NoName),
    ];
    for (name, attributes, error) in rows {
        assert_eq!(identity(attributes), Err(error), "{name}");
    }
}

#[test]
fn a_name_has_the_country_that_it_states_or_none() {
    let of = |octets: &[u8]| Certificate::from_der(octets).unwrap().subject().country().map(str::to_owned);
    let root = file("pki/root.cert.der");
    assert_eq!(of(&root).as_deref(), Some("BY"));
    // C is the first attribute of this name.
    let without = edited(&root, |body| drop(body[SUBJECT].members().remove(0)));
    assert_eq!(of(&without), None);
}
