//! The lengths that enclose a message's contents, read from a stream: definite in the shortest form, or indefinite
//! (ITU-T X.690, clauses 8.1.3 and 10.1).

use std::io::{ErrorKind, Read};

use super::read::CmsError;
use crate::x509::{DerError, DerFault, tag};

/// Reads a message's outer values from a source. Every value that is entered is left again at its end.
pub(super) struct Stream<R> {
    source: R,
    offset: usize,
    peeked: Option<u8>,
    /// Where each value ends that was entered; nothing where two zero octets end it.
    ends: Vec<Option<usize>>,
}

/// A value's tag and the size of its contents; no size where two zero octets end them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) tag: u8,
    pub(super) size: Option<usize>,
}

/// What ends contents of no stated size: a value with tag 0 and length 0.
const END_OF_CONTENTS: u8 = 0;

impl<R: Read> Stream<R> {
    pub(super) const fn new(source: R) -> Self {
        Self { source, offset: 0, peeked: None, ends: Vec::new() }
    }

    /// Enters the value of this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Result<(), CmsError> {
        let head = self.head()?;
        if head.tag != tag {
            return Err(self.fault(DerFault::Unexpected));
        }
        self.enter_value(head)
    }

    /// Enters the value whose head was read.
    pub(super) fn enter_value(&mut self, head: Head) -> Result<(), CmsError> {
        let end = match head.size {
            None => None,
            Some(size) => Some(self.end_of(size)?),
        };
        self.ends.push(end);
        Ok(())
    }

    /// Leaves the value that was entered last, which has nothing more in it.
    pub(super) fn leave(&mut self) -> Result<(), CmsError> {
        if !self.is_at_end()? {
            return Err(self.fault(DerFault::Trailing));
        }
        match self.ends.pop() {
            Some(None) => match (self.octet()?, self.octet()?) {
                (END_OF_CONTENTS, 0) => Ok(()),
                _ => Err(self.fault(DerFault::Length)),
            },
            _ => Ok(()),
        }
    }

    /// Whether the value that was entered last has nothing more in it.
    pub(super) fn is_at_end(&mut self) -> Result<bool, CmsError> {
        match self.ends.last() {
            Some(Some(end)) => Ok(self.offset == *end),
            Some(None) => Ok(self.peek()? == Some(END_OF_CONTENTS)),
            None => Ok(self.peek()?.is_none()),
        }
    }

    /// The tag that comes next within the value that was entered last.
    pub(super) fn next_tag(&mut self) -> Result<Option<u8>, CmsError> {
        if self.is_at_end()? { Ok(None) } else { self.peek() }
    }

    /// Reads tag and length.
    pub(super) fn head(&mut self) -> Result<Head, CmsError> {
        let tag = self.octet()?;
        if tag & tag::NUMBER_MASK == tag::NUMBER_MASK {
            return Err(self.fault(DerFault::Tag));
        }
        let first = self.octet()?;
        let size = match first {
            0x80 if tag & tag::CONSTRUCTED != 0 => None,
            0..0x80 => Some(usize::from(first)),
            _ => Some(self.long_length(first & 0x7F)?),
        };
        Ok(Head { tag, size })
    }

    /// Reads a whole value of definite length: its octets with tag and length. `limit` is what may be read of such
    /// values, and becomes less by what was.
    pub(super) fn value(&mut self, limit: &mut usize) -> Result<Vec<u8>, CmsError> {
        let head = self.head()?;
        let size = head.size.ok_or_else(|| self.fault(DerFault::Length))?;
        self.end_of(size)?;
        *limit = limit.checked_sub(size).ok_or(CmsError::TooLong)?;
        let mut octets = super::header(head.tag, size as u64);
        let before = octets.len();
        let count = (&mut self.source).take(size as u64).read_to_end(&mut octets)?;
        self.offset = self.offset.saturating_add(count);
        if octets.len().saturating_sub(before) < size {
            return Err(self.fault(DerFault::Truncated));
        }
        Ok(octets)
    }

    /// Reads up to as many octets as the buffer has: `count` of them come before the value ends.
    pub(super) fn contents(&mut self, buffer: &mut [u8], count: usize) -> Result<usize, CmsError> {
        let wanted = buffer.len().min(count);
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        loop {
            match self.source.read(buffer) {
                Ok(0) => return Err(self.fault(DerFault::Truncated)),
                Ok(read) => {
                    self.offset = self.offset.saturating_add(read);
                    return Ok(read);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Nothing follows.
    pub(super) fn end(&mut self) -> Result<(), CmsError> {
        if self.peek()?.is_none() { Ok(()) } else { Err(self.fault(DerFault::Trailing)) }
    }

    pub(super) const fn fault(&self, fault: DerFault) -> CmsError {
        CmsError::Der(DerError { fault, offset: self.offset })
    }

    /// Where contents of this size end, which is within all that was entered.
    fn end_of(&self, size: usize) -> Result<usize, CmsError> {
        let end = self.offset.checked_add(size).ok_or(self.fault(DerFault::Length))?;
        let enclosing = self.ends.iter().rev().flatten().next();
        if enclosing.is_some_and(|enclosing| end > *enclosing) {
            return Err(self.fault(DerFault::Truncated));
        }
        Ok(end)
    }

    fn long_length(&mut self, count: u8) -> Result<usize, CmsError> {
        let mut length: u64 = 0;
        for position in 0..count {
            let octet = self.octet()?;
            if count > 8 || (position == 0 && octet == 0) {
                return Err(self.fault(DerFault::Length));
            }
            length = length << 8 | u64::from(octet);
        }
        if count == 0 || length < 0x80 {
            return Err(self.fault(DerFault::Length));
        }
        usize::try_from(length).map_err(|_| self.fault(DerFault::Length))
    }

    fn peek(&mut self) -> Result<Option<u8>, CmsError> {
        if self.peeked.is_none() {
            let mut octet = [0];
            loop {
                match self.source.read(&mut octet) {
                    Ok(0) => return Ok(None),
                    Ok(_) => break,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                }
            }
            self.peeked = octet.first().copied();
        }
        Ok(self.peeked)
    }

    fn octet(&mut self) -> Result<u8, CmsError> {
        let octet = self.peek()?.ok_or_else(|| self.fault(DerFault::Truncated))?;
        self.peeked = None;
        self.offset = self.offset.saturating_add(1);
        Ok(octet)
    }
}
