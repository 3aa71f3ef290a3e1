//! One command and its whole response, whatever the transmission protocol does to them on the way.

use latchkey_card::apdu::{Header, LengthForm, MAX_EXTENDED_EXPECTED, MAX_SHORT_EXPECTED};
use latchkey_card::{ChannelError, Command, Response, StatusWord};
use zeroize::Zeroizing;

/// Sends `command` by `send`, which carries octets to the card and back, and returns the response without the marks of
/// T=0 (ISO/IEC 7816-3:2006, clause 12.2; ISO/IEC 7816-4:2020, clause 5.3.4):
///
/// * `61XX` (XX more octets): they are fetched by GET RESPONSE and appended, however many parts there are.
/// * `6CXX` (Le should be XX): a command without data is sent once more with that Le. A command with data is not: the
///   card may have acted on it, and it may hold a password.
///
/// # Errors
/// [`ChannelError::MalformedResponse`] if an answer has fewer than two octets, more than its command's length field can
/// ask for, or announces more and then gives nothing; otherwise what `send` says.
pub fn exchange(command: &Command, send: &mut SendOctets<'_>) -> Result<Response, ChannelError> {
    let mut answer = send_once(command, send)?;
    if let (Some(length), Some(_), true) =
        (announced(answer.status(), 0x6C), command.expected(), command.data().is_empty())
    {
        answer = send_once(&plain(command.header(), length)?, send)?;
    }
    let mut whole = Zeroizing::new(answer.data().to_vec());
    while let Some(length) = announced(answer.status(), 0x61) {
        answer = get_response(command.header().cla, length, send)?;
        let nothing_new = answer.data().is_empty() && announced(answer.status(), 0x61).is_some();
        whole.extend_from_slice(answer.data());
        if nothing_new || whole.len() > MAX_RESPONSE {
            return Err(ChannelError::MalformedResponse);
        }
    }
    Ok(Response::new(std::mem::take(&mut *whole), answer.status()))
}

/// Carries one command's octets to the card and the answer's back. Both may be secret.
pub type SendOctets<'a> = dyn FnMut(Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, ChannelError> + 'a;

fn get_response(class: u8, length: u32, send: &mut SendOctets<'_>) -> Result<Response, ChannelError> {
    let header = Header::new(same_logical_channel(class), 0xC0, 0, 0);
    let answer = send_once(&plain(header, length)?, send)?;
    match announced(answer.status(), 0x6C) {
        Some(exact) => send_once(&plain(header, exact)?, send),
        None => Ok(answer),
    }
}

fn send_once(command: &Command, send: &mut SendOctets<'_>) -> Result<Response, ChannelError> {
    let octets = send(command.to_octets())?;
    let longest = match command.form() {
        LengthForm::Short => MAX_SHORT_EXPECTED,
        LengthForm::Extended | LengthForm::ExtendedProtected => MAX_EXTENDED_EXPECTED,
    };
    let response = Response::parse(&octets).ok_or(ChannelError::MalformedResponse)?;
    let fits = u32::try_from(response.data().len()).is_ok_and(|length| length <= longest);
    if fits { Ok(response) } else { Err(ChannelError::MalformedResponse) }
}

fn plain(header: Header, length: u32) -> Result<Command, ChannelError> {
    Command::new(header).expecting(length).map_err(|_| ChannelError::MalformedResponse)
}

/// How many octets SW2 announces after this SW1; `00` says 256.
fn announced(status: StatusWord, sw1: u8) -> Option<u32> {
    let [high, low] = status.value().to_be_bytes();
    match (high == sw1, low) {
        (false, _) => None,
        (true, 0) => Some(MAX_SHORT_EXPECTED),
        (true, low) => Some(u32::from(low)),
    }
}

/// The class for GET RESPONSE: the logical channel of the command, no secure messaging, no chaining (ISO/IEC
/// 7816-4:2020, clause 5.4.1). Proprietary classes put the channel where the first interindustry ones do.
const fn same_logical_channel(class: u8) -> u8 {
    if class & 0xC0 == 0x40 { 0x40 | (class & 0x0F) } else { class & 0x03 }
}

/// Longest whole response data, in octets.
const MAX_RESPONSE: usize = 65_536;
