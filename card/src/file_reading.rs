//! Reading a file that is selected, block by block: the DER object at its beginning, and nothing behind it. The client does
//! so in one go, the terminal between two answers.

use std::num::NonZeroU8;

use zeroize::Zeroizing;

use crate::apdu::{Command, Response, StatusWord};
use crate::commands;
use crate::dialogue::{ProtocolFault, READ_BLOCK_SIZE};
use crate::tlv::Cursor;

/// 6B00: some cards' answer to an offset behind the end of a file.
const OUTSIDE_FILE: StatusWord = StatusWord::new(0x6B00);

/// What was read of a file so far.
pub(crate) struct FileReader {
    contents: Zeroizing<Vec<u8>>,
    /// Known from the first block on.
    size: Option<usize>,
    /// Octets of the longest file that is read.
    limit: usize,
}

/// What a block did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// There is more to read.
    Part,
    /// That was all.
    Whole,
    /// The card does not let the file be read.
    Refused(StatusWord),
    /// The file ends within the object at its beginning: whoever wrote it was interrupted, or the card is faulty.
    CutShort,
}

impl FileReader {
    pub(crate) fn new(limit: usize) -> Self {
        Self { contents: Zeroizing::new(Vec::new()), size: None, limit }
    }

    /// READ BINARY of the next block, which is exactly as long as it must be but for the first.
    pub(crate) fn command(&self) -> Command {
        let left = self.size.map_or(usize::from(READ_BLOCK_SIZE), |size| size.saturating_sub(self.contents.len()));
        let count = u8::try_from(left).unwrap_or(READ_BLOCK_SIZE).min(READ_BLOCK_SIZE);
        let offset = u16::try_from(self.contents.len()).unwrap_or(u16::MAX);
        commands::read_binary(offset, NonZeroU8::new(count).unwrap_or(NonZeroU8::MIN))
    }

    /// Takes the answer to [`FileReader::command`].
    pub(crate) fn take(&mut self, answer: &Response) -> Result<Taken, ProtocolFault> {
        let Some(size) = self.size else { return self.take_first(answer) };
        if !answer.status().is_success() {
            return Ok(Taken::Refused(answer.status()));
        }
        if answer.data().is_empty() {
            return Ok(Taken::CutShort);
        }
        let left = size.saturating_sub(self.contents.len());
        if answer.data().len() != left.min(usize::from(READ_BLOCK_SIZE)) {
            return Err(wrong_length(answer));
        }
        self.contents.extend_from_slice(answer.data());
        Ok(self.progress(size))
    }

    fn take_first(&mut self, answer: &Response) -> Result<Taken, ProtocolFault> {
        match answer.status() {
            StatusWord::SUCCESS if !answer.data().is_empty() => {}
            StatusWord::SUCCESS | StatusWord::BAD_PARAMETERS | OUTSIDE_FILE => return Ok(Taken::Whole),
            status => return Ok(Taken::Refused(status)),
        }
        let size = object_size(answer.data())?;
        if size > self.limit {
            return Err(ProtocolFault::FileSize { size });
        }
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
    pub(crate) fn into_contents(self) -> Zeroizing<Vec<u8>> {
        self.contents
    }

    /// The size, as far as it is known, and what was read, to be taken up again.
    pub(crate) fn state(&self) -> (Option<usize>, &[u8]) {
        (self.size, &self.contents)
    }

    /// Takes up a reading. `None` if none could have come to that state.
    pub(crate) fn resume(size: Option<usize>, read: &[u8], limit: usize) -> Option<Self> {
        let goes_on = match size {
            None => read.is_empty(),
            Some(size) => !read.is_empty() && read.len() < size && size <= limit,
        };
        let mut contents = Zeroizing::new(Vec::with_capacity(size.unwrap_or_default().min(limit)));
        contents.extend_from_slice(read);
        goes_on.then_some(Self { contents, size, limit })
    }
}

/// How many octets the DER object has that begins with `block`.
fn object_size(block: &[u8]) -> Result<usize, ProtocolFault> {
    let mut cursor = Cursor::new(block);
    let length = cursor.tag().and_then(|_| cursor.length()).map_err(ProtocolFault::Malformed)?;
    Ok(cursor.offset().saturating_add(length))
}

fn wrong_length(answer: &Response) -> ProtocolFault {
    ProtocolFault::Length { found: answer.data().len() }
}
