//! What a terminal asks a card, one question after another: attributes first, then files.

use std::collections::VecDeque;
use std::mem;

use crate::apdu::{ApduError, Command, Response, StatusWord};
use crate::bauth::AuxiliaryAttribute;
use crate::commands;
use crate::dialogue::{MAX_GROUP_SIZE, Operation};
use crate::file_reading::{FileReader, Taken};
use crate::profile::{ApplicationId, Profile};
use crate::terminal::TerminalFault;
use crate::terminal::reading::{FileContents, Findings, TerminalFile};
use crate::terminal::record::{RecordFault, RecordReader, RecordWriter};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Application {
    Eid,
    Esign,
}

impl Application {
    pub(super) const fn id(self, profile: &Profile) -> ApplicationId {
        match self {
            Self::Eid => profile.eid,
            Self::Esign => profile.esign,
        }
    }
}

/// 6282: a file ends within the object that it begins with (ISO/IEC 7816-4).
const END_OF_FILE: StatusWord = StatusWord::new(0x6282);

/// What is still to be asked, and what was answered.
pub(super) struct Inquiry {
    awaited: Awaited,
    due: VecDeque<AuxiliaryAttribute>,
    wanted: VecDeque<TerminalFile>,
    selected: Option<Application>,
    pub(super) findings: Findings,
}

/// What the last command asked for.
enum Awaited {
    Nothing,
    Application(Application),
    /// The first attribute that is due.
    Attribute,
    /// The first file that is wanted.
    File,
    Block(FileReader),
}

impl Inquiry {
    pub(super) fn new(due: Vec<AuxiliaryAttribute>, files: &[TerminalFile]) -> Self {
        let wanted = files.iter().copied().collect();
        Self { awaited: Awaited::Nothing, due: due.into(), wanted, selected: None, findings: Findings::default() }
    }

    pub(super) fn wants_no_file(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The next command; none if nothing is left to ask.
    pub(super) fn next(&mut self, profile: &Profile) -> Result<Option<Command>, ApduError> {
        if let Awaited::Block(reader) = &self.awaited {
            return Ok(Some(reader.command()));
        }
        while self.wanted.front().is_some_and(|file| file.id(profile).is_none()) {
            self.found(Err(StatusWord::FILE_NOT_FOUND));
        }
        let (application, awaited, command) = match (self.due.front(), self.wanted.front()) {
            (Some(attribute), _) => (Application::Eid, Awaited::Attribute, commands::verify_attribute(*attribute)?),
            (None, Some(file)) => {
                let Some(id) = file.id(profile) else { return Ok(None) };
                (file.application(), Awaited::File, commands::select_file(id))
            }
            (None, None) => return Ok(None),
        };
        if self.selected == Some(application) {
            self.awaited = awaited;
            return Ok(Some(command));
        }
        self.awaited = Awaited::Application(application);
        commands::select_application(application.id(profile)).map(Some)
    }

    /// Takes the answer to the last command.
    pub(super) fn take(&mut self, answer: &Response) -> Result<(), TerminalFault> {
        match mem::replace(&mut self.awaited, Awaited::Nothing) {
            Awaited::Nothing => {}
            Awaited::Application(application) => self.take_application(application, answer.status())?,
            Awaited::Attribute => self.take_attribute(answer.status())?,
            Awaited::File if answer.status().is_success() => {
                self.awaited = Awaited::Block(FileReader::new(MAX_GROUP_SIZE))
            }
            Awaited::File => self.found(Err(answer.status())),
            Awaited::Block(mut reader) => match reader.take(answer)? {
                Taken::Part => self.awaited = Awaited::Block(reader),
                Taken::Whole => self.found(Ok(reader.into_contents())),
                Taken::Refused(status) => self.found(Err(status)),
                Taken::CutShort => self.found(Err(END_OF_FILE)),
            },
        }
        Ok(())
    }

    /// An application that the card refuses has no files. Attributes can be compared in eID only.
    fn take_application(&mut self, application: Application, status: StatusWord) -> Result<(), TerminalFault> {
        if status.is_success() {
            self.selected = Some(application);
        } else if self.due.is_empty() {
            while self.wanted.front().is_some_and(|file| file.application() == application) {
                self.found(Err(status));
            }
        } else {
            return Err(TerminalFault::CardRefused { operation: Operation::SelectApplication, status });
        }
        Ok(())
    }

    fn take_attribute(&mut self, status: StatusWord) -> Result<(), TerminalFault> {
        let holds = match status {
            StatusWord::SUCCESS => true,
            StatusWord::ATTRIBUTE_FALSE => false,
            status => return Err(TerminalFault::CardRefused { operation: Operation::CompareAttribute, status }),
        };
        let Some(attribute) = self.due.pop_front() else { return Ok(()) };
        self.findings.attributes.push((attribute, holds));
        if attribute == AuxiliaryAttribute::DocumentValidity && !holds {
            self.due.clear();
            self.wanted.clear();
        }
        Ok(())
    }

    fn found(&mut self, contents: FileContents) {
        if let Some(file) = self.wanted.pop_front() {
            self.findings.files.push((file, contents));
        }
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        let kind = match &self.awaited {
            Awaited::Nothing => 0,
            Awaited::Application(Application::Eid) => 1,
            Awaited::Application(Application::Esign) => 2,
            Awaited::Attribute => 3,
            Awaited::File => 4,
            Awaited::Block(_) => 5,
        };
        record.octet(kind);
        if let Awaited::Block(reader) = &self.awaited {
            let (size, read) = reader.state();
            record.count(size.unwrap_or_default());
            record.sized(read);
        }
        record.count(self.due.len());
        self.due.iter().for_each(|attribute| record.octet(attribute.number()));
        record.count(self.wanted.len());
        self.wanted.iter().for_each(|file| file.keep(record));
        record.octet(self.selected.map_or(0, |application| 1 + application as u8));
        self.findings.keep(record);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        let awaited = match record.octet()? {
            0 => Awaited::Nothing,
            1 => Awaited::Application(Application::Eid),
            2 => Awaited::Application(Application::Esign),
            3 => Awaited::Attribute,
            4 => Awaited::File,
            5 => Awaited::Block(resumed(record)?),
            _ => return Err(RecordFault),
        };
        let due = record.attributes()?.into();
        let wanted = record.several(TerminalFile::restore)?.into();
        let selected = match record.octet()? {
            0 => None,
            1 => Some(Application::Eid),
            2 => Some(Application::Esign),
            _ => return Err(RecordFault),
        };
        Ok(Self { awaited, due, wanted, selected, findings: Findings::restore(record)? })
    }
}

fn resumed(record: &mut RecordReader<'_>) -> Result<FileReader, RecordFault> {
    let size = Some(record.count()?).filter(|size| *size > 0);
    FileReader::resume(size, record.sized()?, MAX_GROUP_SIZE).ok_or(RecordFault)
}
