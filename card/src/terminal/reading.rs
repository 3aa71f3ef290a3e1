//! Having attributes compared and reading files (sequence H).

use std::fmt;
use std::mem;

use zeroize::Zeroizing;

use crate::apdu::StatusWord;
use crate::bauth::AuxiliaryAttribute;
use crate::key::KeyId;
use crate::profile::{FileId, Profile};
use crate::rights::DataGroup;
use crate::terminal::established::{Awaiting, Established, Held, Idle, Unproven};
use crate::terminal::inquiry::{Application, Inquiry};
use crate::terminal::record::{RecordFault, RecordReader, RecordWriter};
use crate::terminal::{Next, TerminalFault};

/// A file of a card that a terminal may read or write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TerminalFile {
    /// A data group of eID.
    DataGroup(DataGroup),
    /// The certificate of the terminal-mode key of level 128, in eSign.
    Certificate,
    /// The hash of that key.
    KeyHash,
    /// The name object, in eSign.
    Name,
}

impl TerminalFile {
    pub(super) const fn application(self) -> Application {
        match self {
            Self::DataGroup(_) => Application::Eid,
            Self::Certificate | Self::KeyHash | Self::Name => Application::Esign,
        }
    }

    /// Where it is on cards of this profile, if they have it.
    pub(super) fn id(self, profile: &Profile) -> Option<FileId> {
        match self {
            Self::DataGroup(group) => profile.group_file(group),
            Self::Certificate => Some(KeyId::TERMINAL_128.certificate_file(profile)),
            Self::KeyHash => Some(KeyId::TERMINAL_128.key_hash_file(profile)),
            Self::Name => Some(profile.name_file),
        }
    }

    /// Data groups by their number, which begins with 1, and behind them the files of eSign.
    pub(super) fn keep(self, record: &mut RecordWriter) {
        record.octet(match self {
            Self::DataGroup(group) => group.number(),
            Self::Certificate => 0x80,
            Self::KeyHash => 0x81,
            Self::Name => 0x82,
        });
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        match record.octet()? {
            0x80 => Ok(Self::Certificate),
            0x81 => Ok(Self::KeyHash),
            0x82 => Ok(Self::Name),
            number => DataGroup::new(number).map(Self::DataGroup).ok_or(RecordFault),
        }
    }
}

/// What a card has told of a file: its contents, or the status with which it refused them.
pub type FileContents = Result<Zeroizing<Vec<u8>>, StatusWord>;

/// What a card has told.
#[derive(Default, PartialEq, Eq)]
pub struct Findings {
    /// The attributes that were compared, in their order, and whether they hold. If the document is not valid, it is
    /// the only one, and no file was read.
    pub attributes: Vec<(AuxiliaryAttribute, bool)>,
    /// The files in the order in which they were wanted: the DER object at the beginning, nothing of an empty file, or
    /// the status with which the card refused it.
    pub files: Vec<(TerminalFile, FileContents)>,
}

/// A terminal that reads from a card that has proved itself.
pub struct Reading {
    link: Held<Awaiting>,
    inquiry: Inquiry,
}

/// A terminal that has attributes compared by a card of which nothing else is known.
pub struct Verifying {
    link: Awaiting,
    inquiry: Inquiry,
}

impl Established {
    /// Has the attributes compared about which the card was asked, if they were not yet, then reads files. A file that
    /// the card refuses does not end this.
    ///
    /// # Errors
    /// [`TerminalFault`] if no command can be made of it, which does not happen.
    pub fn read(mut self, files: &[TerminalFile]) -> Result<Next<Reading, (Findings, Self)>, TerminalFault> {
        let inquiry = Inquiry::new(self.take_due(), files);
        self.pursue(inquiry)
    }

    fn pursue(self, mut inquiry: Inquiry) -> Result<Next<Reading, (Findings, Self)>, TerminalFault> {
        match inquiry.next(self.profile())? {
            None => Ok(Next::Done((inquiry.findings, self))),
            Some(command) => {
                let (link, command) = self.send(&command)?;
                Ok(Next::Command(Reading { link, inquiry }, command))
            }
        }
    }
}

impl Unproven {
    /// Has the attributes compared about which the card was asked.
    ///
    /// # Errors
    /// [`TerminalFault`] if no command can be made of it, which does not happen.
    pub fn verify(self) -> Result<Next<Verifying, (Findings, Self)>, TerminalFault> {
        let mut link = self.into_idle();
        let inquiry = Inquiry::new(mem::take(&mut link.due), &[]);
        verify_on(link, inquiry)
    }
}

fn verify_on(link: Idle, mut inquiry: Inquiry) -> Result<Next<Verifying, (Findings, Unproven)>, TerminalFault> {
    match inquiry.next(link.profile)? {
        None => Ok(Next::Done((inquiry.findings, Unproven::new(link)))),
        Some(command) => {
            let (link, command) = link.send(&command)?;
            Ok(Next::Command(Verifying { link, inquiry }, command))
        }
    }
}

impl Reading {
    /// Takes the card's answer.
    ///
    /// # Errors
    /// [`TerminalFault`]; the session is over then.
    pub fn receive(mut self, card_response: &[u8]) -> Result<Next<Self, (Findings, Established)>, TerminalFault> {
        let (response, established) = self.link.receive(card_response)?;
        self.inquiry.take(&response)?;
        established.pursue(self.inquiry)
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        self.link.keep(record);
        self.inquiry.keep(record);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        Ok(Self { link: Held::<Awaiting>::restore(record)?, inquiry: Inquiry::restore(record)? })
    }
}

impl Verifying {
    /// Takes the card's answer.
    ///
    /// # Errors
    /// [`TerminalFault`]; the session is over then.
    pub fn receive(mut self, card_response: &[u8]) -> Result<Next<Self, (Findings, Unproven)>, TerminalFault> {
        let (response, link) = self.link.receive(card_response)?;
        self.inquiry.take(&response)?;
        verify_on(link, self.inquiry)
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        self.link.keep(record);
        self.inquiry.keep(record);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        let (link, inquiry) = (Awaiting::restore(record)?, Inquiry::restore(record)?);
        if inquiry.wants_no_file() { Ok(Self { link, inquiry }) } else { Err(RecordFault) }
    }
}

impl Findings {
    pub(super) fn keep(&self, record: &mut RecordWriter) {
        record.count(self.attributes.len());
        for (attribute, holds) in &self.attributes {
            record.octet(attribute.number());
            record.flag(*holds);
        }
        record.count(self.files.len());
        for (file, contents) in &self.files {
            file.keep(record);
            record.flag(contents.is_ok());
            match contents {
                Ok(contents) => record.sized(contents),
                Err(status) => record.status(*status),
            }
        }
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        let attributes = record.several(|record| Ok((record.attribute()?, record.flag()?)))?;
        let files = record.several(|record| {
            let file = TerminalFile::restore(record)?;
            let contents =
                if record.flag()? { Ok(Zeroizing::new(record.sized()?.to_vec())) } else { Err(record.status()?) };
            Ok((file, contents))
        })?;
        Ok(Self { attributes, files })
    }
}

impl fmt::Debug for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} attributes and {} files hidden", self.attributes.len(), self.files.len())
    }
}
