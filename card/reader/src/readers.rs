//! Readers, the cards in them, and what happens to both.

use std::ffi::{CStr, CString};
use std::fmt;
use std::sync::mpsc;

use crate::connection::CardConnection;
use crate::error::ReaderError;

/// All readers of this machine.
pub trait CardReaders: Send + Sync {
    /// The readers that are connected now, in the service's order, and what is in them.
    ///
    /// # Errors
    /// [`ReaderError::NoService`]. An empty list is no error.
    fn list(&self) -> Result<Vec<ReaderState>, ReaderError>;

    /// What happens from now on. The first events describe what is there already, as if it had just come, so that
    /// nothing falls between a list and a subscription. Events of one reader come in the order in which they happened.
    /// A receiver that was dropped is forgotten.
    fn subscribe(&self) -> mpsc::Receiver<ReaderEvent>;

    /// Connects to the card of that `insertion` in that `reader`.
    ///
    /// # Errors
    /// [`ReaderError::CardRemoved`] if that card has left the reader since, even if a card is in it again;
    /// [`ReaderError::CardBusy`] if another program holds the card and does not release it in time; any other cause.
    fn connect(&self, reader: &ReaderName, insertion: Insertion) -> Result<Box<dyn CardConnection>, ReaderError>;
}

/// Something happened to the service, a reader or a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderEvent {
    /// The PC/SC service answers. Readers follow.
    ServiceUp,
    /// The PC/SC service does not answer. Its readers and cards are gone with it, without events of their own.
    ServiceDown,
    /// A reader was connected. If a card is in it, [`ReaderEvent::CardInserted`] follows.
    ReaderAppeared(ReaderName),
    /// A reader was disconnected, and the card in it with it.
    ReaderVanished(ReaderName),
    /// A card was inserted. Never [`CardPresence::Absent`].
    CardInserted {
        /// Where.
        reader: ReaderName,
        /// What is known of the card.
        presence: CardPresence,
    },
    /// The same card is present in another way: mute no more, or held exclusively by another program, or given back.
    CardChanged {
        /// Where.
        reader: ReaderName,
        /// What is known of the card now.
        presence: CardPresence,
    },
    /// A card was removed.
    CardRemoved {
        /// Where.
        reader: ReaderName,
        /// Which insertion ended.
        insertion: Insertion,
    },
}

/// One reader and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderState {
    /// The reader.
    pub name: ReaderName,
    /// What is in it.
    pub presence: CardPresence,
}

/// What is in a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardPresence {
    /// Nothing.
    Absent,
    /// A card that can be connected to.
    Present {
        /// Which insertion this is.
        insertion: Insertion,
        /// How the card answered to its reset.
        atr: Atr,
    },
    /// A card that another program holds for itself alone. That it was taken is not always told at once: until then
    /// connecting fails with [`ReaderError::CardBusy`].
    InUseExclusively {
        /// Which insertion this is.
        insertion: Insertion,
        /// How the card answered to its reset.
        atr: Atr,
    },
    /// A card that does not answer to a reset: wrong way round, dirty, broken, or no smart card at all.
    Mute {
        /// Which insertion this is.
        insertion: Insertion,
    },
}

impl CardPresence {
    /// Which insertion this is; `None` without a card.
    #[must_use]
    pub const fn insertion(&self) -> Option<Insertion> {
        match self {
            Self::Absent => None,
            Self::Present { insertion, .. } | Self::InUseExclusively { insertion, .. } | Self::Mute { insertion } => {
                Some(*insertion)
            }
        }
    }
}

/// One insertion of a card. It changes whenever a card is inserted, a reader appears or the service starts, and never
/// comes back while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Insertion(u64);

impl Insertion {
    /// The insertion of that number. For implementations of [`CardReaders`], which number their insertions.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A reader's name: 1 to 127 octets without NUL, as the service gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderName(CString);

/// Why a text is no reader's name: empty, longer than 127 octets, or with a NUL in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reader's name has 1 to {MAX_READER_NAME} octets and no NUL")]
pub struct InvalidReaderName;

impl ReaderName {
    /// The name that a person typed or a list showed.
    ///
    /// # Errors
    /// [`InvalidReaderName`].
    pub fn parse(text: &str) -> Result<Self, InvalidReaderName> {
        Self::from_service(&CString::new(text).map_err(|_| InvalidReaderName)?)
    }

    /// The name as the service gave it. It need not be UTF-8.
    ///
    /// # Errors
    /// [`InvalidReaderName`].
    pub fn from_service(name: &CStr) -> Result<Self, InvalidReaderName> {
        if name.is_empty() || name.count_bytes() > MAX_READER_NAME {
            return Err(InvalidReaderName);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as the service wants it.
    #[must_use]
    pub fn as_c_str(&self) -> &CStr {
        &self.0
    }
}

/// For people: what is not UTF-8 or would steer a terminal is shown as U+FFFD.
impl fmt::Display for ReaderName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self
            .0
            .to_string_lossy()
            .chars()
            .map(|character| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character })
            .collect();
        formatter.pad(&shown)
    }
}

/// How a card answered to its reset: at most 33 octets (ISO/IEC 7816-3:2006, clause 8.2.1: TS and 32 more).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Atr {
    octets: [u8; MAX_ATR],
    length: usize,
}

impl Atr {
    /// The answer of these octets; `None` if there are more than 33.
    #[must_use]
    pub fn new(octets: &[u8]) -> Option<Self> {
        let mut held = [0; MAX_ATR];
        held.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(Self { octets: held, length: octets.len() })
    }

    /// The octets, TS first.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }
}

impl fmt::Display for Atr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.octets().iter().enumerate().try_for_each(|(index, octet)| {
            let gap = if index == 0 { "" } else { " " };
            write!(formatter, "{gap}{octet:02X}")
        })
    }
}

impl fmt::Debug for Atr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Atr({self})")
    }
}

/// Longest name of a reader in octets: the PC/SC service's 128 with the closing NUL.
const MAX_READER_NAME: usize = 127;
/// Longest answer to reset, in octets.
const MAX_ATR: usize = 33;
