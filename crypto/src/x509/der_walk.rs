//! The strictness walk: octets are DER or they are refused before anybody reads a meaning into them.
//!
//! Rules: ITU-T X.690 (02/2021), clauses 8, 10 and 11. Named bits with trailing zeros need the schema: the reader of the
//! field checks those.

use std::ops::Range;

use super::tag;

/// Deepest nesting. A certificate of the state PKI has seven levels.
const MAX_DEPTH: usize = 24;

/// Why octets are not DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at octet {offset}")]
pub struct DerError {
    /// What is wrong.
    pub fault: DerFault,
    /// Where, counted from the first octet that was given.
    pub offset: usize,
}

/// What makes octets something else than DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DerFault {
    /// The octets end inside a value.
    #[error("the octets end too early")]
    Truncated,
    /// Octets follow the value.
    #[error("octets follow the value")]
    Trailing,
    /// A length in the indefinite form, with leading zeros, in the long form though it is short, or beyond 2^32.
    #[error("a length is not in its shortest form")]
    Length,
    /// A tag number of 31 or more, or a universal type that does not occur in certificates.
    #[error("an unexpected tag")]
    Tag,
    /// A string in pieces, or a sequence or set as a primitive.
    #[error("a constructed string or a primitive sequence")]
    Form,
    /// Nested too deep.
    #[error("values are nested too deep")]
    Depth,
    /// Contents that DER or the string type do not allow.
    #[error("contents that its type does not allow")]
    Contents,
    /// The members of a SET OF are not in ascending order.
    #[error("a set is out of order")]
    SetOrder,
    /// Another type than the field has.
    #[error("another type than expected")]
    Unexpected,
}

/// One value: its tag octet, its contents, and the whole with tag and length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
    pub(crate) whole: &'a [u8],
    contents_offset: usize,
}

impl<'a> Value<'a> {
    /// A cursor over the values inside.
    pub(crate) fn inside(&self) -> Cursor<'a> {
        Cursor { rest: self.contents, offset: self.contents_offset }
    }

    /// Where the whole lies among the octets that were given.
    pub(crate) fn place(&self) -> Range<usize> {
        let end = self.contents_offset.saturating_add(self.contents.len());
        end.saturating_sub(self.whole.len())..end
    }

    pub(crate) fn fault(&self, fault: DerFault) -> DerError {
        DerError { fault, offset: self.contents_offset }
    }
}

/// Reads values one after another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets, offset: 0 }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag octet of the next value.
    pub(crate) fn peek_tag(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next value, whatever it is.
    pub(crate) fn value(&mut self) -> Result<Value<'a>, DerError> {
        let start = *self;
        let tag = self.octet()?;
        if tag & tag::NUMBER_MASK == tag::NUMBER_MASK {
            return Err(start.fault(DerFault::Tag));
        }
        let length = self.length()?;
        let contents_offset = self.offset;
        let contents = self.take(length)?;
        let whole = start.rest.get(..self.offset.saturating_sub(start.offset)).unwrap_or_default();
        Ok(Value { tag, contents, whole, contents_offset })
    }

    /// The next value, which stays the next one.
    pub(crate) fn peek(&self) -> Result<Value<'a>, DerError> {
        Self { ..*self }.value()
    }

    /// The next value, which has this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Value<'a>, DerError> {
        if self.peek_tag() != Some(tag) {
            return Err(self.fault(if self.is_empty() { DerFault::Truncated } else { DerFault::Unexpected }));
        }
        self.value()
    }

    /// The next value if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>, DerError> {
        if self.peek_tag() == Some(tag) { self.value().map(Some) } else { Ok(None) }
    }

    /// Nothing follows.
    pub(crate) fn end(&self) -> Result<(), DerError> {
        if self.is_empty() { Ok(()) } else { Err(self.fault(DerFault::Trailing)) }
    }

    const fn fault(&self, fault: DerFault) -> DerError {
        DerError { fault, offset: self.offset }
    }

    fn octet(&mut self) -> Result<u8, DerError> {
        let (first, rest) = self.rest.split_first().ok_or(self.fault(DerFault::Truncated))?;
        self.rest = rest;
        self.offset = self.offset.saturating_add(1);
        Ok(*first)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DerError> {
        let (head, tail) = self.rest.split_at_checked(count).ok_or(self.fault(DerFault::Truncated))?;
        self.rest = tail;
        self.offset = self.offset.saturating_add(count);
        Ok(head)
    }

    /// A definite length in the fewest octets (clause 10.1).
    fn length(&mut self) -> Result<usize, DerError> {
        let start = *self;
        let first = self.octet()?;
        if first < 0x80 {
            return Ok(first.into());
        }
        let octets = self.take(usize::from(first & 0x7F))?;
        let length = octets.iter().fold(0_u64, |length, octet| length << 8 | u64::from(*octet));
        let is_shortest = (1..=4).contains(&octets.len()) && octets.first() != Some(&0) && length >= 0x80;
        if !is_shortest {
            return Err(start.fault(DerFault::Length));
        }
        usize::try_from(length).map_err(|_| start.fault(DerFault::Length))
    }
}

/// Checks that the octets are exactly one DER value, at every depth. Values inside OCTET STRINGs are not looked into.
pub(crate) fn check(octets: &[u8]) -> Result<Value<'_>, DerError> {
    let mut cursor = Cursor::new(octets);
    let value = cursor.value()?;
    cursor.end()?;
    check_value(&value, 0)?;
    Ok(value)
}

fn check_value(value: &Value<'_>, depth: usize) -> Result<(), DerError> {
    if depth > MAX_DEPTH {
        return Err(value.fault(DerFault::Depth));
    }
    if value.tag & tag::CLASS_MASK != 0 {
        // An implicit tag hides the type: a primitive's contents are for the reader of the field to check.
        return if value.tag & tag::CONSTRUCTED != 0 { check_members(value, depth) } else { Ok(()) };
    }
    match value.tag {
        tag::SEQUENCE => check_members(value, depth),
        tag::SET => check_members(value, depth).and_then(|()| check_set_order(value)),
        _ if value.tag & tag::CONSTRUCTED != 0 => Err(value.fault(DerFault::Form)),
        _ => check_primitive(value),
    }
}

fn check_members(value: &Value<'_>, depth: usize) -> Result<(), DerError> {
    let mut members = value.inside();
    while !members.is_empty() {
        check_value(&members.value()?, depth.saturating_add(1))?;
    }
    Ok(())
}

/// Clause 11.6: ascending encodings. X.509 has SET OF only, no SET.
fn check_set_order(value: &Value<'_>) -> Result<(), DerError> {
    let mut members = value.inside();
    let mut previous: &[u8] = &[];
    while !members.is_empty() {
        let member = members.value()?;
        if member.whole <= previous {
            return Err(member.fault(DerFault::SetOrder));
        }
        previous = member.whole;
    }
    Ok(())
}

fn check_primitive(value: &Value<'_>) -> Result<(), DerError> {
    let contents = value.contents;
    let well_formed = match value.tag {
        // Every BOOLEAN of X.509 is false by default, and a default is not written out (clause 11.5).
        tag::BOOLEAN => contents == [0xFF],
        tag::INTEGER | tag::ENUMERATED => is_shortest_integer(contents),
        tag::BIT_STRING => is_bit_string(contents),
        tag::OCTET_STRING => true,
        tag::NULL => contents.is_empty(),
        tag::OBJECT_IDENTIFIER => is_object_identifier(contents),
        tag::UTF8_STRING => std::str::from_utf8(contents).is_ok(),
        tag::NUMERIC_STRING => contents.iter().all(|octet| octet.is_ascii_digit() || *octet == b' '),
        tag::PRINTABLE_STRING => contents.iter().all(|octet| is_printable(*octet)),
        tag::IA5_STRING => contents.is_ascii(),
        tag::VISIBLE_STRING => contents.iter().all(|octet| matches!(octet, b' '..=b'~')),
        tag::TELETEX_STRING => true,
        tag::BMP_STRING => contents.len().is_multiple_of(2),
        tag::UNIVERSAL_STRING => contents.len().is_multiple_of(4),
        tag::UTC_TIME => is_time(contents, UTC_TIME_DIGITS),
        tag::GENERALIZED_TIME => is_time(contents, GENERALIZED_TIME_DIGITS),
        _ => return Err(value.fault(DerFault::Tag)),
    };
    if well_formed { Ok(()) } else { Err(value.fault(DerFault::Contents)) }
}

const UTC_TIME_DIGITS: usize = "YYMMDDhhmmss".len();
const GENERALIZED_TIME_DIGITS: usize = "YYYYMMDDhhmmss".len();

fn is_shortest_integer(contents: &[u8]) -> bool {
    match contents {
        [] => false,
        [_] => true,
        [0x00, second, ..] => *second >= 0x80,
        [0xFF, second, ..] => *second < 0x80,
        _ => true,
    }
}

/// Clause 11.2.1: unused bits are zero.
fn is_bit_string(contents: &[u8]) -> bool {
    match contents {
        [] => false,
        [unused] => *unused == 0,
        [unused @ 0..=7, .., last] => last.trailing_zeros() >= u32::from(*unused),
        _ => false,
    }
}

/// Clause 8.19: each number in the fewest octets, the last octet ends a number.
fn is_object_identifier(contents: &[u8]) -> bool {
    let mut starts_number = true;
    for octet in contents {
        if starts_number && *octet == 0x80 {
            return false;
        }
        starts_number = octet & 0x80 == 0;
    }
    !contents.is_empty() && starts_number
}

/// Whether the octet is a character of a PrintableString: X.680, clause 41.4.
#[must_use]
pub fn is_printable(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&octet)
}

/// Clauses 11.7 and 11.8 as RFC 5280, clause 4.1.2.5, narrows them: seconds, no fraction, `Z`.
fn is_time(contents: &[u8], digits: usize) -> bool {
    contents
        .split_last()
        .is_some_and(|(last, rest)| *last == b'Z' && rest.len() == digits && rest.iter().all(u8::is_ascii_digit))
}
