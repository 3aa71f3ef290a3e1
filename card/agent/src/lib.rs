//! Who may touch a card: card sessions and secrets behind messages.
//!
//! An [`Agent`] owns the cards. Whoever needs one sends a [`Request`] and receives [`Report`]s: owned, plain data, so
//! that the two can live in processes of their own. The agent is the only code that asks for a PIN (through a
//! [`SecretPrompt`]), holds one, or opens a channel to a card; it computes every hash that a card signs from what the
//! holder was shown: an origin and a challenge, or documents whose contents it reads itself.

mod agent;
mod asking;
mod cancellation;
mod disclosure;
mod documents;
mod failure;
mod hardening;
mod message;
mod pin_care;
mod probe;
mod prompt;
mod recording;
mod session;
mod sign_in;
pub mod terminal;
mod terminal_session;
mod waiting;
pub mod wire;

pub use agent::{Agent, CardAgent, Clock, Exchange, Instructions};
pub use asking::{ACTIVITY_INTERVAL, Asking};
pub use cancellation::Cancellation;
pub use disclosure::{Disclosure, DisclosureLine, asker_lines, disclosed, disclosed_by_any_model, terminal_lines};
pub use documents::{
    CONTENTS_MAX_SIZE, DOCUMENT_NAME_MAX_SIZE, DOCUMENTS_MAX, Document, DocumentResults, Documents, SignDocuments,
};
pub use failure::Failure;
pub use hardening::harden_process;
pub use latchkey_card::dialogue::{OtherCard, PinStatus};
pub use latchkey_card::password::{Can, DigitEntry, Password, Pin, Pin2, Puk};
pub use latchkey_card::record::Recorded;
pub use latchkey_reader::{ReaderEvent, ReaderName};
pub use message::{
    AfterUnblocking, Answer, CardContents, CardModel, CardRequest, CardStatus, CardTask, DeactivateWith, ProbeFindings,
    ReaderChoice, ReaderReport, Report, Request, RequestId, SecretKind, SignIn, Step,
};
pub use prompt::{Asker, NoSecret, Purpose, Question, SecretPrompt, ShownDocument};
pub use recording::{RecordingSink, recorded};
pub use terminal_session::{
    AskedRights, COMMAND_DATA_MAX_SIZE, Instruction, KnownTerminal, RelayedCommand, SESSION_IDLE_TIME,
    SHOWN_TEXT_MAX_SIZE, SIGNING, SessionPassword, SessionReport, ShownChecks, ShownTerminal,
    TERMINAL_CERTIFICATES_MAX_SIZE, TERMINAL_TRUST_MAX_COUNT, TerminalOffer, TerminalSession, TerminalTrust,
    VerifiedRequest,
};
