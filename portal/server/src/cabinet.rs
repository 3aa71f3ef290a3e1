//! Cabinets: what the service keeps of a person between sign-ins.
//!
//! Everybody has one. It is dormant until the first sign-in with the assurance `high` opens it, and nothing else does. One
//! that was blocked stays so for ever: its sessions have ended and nobody signs in to it.
//!
//! The database knows a cabinet by its name, a keyed hash of the person's number under a key outside of the database, and
//! by an id that was drawn and says nothing. Names change with the keys; whatever else belongs to a cabinet is kept under
//! its id.

mod browser;

use std::fmt;

use rand_core::CryptoRng;
use time::OffsetDateTime;

pub use browser::{BrowserFamily, UnknownBrowserFamily};

use crate::keys::NamedUnder;

/// Octets of a [`CabinetId`]: 128 bits.
pub const CABINET_ID_SIZE: usize = 16;
/// Octets of a [`CabinetName`]: a value of hmac-hbelt.
pub const CABINET_NAME_SIZE: usize = 32;

/// Says which cabinet: 128 random bits, drawn when the service first hears of the person, the same for ever.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CabinetId([u8; CABINET_ID_SIZE]);

/// What a cabinet is found by: a keyed hash of the person's number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CabinetName([u8; CABINET_NAME_SIZE]);

/// How a cabinet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CabinetState {
    /// No sign-in with the assurance `high` yet.
    Dormant,
    /// Open since then.
    Open {
        /// When the first such sign-in was.
        since: OffsetDateTime,
    },
    /// Blocked for ever.
    Blocked {
        /// When it was blocked.
        since: OffsetDateTime,
    },
}

/// Somebody at a cabinet's door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knock {
    /// What the cabinet is found by.
    pub named: NamedUnder,
    /// The id that it gets if there is none.
    pub id: CabinetId,
}

/// A sign-in that a cabinet's door let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entered {
    /// The cabinet, where there are any.
    pub cabinet: Option<CabinetId>,
    /// Whether it was this sign-in that opened it.
    pub opened: bool,
}

/// Why a cabinet's door lets nobody through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    /// The cabinet is blocked for ever.
    #[error("the cabinet is blocked")]
    Blocked,
    /// Another process already names cabinets with a newer key, which this one has not read.
    #[error("cabinets are named with a newer key than this process has")]
    KeyOutdated,
}

impl CabinetId {
    /// Draws an id.
    #[must_use]
    pub fn draw(random: &mut dyn CryptoRng) -> Self {
        let mut octets = [0; CABINET_ID_SIZE];
        random.fill_bytes(&mut octets);
        Self(octets)
    }

    /// The octets that the database stores.
    #[must_use]
    pub const fn octets(&self) -> &[u8; CABINET_ID_SIZE] {
        &self.0
    }
}

impl From<[u8; CABINET_ID_SIZE]> for CabinetId {
    fn from(octets: [u8; CABINET_ID_SIZE]) -> Self {
        Self(octets)
    }
}

/// Its first four octets: enough to tell lines of a log apart, too few to be taken for a key of anything.
impl fmt::Debug for CabinetId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// As [`fmt::Debug`].
impl fmt::Display for CabinetId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        formatter.write_str(&hex::encode([a, b, c, d]))
    }
}

impl CabinetName {
    /// The octets that the database stores.
    #[must_use]
    pub const fn octets(&self) -> &[u8; CABINET_NAME_SIZE] {
        &self.0
    }
}

impl From<[u8; CABINET_NAME_SIZE]> for CabinetName {
    fn from(octets: [u8; CABINET_NAME_SIZE]) -> Self {
        Self(octets)
    }
}

/// Who has the key could try numbers against it.
impl fmt::Debug for CabinetName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CabinetName(hidden)")
    }
}
