//! Entering digits that nobody sees.

use latchkey_card::password::{DigitEntry, Password};

use super::keys::{Key, KeyReader};
use super::tty::{Silence, Terminal, TerminalError, Waker};
use crate::Asking;

/// What is written around an entry.
pub(super) struct EntryTexts<'texts> {
    /// Who asks and for what: whole lines, or nothing.
    pub(super) introduction: &'texts str,
    /// What to enter.
    pub(super) label: &'texts str,
    /// What is said when the number of digits is wrong.
    pub(super) wrong_length: &'texts str,
}

/// Asks until `length` digits are entered. The terminal is as it was before whenever this returns.
pub(super) fn enter<P: Password>(
    terminal: &Terminal,
    texts: &EntryTexts<'_>,
    length: usize,
    asking: &Asking,
) -> Result<P, TerminalError> {
    let waker = Waker::new(asking.cancellation())?;
    // Silence comes first: what is typed as soon as the question appears must not be shown.
    let silence = terminal.silence()?;
    let result = ask(&silence, texts, length, &waker, asking);
    let ended = silence.write("\n");
    let password = result?;
    ended.map(|()| password)
}

fn ask<P: Password>(
    silence: &Silence<'_>,
    texts: &EntryTexts<'_>,
    length: usize,
    waker: &Waker,
    asking: &Asking,
) -> Result<P, TerminalError> {
    silence.write(texts.introduction)?;
    let mut label = texts.label;
    loop {
        silence.write(label)?;
        silence.write(" ")?;
        match digits(silence, waker, asking)?.finish(length) {
            Ok(password) => return Ok(password),
            Err(_wrong_length) => {
                silence.write("\n")?;
                label = texts.wrong_length;
            }
        }
    }
}

/// Digits until Enter.
fn digits(silence: &Silence<'_>, waker: &Waker, asking: &Asking) -> Result<DigitEntry, TerminalError> {
    let mut entry = DigitEntry::new();
    let mut keys = KeyReader::default();
    loop {
        let patience = keys.is_after_escape().then_some(ESCAPE_PATIENCE);
        // An escape octet with nothing after it is the Escape key.
        let Some(octet) = silence.octet(waker, patience)? else { return Err(TerminalError::Cancelled) };
        asking.holder_acted();
        let [octet] = *octet;
        match keys.octet(octet) {
            None => {}
            Some(Key::Digit(digit)) if entry.push(digit) => {}
            Some(Key::Erase) => entry.erase(),
            Some(Key::EraseAll) => entry = DigitEntry::new(),
            Some(Key::Enter) => return Ok(entry),
            Some(Key::Cancel) => return Err(TerminalError::Cancelled),
            Some(Key::Digit(_) | Key::Other) => silence.write(BELL)?,
        }
    }
}

/// How long the rest of an escape sequence may take, in milliseconds.
const ESCAPE_PATIENCE: i64 = 100;
const BELL: &str = "\x07";
