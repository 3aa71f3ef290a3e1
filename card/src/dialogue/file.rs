//! Reading an elementary file: SELECT, then READ BINARY until it is whole.

use zeroize::Zeroizing;

use crate::apdu::StatusWord;
use crate::commands;
use crate::dialogue::error::{DialogueError, Operation, ProtocolFault};
use crate::dialogue::link::Link;
use crate::file_reading::{FileReader, Taken};
use crate::profile::FileId;

/// Octets read from a file by one command: what fits a short protected response with room for a reader's limits.
pub const READ_BLOCK_SIZE: u8 = 224;
/// The longest file of eSign that is read, in octets.
pub const MAX_FILE_SIZE: usize = 4096;
/// The longest data group that is read, in octets: READ BINARY has 15 bits for an offset.
pub const MAX_GROUP_SIZE: usize = 0x7FFF;

/// Reads the DER object at the beginning of a file; nothing if there is no file or it is empty. What follows the object
/// is not read.
pub(super) fn read(
    link: &mut Link<'_>,
    file: FileId,
    limit: usize,
) -> Result<Option<Zeroizing<Vec<u8>>>, DialogueError> {
    match link.transmit(&commands::select_file(file))?.status() {
        StatusWord::SUCCESS => {}
        StatusWord::FILE_NOT_FOUND => return Ok(None),
        status => return Err(DialogueError::CardRefused { operation: Operation::SelectFile, status }),
    }
    let mut reader = FileReader::new(limit);
    loop {
        let answer = link.transmit(&reader.command())?;
        match reader.take(&answer).map_err(DialogueError::CardProtocol)? {
            Taken::Part => {}
            Taken::CutShort => return Err(wrong_length(0)),
            Taken::Whole => return Ok(Some(reader.into_contents()).filter(|contents| !contents.is_empty())),
            Taken::Refused(status) => {
                return Err(DialogueError::CardRefused { operation: Operation::ReadFile, status });
            }
        }
    }
}

pub(super) const fn wrong_length(found: usize) -> DialogueError {
    DialogueError::CardProtocol(ProtocolFault::Length { found })
}
