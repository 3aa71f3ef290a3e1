//! What goes in and what comes out: owned, plain data, so that the interface can cross a process boundary. No message
//! in either direction can hold a secret; secrets are asked for by the agent itself, through [`crate::SecretPrompt`].

use std::fmt;
use std::time::Duration;

use latchkey_card::dialogue::PinStatus;
use latchkey_card::profile::Profile;
use latchkey_crypto::assertion::{Assertion, ChallengeText, Origin};
use latchkey_reader::{ReaderEvent, ReaderName};

use crate::{DocumentResults, Failure, SessionReport, SignDocuments, TerminalSession};

/// What the agent can be asked to do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Request {
    /// Which readers there are and what is in them. Answered with [`Answer::Readers`].
    ListReaders,
    /// Reports readers and cards that come and go, until cancelled.
    WatchReaders,
    /// Something that needs a card.
    OfCard(CardRequest),
}

/// What is wanted of which card.
#[derive(Debug, Clone)]
pub struct CardRequest {
    /// Which card.
    pub reader: ReaderChoice,
    /// How long to wait for a reader to be connected and a card to be inserted if there is none; zero: not at all.
    pub patience: Duration,
    /// What is wanted of it.
    pub task: CardTask,
}

/// Which card is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderChoice {
    /// The only card there is. With several cards the request fails and lists their readers: none is guessed.
    TheOnlyCard,
    /// The card in this reader.
    Reader(ReaderName),
}

/// What is wanted of a card.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CardTask {
    /// What the card tells without a password. Answered with [`Answer::CardStatus`].
    Status,
    /// To sign in. Answered with [`Answer::SignedIn`].
    SignIn(SignIn),
    /// To sign documents. Answered with [`Answer::DocumentsSigned`].
    SignDocuments(SignDocuments),
    /// To read the certificates with the PIN. Answered with [`Answer::Card`].
    ReadCertificates,
    /// To replace the PIN. Answered with [`Answer::PinManaged`].
    ChangePin,
    /// To give a blocked PIN its tries back, with the PUK. Answered with [`Answer::PinManaged`].
    UnblockPin(AfterUnblocking),
    /// To put a deactivated PIN into use again, with the PUK. Answered with [`Answer::PinManaged`].
    ActivatePin,
    /// To put the PIN out of use. Answered with [`Answer::PinManaged`].
    DeactivatePin(DeactivateWith),
    /// To examine a card of any kind with its CAN alone. Answered with [`Answer::Probed`].
    Probe,
    /// To open the card for a terminal, and to carry out [`crate::Instruction`]s until told to end. Answered with
    /// [`Answer::TerminalSessionEnded`].
    TerminalSession(Box<TerminalSession>),
}

/// Who is signed in to, and for which challenge. What the card signs is computed by the agent from these two alone.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Who asks, as the browser reported it or as the client itself reached it over HTTPS. Shown to the holder.
    pub origin: Origin,
    /// The portal's challenge.
    pub challenge: ChallengeText,
    /// What the assertion names as the program that made it: an address.
    pub app_version: String,
}

/// Which PIN a card has after unblocking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterUnblocking {
    /// The one it had.
    KeepPin,
    /// A new one, asked for by the agent.
    NewPin,
}

/// Which password a deactivation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeactivateWith {
    /// The PIN itself.
    Pin,
    /// The PUK.
    Puk,
}

/// Names one request of one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What the agent says about a request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Report {
    /// A step was reached.
    Progress(Step),
    /// A reader or a card came or went: only with [`Request::WatchReaders`].
    Readers(ReaderEvent),
    /// Something about a terminal session that is open.
    Session(SessionReport),
    /// The end: nothing follows.
    Finished(Result<Answer, Failure>),
}

/// The steps of a request, in the order in which they are reached. Not every request has every step.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The agent reads the documents and hashes them.
    ReadingDocuments,
    /// There is no reader: the agent waits for one to be connected.
    WaitingForReader,
    /// No reader, or not the one that was asked for, holds a card: the agent waits for one to be inserted.
    WaitingForCard,
    /// The card in this reader is used.
    ReaderChosen(ReaderName),
    /// The card is one that the agent knows.
    CardRecognised(CardModel),
    /// The card said what state its PIN is in.
    PinStatusKnown(PinStatus),
    /// The agent waits for the holder.
    WaitingFor(SecretKind),
    /// The holder is there and answers: told now and then while the agent waits for him.
    HolderActive,
    /// The card accepted the password: everything from here on is encrypted.
    ChannelOpen,
    /// The card is being examined, which takes a while.
    Examining,
    /// The certificate was read.
    CertificateRead,
    /// The card is computing a signature: told for each document.
    Signing,
    /// The card did what was asked and was reset.
    Done,
}

/// What a question to the holder is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// The PIN.
    Pin,
    /// The second PIN, which some cards want before a signature.
    Pin2,
    /// A PIN that the card does not have yet, entered twice.
    NewPin,
    /// The number printed on the card.
    Can,
    /// The unblocking number.
    Puk,
    /// No secret: the holder's word that the last try may be spent.
    LastTryConfirmation,
    /// No secret: the holder's word to a terminal, or to a signature of its.
    Consent,
}

/// Card models that the agent knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CardModel {
    /// A card by STB 34.101.79.
    Stb79,
    /// The deployed card, which differs from the standard.
    Kta,
}

impl CardModel {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Stb79, Self::Kta];

    /// The stable name of the model.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Stb79 => "stb-34.101.79",
            Self::Kta => "kta",
        }
    }

    /// The model of cards of that profile.
    pub(crate) fn of(profile: &Profile) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.code() == profile.name)
    }
}

/// What a request comes to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Answer {
    /// The readers, in the PC/SC service's order.
    Readers(Vec<ReaderReport>),
    /// What the card tells without a password.
    CardStatus(CardStatus),
    /// The card's signature over the origin and the challenge, with its certificate.
    SignedIn(Assertion),
    /// The card's signature over each document, or why there is none.
    DocumentsSigned(DocumentResults),
    /// The certificates on the card.
    Card(CardContents),
    /// What a card of any kind answered.
    Probed(ProbeFindings),
    /// The PIN was changed, unblocked, activated or deactivated; the card says that this is its status now.
    PinManaged(PinStatus),
    /// The terminal session was closed as it was told to.
    TerminalSessionEnded,
}

/// What a card of any kind answered to whoever has its CAN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeFindings {
    /// The report: lines without a person's data.
    pub report: String,
    /// Whether the CAN opened a channel.
    pub channel_opened: bool,
}

/// A reader and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderReport {
    /// Its name as the PC/SC service calls it.
    pub name: ReaderName,
    /// Whether a card is in it.
    pub card: bool,
}

/// What a card tells without a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardStatus {
    /// Where the card is.
    pub reader: ReaderName,
    /// What the card is.
    pub model: CardModel,
    /// What state its PIN is in.
    pub pin: PinStatus,
}

/// What was read from a card with the PIN.
#[derive(Clone, PartialEq, Eq)]
pub struct CardContents {
    /// Where the card is.
    pub reader: ReaderName,
    /// What the card is.
    pub model: CardModel,
    /// The X.509 certificates of the keys for signing, DER, as the card holds them; not judged.
    pub certificates: Vec<Vec<u8>>,
}

impl fmt::Debug for CardContents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CardContents({}, {} certificates hidden)", self.reader, self.certificates.len())
    }
}
