//! The card's side: unprotects commands, protects responses.

use std::fmt;

use latchkey_crypto::belt;
use latchkey_crypto::secret::BeltKey;
use zeroize::Zeroizing;

use super::{Channel, InitialValue, NO_PADDING, TAG_DATA, TAG_EXPECTED, TAG_MAC};
use crate::apdu::{
    CLASS_PROTECTED, Command, Header, MAX_EXTENDED_EXPECTED, MAX_SHORT_DATA, MAX_SHORT_EXPECTED, Response, StatusWord,
};
use crate::profile::Edition;
use crate::tlv::{Cursor, TlvError, TlvErrorKind, Writer};

/// The card's end of a channel when a command is awaited.
pub struct CardSecureMessaging {
    channel: Channel,
    cipher: CipherStart,
}

/// The card's end of a channel when a command was unprotected and its response is due.
pub struct AnswerDue {
    channel: Channel,
    cipher: CipherStart,
}

/// With what a card begins to decrypt and to encrypt a message. Both texts of the standard have the counter, and no other
/// is known: clients and terminals have no choice. A virtual card has one, so that a test can show what comes of a card
/// that reads the standard otherwise. The MAC does not tell: it covers what was encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum CipherStart {
    /// The counter.
    #[default]
    Counter,
    /// Sixteen zeros for commands, the counter for answers.
    ZeroForCommands,
    /// The counter for commands, sixteen zeros for answers.
    ZeroForAnswers,
    /// Sixteen zeros.
    Zero,
}

impl CipherStart {
    const fn of_command(self, counter: InitialValue) -> InitialValue {
        match self {
            Self::Counter | Self::ZeroForAnswers => counter,
            Self::ZeroForCommands | Self::Zero => [0; belt::BLOCK_SIZE],
        }
    }

    const fn of_answer(self, counter: InitialValue) -> InitialValue {
        match self {
            Self::Counter | Self::ZeroForCommands => counter,
            Self::ZeroForAnswers | Self::Zero => [0; belt::BLOCK_SIZE],
        }
    }
}

/// Why a command closed the channel. The answer is the plain [`CommandFault::status`], since the keys are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandFault {
    /// The command is plain or has no MAC object: 6987.
    #[error("a secure messaging object is missing")]
    Missing,
    /// A length, an object, the order of objects, the form of Le or the MAC is wrong: 6988.
    #[error("a secure messaging object is incorrect")]
    Incorrect,
}

impl CommandFault {
    /// What the card answers, unprotected.
    #[must_use]
    pub const fn status(self) -> StatusWord {
        match self {
            Self::Missing => StatusWord::SECURE_MESSAGING_MISSING,
            Self::Incorrect => StatusWord::SECURE_MESSAGING_INCORRECT,
        }
    }
}

impl CardSecureMessaging {
    /// A new channel with the key that BPACE or BAUTH gave, its counter at zero.
    #[must_use]
    pub fn new(session_key: &BeltKey, mac_edition: Edition) -> Self {
        Self { channel: Channel::new(session_key, mac_edition), cipher: CipherStart::Counter }
    }

    /// The same channel on a card that begins otherwise.
    #[must_use]
    pub fn starting_with(self, cipher: CipherStart) -> Self {
        Self { cipher, ..self }
    }

    /// Checks and decrypts a command as it came over the wire. The MAC is checked before anything is decrypted.
    ///
    /// # Errors
    /// [`CommandFault`]; the channel is closed then.
    pub fn unprotect(self, octets: &[u8]) -> Result<(Command, AnswerDue), CommandFault> {
        let Self { mut channel, cipher } = self;
        let initial_value = channel.next_initial_value();
        let header = header(octets)?;
        let received = Command::parse(octets).map_err(|_| CommandFault::Incorrect)?;
        if received.data().is_empty() {
            return Err(CommandFault::Missing);
        }
        if received.le_octets() != [0] {
            return Err(CommandFault::Incorrect);
        }
        let objects = Objects::parse(received.data()).map_err(fault)?;
        if !channel.mac_is(&initial_value, [&header.octets(), objects.covered], &objects.mac) {
            return Err(CommandFault::Incorrect);
        }
        let mut data = Zeroizing::new(objects.encrypted.to_vec());
        belt::cfb_decrypt(&channel.encryption_key, &cipher.of_command(initial_value), &mut data);
        let plain = plain_command(header, &data, objects.expected).ok_or(CommandFault::Incorrect)?;
        Ok((plain, AnswerDue { channel, cipher }))
    }
}

impl AnswerDue {
    /// Protects the response to the command that was unprotected last: `[87 02 Y] [8E T] SW1 SW2`.
    #[must_use]
    pub fn protect(self, response: &Response) -> (Response, CardSecureMessaging) {
        let Self { mut channel, cipher } = self;
        let initial_value = channel.next_initial_value();
        let mut objects = Vec::new();
        if !response.data().is_empty() {
            let mut data = Zeroizing::new(response.data().to_vec());
            belt::cfb_encrypt(&channel.encryption_key, &cipher.of_answer(initial_value), &mut data);
            objects = Writer::new().object(TAG_DATA, &[&[NO_PADDING], &data]).finish();
        }
        let status = response.status().value().to_be_bytes();
        let mac = channel.mac(&initial_value, [&objects, &status]);
        let objects = Writer::new().octets(&objects).object(TAG_MAC, &[&mac]).finish();
        (Response::new(objects, response.status()), CardSecureMessaging { channel, cipher })
    }
}

/// The header of a command whose class says that it is protected.
fn header(octets: &[u8]) -> Result<Header, CommandFault> {
    match octets {
        [cla, ..] if cla & CLASS_PROTECTED == 0 => Err(CommandFault::Missing),
        [cla, ins, p1, p2, ..] => Ok(Header::new(*cla, *ins, *p1, *p2)),
        _ => Err(CommandFault::Incorrect),
    }
}

const fn fault(error: TlvError) -> CommandFault {
    match error.kind {
        TlvErrorKind::Missing(_) => CommandFault::Missing,
        _ => CommandFault::Incorrect,
    }
}

struct Objects<'a> {
    /// The objects before the MAC as received.
    covered: &'a [u8],
    encrypted: &'a [u8],
    /// The number of expected octets that the plain command states.
    expected: Option<u32>,
    mac: [u8; belt::MAC_SIZE],
}

impl<'a> Objects<'a> {
    /// Reads `[87 len 02 Y] [97 len Le] 8E 08 T`.
    fn parse(data: &'a [u8]) -> Result<Self, TlvError> {
        let mut cursor = Cursor::new(data);
        let encrypted = match cursor.optional(TAG_DATA)? {
            None => &[],
            Some(mut value) => match value.octet()? {
                NO_PADDING if !value.is_empty() => value.rest(),
                _ => return Err(value.error(TlvErrorKind::Value)),
            },
        };
        let expected = match cursor.optional(TAG_EXPECTED)? {
            None => None,
            Some(value) => {
                let count = expected(value.rest(), encrypted.len());
                Some(count.ok_or(value.error(TlvErrorKind::Value))?)
            }
        };
        let covered = data.get(..cursor.offset()).unwrap_or_default();
        let mac = cursor.expect(TAG_MAC)?.whole_array()?;
        cursor.finish()?;
        Ok(Self { covered, encrypted, expected, mac })
    }
}

/// The count that Le octets state, if their number is the one that the plain command would need.
fn expected(octets: &[u8], data_size: usize) -> Option<u32> {
    let two = |high: &u8, low: &u8| match u16::from_be_bytes([*high, *low]) {
        0 => MAX_EXTENDED_EXPECTED,
        count => u32::from(count),
    };
    match octets {
        [0] if data_size <= MAX_SHORT_DATA => Some(MAX_SHORT_EXPECTED),
        [count] if data_size <= MAX_SHORT_DATA => Some(u32::from(*count)),
        [high, low] if data_size > 0 => {
            let count = two(high, low);
            (data_size > MAX_SHORT_DATA || count > MAX_SHORT_EXPECTED).then_some(count)
        }
        [0, high, low] if data_size == 0 => Some(two(high, low)).filter(|count| *count > MAX_SHORT_EXPECTED),
        _ => None,
    }
}

fn plain_command(header: Header, data: &[u8], expected: Option<u32>) -> Option<Command> {
    let Header { cla, ins, p1, p2 } = header;
    let command = Command::new(Header::new(cla & !CLASS_PROTECTED, ins, p1, p2)).with_data(data).ok()?;
    match expected {
        Some(count) => command.expecting(count).ok(),
        None => Some(command),
    }
}

impl fmt::Debug for CardSecureMessaging {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CardSecureMessaging(hidden)")
    }
}

impl fmt::Debug for AnswerDue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AnswerDue(hidden)")
    }
}
