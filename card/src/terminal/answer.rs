//! A card's answers as client programs hand them over: with or without status, with or without the objects around a
//! message of BAUTH. Nobody has published which; ours hands over data and status, with the objects.

use latchkey_crypto::bauth::M1_SIZE;

use crate::apdu::{Response, StatusWord};
use crate::bpace::TAG_DYNAMIC_AUTHENTICATION_DATA;
use crate::dialogue::Operation;
use crate::secure_messaging::{TAG_DATA, TAG_MAC};
use crate::terminal::TerminalFault;
use crate::tlv::{Cursor, Tag, TlvErrorKind};

const TAG_M1: Tag = Tag::new(0x80);
const TAG_M3: Tag = Tag::new(0x82);

/// The answer to a protected command: secure messaging objects and a status, or a status alone. Without a status it is
/// success that the MAC has to cover.
pub(super) fn protected(octets: &[u8]) -> Result<Response, TerminalFault> {
    let mut cursor = Cursor::new(octets);
    while matches!(cursor.clone().tag(), Ok(TAG_DATA | TAG_MAC)) {
        cursor.object()?;
    }
    let objects = octets.get(..cursor.offset()).unwrap_or_default();
    match cursor.rest() {
        [] if !objects.is_empty() => Ok(Response::new(objects.to_vec(), StatusWord::SUCCESS)),
        [high, low] => Ok(Response::new(objects.to_vec(), StatusWord::new(u16::from_be_bytes([*high, *low])))),
        _ => Err(cursor.error(TlvErrorKind::Trailing).into()),
    }
}

/// M1 in the answer to the first GENERAL AUTHENTICATE.
pub(super) fn m1(octets: &[u8]) -> Result<[u8; M1_SIZE], TerminalFault> {
    let found = message(octets, TAG_M1, Some(M1_SIZE))?;
    found.try_into().map_err(|_| Cursor::new(octets).error(TlvErrorKind::Value).into())
}

/// M3 in the answer to the second, of whatever length. The first answer once more, from a caller who did not learn what
/// became of it, is not taken for a bare M3: it proves nothing against the card.
pub(super) fn m3(octets: &[u8]) -> Result<&[u8], TerminalFault> {
    if in_objects(octets, TAG_M1).is_some_and(|message| message.len() == M1_SIZE) {
        return Err(Cursor::new(octets).error(TlvErrorKind::Missing(TAG_M3)).into());
    }
    message(octets, TAG_M3, None)
}

/// The answer to the second that carries nothing but success, if it carries that.
pub(super) fn accepted(octets: &[u8]) -> Result<(), TerminalFault> {
    match octets {
        [] => Ok(()),
        [high, low] => succeeded(StatusWord::new(u16::from_be_bytes([*high, *low]))),
        _ => Err(Cursor::new(octets).error(TlvErrorKind::Trailing).into()),
    }
}

/// The message: in its object in `7C`, in its object alone, or bare; success behind it or nothing. `size` is that of a
/// message that could end like a status.
fn message(octets: &[u8], tag: Tag, size: Option<usize>) -> Result<&[u8], TerminalFault> {
    if let [high, low] = octets {
        succeeded(StatusWord::new(u16::from_be_bytes([*high, *low])))?;
    }
    let bare = if size == Some(octets.len()) { octets } else { without_success(octets) };
    match in_objects(octets, tag).unwrap_or(bare) {
        [] => Err(Cursor::new(octets).error(TlvErrorKind::Missing(tag)).into()),
        message => Ok(message),
    }
}

/// The value of the object, alone or in `7C`, with success behind it or nothing.
fn in_objects(octets: &[u8], tag: Tag) -> Option<&[u8]> {
    [without_success(octets), octets].into_iter().find_map(|octets| {
        let inner = only_object(octets, TAG_DYNAMIC_AUTHENTICATION_DATA).unwrap_or(octets);
        only_object(inner, tag)
    })
}

fn without_success(octets: &[u8]) -> &[u8] {
    octets.strip_suffix(&StatusWord::SUCCESS.value().to_be_bytes()).unwrap_or(octets)
}

/// The value of the object, if it is that and nothing else.
fn only_object(octets: &[u8], tag: Tag) -> Option<&[u8]> {
    let mut cursor = Cursor::new(octets);
    let value = cursor.expect(tag).ok()?;
    cursor.finish().ok()?;
    Some(value.rest())
}

fn succeeded(status: StatusWord) -> Result<(), TerminalFault> {
    if status.is_success() {
        Ok(())
    } else {
        Err(TerminalFault::CardRefused { operation: Operation::Authenticate, status })
    }
}
