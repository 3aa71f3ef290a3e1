//! Serial numbers.

use std::fmt;

/// The serial number of a certificate: positive, at most 20 octets (RFC 5280, clause 4.1.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SerialNumber {
    length: u8,
    octets: [u8; SERIAL_NUMBER_MAX_SIZE],
}

/// Most octets of a serial number.
pub const SERIAL_NUMBER_MAX_SIZE: usize = 20;

impl SerialNumber {
    /// Reads the contents of a DER INTEGER, in the fewest octets. `None` unless 0 < number < 2^159, which is what 20
    /// octets hold.
    #[must_use]
    pub fn read(contents: &[u8]) -> Option<Self> {
        let digits = match contents {
            [0, digits @ ..] if digits.first().is_some_and(|first| first & 0x80 != 0) => digits,
            [1..0x80, ..] => contents,
            _ => return None,
        };
        if contents.len() > SERIAL_NUMBER_MAX_SIZE {
            return None;
        }
        let mut octets = [0; SERIAL_NUMBER_MAX_SIZE];
        for (to, from) in octets.iter_mut().zip(digits) {
            *to = *from;
        }
        Some(Self { length: u8::try_from(digits.len()).ok()?, octets })
    }

    /// The number, big-endian, without leading zeros.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// Upper-case hexadecimal digits.
impl fmt::Display for SerialNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.octets().iter().try_for_each(|octet| write!(formatter, "{octet:02X}"))
    }
}

impl fmt::Debug for SerialNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
