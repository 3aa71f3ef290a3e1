//! Reading a file block by block: the DER object at its beginning, and nothing behind it.

use std::num::NonZeroU8;

use zeroize::Zeroizing;

use crate::apdu::{Command, Response, StatusWord};
use crate::commands;
use crate::dialogue::{Operation, ProtocolFault, READ_BLOCK_SIZE};
use crate::terminal::TerminalFault;
use crate::terminal::record::{RecordFault, RecordReader, RecordWriter};
use crate::tlv::Cursor;

/// Octets of the longest file that a terminal reads: READ BINARY has 15 bits for an offset.
pub const LARGEST_FILE: usize = 0x7FFF;

/// 6B00: some cards' answer to an offset behind the end of a file.
const OUTSIDE_FILE: StatusWord = StatusWord::new(0x6B00);

/// What was read of a file that is selected.
pub(super) struct FileReader {
    contents: Zeroizing<Vec<u8>>,
    /// Known from the first block on.
    size: Option<usize>,
}

/// What a block did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// There is more to read.
    Part,
    /// That was all.
    Whole,
    /// The card does not let the file be read.
    Refused(StatusWord),
}

impl FileReader {
    pub(super) fn new() -> Self {
        Self { contents: Zeroizing::new(Vec::new()), size: None }
    }

    /// READ BINARY of the next block.
    pub(super) fn command(&self) -> Command {
        let left = self.size.map_or(usize::from(READ_BLOCK_SIZE), |size| size.saturating_sub(self.contents.len()));
        let count = u8::try_from(left).unwrap_or(READ_BLOCK_SIZE).min(READ_BLOCK_SIZE);
        let offset = u16::try_from(self.contents.len()).unwrap_or(u16::MAX);
        commands::read_binary(offset, NonZeroU8::new(count).unwrap_or(NonZeroU8::MIN))
    }

    /// Takes the answer to [`FileReader::command`].
    pub(super) fn take(&mut self, answer: &Response) -> Result<Taken, TerminalFault> {
        let Some(size) = self.size else { return self.take_first(answer) };
        if !answer.status().is_success() {
            return Err(TerminalFault::CardRefused { operation: Operation::ReadFile, status: answer.status() });
        }
        let left = size.saturating_sub(self.contents.len());
        if answer.data().len() != left.min(usize::from(READ_BLOCK_SIZE)) {
            return Err(wrong_length(answer));
        }
        self.contents.extend_from_slice(answer.data());
        Ok(self.progress(size))
    }

    fn take_first(&mut self, answer: &Response) -> Result<Taken, TerminalFault> {
        match answer.status() {
            StatusWord::SUCCESS if !answer.data().is_empty() => {}
            StatusWord::SUCCESS | StatusWord::BAD_PARAMETERS | OUTSIDE_FILE => return Ok(Taken::Whole),
            status => return Ok(Taken::Refused(status)),
        }
        let size = object_size(answer.data())?;
        let first = answer.data().get(..size.min(usize::from(READ_BLOCK_SIZE))).ok_or(wrong_length(answer))?;
        // At once as large as it will be: what grows leaves copies behind.
        self.contents = Zeroizing::new(Vec::with_capacity(size));
        self.contents.extend_from_slice(first);
        self.size = Some(size);
        Ok(self.progress(size))
    }

    fn progress(&self, size: usize) -> Taken {
        if self.contents.len() == size { Taken::Whole } else { Taken::Part }
    }

    /// What was read; nothing of an empty file.
    pub(super) fn into_contents(self) -> Zeroizing<Vec<u8>> {
        self.contents
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        record.count(self.size.unwrap_or_default());
        record.sized(&self.contents);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        let size = Some(record.count()?).filter(|size| *size > 0);
        let read = record.sized()?;
        let mut contents = Zeroizing::new(Vec::with_capacity(size.unwrap_or_default().min(LARGEST_FILE)));
        contents.extend_from_slice(read);
        let goes_on = size.map_or(read.is_empty(), |size| read.len() < size && size <= LARGEST_FILE);
        if goes_on { Ok(Self { contents, size }) } else { Err(RecordFault) }
    }
}

/// How many octets the DER object has that begins with `block`.
fn object_size(block: &[u8]) -> Result<usize, ProtocolFault> {
    let mut cursor = Cursor::new(block);
    let length = cursor.tag().and_then(|_| cursor.length()).map_err(ProtocolFault::Malformed)?;
    let size = cursor.offset().saturating_add(length);
    if size > LARGEST_FILE { Err(ProtocolFault::FileSize { size }) } else { Ok(size) }
}

fn wrong_length(answer: &Response) -> TerminalFault {
    ProtocolFault::Length { found: answer.data().len() }.into()
}
