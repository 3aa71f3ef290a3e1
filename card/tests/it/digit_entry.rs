//! Digits on their way from a keyboard to a password.

use latchkey_card::password::{Can, DigitEntry, InvalidPassword, MAX_DIGITS, Password, Pin, Puk};

fn entered(octets: &[u8]) -> DigitEntry {
    let mut entry = DigitEntry::new();
    for octet in octets {
        assert!(entry.push(*octet));
    }
    entry
}

#[test]
fn an_entry_becomes_the_password_that_was_typed() {
    let pin: Pin = entered(b"012345").finish(6).unwrap();
    assert!(pin.is_same_as(&Pin::parse(b"012345", 6).unwrap()));
    let puk: Puk = entered(b"0123456789").finish(10).unwrap();
    assert!(puk.is_same_as(&Puk::parse(b"0123456789", 10).unwrap()));
}

#[test]
fn an_erased_digit_is_gone() {
    let mut entry = entered(b"129");
    entry.erase();
    assert!(entry.push(b'3'));
    let pin: Pin = entry.finish(3).unwrap();
    assert!(pin.is_same_as(&Pin::parse(b"123", 3).unwrap()));
    let mut empty = DigitEntry::new();
    empty.erase();
    assert_eq!(empty.count(), 0);
}

#[test]
fn only_digits_and_only_so_many_are_taken() {
    let mut entry = DigitEntry::new();
    for octet in [b'/', b':', b' ', b'\n', 0, 0xFF] {
        assert!(!entry.push(octet));
    }
    for _ in 0..MAX_DIGITS {
        assert!(entry.push(b'7'));
    }
    assert!(!entry.push(b'7'));
    assert_eq!(entry.count(), MAX_DIGITS);
}

#[test]
fn an_entry_of_another_length_is_no_password_and_is_not_printed() {
    let entry = entered(b"98765");
    assert!(!format!("{entry:?}").contains("987"));
    assert_eq!(entry.finish::<Can>(6).unwrap_err(), InvalidPassword::Length { expected: 6 });
}
