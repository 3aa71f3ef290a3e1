//! Object identifiers.

use std::fmt;
use std::str::FromStr;

/// Most octets of an object identifier's contents.
const MAX_SIZE: usize = 64;

/// An object identifier (ITU-T X.660), read and written with dots.
///
/// The type of `der` is not used here: it cannot hold 2.48 and above, such as the example arc 2.999.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectIdentifier(Vec<u8>);

/// A text that is no object identifier in numbers and dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an object identifier such as 1.2.112.0.2")]
pub struct InvalidObjectIdentifier;

impl ObjectIdentifier {
    /// Reads the contents of a DER OBJECT IDENTIFIER. `None` unless each number stands in the fewest octets and below
    /// 2^128, and the whole has at most 64 octets.
    #[must_use]
    pub fn read(contents: &[u8]) -> Option<Self> {
        (contents.len() <= MAX_SIZE && numbers(contents).is_some()).then(|| Self(contents.to_vec()))
    }

    /// The contents of the DER encoding, without tag and length.
    #[must_use]
    pub fn contents(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for ObjectIdentifier {
    type Err = InvalidObjectIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidObjectIdentifier> {
        let mut numbers = text.split('.').map(number);
        let mut next = || numbers.next().unwrap_or(Err(InvalidObjectIdentifier));
        let (root, second) = (next()?, next()?);
        if root > 2 || (root < 2 && second > 39) {
            return Err(InvalidObjectIdentifier);
        }
        let mut contents = Vec::new();
        write_number(second.checked_add(root * 40).ok_or(InvalidObjectIdentifier)?, &mut contents);
        for number in numbers {
            write_number(number?, &mut contents);
        }
        Self::read(&contents).ok_or(InvalidObjectIdentifier)
    }
}

impl fmt::Display for ObjectIdentifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = numbers(&self.0).unwrap_or_default();
        let (first, rest) = numbers.split_first().ok_or(fmt::Error)?;
        let root = (first / 40).min(2);
        write!(formatter, "{root}.{}", first - root * 40)?;
        rest.iter().try_for_each(|number| write!(formatter, ".{number}"))
    }
}

impl fmt::Debug for ObjectIdentifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The numbers as encoded: the first one is root · 40 + second (ITU-T X.690, clause 8.19).
fn numbers(contents: &[u8]) -> Option<Vec<u128>> {
    let mut numbers = Vec::new();
    let mut current: Option<u128> = None;
    for octet in contents {
        if current.is_none() && *octet == 0x80 {
            return None;
        }
        let digits = u128::from(octet & 0x7F);
        let number = current.unwrap_or(0).checked_mul(0x80)? | digits;
        current = if octet & 0x80 == 0 {
            numbers.push(number);
            None
        } else {
            Some(number)
        };
    }
    (current.is_none() && !numbers.is_empty()).then_some(numbers)
}

fn number(text: &str) -> Result<u128, InvalidObjectIdentifier> {
    let is_canonical = text == "0" || !text.starts_with(['0', '+']);
    if is_canonical { text.parse().map_err(|_| InvalidObjectIdentifier) } else { Err(InvalidObjectIdentifier) }
}

fn write_number(number: u128, contents: &mut Vec<u8>) {
    let groups = number.checked_ilog2().unwrap_or(0) / 7;
    for group in (0..=groups).rev() {
        let more = if group == 0 { 0 } else { 0x80 };
        let [digits, ..] = (number >> (7 * group)).to_le_bytes();
        contents.push(digits & 0x7F | more);
    }
}
