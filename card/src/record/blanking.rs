//! What a recording keeps of an exchange.

use zeroize::Zeroizing;

use super::Outcome;
use crate::apdu::{Command, Response};
use crate::channel::ChannelError;
use crate::dialogue::{DialogueError, ProtocolFault};
use crate::outline::blanked;
use crate::tlv::{Cursor, Tag};

/// Blanks exchanges in their order.
#[derive(Default)]
pub(super) struct Blanking {
    /// How many digits the password has with which BPACE is under way.
    presented: Option<usize>,
    /// Blocks of a file that is being read: they are blanked together, since only whole objects have an outline.
    blocks: Vec<Block>,
}

/// One READ BINARY that the card carried out.
struct Block {
    command: String,
    contents: Zeroizing<Vec<u8>>,
}

/// What is kept of data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// All: names of files and applications, rights, names of keys.
    All,
    /// Tags and lengths.
    Outline,
    /// The length. In its place stand octets of this value.
    Length(u8),
    /// Nothing, and a replay takes whatever comes: who the terminal is, and what it asks. Commands only.
    Header,
}

/// What a kind of command is called, and what is kept of it and of its answer.
struct Kind {
    name: &'static str,
    command: Keep,
    answer: Keep,
}

const ZEROS: Keep = Keep::Length(0);
/// Digits of a password.
const DIGITS: Keep = Keep::Length(b'0');

impl Kind {
    fn of(command: &Command) -> Self {
        let kind = |name, command, answer| Self { name, command, answer };
        match command.header().octets() {
            [0x00, 0xA4, 0x00, 0x00] => kind("SELECT MF", Keep::All, Keep::Outline),
            [0x00, 0xA4, 0x04, _] => kind("SELECT an application", Keep::All, Keep::Outline),
            [0x00, 0xA4, 0x02, _] => kind("SELECT a file", Keep::All, Keep::Outline),
            [0x00, 0xB0, ..] => kind("READ BINARY", Keep::All, Keep::Outline),
            [0x00, 0xD6, ..] => kind("UPDATE BINARY", Keep::Outline, ZEROS),
            [0x00, 0x22, 0xC1, 0xA4] => kind("MSE:Set AT for BPACE", Keep::All, ZEROS),
            [0x00, 0x22, 0xF1 | 0xB1, 0xA4] => kind("MSE:Set AT for BAUTH", Keep::Header, ZEROS),
            [0x00, 0x22, 0x01, 0xA4] => kind("MSE:Set CS", Keep::All, ZEROS),
            [0x00, 0x22, 0x41, 0xB6] => kind("MSE:Set DST", Keep::All, ZEROS),
            [0x00, 0x22, 0x41, 0xB8] => kind("MSE:Set CT", Keep::All, ZEROS),
            [_, 0x86, ..] => kind("GENERAL AUTHENTICATE", Keep::Outline, Keep::Outline),
            [_, 0x2A, 0x00, 0xBE] => kind("PSO:Verify Certificate", Keep::Header, ZEROS),
            [0x00, 0x2A, 0x9E, 0x9A] => kind("PSO:Compute Digital Signature", ZEROS, ZEROS),
            [0x00, 0x2A, 0x80, 0x86] => kind("PSO:Decipher", ZEROS, ZEROS),
            [0x00, 0x20, ..] => kind("VERIFY", DIGITS, ZEROS),
            [0x00, 0x24, ..] => kind("CHANGE REFERENCE DATA", DIGITS, ZEROS),
            [0x00, 0x2C, ..] => kind("RESET RETRY COUNTER", DIGITS, ZEROS),
            [0x00, 0x44, ..] => kind("ACTIVATE", Keep::All, ZEROS),
            [0x00, 0x04, ..] => kind("DEACTIVATE", Keep::All, ZEROS),
            [0x00, 0x46, ..] => kind("GENERATE KEY PAIR", Keep::All, ZEROS),
            [0x00, 0xE6, ..] => kind("TERMINATE", Keep::All, ZEROS),
            _ => kind("another command", ZEROS, ZEROS),
        }
    }
}

impl Keep {
    fn of(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::All => data.to_vec(),
            Self::Outline => blanked(data),
            Self::Length(octet) => vec![octet; data.len()],
            Self::Header => Vec::new(),
        }
    }
}

impl Blanking {
    /// BPACE with a password of so many digits comes next.
    pub(super) const fn password_follows(&mut self, digits: usize) {
        self.presented = Some(digits);
    }

    /// What is kept of an exchange, and of those before it that waited for their end.
    pub(super) fn exchange(&mut self, command: &Command, outcome: Outcome<'_>) -> String {
        if command.header().ins == READ_BINARY
            && let Ok(response) = outcome
            && response.status().is_success()
        {
            let contents = Zeroizing::new(response.data().to_vec());
            self.blocks.push(Block { command: written(command, Keep::All), contents });
            return String::new();
        }
        let mut lines = self.waiting();
        match (command.header().octets(), self.presented) {
            ([0x10, GENERAL_AUTHENTICATE, ..], Some(_)) if succeeded(outcome) => {}
            ([0x10, GENERAL_AUTHENTICATE, ..], Some(digits)) => {
                self.presented = None;
                lines.push_str(&format!("# BPACE\n* bpace {} first {}\n", "0".repeat(digits), ended(outcome)));
            }
            ([0x00, GENERAL_AUTHENTICATE, ..], Some(digits)) => {
                self.presented = None;
                lines.push_str("# BPACE; the password is blanked\n");
                lines.push_str(&match outcome {
                    Ok(response) if response.status().is_success() => format!("* bpace {}\n", "0".repeat(digits)),
                    // The card had another password than the one that was entered.
                    Ok(_) => format!("* bpace {} {}\n", "9".repeat(digits), ended(outcome)),
                    Err(_) => format!("* bpace {} {}\n", "0".repeat(digits), ended(outcome)),
                });
            }
            _ => lines.push_str(&whole(command, outcome)),
        }
        lines
    }

    /// What was passed on for a terminal, as it passes over the wire: header, the lengths of its protected objects, and
    /// status.
    pub(super) fn relayed(&mut self, command: &Command, outcome: Outcome<'_>) -> String {
        let mut lines = self.waiting();
        let answer = match outcome {
            Ok(response) => format!("<< {}", answered(Keep::Outline, response)),
            Err(_) => format!("! {}", ended(outcome)),
        };
        lines.push_str(&format!("# On the terminal's channel\n>{}{answer}\n", written(command, Keep::Outline)));
        lines
    }

    /// The file that was being read: with the outline of its object if that is whole.
    pub(super) fn waiting(&mut self) -> String {
        let blocks = std::mem::take(&mut self.blocks);
        let contents =
            Zeroizing::new(blocks.iter().flat_map(|block| block.contents.iter().copied()).collect::<Vec<_>>());
        let kept = outlined(&contents);
        let mut rest = kept.as_slice();
        let mut lines = String::new();
        for block in blocks {
            let (here, after) = rest.split_at_checked(block.contents.len()).unwrap_or((rest, &[]));
            rest = after;
            lines.push_str(&format!("# READ BINARY\n{}< {}90 00\n", block.command, spaced(here)));
        }
        lines
    }
}

/// A file's contents are one object and perhaps what follows it; of a part of one the length of the whole is kept, which
/// decides how the reading goes on.
fn outlined(contents: &[u8]) -> Vec<u8> {
    let mut cursor = Cursor::new(contents);
    if let Ok(object) = cursor.object() {
        let mut kept = blanked(object.whole);
        kept.resize(contents.len(), 0);
        return kept;
    }
    let mut kept = vec![0; contents.len()];
    let mut header = Cursor::new(contents);
    if header.tag() == Ok(SEQUENCE) && header.length().is_ok() {
        kept.iter_mut().zip(contents).take(header.offset()).for_each(|(kept, octet)| *kept = *octet);
    }
    kept
}

fn whole(command: &Command, outcome: Outcome<'_>) -> String {
    exchange(&Kind::of(command), command, outcome)
}

fn exchange(kind: &Kind, command: &Command, outcome: Outcome<'_>) -> String {
    let answer = match outcome {
        Ok(response) => format!("< {}", answered(kind.answer, response)),
        Err(_) => format!("! {}", ended(outcome)),
    };
    format!("# {}\n{}{answer}\n", kind.name, written(command, kind.command))
}

fn answered(keep: Keep, response: &Response) -> String {
    let status = response.status().value().to_be_bytes();
    format!("{}{}", spaced(&keep.of(response.data())), spaced(&status).trim_end())
}

/// The command's line.
fn written(command: &Command, keep: Keep) -> String {
    if keep == Keep::Header {
        return format!("~ {}\n", spaced(&command.header().octets()).trim_end());
    }
    let data = keep.of(command.data());
    let blanked = Command::new(command.header()).with_data(&data).map(|plain| match command.expected() {
        Some(count) => plain.expecting(count),
        None => Ok(plain),
    });
    // Data of the same length fit as the command's own did.
    let octets = blanked.and_then(|plain| plain).map(|plain| plain.in_form(command.form()).to_octets());
    format!("> {}\n", spaced(&octets.unwrap_or_default()).trim_end())
}

/// How an exchange ended, as a dialogue writes it after `!` or behind a password.
fn ended(outcome: Outcome<'_>) -> String {
    match outcome {
        Ok(response) => format!("{:04X}", response.status().value()),
        Err(DialogueError::Channel(error)) => error.code().to_owned(),
        Err(DialogueError::ChannelClosed { status }) => format!("plain {:04X}", status.value()),
        Err(DialogueError::CardProtocol(ProtocolFault::NotAuthentic)) => "forged 9000".to_owned(),
        Err(_) => ChannelError::MalformedResponse.code().to_owned(),
    }
}

fn succeeded(outcome: Outcome<'_>) -> bool {
    outcome.is_ok_and(|response| response.status().is_success())
}

/// Octets in hexadecimal, a space behind each.
fn spaced(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X} ")).collect()
}

const READ_BINARY: u8 = 0xB0;
const GENERAL_AUTHENTICATE: u8 = 0x86;
const SEQUENCE: Tag = Tag::new(0x30);
