//! Writing a file (sequence J: a ticket, a certificate, the hash of a key).

use zeroize::Zeroizing;

use crate::apdu::StatusWord;
use crate::commands;
use crate::dialogue::{MAX_FILE_SIZE, Operation, ProtocolFault, READ_BLOCK_SIZE};
use crate::terminal::established::{Awaiting, Established, Held};
use crate::terminal::record::{RecordFault, RecordReader, RecordWriter};
use crate::terminal::{Next, RelayedCommand, TerminalFault, TerminalFile};

/// A terminal that writes a file of a card.
pub struct Writing {
    link: Held<Awaiting>,
    file: TerminalFile,
    contents: Zeroizing<Vec<u8>>,
    stage: Stage,
}

/// What the last command did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    SelectingApplication,
    SelectingFile,
    /// How many octets are written if the card says so.
    Writing(usize),
}

impl Established {
    /// Writes a file from its beginning. An offset of zero cuts what was there.
    ///
    /// # Errors
    /// [`TerminalFault::CardProtocol`] for more than [`MAX_FILE_SIZE`] octets.
    pub fn write_file(self, file: TerminalFile, contents: &[u8]) -> Result<(Writing, RelayedCommand), TerminalFault> {
        if contents.len() > MAX_FILE_SIZE {
            return Err(ProtocolFault::FileSize { size: contents.len() }.into());
        }
        let command = commands::select_application(file.application().id(self.profile()))?;
        let (link, command) = self.send(&command)?;
        let contents = Zeroizing::new(contents.to_vec());
        Ok((Writing { link, file, contents, stage: Stage::SelectingApplication }, command))
    }
}

impl Writing {
    /// Takes the card's answer.
    ///
    /// # Errors
    /// [`TerminalFault::CardRefused`], 6982 without the right to write; or another.
    pub fn receive(self, card_response: &[u8]) -> Result<Next<Self, Established>, TerminalFault> {
        let Self { link, file, contents, stage } = self;
        let operation = match stage {
            Stage::SelectingApplication => Operation::SelectApplication,
            Stage::SelectingFile => Operation::SelectFile,
            Stage::Writing(_) => Operation::WriteFile,
        };
        let (_, established) = link.succeed(operation, card_response)?;
        let (stage, command) = match stage {
            Stage::SelectingApplication => {
                let missing = TerminalFault::CardRefused { operation, status: StatusWord::FILE_NOT_FOUND };
                let id = file.id(established.profile()).ok_or(missing)?;
                (Stage::SelectingFile, commands::select_file(id))
            }
            Stage::SelectingFile | Stage::Writing(_) => {
                let written = if let Stage::Writing(written) = stage { written } else { 0 };
                let rest = contents.get(written..).unwrap_or_default();
                if rest.is_empty() {
                    return Ok(Next::Done(established));
                }
                let block = rest.get(..usize::from(READ_BLOCK_SIZE)).unwrap_or(rest);
                let offset = u16::try_from(written).unwrap_or(u16::MAX);
                (Stage::Writing(written.saturating_add(block.len())), commands::update_binary(offset, block)?)
            }
        };
        let (link, command) = established.send(&command)?;
        Ok(Next::Command(Self { link, file, contents, stage }, command))
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        self.link.keep(record);
        self.file.keep(record);
        record.sized(&self.contents);
        match self.stage {
            Stage::SelectingApplication => record.octet(0),
            Stage::SelectingFile => record.octet(1),
            Stage::Writing(written) => {
                record.octet(2);
                record.count(written);
            }
        }
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        let link = Held::<Awaiting>::restore(record)?;
        let file = TerminalFile::restore(record)?;
        let contents = Zeroizing::new(record.sized()?.to_vec());
        let stage = match record.octet()? {
            0 => Stage::SelectingApplication,
            1 => Stage::SelectingFile,
            2 => Stage::Writing(record.count()?),
            _ => return Err(RecordFault),
        };
        let fits = contents.len() <= MAX_FILE_SIZE && !matches!(stage, Stage::Writing(end) if end > contents.len());
        if fits { Ok(Self { link, file, contents, stage }) } else { Err(RecordFault) }
    }
}
