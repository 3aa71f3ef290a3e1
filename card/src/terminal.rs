//! The terminal's role: STB 34.101.79, sequences G to J, as an identification service plays it at the far end of a
//! client program.
//!
//! What the terminal says travels as [`RelayedCommand`]s, and what the card says comes back as octets. Each step is a
//! value that is consumed by the card's answer and gives the next command. A step is one of [`TerminalStep`], which can
//! be kept as secret octets between two answers, in a sealed record: whoever took a step twice would repeat a counter
//! and its key.
//!
//! **No identity without proof**: only M3 makes an [`Established`], which carries the certificate of the card that has
//! proved itself, and only that reads files and signs. After a unilateral run there is an [`Unproven`], which can have
//! attributes compared and nothing else.

mod answer;
mod bauth;
mod established;
mod fault;
mod hand_over;
mod inquiry;
mod keys;
mod reading;
mod record;
mod signing;
mod step;
mod writing;

pub use bauth::{AfterM1, AwaitingAcceptance, AwaitingM1, AwaitingM3, CardTrustAnchors, TerminalEditions};
pub use established::{Established, ProvenCard, Unproven};
pub use fault::TerminalFault;
pub use hand_over::{HandedOver, HandingOver};
pub use keys::{KeyAct, KeyManaging, KeyOutcome};
pub use reading::{FileContents, Findings, Reading, TerminalFile, Verifying};
pub use record::RecordFault;
pub use signing::{AwaitingSignature, ChoosingKey, SelectingEsign};
pub use step::TerminalStep;
pub use writing::Writing;

use latchkey_crypto::cv::Certificate;

use crate::apdu::Command;
use crate::bauth::TerminalTemplate;

/// A command of the terminal on its way: what the client program passes on to the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayedCommand {
    /// Class, instruction and parameters.
    pub header: [u8; 4],
    /// The command data, without Lc and Le.
    pub data: Vec<u8>,
}

impl RelayedCommand {
    fn new(command: &Command) -> Self {
        Self { header: command.header().octets(), data: command.data().to_vec() }
    }
}

/// What a terminal shows before BAUTH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its certificates, its own last, each the whole data object `7F21`.
    pub certificates: Vec<u8>,
    /// The command data of MSE:Set AT.
    pub template: Vec<u8>,
}

impl Offer {
    /// The offer of the terminal at the end of `path`, which begins below the card's root.
    #[must_use]
    pub fn new(path: &[Certificate], template: &TerminalTemplate) -> Self {
        let certificates = path.iter().flat_map(Certificate::to_octets).collect();
        Self { certificates, template: template.octets().to_vec() }
    }
}

/// What comes after an answer.
#[derive(Debug)]
pub enum Next<Step, Outcome> {
    /// Another command and the step that awaits its answer.
    Command(Step, RelayedCommand),
    /// The end.
    Done(Outcome),
}
