//! Data objects: BER-TLV with the DER rules for lengths (ISO/IEC 7816-4:2020, clause 6.3; STB 34.101.79).
//!
//! [`Cursor`] is the only place of this crate that walks over received octets. A length has one octet below 128, `81`
//! and one octet below 256, and `82` and two octets above; nothing else is accepted.

use std::fmt;

/// A tag as the number its octets form: `0x87`, `0x7F4C`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(u32);

impl Tag {
    /// The tag whose octets are those of `number`, most significant first, without leading zeros.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The octets as a number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02X}", self.0)
    }
}

/// What is wrong with received octets, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at octet {offset}")]
pub struct TlvError {
    /// What is wrong.
    pub kind: TlvErrorKind,
    /// Where, counted in octets from the beginning of what was read.
    pub offset: usize,
}

/// What can be wrong with received octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlvErrorKind {
    /// The octets end inside an object.
    #[error("the octets end too early")]
    Truncated,
    /// A tag longer than three octets, or not in its shortest form.
    #[error("a malformed tag")]
    Tag,
    /// An indefinite length, one longer than two octets, or one not in its shortest form.
    #[error("a malformed length")]
    Length,
    /// Another object than the one that must stand here.
    #[error("an unexpected object {0:?}")]
    UnexpectedTag(Tag),
    /// An object that may stand here once only.
    #[error("a repeated object {0:?}")]
    Repeated(Tag),
    /// An object that must be there is not.
    #[error("no object {0:?}")]
    Missing(Tag),
    /// A value that its object cannot have.
    #[error("a value that the object cannot have")]
    Value,
    /// Octets after the last object.
    #[error("octets after the last object")]
    Trailing,
}

/// Walks over received octets; every step is checked and an error says where it happened.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    rest: &'a [u8],
    offset: usize,
}

/// A data object.
#[derive(Debug, Clone)]
pub struct Object<'a> {
    /// Its tag.
    pub tag: Tag,
    /// Its value, ready to be walked over.
    pub value: Cursor<'a>,
    /// The whole object as received, tag and length included.
    pub whole: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// A cursor at the first of `octets`.
    #[must_use]
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets, offset: 0 }
    }

    /// How many octets were passed since the beginning of the outermost input.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The octets not passed yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all octets were passed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error of `kind` at this place.
    #[must_use]
    pub const fn error(&self, kind: TlvErrorKind) -> TlvError {
        TlvError { kind, offset: self.offset }
    }

    /// Passes `count` octets.
    ///
    /// # Errors
    /// [`TlvErrorKind::Truncated`] if there are fewer.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], TlvError> {
        let (head, tail) = self.rest.split_at_checked(count).ok_or(self.error(TlvErrorKind::Truncated))?;
        self.rest = tail;
        self.offset = self.offset.saturating_add(count);
        Ok(head)
    }

    /// Passes as many octets as the array has.
    ///
    /// # Errors
    /// [`TlvErrorKind::Truncated`] if there are fewer.
    pub fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], TlvError> {
        let (head, tail) = self.rest.split_first_chunk::<SIZE>().ok_or(self.error(TlvErrorKind::Truncated))?;
        self.rest = tail;
        self.offset = self.offset.saturating_add(SIZE);
        Ok(*head)
    }

    /// Passes one octet.
    ///
    /// # Errors
    /// [`TlvErrorKind::Truncated`] if there is none.
    pub fn octet(&mut self) -> Result<u8, TlvError> {
        self.array::<1>().map(|[octet]| octet)
    }

    /// Passes the octets up to the end as an array.
    ///
    /// # Errors
    /// [`TlvErrorKind::Value`] unless exactly `SIZE` octets are left.
    pub fn whole_array<const SIZE: usize>(mut self) -> Result<[u8; SIZE], TlvError> {
        let wrong = self.error(TlvErrorKind::Value);
        let array = self.array().map_err(|_| wrong)?;
        if self.is_empty() { Ok(array) } else { Err(wrong) }
    }

    /// Passes one object of any tag.
    ///
    /// # Errors
    /// [`TlvError`] if no whole, well-formed object stands here.
    pub fn object(&mut self) -> Result<Object<'a>, TlvError> {
        let start = self.rest;
        let tag = self.tag()?;
        let length = self.length()?;
        let value_offset = self.offset;
        let value = self.take(length)?;
        let whole = start.get(..start.len().saturating_sub(self.rest.len())).unwrap_or_default();
        Ok(Object { tag, value: Cursor { rest: value, offset: value_offset }, whole })
    }

    /// Passes the object `tag` and gives its value.
    ///
    /// # Errors
    /// [`TlvErrorKind::Missing`] at the end, [`TlvErrorKind::UnexpectedTag`] if another object stands here, or what
    /// [`Cursor::object`] says.
    pub fn expect(&mut self, tag: Tag) -> Result<Cursor<'a>, TlvError> {
        self.expect_object(tag).map(|object| object.value)
    }

    /// Passes the object `tag`.
    ///
    /// # Errors
    /// As [`Cursor::expect`].
    pub fn expect_object(&mut self, tag: Tag) -> Result<Object<'a>, TlvError> {
        let here = self.clone();
        if here.is_empty() {
            return Err(here.error(TlvErrorKind::Missing(tag)));
        }
        let object = self.object()?;
        if object.tag == tag { Ok(object) } else { Err(here.error(TlvErrorKind::UnexpectedTag(object.tag))) }
    }

    /// Passes the object `tag` if it stands here.
    ///
    /// # Errors
    /// What [`Cursor::object`] says about an object that does.
    pub fn optional(&mut self, tag: Tag) -> Result<Option<Cursor<'a>>, TlvError> {
        if self.is_empty() || self.clone().tag()? != tag {
            return Ok(None);
        }
        self.object().map(|object| Some(object.value))
    }

    /// Confirms that nothing is left.
    ///
    /// # Errors
    /// [`TlvErrorKind::Trailing`] if something is.
    pub fn finish(&self) -> Result<(), TlvError> {
        if self.is_empty() { Ok(()) } else { Err(self.error(TlvErrorKind::Trailing)) }
    }

    /// Passes a tag of one to three octets in its shortest form.
    ///
    /// # Errors
    /// [`TlvErrorKind::Tag`] or [`TlvErrorKind::Truncated`].
    pub fn tag(&mut self) -> Result<Tag, TlvError> {
        const NUMBER_FOLLOWS: u8 = 0x1F;
        const MORE_FOLLOW: u8 = 0x80;
        let malformed = self.error(TlvErrorKind::Tag);
        let first = self.octet()?;
        if first == 0 {
            return Err(malformed);
        }
        if first & NUMBER_FOLLOWS != NUMBER_FOLLOWS {
            return Ok(Tag(u32::from(first)));
        }
        let second = self.octet()?;
        if second & MORE_FOLLOW == 0 {
            let shortest = second >= NUMBER_FOLLOWS;
            return if shortest { Ok(Tag(u32::from_be_bytes([0, 0, first, second]))) } else { Err(malformed) };
        }
        let third = self.octet()?;
        let shortest = second != MORE_FOLLOW && third & MORE_FOLLOW == 0;
        if shortest { Ok(Tag(u32::from_be_bytes([0, first, second, third]))) } else { Err(malformed) }
    }

    /// Passes a length of one to three octets in its shortest form.
    ///
    /// # Errors
    /// [`TlvErrorKind::Length`] or [`TlvErrorKind::Truncated`].
    pub fn length(&mut self) -> Result<usize, TlvError> {
        let malformed = self.error(TlvErrorKind::Length);
        let (length, least) = match self.octet()? {
            short @ ..=0x7F => (usize::from(short), 0),
            0x81 => (usize::from(self.octet()?), 0x80),
            0x82 => (usize::from(u16::from_be_bytes(self.array()?)), 0x100),
            _ => return Err(malformed),
        };
        if length >= least { Ok(length) } else { Err(malformed) }
    }
}

/// Writes data objects.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// A writer that has written nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds the object `tag` with a value that is the concatenation of `parts`.
    #[must_use]
    pub fn object(mut self, tag: Tag, parts: &[&[u8]]) -> Self {
        let length = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        self.0.extend(significant(u64::from(tag.0)));
        self.0.extend(length_octets(length));
        for part in parts {
            self.0.extend_from_slice(part);
        }
        self
    }

    /// Adds octets as they are.
    #[must_use]
    pub fn octets(mut self, octets: &[u8]) -> Self {
        self.0.extend_from_slice(octets);
        self
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

fn length_octets(length: usize) -> Vec<u8> {
    let octets: Vec<u8> = significant(length as u64).collect();
    match (octets.as_slice(), u8::try_from(octets.len())) {
        ([], _) => vec![0],
        ([short @ ..=0x7F], _) => vec![*short],
        (long, Ok(count)) => [&[0x80 | count], long].concat(),
        (long, Err(_)) => long.to_vec(),
    }
}

/// The octets of `number`, most significant first, without leading zeros.
fn significant(number: u64) -> impl Iterator<Item = u8> {
    number.to_be_bytes().into_iter().skip_while(|octet| *octet == 0)
}
