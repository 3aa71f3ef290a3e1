//! Steps as octets. They hold keys and people's data: [`RecordWriter`] wipes every copy that it makes.

use std::fmt;

use zeroize::Zeroizing;

use crate::apdu::StatusWord;
use crate::bauth::{AuxiliaryAttribute, Mode};
use crate::profile::{Edition, Profile};
use crate::tlv::Cursor;

/// The octets are no step that was kept by this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no step of a terminal's session")]
pub struct RecordFault;

/// Writes a record. Numbers stand with their most significant octet first; what has no fixed length stands behind the
/// four octets of its length.
pub(super) struct RecordWriter(Zeroizing<Vec<u8>>);

impl RecordWriter {
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(1024)))
    }

    pub(super) fn octets(&mut self, octets: &[u8]) {
        let needed = self.0.len().saturating_add(octets.len());
        if needed > self.0.capacity() {
            // A vector that grows by itself would leave its old octets behind.
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.saturating_mul(2)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(octets);
    }

    pub(super) fn octet(&mut self, octet: u8) {
        self.octets(&[octet]);
    }

    pub(super) fn count(&mut self, count: usize) {
        // Nothing that is kept has so many octets or parts that this would cut the number.
        self.octets(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
    }

    pub(super) fn sized(&mut self, octets: &[u8]) {
        self.count(octets.len());
        self.octets(octets);
    }

    pub(super) fn status(&mut self, status: StatusWord) {
        self.octets(&status.value().to_be_bytes());
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.octet(flag.into());
    }

    pub(super) fn mode(&mut self, mode: Mode) {
        self.flag(mode == Mode::Bilateral);
    }

    pub(super) fn edition(&mut self, edition: Edition) {
        self.flag(edition == Edition::Errata2020);
    }

    pub(super) fn profile(&mut self, profile: &Profile) {
        self.sized(profile.name.as_bytes());
    }

    pub(super) fn attributes(&mut self, attributes: &[AuxiliaryAttribute]) {
        self.count(attributes.len());
        for attribute in attributes {
            self.octet(attribute.number());
        }
    }

    pub(super) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// Reads a record.
pub(super) struct RecordReader<'a>(Cursor<'a>);

impl<'a> RecordReader<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self(Cursor::new(octets))
    }

    pub(super) fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], RecordFault> {
        self.0.array().map_err(|_| RecordFault)
    }

    pub(super) fn octet(&mut self) -> Result<u8, RecordFault> {
        self.array::<1>().map(|[octet]| octet)
    }

    pub(super) fn count(&mut self) -> Result<usize, RecordFault> {
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| RecordFault)
    }

    pub(super) fn sized(&mut self) -> Result<&'a [u8], RecordFault> {
        let size = self.count()?;
        self.0.take(size).map_err(|_| RecordFault)
    }

    /// As many parts as their number says. Each has one octet at least, so that no number makes this take memory that
    /// was not paid for.
    pub(super) fn several<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, RecordFault>,
    ) -> Result<Vec<T>, RecordFault> {
        let count = self.count()?;
        if count > self.0.rest().len() {
            return Err(RecordFault);
        }
        (0..count).map(|_| read(self)).collect()
    }

    pub(super) fn status(&mut self) -> Result<StatusWord, RecordFault> {
        Ok(StatusWord::new(u16::from_be_bytes(self.array()?)))
    }

    pub(super) fn flag(&mut self) -> Result<bool, RecordFault> {
        match self.octet()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(RecordFault),
        }
    }

    pub(super) fn mode(&mut self) -> Result<Mode, RecordFault> {
        Ok(if self.flag()? { Mode::Bilateral } else { Mode::Unilateral })
    }

    pub(super) fn edition(&mut self) -> Result<Edition, RecordFault> {
        Ok(if self.flag()? { Edition::Errata2020 } else { Edition::Print2019 })
    }

    pub(super) fn profile(&mut self) -> Result<&'static Profile, RecordFault> {
        let name = self.sized()?;
        Profile::KNOWN.iter().find(|profile| profile.name.as_bytes() == name).ok_or(RecordFault)
    }

    pub(super) fn attribute(&mut self) -> Result<AuxiliaryAttribute, RecordFault> {
        let number = self.octet()?;
        AuxiliaryAttribute::ALL.into_iter().find(|attribute| attribute.number() == number).ok_or(RecordFault)
    }

    pub(super) fn attributes(&mut self) -> Result<Vec<AuxiliaryAttribute>, RecordFault> {
        self.several(Self::attribute)
    }

    pub(super) fn finish(self) -> Result<(), RecordFault> {
        self.0.finish().map_err(|_| RecordFault)
    }
}

impl fmt::Debug for RecordWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecordWriter(hidden)")
    }
}
