//! How the agent asks the holder: the seam between it and a terminal or a window.

use latchkey_card::dialogue::PinStatus;
use latchkey_card::password::{Can, Pin, Pin2, Puk};
use latchkey_crypto::assertion::Origin;
use latchkey_reader::ReaderName;

use crate::{Asking, Disclosure};

/// Asks the holder. Called on the agent's thread while no card transaction is held, one question at a time; blocks
/// until there is an answer.
///
/// An implementation shows [`Question::asker`] and [`Question::purpose`] with every question, and the tries with every
/// question for a PIN. It must return [`NoSecret::Cancelled`] soon after [`Asking::cancellation`] is tripped, tell [`Asking::holder_acted`] with
/// every action of the holder, and keep no digit.
pub trait SecretPrompt: Send {
    /// Asks for the PIN.
    ///
    /// # Errors
    /// [`NoSecret`] if there is none.
    fn pin(&mut self, question: &Question, asking: &Asking) -> Result<Pin, NoSecret>;

    /// Asks for the second PIN, where the card has one. How many tries it has left no card tells before.
    ///
    /// # Errors
    /// [`NoSecret`] if there is none.
    fn pin2(&mut self, question: &Question, asking: &Asking) -> Result<Pin2, NoSecret>;

    /// Asks for a PIN that the card does not have yet; where a person types it, twice.
    ///
    /// # Errors
    /// [`NoSecret`] if there is none.
    fn new_pin(&mut self, question: &Question, asking: &Asking) -> Result<Pin, NoSecret>;

    /// Asks for the CAN, the six digits printed on the card.
    ///
    /// # Errors
    /// [`NoSecret`] if there is none.
    fn can(&mut self, question: &Question, asking: &Asking) -> Result<Can, NoSecret>;

    /// Asks for the PUK.
    ///
    /// # Errors
    /// [`NoSecret`] if there is none.
    fn puk(&mut self, question: &Question, asking: &Asking) -> Result<Puk, NoSecret>;

    /// Asks whether the last try may be spent: a wrong PIN blocks the card. `Ok` is a yes.
    ///
    /// # Errors
    /// [`NoSecret`], with [`NoSecret::Cancelled`] for a no.
    fn confirm_last_try(&mut self, question: &Question, asking: &Asking) -> Result<(), NoSecret>;

    /// Asks for the holder's yes to a terminal that he was not shown before, or to a signature that only the terminal
    /// knows: [`Question::purpose`] says which. `Ok` is a yes.
    ///
    /// # Errors
    /// [`NoSecret`], with [`NoSecret::Cancelled`] for a no.
    fn consent(&mut self, question: &Question, asking: &Asking) -> Result<(), NoSecret>;
}

/// What the holder has to be told with every question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Who asks.
    pub asker: Asker,
    /// What for.
    pub purpose: Purpose,
    /// How many digits the secret has; 0 where no secret is asked for.
    pub digits: usize,
    /// Where the card is.
    pub reader: ReaderName,
    /// What state the PIN is in, as the card has just said.
    pub pin: PinStatus,
    /// Whether the card has a second PIN: this tells the two apart. It is asked for wherever the card signs.
    pub two_pins: bool,
    /// What the card is going to sign, one signature each, if that is what the secret is asked for.
    pub documents: Vec<ShownDocument>,
    /// What is handed over to a terminal, if that is what the holder is asked about.
    pub disclosure: Option<Box<Disclosure>>,
}

/// A document that the card is going to sign, as it was when it was hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownDocument {
    /// Its name. Of contents that a page sent, the page says so.
    pub name: String,
    /// Its octets.
    pub size: u64,
}

/// On whose behalf a secret is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asker {
    /// A portal.
    Portal(Origin),
    /// The holder himself, through this program; nothing leaves the computer.
    Holder,
}

/// What a secret is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To sign in.
    SignIn,
    /// To sign documents.
    SignDocuments,
    /// To read the certificates.
    ReadCertificates,
    /// To change the PIN.
    ChangePin,
    /// To unblock the PIN.
    UnblockPin,
    /// To put the PIN into use.
    ActivatePin,
    /// To put the PIN out of use.
    DeactivatePin,
    /// To examine the card: the CAN is asked for, and nothing else.
    Probe,
    /// To let a terminal read from the card.
    HandOverData,
    /// To have the card sign something that only a terminal knows.
    SignForTerminal,
    /// To have a terminal replace the card's key for terminals: the old one will be gone.
    RenewKey,
}

impl Purpose {
    /// Whether the card signs for it.
    #[must_use]
    pub const fn signs(self) -> bool {
        matches!(self, Self::SignIn | Self::SignDocuments)
    }
}

/// Why a question was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSecret {
    /// The holder said no, or took the request back.
    #[error("the holder cancelled")]
    Cancelled,
    /// The holder did nothing for so long that the question was closed, after a warning.
    #[error("the holder did not answer in time")]
    Silent,
    /// There is nobody to ask: no terminal, no window.
    #[error("there is nowhere to ask for a secret")]
    NoPrompt,
    /// What came from the descriptor is not what was asked for, or it has ended.
    #[error("the secret that was handed over is malformed")]
    Malformed,
    /// The last try was not allowed in advance, and nobody can be asked.
    #[error("the last try was not allowed")]
    LastTryNotAllowed,
}
