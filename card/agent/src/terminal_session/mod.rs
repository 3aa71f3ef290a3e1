//! Terminal sessions: the card is opened with the holder's PIN or CAN, then a terminal that speaks through this computer
//! authenticates itself and works with the card; what passes between the two cannot be read here.
//!
//! Three things are decided in this process and nowhere else: that nobody gets into the session before the holder has
//! seen what may be read; that the terminal is the one its certificates say, with the rights that they and the holder
//! both give; and that no command passes to the card for something the holder has not agreed to.

mod channel;
mod judgement;
mod serve;

use std::fmt;
use std::time::Duration;

use latchkey_card::profile::Profile;
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::cv::rights::{EidRights, EsignRights, Rights};

pub(crate) use serve::{Order, Orders};

use crate::CardModel;

/// How long a terminal session may stay without an instruction at most.
pub const SESSION_IDLE_TIME: Duration = Duration::from_secs(120);
/// Most octets of a terminal's certificates.
pub const TERMINAL_CERTIFICATES_MAX_SIZE: usize = 8 * 1024;
/// Most octets of a command's data: as many as an extended command has.
pub const COMMAND_DATA_MAX_SIZE: usize = 65_535;
/// Most certificates of roots, and most known terminals, of a session.
pub const TERMINAL_TRUST_MAX_COUNT: usize = 256;
/// Most characters of what is shown of a verified request or a known terminal.
pub const SHOWN_TEXT_MAX_SIZE: usize = 200;

/// What a terminal session is opened for.
#[derive(Debug, Clone)]
pub struct TerminalSession {
    /// Who asks, as the browser reported it. Shown to the holder.
    pub origin: Origin,
    /// Who asks by a signed request that was verified; shown to the holder. Without it he is told that nobody vouches for
    /// what the site says.
    pub request: Option<VerifiedRequest>,
    /// What is asked of the card, exactly as the holder is shown it.
    pub rights: AskedRights,
    /// What opens the card.
    pub password: SessionPassword,
    /// Which terminals are whose.
    pub trust: TerminalTrust,
    /// After how long without an instruction the session ends: at most [`SESSION_IDLE_TIME`].
    pub idle: Duration,
}

/// What is asked of the card in a terminal session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedRights {
    /// Exactly this, of a card whose data groups are the standard's: another one would hand over something else under the
    /// same numbers.
    Exactly(Rights),
    /// What pages of the deployed system ask of a card of whatever model: the constant words of its profile. The card is
    /// always asked for all of them, because a terminal that is told nothing computes with them.
    OfModel {
        /// Whether the terminal may have one thing signed. If not, nothing passes that would have the card sign, and no
        /// second PIN is asked for.
        signs: bool,
    },
}

impl AskedRights {
    /// What a card of that model is asked; nothing if its data groups are not those that are meant.
    #[must_use]
    pub fn of_card(self, profile: &Profile) -> Option<Rights> {
        match self {
            Self::Exactly(rights) => (profile.name == Profile::standard().name).then_some(rights),
            Self::OfModel { .. } => {
                let words = profile.words;
                Some(Rights { eid: words.eid.unwrap_or_default(), esign: words.esign.unwrap_or_default() })
            }
        }
    }

    /// What of it the holder agrees to.
    #[must_use]
    pub fn agreed(self, profile: &Profile) -> Option<Rights> {
        let rights = self.of_card(profile)?;
        match self {
            Self::OfModel { signs: false } => Some(rights.without(SIGNING)),
            Self::OfModel { signs: true } | Self::Exactly(_) => Some(rights),
        }
    }
}

/// The right to have something signed that only the terminal knows.
pub const SIGNING: Rights = Rights { eid: EidRights::NONE, esign: EsignRights::TERMINAL_SIGNING };

impl TerminalSession {
    /// What renewing the card's key for terminals and its certificate takes.
    pub const RENEWAL: AskedRights =
        AskedRights::Exactly(Rights { eid: EidRights::NONE, esign: EsignRights::TERMINAL_RENEWAL });

    /// Whether the card's key for terminals may be replaced. The holder is told of that before the PIN is asked for.
    #[must_use]
    pub fn renews_key(&self) -> bool {
        matches!(self.rights, AskedRights::Exactly(rights) if rights.esign.contains(EsignRights::TERMINAL_KEYS))
    }
}

/// A relying party's signed request after its signature and path were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRequest {
    /// Whom the signer's certificate speaks of.
    pub client: String,
    /// What the request is for, in the holder's language, if it says so.
    pub purpose: Option<String>,
    /// belt-hash of the request.
    pub hash: [u8; 32],
    /// Whether the terminal has to bind the session to the request; otherwise it may.
    pub must_be_bound: bool,
}

/// What opens the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionPassword {
    /// The PIN.
    Pin,
    /// The number printed on the card: for terminals that have the right to it.
    Can,
}

/// What the administrator and the holder have said about terminals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TerminalTrust {
    /// CV certificates of the roots that terminals are judged by. With none, nobody vouches for any terminal.
    pub roots: Vec<Vec<u8>>,
    /// Terminals that have a name.
    pub known: Vec<KnownTerminal>,
}

/// A terminal, or all terminals of an authority, that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTerminal {
    /// The holder's name in the terminal's certificate, or in that of the authority above it.
    pub holder: String,
    /// What people call it.
    pub title: Option<String>,
    /// The sites whose pages may drive it; any, if there are none here.
    pub origins: Vec<Origin>,
}

/// A terminal as its certificates show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownTerminal {
    /// The holder's name in its certificate: its number.
    pub number: String,
    /// What people call it, if it is known.
    pub title: Option<String>,
    /// Whether a configured root vouches for it.
    pub vouched_for: bool,
    /// What its certificates and the holder's word both give.
    pub rights: Rights,
    /// Whether it bound the session to the verified request.
    pub bound: bool,
    /// What it has checked beside that, without learning more than yes or no.
    pub checks: ShownChecks,
}

/// What a terminal has the card compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ShownChecks {
    /// The holder's age with a date.
    pub age: bool,
    /// The holder's region with a code.
    pub place: bool,
}

/// What is to be done next in a terminal session.
#[derive(Clone, PartialEq, Eq)]
pub enum Instruction {
    /// To show the card the terminal. Answered with the card's answer to the first GENERAL AUTHENTICATE.
    Authenticate(TerminalOffer),
    /// To carry a command of the terminal's to the card. Answered with the card's answer.
    Relay(RelayedCommand),
    /// The terminal is about to have the card sign something that only the terminal knows: the holder is asked.
    AllowSignature,
    /// In a renewal of the card's key the terminal has given its turn away, so that the PIN be confirmed for the decision
    /// with which the session began.
    Confirm,
    /// To end the session.
    Close,
}

/// A terminal that wants to be let in.
#[derive(Clone, PartialEq, Eq)]
pub struct TerminalOffer {
    /// Its certificates, one after another, its own last.
    pub certificates: Vec<u8>,
    /// The data of MSE:Set AT.
    pub template: Vec<u8>,
    /// Whether the card has to prove itself too.
    pub bilateral: bool,
}

/// A command of the terminal's, as it has to reach the card.
#[derive(Clone, PartialEq, Eq)]
pub struct RelayedCommand {
    /// CLA, INS, P1, P2.
    pub header: [u8; 4],
    /// The command data, without its length.
    pub data: Vec<u8>,
}

/// What is told about a terminal session while it is open.
#[derive(Clone, PartialEq, Eq)]
pub enum SessionReport {
    /// The card is open: instructions are awaited.
    Open {
        /// The rights that were asked of the card, as it was sent them.
        cert_hats: Vec<u8>,
        /// What card it is.
        model: CardModel,
        /// The certificate of whoever signed the card's security object, if the card has one: X.509.
        security_signer: Option<Vec<u8>>,
    },
    /// The terminal's certificates were looked at.
    Terminal(ShownTerminal),
    /// The answer to an instruction: the card's data and status.
    Answer(Vec<u8>),
    /// The holder allowed the signature.
    SignatureAllowed,
    /// The PIN was confirmed, and it is the terminal's turn again.
    Confirmed,
    /// The instruction does not fit what went before. Nothing was done.
    OutOfOrder,
}

impl fmt::Debug for Instruction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authenticate(offer) => offer.fmt(formatter),
            Self::Relay(command) => command.fmt(formatter),
            Self::AllowSignature => formatter.write_str("AllowSignature"),
            Self::Confirm => formatter.write_str("Confirm"),
            Self::Close => formatter.write_str("Close"),
        }
    }
}

impl fmt::Debug for TerminalOffer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (certificates, template) = (self.certificates.len(), self.template.len());
        write!(formatter, "TerminalOffer({certificates} and {template} octets, bilateral: {})", self.bilateral)
    }
}

/// Without the data.
impl fmt::Debug for RelayedCommand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RelayedCommand({:02X?}, {} octets)", self.header, self.data.len())
    }
}

/// Without what the card said.
impl fmt::Debug for SessionReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { cert_hats, model, .. } => {
                write!(formatter, "Open({} octets, {})", cert_hats.len(), model.code())
            }
            Self::Terminal(terminal) => terminal.fmt(formatter),
            Self::Answer(octets) => write!(formatter, "Answer({} octets)", octets.len()),
            Self::SignatureAllowed => formatter.write_str("SignatureAllowed"),
            Self::Confirmed => formatter.write_str("Confirmed"),
            Self::OutOfOrder => formatter.write_str("OutOfOrder"),
        }
    }
}
