//! What a terminal may have the card do, judged by the header of a command, which is all that the client can read of
//! it.

use crate::apdu::{CLASS_PROTECTED, Header};

/// Something that a terminal has the card do and that the holder has to agree to, beyond reading what both have rights
/// to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TerminalAct {
    /// Sign once: MSE:Set DST and PSO:Compute Digital Signature.
    Sign,
    /// CHANGE REFERENCE DATA.
    ChangePin,
    /// RESET RETRY COUNTER.
    UnblockPin,
    /// ACTIVATE the PIN or a key.
    Activate,
    /// DEACTIVATE the PIN or a key.
    Deactivate,
    /// GENERATE KEY PAIR.
    GenerateKey,
    /// TERMINATE a key pair.
    DestroyKey,
    /// UPDATE BINARY.
    WriteFile,
}

/// The acts that the holder has agreed to in this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AgreedActs(u8);

impl AgreedActs {
    /// Reading only.
    pub const NONE: Self = Self(0);
    /// A new key with a new certificate in the old one's place (sequence J).
    pub const RENEWAL: Self = Self::NONE
        .with(TerminalAct::DestroyKey)
        .with(TerminalAct::GenerateKey)
        .with(TerminalAct::Sign)
        .with(TerminalAct::WriteFile);

    /// These and another.
    #[must_use]
    pub const fn with(self, act: TerminalAct) -> Self {
        Self(self.0 | 1 << act as u8)
    }

    /// These but one.
    #[must_use]
    pub(super) const fn without(self, act: TerminalAct) -> Self {
        Self(self.0 & !(1 << act as u8))
    }

    /// Whether the holder has agreed to the act.
    #[must_use]
    pub const fn contain(self, act: TerminalAct) -> bool {
        self.0 & 1 << act as u8 != 0
    }

    /// Whether a terminal may send a command that begins so: protected, not chained, and either one that reads or an
    /// act among these.
    pub(super) fn allow(self, header: Header) -> bool {
        match kind_of(header) {
            Some(CommandKind::Reading | CommandKind::Switching) => true,
            Some(CommandKind::Act(act)) => self.contain(act),
            None => false,
        }
    }
}

/// Whether a command gives the other channel its turn.
pub(super) fn is_switching(header: Header) -> bool {
    kind_of(header) == Some(CommandKind::Switching)
}

/// Whether a command makes a signature.
pub(super) fn is_signing(Header { ins, p1, p2, .. }: Header) -> bool {
    (ins, p1, p2) == (0x2A, 0x9E, 0x9A)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CommandKind {
    /// SELECT, READ BINARY, VERIFY of an auxiliary attribute.
    Reading,
    /// MSE:Set CS.
    Switching,
    Act(TerminalAct),
}

/// What a protected command is by its header; nothing if it is none that terminals may send at all.
fn kind_of(header: Header) -> Option<CommandKind> {
    const VERIFY_ATTRIBUTE: u8 = 0x80 | CLASS_PROTECTED;
    let Header { cla, ins, p1, p2 } = header;
    Some(match (cla, ins, p1, p2) {
        (VERIFY_ATTRIBUTE, 0x20, 0x80, 0x00) | (CLASS_PROTECTED, 0xA4 | 0xB0, _, _) => CommandKind::Reading,
        (CLASS_PROTECTED, 0x22, 0x01, 0xA4) => CommandKind::Switching,
        (CLASS_PROTECTED, 0x22, 0x41, 0xB6) | (CLASS_PROTECTED, 0x2A, 0x9E, 0x9A) => {
            CommandKind::Act(TerminalAct::Sign)
        }
        (CLASS_PROTECTED, 0x24, _, _) => CommandKind::Act(TerminalAct::ChangePin),
        (CLASS_PROTECTED, 0x2C, _, _) => CommandKind::Act(TerminalAct::UnblockPin),
        (CLASS_PROTECTED, 0x44, _, _) => CommandKind::Act(TerminalAct::Activate),
        (CLASS_PROTECTED, 0x04, _, _) => CommandKind::Act(TerminalAct::Deactivate),
        (CLASS_PROTECTED, 0x46, _, _) => CommandKind::Act(TerminalAct::GenerateKey),
        (CLASS_PROTECTED, 0xE6, _, _) => CommandKind::Act(TerminalAct::DestroyKey),
        (CLASS_PROTECTED, 0xD6, _, _) => CommandKind::Act(TerminalAct::WriteFile),
        _ => return None,
    })
}
