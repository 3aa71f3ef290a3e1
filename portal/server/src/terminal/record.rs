//! What a session's record has inside.

use latchkey_card::tlv::{Cursor, TlvError};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::machine::Machine;

/// Where a session stands.
pub(super) struct Record {
    /// When it began, in whole milliseconds.
    pub(super) begun_at: OffsetDateTime,
    /// How far it is.
    pub(super) machine: Machine,
}

/// Records of other editions are not read.
const EDITION: u8 = 3;

impl Record {
    pub(super) fn to_secret_octets(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = SecretWriter::new();
        writer.octet(EDITION);
        writer.time(self.begun_at);
        self.machine.write(&mut writer);
        writer.finish()
    }

    pub(super) fn from_secret_octets(octets: &[u8]) -> Option<Self> {
        let mut reader = SecretReader(Cursor::new(octets));
        if reader.octet()? != EDITION {
            return None;
        }
        let begun_at = reader.time()?;
        let machine = Machine::read(&mut reader)?;
        reader.0.finish().ok()?;
        Some(Self { begun_at, machine })
    }
}

/// Writes fields one after the other; what grows is copied and the copy wiped.
pub(super) struct SecretWriter(Zeroizing<Vec<u8>>);

impl SecretWriter {
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(1024)))
    }

    pub(super) fn octet(&mut self, octet: u8) {
        self.extend(&[octet]);
    }

    pub(super) fn time(&mut self, time: OffsetDateTime) {
        self.extend(&time.unix_timestamp_nanos().to_be_bytes());
    }

    /// A field of any length.
    pub(super) fn field(&mut self, octets: &[u8]) {
        self.extend(&u32::try_from(octets.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.extend(octets);
    }

    pub(super) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    fn extend(&mut self, octets: &[u8]) {
        let needed = self.0.len().saturating_add(octets.len());
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.saturating_mul(2)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(octets);
    }
}

/// Reads what a [`SecretWriter`] wrote.
pub(super) struct SecretReader<'a>(Cursor<'a>);

impl<'a> SecretReader<'a> {
    pub(super) fn octet(&mut self) -> Option<u8> {
        self.0.octet().ok()
    }

    pub(super) fn time(&mut self) -> Option<OffsetDateTime> {
        let nanoseconds: Result<[u8; 16], TlvError> = self.0.array();
        OffsetDateTime::from_unix_timestamp_nanos(i128::from_be_bytes(nanoseconds.ok()?)).ok()
    }

    pub(super) fn field(&mut self) -> Option<&'a [u8]> {
        let size = u32::from_be_bytes(self.0.array().ok()?);
        self.0.take(usize::try_from(size).ok()?).ok()
    }
}
