//! What octets from a terminal in raw mode mean.

/// A key as far as a question for digits cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// `0` to `9`, as ASCII.
    Digit(u8),
    /// Backspace or Delete: the last digit goes.
    Erase,
    /// Ctrl-U: all digits go.
    EraseAll,
    /// Enter.
    Enter,
    /// Escape, Ctrl-C, Ctrl-D, Ctrl-\.
    Cancel,
    /// Anything else that a person typed.
    Other,
}

/// Reads keys from octets. A cursor or function key sends an escape sequence, which may contain digits; none of them is
/// taken for a digit that was typed.
#[derive(Debug, Default)]
pub(super) struct KeyReader(Position);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Position {
    #[default]
    Plain,
    /// After ESC.
    Escape,
    /// After ESC `[` (ECMA-48:1991, clause 5.4): parameters until an octet of 40 to 7E.
    ControlSequence,
    /// After ESC `O`: one octet follows.
    SingleShift,
}

impl KeyReader {
    /// The key that this octet completes.
    pub(super) fn octet(&mut self, octet: u8) -> Option<Key> {
        let (position, key) = match (self.0, octet) {
            (Position::Plain | Position::Escape, 0x1B) => (Position::Escape, None),
            (Position::Plain, _) => (Position::Plain, plain_key(octet)),
            (Position::Escape, b'[') => (Position::ControlSequence, None),
            (Position::Escape, b'O') => (Position::SingleShift, None),
            (Position::ControlSequence, 0x20..=0x3F) => (Position::ControlSequence, None),
            (Position::Escape | Position::ControlSequence | Position::SingleShift, _) => {
                (Position::Plain, Some(Key::Other))
            }
        };
        self.0 = position;
        key
    }

    /// Whether an escape octet came and it is still open if it was the Escape key or the beginning of a sequence.
    pub(super) fn is_after_escape(&self) -> bool {
        self.0 == Position::Escape
    }
}

fn plain_key(octet: u8) -> Option<Key> {
    Some(match octet {
        b'0'..=b'9' => Key::Digit(octet),
        0x08 | 0x7F => Key::Erase,
        0x15 => Key::EraseAll,
        b'\r' | b'\n' => Key::Enter,
        0x03 | 0x04 | 0x1C => Key::Cancel,
        // The rest of a character of several octets: its first octet was already told.
        0x80..=0xBF => return None,
        _ => Key::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(octets: &[u8]) -> Vec<Key> {
        let mut reader = KeyReader::default();
        octets.iter().filter_map(|octet| reader.octet(*octet)).collect()
    }

    #[test]
    fn keys_are_told_apart() {
        let rows: [(&str, &[u8], &[Key]); 8] = [
            ("digits", b"09", &[Key::Digit(b'0'), Key::Digit(b'9')]),
            ("enter", b"\r\n", &[Key::Enter, Key::Enter]),
            ("erase", b"\x7f\x08\x15", &[Key::Erase, Key::Erase, Key::EraseAll]),
            ("cancel", b"\x03\x04\x1c", &[Key::Cancel, Key::Cancel, Key::Cancel]),
            ("delete key, with a digit in its sequence", b"\x1b[3~7", &[Key::Other, Key::Digit(b'7')]),
            ("function key with parameters", b"\x1b[15;2~", &[Key::Other]),
            ("keypad in application mode", b"\x1bOp1", &[Key::Other, Key::Digit(b'1')]),
            ("a Cyrillic letter is one key", "я1".as_bytes(), &[Key::Other, Key::Digit(b'1')]),
        ];
        for (name, octets, expected) in rows {
            assert_eq!(keys(octets), expected, "{name}");
        }
    }

    #[test]
    fn an_open_escape_is_noticed() {
        let mut reader = KeyReader::default();
        assert_eq!(reader.octet(0x1B), None);
        assert!(reader.is_after_escape());
        assert_eq!(reader.octet(b'['), None);
        assert!(!reader.is_after_escape());
    }
}
