//! Nothing that holds a secret prints it.

use std::fmt::Debug;

use latchkey_card::apdu::{Command, Header, Response, StatusWord};
use latchkey_card::dialogue::{DialogueError, PinStatus};
use latchkey_card::password::{Can, InvalidPassword, MAX_DIGITS, Password, Pin, Puk};
use latchkey_card::profile::Edition;
use latchkey_card::secure_messaging::{CardSecureMessaging, ClientSecureMessaging};
use latchkey_crypto::secret::BeltKey;
use proptest::prelude::*;

/// Digits that nothing printed here has by chance.
const DIGITS: &str = "908172";

fn assert_hidden(name: &str, value: &dyn Debug, secret: &str) {
    let printed = format!("{value:?} {value:#?}");
    let as_hex = hex::encode(secret);
    let as_numbers = secret.bytes().map(|octet| octet.to_string()).collect::<Vec<_>>().join(", ");
    for form in [secret.to_owned(), as_hex.to_uppercase(), as_hex, as_numbers] {
        assert!(!printed.contains(&form), "{name} prints {form}: {printed}");
    }
}

fn assert_digitless(name: &str, value: &dyn Debug) {
    let printed = format!("{value:?} {value:#?}");
    assert!(!printed.chars().any(|sign| sign.is_ascii_digit()), "{name} prints a digit: {printed}");
}

#[test]
fn passwords_and_channels_print_no_digit() {
    assert_digitless("PIN", &Pin::parse(DIGITS.as_bytes(), 6).unwrap());
    assert_digitless("CAN", &Can::parse(DIGITS.as_bytes(), 6).unwrap());
    assert_digitless("PUK", &Puk::parse(b"9081726354", 10).unwrap());
    assert_digitless("session key", &BeltKey::new([0x39; 32]));
    let client = ClientSecureMessaging::new(&BeltKey::new([0x39; 32]), Edition::Errata2020);
    assert_digitless("client's channel", &client);
    let (_, awaited) = client.protect(&Command::new(Header::new(0, 0xA4, 0, 0))).unwrap();
    assert_digitless("client's channel, waiting", &awaited);
    let card = CardSecureMessaging::new(&BeltKey::new([0x39; 32]), Edition::Errata2020);
    assert_digitless("card's channel", &card);
    let (protected, _) = ClientSecureMessaging::new(&BeltKey::new([0x39; 32]), Edition::Errata2020)
        .protect(&Command::new(Header::new(0, 0xA4, 0, 0)))
        .unwrap();
    let (_, due) = card.unprotect(&protected.to_octets()).unwrap();
    assert_eq!(format!("{due:?}"), "AnswerDue(hidden)");
}

/// A log must say what was found.
#[test]
fn a_changed_status_says_which_it_is_now() {
    let rows = [
        (PinStatus::Usable { tries_left: 2 }, "tries left: 2"),
        (PinStatus::Suspended, "suspended"),
        (PinStatus::Blocked, "blocked"),
        (PinStatus::Deactivated, "deactivated"),
    ];
    for (now, said) in rows {
        let told = DialogueError::PinStatusChanged { now }.to_string();
        assert_eq!(told, format!("the PIN's status changed since it was shown: {said}"));
    }
}

#[test]
fn commands_and_responses_do_not_print_their_data() {
    let data = DIGITS.as_bytes();
    let command = Command::new(Header::new(0, 0x20, 0, 3)).with_data(data).unwrap();
    assert_hidden("command", &command, DIGITS);
    assert_hidden("response", &Response::new(data.to_vec(), StatusWord::SUCCESS), DIGITS);
    // What may be told is told.
    assert_eq!(format!("{command:?}"), "00 20 00 03, 6 data octets hidden");
    assert_eq!(format!("{:?}", Response::new(data.to_vec(), StatusWord::SUCCESS)), "9000, 6 data octets hidden");
    assert_hidden("a refused command", &Command::parse(b"\x00\x20\x00\x03\x09908172"), DIGITS);
}

#[test]
fn a_refused_password_is_not_repeated_in_the_error() {
    let error = Pin::parse(b"90817", 6).unwrap_err();
    assert_eq!((error, error.code()), (InvalidPassword::Length { expected: 6 }, "password-length"));
    assert_hidden("length", &error, "90817");
    assert!(!error.to_string().contains("90817"));
    let error = Pin::parse(b"90817x", 6).unwrap_err();
    assert_eq!((error, error.code()), (InvalidPassword::NotDigits, "password-not-digits"));
    assert_hidden("digits", &error, "90817x");
}

#[test]
fn a_password_too_long_for_any_card_is_refused_and_not_cut() {
    assert!(Pin::parse(&[b'7'; MAX_DIGITS], MAX_DIGITS).is_ok());
    let error = Pin::parse(&[b'7'; MAX_DIGITS + 1], MAX_DIGITS + 1).unwrap_err();
    assert_eq!(error, InvalidPassword::Length { expected: MAX_DIGITS });
}

#[test]
fn passwords_are_in_locked_memory_where_the_system_allows() {
    assert!(Pin::parse(b"123456", 6).unwrap().is_locked());
    assert!(Can::parse(b"123456", 6).unwrap().is_locked());
    assert!(Puk::parse(b"1234567890", 10).unwrap().is_locked());
}

#[test]
fn equal_entries_are_the_same_password() {
    let entry = |digits: &str| Pin::parse(digits.as_bytes(), digits.len()).unwrap();
    assert!(entry("123456").is_same_as(&entry("123456")));
    assert!(!entry("123456").is_same_as(&entry("123457")));
    assert!(!entry("123456").is_same_as(&entry("1234567")));
}

proptest! {
    #[test]
    fn a_password_is_exactly_so_many_digits(octets in proptest::collection::vec(any::<u8>(), 0..24), length in 0_usize..24) {
        let digits = octets.len() == length && length <= MAX_DIGITS && octets.iter().all(u8::is_ascii_digit);
        prop_assert_eq!(Pin::parse(&octets, length).is_ok(), digits);
    }

    #[test]
    fn any_digits_of_the_right_number_are_a_password(digits in "[0-9]{10}") {
        let puk = Puk::parse(digits.as_bytes(), 10).unwrap();
        assert_hidden("PUK", &puk, &digits);
        prop_assert!(Puk::parse(&digits.as_bytes()[1..], 10).is_err());
    }
}
