//! Why the terminal does not go on.

use axum::http::StatusCode;

use super::attributes::MalformedGroup;
use super::authority::AuthorityError;

/// Why the terminal does not go on. Whatever concerns a session, but for another caller's request, ends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TerminalRefusal {
    /// The address may not call, or comes from a page.
    #[error("this caller may not call the terminal")]
    Caller,
    /// As many sessions are open as may be.
    #[error("as many sessions are open as the configuration allows")]
    TooManySessions,
    /// The terminal's certificate is over; a renewed one is not there yet.
    #[error("the terminal's certificate is not in force any more")]
    OwnCertificate,
    /// There is no such session, or none any more.
    #[error("there is no such session")]
    Unknown,
    /// Another caller began the session. It stays open for that one.
    #[error("the session belongs to another caller")]
    OtherCaller,
    /// The request does not belong to the step that the session is at.
    #[error("the request does not belong here")]
    WrongOrder,
    /// Another request took the step at the same moment.
    #[error("the step was taken by another request")]
    StepTaken,
    /// What the card answered cannot be understood, or was not protected by this session's keys: altered, of another step,
    /// of another session.
    #[error("the card's answer is none of this step: {0}")]
    Answer(&'static str),
    /// The card answered with an error.
    #[error("the card refused with status {0:04X}")]
    Card(u16),
    /// The card did not prove that it is genuine.
    #[error("the card is not genuine: {0}")]
    CardNotGenuine(&'static str),
    /// A data group is not what the standard says it is.
    #[error("a data group is malformed: {0}")]
    Data(#[from] MalformedGroup),
    /// The document was lost, stolen or taken back.
    #[error("the document is lost")]
    DocumentLost,
    /// Nobody says what has become of the document.
    #[error("the status of the document is unknown")]
    DocumentUnknown,
    /// The document is over.
    #[error("the document is not in force any more")]
    DocumentExpired,
    /// The certificate to sign with was not read, cannot be used, or is not trusted.
    #[error("there is no certificate to sign with: {0}")]
    SigningCertificate(&'static str),
    /// The card's signature is not one over what was to be signed.
    #[error("the card's signature is wrong: {0}")]
    Signature(&'static str),
    /// A relying party's request does not count here.
    #[error("the request for a ticket does not count: {0}")]
    TicketRequest(&'static str),
    /// The holder did not agree to a group that the request requires, or the card has not got it.
    #[error("a required group is missing")]
    TicketGroups,
    /// The card's key and certificate cannot be renewed here.
    #[error("the card cannot get another key: {0}")]
    Renewal(&'static str),
    /// The issuing authority does not answer.
    #[error("the issuing authority does not answer")]
    AuthorityUnreachable,
    /// The issuing authority refuses the request.
    #[error("the issuing authority refuses")]
    AuthorityRefused,
    /// The issuing authority's answer cannot be understood, or its certificate is not one for this card.
    #[error("the issuing authority's answer is of no use")]
    AuthorityAnswer,
}

impl TerminalRefusal {
    /// Every code.
    pub const CODES: [&'static str; 22] = [
        "terminal-caller-refused",
        "too-many-terminal-sessions",
        "terminal-certificate-expired",
        "terminal-session-unknown",
        "terminal-of-other-caller",
        "terminal-wrong-order",
        "terminal-step-taken",
        "terminal-answer-malformed",
        "terminal-card-refused",
        "terminal-card-not-genuine",
        "terminal-data-malformed",
        "document-lost",
        "document-status-unknown",
        "document-expired",
        "terminal-signing-certificate",
        "terminal-signature-wrong",
        "ticket-request-refused",
        "ticket-groups-missing",
        "renewal-impossible",
        "authority-unreachable",
        "authority-refused",
        "authority-answer-malformed",
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Caller => "terminal-caller-refused",
            Self::TooManySessions => "too-many-terminal-sessions",
            Self::OwnCertificate => "terminal-certificate-expired",
            Self::Unknown => "terminal-session-unknown",
            Self::OtherCaller => "terminal-of-other-caller",
            Self::WrongOrder => "terminal-wrong-order",
            Self::StepTaken => "terminal-step-taken",
            Self::Answer(_) => "terminal-answer-malformed",
            Self::Card(_) => "terminal-card-refused",
            Self::CardNotGenuine(_) => "terminal-card-not-genuine",
            Self::Data(_) => "terminal-data-malformed",
            Self::DocumentLost => "document-lost",
            Self::DocumentUnknown => "document-status-unknown",
            Self::DocumentExpired => "document-expired",
            Self::SigningCertificate(_) => "terminal-signing-certificate",
            Self::Signature(_) => "terminal-signature-wrong",
            Self::TicketRequest(_) => "ticket-request-refused",
            Self::TicketGroups => "ticket-groups-missing",
            Self::Renewal(_) => "renewal-impossible",
            Self::AuthorityUnreachable => "authority-unreachable",
            Self::AuthorityRefused => "authority-refused",
            Self::AuthorityAnswer => "authority-answer-malformed",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Caller | Self::OtherCaller => StatusCode::FORBIDDEN,
            Self::TooManySessions | Self::OwnCertificate | Self::AuthorityUnreachable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::AuthorityRefused | Self::AuthorityAnswer => StatusCode::BAD_GATEWAY,
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::WrongOrder | Self::StepTaken => StatusCode::CONFLICT,
            Self::Answer(_)
            | Self::Card(_)
            | Self::CardNotGenuine(_)
            | Self::Data(_)
            | Self::DocumentLost
            | Self::DocumentUnknown
            | Self::DocumentExpired
            | Self::SigningCertificate(_)
            | Self::Signature(_)
            | Self::TicketRequest(_)
            | Self::TicketGroups
            | Self::Renewal(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// The sentence that goes with the code in the answer. It never has details of the service or of a person.
    #[must_use]
    pub const fn message(&self) -> &'static str {
        match self {
            Self::Caller => "This caller may not call the terminal.",
            Self::TooManySessions => "Too many sessions are open; try again later.",
            Self::OwnCertificate => "The terminal's certificate is not in force any more.",
            Self::Unknown => "There is no such session, or none any more; begin a new one.",
            Self::OtherCaller => "The session belongs to another caller.",
            Self::WrongOrder => "The request does not belong here; the session is over.",
            Self::StepTaken => "Another request took this step.",
            Self::Answer(_) => "The card's answer is none of this step; the session is over.",
            Self::Card(_) => "The card refused the command; the session is over.",
            Self::CardNotGenuine(_) => "The card did not prove that it is genuine; nobody is identified.",
            Self::Data(_) => "The card's data cannot be read; the session is over.",
            Self::DocumentLost => "The document was reported lost or taken back; nobody is identified.",
            Self::DocumentUnknown => "Nobody says whether the document is in force; nobody is identified.",
            Self::DocumentExpired => "The document is not in force any more; nobody is identified.",
            Self::SigningCertificate(_) => "There is no certificate on the card that can be signed with.",
            Self::Signature(_) => "The card's signature is wrong; nothing was signed.",
            Self::TicketRequest(_) => "The request for a ticket does not count here.",
            Self::TicketGroups => "A group that the request requires is missing; there is no ticket.",
            Self::Renewal(_) => "The card cannot get another key and certificate here.",
            Self::AuthorityUnreachable => {
                "The issuing authority does not answer; the session is over, begin a new one later."
            }
            Self::AuthorityRefused => "The issuing authority refuses; the session is over.",
            Self::AuthorityAnswer => "The issuing authority's answer is of no use; the session is over.",
        }
    }
}

/// The log is told what exactly the authority said.
impl From<AuthorityError> for TerminalRefusal {
    fn from(error: AuthorityError) -> Self {
        tracing::warn!(%error, "the issuing authority");
        match error {
            AuthorityError::Unreachable(_) => Self::AuthorityUnreachable,
            AuthorityError::Refused { .. } => Self::AuthorityRefused,
            AuthorityError::Answer(_) => Self::AuthorityAnswer,
        }
    }
}
