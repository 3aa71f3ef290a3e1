//! Octets within messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_reader::ReaderName;
use serde::{Deserialize, Serialize};

use super::frame::WireFault;

/// Octets, written in padded base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Octets(String);

impl Octets {
    pub(super) fn of(octets: &[u8]) -> Self {
        Self(STANDARD.encode(octets))
    }

    /// At most `limit` octets; `part` names what they should be.
    pub(super) fn read(&self, limit: usize, part: &'static str) -> Result<Vec<u8>, WireFault> {
        let octets = STANDARD.decode(&self.0).map_err(|_| WireFault::Part(part))?;
        if octets.len() <= limit { Ok(octets) } else { Err(WireFault::Part(part)) }
    }
}

/// A reader's name, which need not be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WireReader(Octets);

impl WireReader {
    pub(super) fn of(name: &ReaderName) -> Self {
        Self(Octets::of(name.as_c_str().to_bytes()))
    }

    pub(super) fn read(&self) -> Result<ReaderName, WireFault> {
        let part = "reader's name";
        let octets = self.0.read(MAX_NAME, part)?;
        let name = std::ffi::CString::new(octets).map_err(|_| WireFault::Part(part))?;
        ReaderName::from_service(&name).map_err(|_| WireFault::Part(part))
    }

    pub(super) fn of_all(names: &[ReaderName]) -> Vec<Self> {
        names.iter().map(Self::of).collect()
    }

    pub(super) fn read_all(names: &[Self]) -> Result<Vec<ReaderName>, WireFault> {
        names.iter().map(Self::read).collect()
    }
}

/// More than any reader's name has; the name itself is judged by its type.
const MAX_NAME: usize = 256;
