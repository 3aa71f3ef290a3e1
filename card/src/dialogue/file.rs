//! Reading an elementary file: SELECT, then READ BINARY block by block.

use std::num::NonZeroU8;

use crate::apdu::StatusWord;
use crate::commands;
use crate::dialogue::error::{DialogueError, Operation, ProtocolFault};
use crate::dialogue::link::Link;
use crate::profile::FileId;
use crate::tlv::Cursor;

/// Octets read from a file by one command: what fits a short protected response with room for a reader's limits.
pub const READ_BLOCK_SIZE: u8 = 224;
/// The longest file of eSign that is read, in octets.
pub const MAX_FILE_SIZE: usize = 4096;
/// The longest data group that is read, in octets: READ BINARY has 15 bits for an offset.
pub const MAX_GROUP_SIZE: usize = 0x7FFF;

/// 6B00: some cards' answer to an offset behind the end of a file.
const OUTSIDE_FILE: StatusWord = StatusWord::new(0x6B00);

/// Reads the DER object at the beginning of a file; nothing if there is no file or it is empty. What follows the object
/// is not read.
pub(super) fn read(link: &mut Link<'_>, file: FileId, limit: usize) -> Result<Option<Vec<u8>>, DialogueError> {
    match link.transmit(&commands::select_file(file))?.status() {
        StatusWord::SUCCESS => {}
        StatusWord::FILE_NOT_FOUND => return Ok(None),
        status => return Err(DialogueError::CardRefused { operation: Operation::SelectFile, status }),
    }
    let Some(mut contents) = read_first_block(link)? else { return Ok(None) };
    let size = object_size(&contents, limit)?;
    while contents.len() < size {
        contents.extend(read_block(link, contents.len(), size)?);
    }
    contents.truncate(size);
    Ok(Some(contents))
}

fn read_first_block(link: &mut Link<'_>) -> Result<Option<Vec<u8>>, DialogueError> {
    let Some(count) = NonZeroU8::new(READ_BLOCK_SIZE) else { return Ok(None) };
    let answer = link.transmit(&commands::read_binary(0, count))?;
    match answer.status() {
        StatusWord::SUCCESS if answer.data().is_empty() => Ok(None),
        StatusWord::SUCCESS => Ok(Some(answer.data().to_vec())),
        StatusWord::BAD_PARAMETERS | OUTSIDE_FILE => Ok(None),
        status => Err(DialogueError::CardRefused { operation: Operation::ReadFile, status }),
    }
}

/// Reads the block at `start` of an object of `size` octets, exactly as long as it must be.
fn read_block(link: &mut Link<'_>, start: usize, size: usize) -> Result<Vec<u8>, DialogueError> {
    let left = size.saturating_sub(start).min(usize::from(READ_BLOCK_SIZE));
    let too_large = DialogueError::CardProtocol(ProtocolFault::FileSize { size });
    let offset = u16::try_from(start).map_err(|_| too_large)?;
    let count = u8::try_from(left).ok().and_then(NonZeroU8::new).ok_or(too_large)?;
    let answer = link.command(Operation::ReadFile, &commands::read_binary(offset, count))?;
    if answer.data().len() == left { Ok(answer.data().to_vec()) } else { Err(wrong_length(answer.data().len())) }
}

/// How many octets the DER object has that begins with `block`, the first block of a file.
fn object_size(block: &[u8], limit: usize) -> Result<usize, DialogueError> {
    let mut cursor = Cursor::new(block);
    let header = cursor.tag().and_then(|_| cursor.length());
    let length = header.map_err(|error| DialogueError::CardProtocol(ProtocolFault::Malformed(error)))?;
    let size = cursor.offset().saturating_add(length);
    if size > limit {
        return Err(DialogueError::CardProtocol(ProtocolFault::FileSize { size }));
    }
    if block.len() < size.min(usize::from(READ_BLOCK_SIZE)) {
        return Err(wrong_length(block.len()));
    }
    Ok(size)
}

pub(super) const fn wrong_length(found: usize) -> DialogueError {
    DialogueError::CardProtocol(ProtocolFault::Length { found })
}
