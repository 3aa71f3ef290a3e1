//! Secure messaging between a card and a client program or terminal: STB 34.101.79, clause on protected APDUs, as
//! corrected by the errata of 2020.
//!
//! The two sides are written apart and meet only through octets. They share the equations of the standard: how keys
//! come from K0, how the counter becomes an initial value, and what the MAC covers. Either side is a value that is
//! consumed by each step, so a command cannot be protected twice, and a failed check leaves no key behind.

mod card;
mod client;

pub use card::{AnswerDue, CardSecureMessaging, CipherStart, CommandFault};
pub use client::{AwaitedResponse, ClientSecureMessaging, ResponseFault};

use latchkey_crypto::belt;
use latchkey_crypto::secret::{BeltKey, SecretOctets};
use zeroize::Zeroizing;

use crate::apdu::Response;
use crate::profile::Edition;
use crate::tlv::{Cursor, Tag};

/// Octets of what one end of a channel has to keep between two messages.
pub const CHANNEL_RECORD_SIZE: usize = 1 + 32 + 32 + 16;

/// Encrypted data, after the octet [`NO_PADDING`].
pub(crate) const TAG_DATA: Tag = Tag::new(0x87);
/// The Le octets of the plain command.
const TAG_EXPECTED: Tag = Tag::new(0x97);
/// The MAC.
pub(crate) const TAG_MAC: Tag = Tag::new(0x8E);
/// First octet of a `87` value: the data are not padded.
const NO_PADDING: u8 = 0x02;

type InitialValue = [u8; belt::BLOCK_SIZE];

/// What both ends of a channel hold: two keys and how many messages passed.
struct Channel {
    mac_key: BeltKey,
    encryption_key: BeltKey,
    mac_edition: Edition,
    counter: u128,
}

impl Channel {
    /// K1 = belt-keyrep(K0, 0, ⟨1⟩) for the MAC, K2 = belt-keyrep(K0, 0, ⟨2⟩) for encryption; the counter is zero.
    fn new(session_key: &BeltKey, mac_edition: Edition) -> Self {
        let key = |number: u128| belt::keyrep(session_key, &[0; 12], &number.to_le_bytes());
        Self { mac_key: key(1), encryption_key: key(2), mac_edition, counter: 0 }
    }

    /// Counts the next message and gives its initial value: odd for commands, even for responses, little-endian.
    const fn next_initial_value(&mut self) -> InitialValue {
        self.counter = self.counter.wrapping_add(1);
        self.counter.to_le_bytes()
    }

    /// What the MAC covers: the initial value, unless by the uncorrected print of 2019, then `parts`.
    fn covered<'a>(&self, initial_value: &'a InitialValue, parts: [&'a [u8]; 2]) -> Vec<&'a [u8]> {
        match self.mac_edition {
            Edition::Print2019 => parts.to_vec(),
            Edition::Errata2020 => [&[initial_value.as_slice()], parts.as_slice()].concat(),
        }
    }

    /// The edition, both keys and the counter.
    fn to_secret_octets(&self) -> SecretOctets<CHANNEL_RECORD_SIZE> {
        let edition = match self.mac_edition {
            Edition::Print2019 => 0,
            Edition::Errata2020 => 1,
        };
        let mut record = Zeroizing::new([0; CHANNEL_RECORD_SIZE]);
        let counter = self.counter.to_be_bytes();
        let fields = [edition].into_iter().chain(*self.mac_key.expose()).chain(*self.encryption_key.expose());
        for (to, from) in record.iter_mut().zip(fields.chain(counter)) {
            *to = from;
        }
        SecretOctets::new(*record)
    }

    fn from_secret_octets(record: &SecretOctets<CHANNEL_RECORD_SIZE>) -> Option<Self> {
        let mut cursor = Cursor::new(record.expose());
        let mac_edition = match cursor.octet().ok()? {
            0 => Edition::Print2019,
            1 => Edition::Errata2020,
            _ => return None,
        };
        let mac_key = BeltKey::new(cursor.array().ok()?);
        let encryption_key = BeltKey::new(cursor.array().ok()?);
        let counter = u128::from_be_bytes(cursor.array().ok()?);
        Some(Self { mac_key, encryption_key, mac_edition, counter })
    }

    fn mac(&self, initial_value: &InitialValue, parts: [&[u8]; 2]) -> [u8; belt::MAC_SIZE] {
        belt::mac(&self.mac_key, &self.covered(initial_value, parts))
    }

    fn mac_is(&self, initial_value: &InitialValue, parts: [&[u8]; 2], received: &[u8]) -> bool {
        belt::mac_is(&self.mac_key, &self.covered(initial_value, parts), received)
    }
}

/// Whether a response carries secure messaging objects. One that carries none closes its channel, and anybody on the
/// way could have written it.
pub(crate) fn is_protected(response: &Response) -> bool {
    matches!(Cursor::new(response.data()).tag(), Ok(TAG_DATA | TAG_MAC))
}
