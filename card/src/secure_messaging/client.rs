//! The side of a client program or terminal: protects commands, unprotects responses.

use std::fmt;

use latchkey_crypto::belt;
use latchkey_crypto::secret::{BeltKey, SecretOctets};
use zeroize::Zeroizing;

use super::{CHANNEL_RECORD_SIZE, Channel, InitialValue, NO_PADDING, TAG_DATA, TAG_EXPECTED, TAG_MAC, is_protected};
use crate::apdu::{ApduError, CLASS_PROTECTED, Command, Header, LengthForm, Response, StatusWord};
use crate::profile::Edition;
use crate::tlv::{Cursor, TlvError, TlvErrorKind, Writer};

/// The client's or terminal's end of a channel when it is its turn to speak.
pub struct ClientSecureMessaging(Channel);

/// The client's or terminal's end of a channel when a command was protected and its response is awaited.
pub struct AwaitedResponse(Channel);

/// Why a response closed the channel. There is no way to resynchronise: the keys are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResponseFault {
    /// The response carries no secure messaging objects. Its status may be shown as the card's reason and must serve
    /// nothing else: anybody on the way could have written it.
    #[error("the card answered {0} outside the secure channel")]
    Unprotected(StatusWord),
    /// The objects are malformed or the MAC is not the card's.
    #[error("the card's protected answer is not authentic")]
    Incorrect,
}

impl ClientSecureMessaging {
    /// A new channel with the key that BPACE or BAUTH gave, its counter at zero.
    #[must_use]
    pub fn new(session_key: &BeltKey, mac_edition: Edition) -> Self {
        Self(Channel::new(session_key, mac_edition))
    }

    /// Protects a plain command: `CLA* INS P1 P2 Lc* [87 02 Y] [97 Le] [8E T] 00`. Le is carried in its shortest form,
    /// since a card refuses another.
    ///
    /// # Errors
    /// [`ApduError::WrongLength`] if the protected objects do not fit one command. The channel is lost.
    pub fn protect(self, command: &Command) -> Result<(Command, AwaitedResponse), ApduError> {
        let Self(mut channel) = self;
        let initial_value = channel.next_initial_value();
        let Header { cla, ins, p1, p2 } = command.header();
        let header = Header::new(cla | CLASS_PROTECTED, ins, p1, p2);
        let mut writer = Writer::new();
        if !command.data().is_empty() {
            let mut data = Zeroizing::new(command.data().to_vec());
            belt::cfb_encrypt(&channel.encryption_key, &initial_value, &mut data);
            writer = writer.object(TAG_DATA, &[&[NO_PADDING], &data]);
        }
        let le = command.le_octets_in(LengthForm::shortest(command.data().len(), command.expected()));
        if !le.is_empty() {
            writer = writer.object(TAG_EXPECTED, &[&le]);
        }
        let objects = writer.finish();
        let mac = channel.mac(&initial_value, [&header.octets(), &objects]);
        let objects = Writer::new().octets(&objects).object(TAG_MAC, &[&mac]).finish();
        Ok((Command::protected(header, &objects)?, AwaitedResponse(channel)))
    }

    /// What has to be kept until the next command, for a sealed record. Whoever speaks from it twice repeats a counter.
    #[must_use]
    pub fn to_secret_octets(&self) -> SecretOctets<CHANNEL_RECORD_SIZE> {
        self.0.to_secret_octets()
    }

    /// The end of a channel that was kept. `None` unless it was one whose turn it is to speak.
    #[must_use]
    pub fn from_secret_octets(record: &SecretOctets<CHANNEL_RECORD_SIZE>) -> Option<Self> {
        Channel::from_secret_octets(record).filter(|channel| channel.counter.is_multiple_of(2)).map(Self)
    }
}

impl AwaitedResponse {
    /// Checks and decrypts the response to the command that was protected last.
    ///
    /// # Errors
    /// [`ResponseFault`]; the channel is closed then.
    pub fn unprotect(self, response: &Response) -> Result<(Response, ClientSecureMessaging), ResponseFault> {
        let Self(mut channel) = self;
        let initial_value = channel.next_initial_value();
        if !is_protected(response) {
            return Err(ResponseFault::Unprotected(response.status()));
        }
        let plain = open(&channel, &initial_value, response).ok_or(ResponseFault::Incorrect)?;
        Ok((plain, ClientSecureMessaging(channel)))
    }

    /// What has to be kept until the response arrives, for a sealed record.
    #[must_use]
    pub fn to_secret_octets(&self) -> SecretOctets<CHANNEL_RECORD_SIZE> {
        self.0.to_secret_octets()
    }

    /// The end of a channel that was kept. `None` unless it was one that awaits a response.
    #[must_use]
    pub fn from_secret_octets(record: &SecretOctets<CHANNEL_RECORD_SIZE>) -> Option<Self> {
        Channel::from_secret_octets(record).filter(|channel| !channel.counter.is_multiple_of(2)).map(Self)
    }
}

/// The plain response, or nothing unless form and MAC are right.
fn open(channel: &Channel, initial_value: &InitialValue, response: &Response) -> Option<Response> {
    let objects = objects(response.data()).ok()?;
    let status = response.status().value().to_be_bytes();
    if !channel.mac_is(initial_value, [objects.covered, &status], &objects.mac) {
        return None;
    }
    let mut data = objects.encrypted.to_vec();
    belt::cfb_decrypt(&channel.encryption_key, initial_value, &mut data);
    Some(Response::new(data, response.status()))
}

struct Objects<'a> {
    /// The data object as received; empty if there is none.
    covered: &'a [u8],
    encrypted: &'a [u8],
    mac: [u8; belt::MAC_SIZE],
}

/// Reads `[87 len 02 Y] 8E 08 T`.
fn objects(data: &[u8]) -> Result<Objects<'_>, TlvError> {
    let mut cursor = Cursor::new(data);
    let encrypted = match cursor.optional(TAG_DATA)? {
        None => &[],
        Some(mut value) => match value.octet()? {
            NO_PADDING if !value.is_empty() => value.rest(),
            _ => return Err(value.error(TlvErrorKind::Value)),
        },
    };
    let covered = data.get(..cursor.offset()).unwrap_or_default();
    let mac = cursor.expect(TAG_MAC)?.whole_array()?;
    cursor.finish()?;
    Ok(Objects { covered, encrypted, mac })
}

impl fmt::Debug for ClientSecureMessaging {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClientSecureMessaging(hidden)")
    }
}

impl fmt::Debug for AwaitedResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AwaitedResponse(hidden)")
    }
}
