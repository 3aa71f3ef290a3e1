//! Refusals: one stable code each. The answer has the code and a sentence; what exactly went wrong is for the log.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use latchkey_crypto::assertion::AssertionError;
use latchkey_verify::Rejection;
use serde::Serialize;
use utoipa::ToSchema;

use crate::cabinet::Barred;
use crate::keys::KeyUnavailable;
use crate::outside_account::OutsideAccountError;
use crate::provider::request::ToldFault;
use crate::rates::Exceeded;
use crate::storage::{LinkSpent, NotCompleted, NotTaken, StorageError};
use crate::terminal::TerminalRefusal;

/// Why a request was not answered as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request comes from a page of another site.
    #[error("the header Origin names another site")]
    Origin,
    /// The body is not of the kind that the address takes.
    #[error("the body has another content type than this address takes")]
    ContentType,
    /// The body is too long.
    #[error("the body is too long")]
    BodySize,
    /// The body is not what the address takes.
    #[error("the body is malformed")]
    Body,
    /// The request took too long to arrive or to be answered.
    #[error("the request took too long")]
    TimeOut,
    /// There is nothing at this address.
    #[error("there is nothing at this address")]
    NotFound,
    /// The address does not take this method.
    #[error("the address does not take this method")]
    Method,
    /// The browser has no session.
    #[error("nobody is signed in in this browser")]
    NoSession,
    /// A form that does not come from the portal's own page for this session.
    #[error("the form was not made for this session")]
    Form,
    /// The challenge was not there to be taken.
    #[error(transparent)]
    Challenge(#[from] NotTaken),
    /// The link could not be used.
    #[error(transparent)]
    Link(#[from] LinkSpent),
    /// The browser is not signed in by the link.
    #[error(transparent)]
    Completion(#[from] NotCompleted),
    /// The cabinet's door is closed.
    #[error(transparent)]
    Cabinet(#[from] Barred),
    /// The assertion is not accepted.
    #[error(transparent)]
    Assertion(#[from] Rejection),
    /// What another site asks for cannot be answered.
    #[error(transparent)]
    Site(#[from] ToldFault),
    /// Another provider has nobody sign in.
    #[error(transparent)]
    OutsideAccount(OutsideAccountError),
    /// The terminal does not go on.
    #[error(transparent)]
    Terminal(#[from] TerminalRefusal),
    /// The database gives no answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// As much has been asked for as may be in a minute.
    #[error(transparent)]
    TooManyRequests(#[from] Exceeded),
    /// As many challenges are kept as may be.
    #[error("as many challenges are kept as the configuration allows")]
    TooManyChallenges,
    /// The service is being stopped and takes no new work.
    #[error("the service is being stopped")]
    Stopping,
    /// A fault of the service itself.
    #[error("{0}")]
    Internal(&'static str),
}

/// The answer to a request that is refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refusal)]
pub(super) struct RefusalAnswer {
    /// Names the cause; stable.
    #[schema(example = "challenge-expired")]
    code: &'static str,
    /// One sentence in English, for developers. People are told by the program that knows their language.
    message: &'static str,
}

/// What the log is told about a refused request.
#[derive(Debug, Clone)]
pub(super) struct RefusalDetail {
    pub(super) code: &'static str,
    pub(super) detail: String,
    /// When it is worth asking again, if that is known.
    pub(super) retry_after: Option<Duration>,
}

impl RefusalDetail {
    /// No more than the code.
    pub(super) const fn of_code(code: &'static str) -> Self {
        Self { code, detail: String::new(), retry_after: None }
    }
}

impl Refusal {
    /// Every code that [`Refusal::code`] can give besides those of [`Rejection::CODES`] and [`TerminalRefusal::CODES`].
    pub const OWN_CODES: [&'static str; 31] = [
        "origin-refused",
        "content-type-refused",
        "body-too-large",
        "body-malformed",
        "request-timeout",
        "not-found",
        "method-not-allowed",
        "no-session",
        "form-refused",
        "challenge-unknown",
        "challenge-of-other-session",
        "challenge-replayed",
        "link-unknown",
        "link-replayed",
        "completion-unknown",
        "completion-expired",
        "completion-of-other-browser",
        "site-request-malformed",
        "site-unknown",
        "site-address-unknown",
        "site-request-over",
        "outside-account-refused",
        "outside-account-unavailable",
        "cabinet-blocked",
        "cabinet-key-outdated",
        "storage-damaged",
        "storage-unavailable",
        "too-many-requests",
        "too-many-challenges",
        "stopping",
        "internal-error",
    ];

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Origin => "origin-refused",
            Self::ContentType => "content-type-refused",
            Self::BodySize => "body-too-large",
            Self::Body => "body-malformed",
            Self::TimeOut => "request-timeout",
            Self::NotFound => "not-found",
            Self::Method => "method-not-allowed",
            Self::NoSession => "no-session",
            Self::Form => "form-refused",
            Self::Challenge(NotTaken::Unknown) => "challenge-unknown",
            Self::Challenge(NotTaken::OtherSession) => "challenge-of-other-session",
            Self::Challenge(NotTaken::Replayed) => "challenge-replayed",
            Self::Link(LinkSpent::Unknown) => "link-unknown",
            Self::Link(LinkSpent::Replayed) => "link-replayed",
            Self::Completion(NotCompleted::Unknown) => "completion-unknown",
            Self::Completion(NotCompleted::Expired) => "completion-expired",
            Self::Completion(NotCompleted::OtherBrowser) => "completion-of-other-browser",
            Self::Completion(NotCompleted::Stale(next_update)) => {
                Rejection::RevocationStale { next_update: *next_update }.code()
            }
            Self::Site(ToldFault::Malformed(_)) => "site-request-malformed",
            Self::Site(ToldFault::UnknownClient) => "site-unknown",
            Self::Site(ToldFault::RedirectUri) => "site-address-unknown",
            Self::Site(ToldFault::Over) => "site-request-over",
            Self::OutsideAccount(OutsideAccountError::Unavailable(_)) => "outside-account-unavailable",
            Self::OutsideAccount(_) => "outside-account-refused",
            Self::Cabinet(Barred::Blocked) => "cabinet-blocked",
            Self::Cabinet(Barred::KeyOutdated) => "cabinet-key-outdated",
            Self::Assertion(rejection) => rejection.code(),
            Self::Terminal(refusal) => refusal.code(),
            Self::Storage(StorageError::Damaged(_)) => "storage-damaged",
            Self::Storage(_) => "storage-unavailable",
            Self::TooManyRequests(_) => "too-many-requests",
            Self::TooManyChallenges => "too-many-challenges",
            Self::Stopping => "stopping",
            Self::Internal(_) => "internal-error",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Origin
            | Self::Form
            | Self::Challenge(NotTaken::OtherSession)
            | Self::Completion(NotCompleted::OtherBrowser)
            | Self::Cabinet(Barred::Blocked) => StatusCode::FORBIDDEN,
            Self::OutsideAccount(OutsideAccountError::Unavailable(_)) => StatusCode::BAD_GATEWAY,
            Self::OutsideAccount(_) => StatusCode::FORBIDDEN,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodySize => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body | Self::Site(_) => StatusCode::BAD_REQUEST,
            Self::TimeOut => StatusCode::REQUEST_TIMEOUT,
            Self::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound
            | Self::NoSession
            | Self::Challenge(NotTaken::Unknown)
            | Self::Link(LinkSpent::Unknown)
            | Self::Completion(NotCompleted::Unknown) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Challenge(NotTaken::Replayed) | Self::Link(LinkSpent::Replayed) => StatusCode::CONFLICT,
            Self::Assertion(Rejection::ChallengeExpired) | Self::Completion(NotCompleted::Expired) => StatusCode::GONE,
            Self::Assertion(_) | Self::Completion(NotCompleted::Stale(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Terminal(refusal) => refusal.status(),
            Self::Storage(StorageError::Damaged(_)) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Storage(_) | Self::Cabinet(Barred::KeyOutdated) | Self::TooManyChallenges | Self::Stopping => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The sentence that goes with the code in the answer. It never has details of the service or of a person.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Self::Origin => "The request comes from a page of another site.",
            Self::ContentType => "The body has another content type than this address takes.",
            Self::BodySize => "The body is too long.",
            Self::Body => "The body is not what this address takes.",
            Self::TimeOut => "The request took too long.",
            Self::NotFound => "There is nothing at this address.",
            Self::Method => "This address does not take this method.",
            Self::NoSession => "Nobody is signed in in this browser.",
            Self::Form => "The form was not made for this session.",
            Self::Challenge(NotTaken::Unknown) => "There is no such challenge; ask for a new one.",
            Self::Challenge(NotTaken::OtherSession) => "The challenge was issued to another browser.",
            Self::Challenge(NotTaken::Replayed) => "The challenge has been used; ask for a new one.",
            Self::Link(LinkSpent::Unknown) => "There is no such link; ask for a new one.",
            Self::Link(LinkSpent::Replayed) => "The link has been used; ask for a new one.",
            Self::Completion(NotCompleted::Unknown) => "Nothing waits at this address, or nothing any more.",
            Self::Completion(NotCompleted::Expired) => "The browser came too late; sign in again.",
            Self::Completion(NotCompleted::OtherBrowser) => "Another browser asked for the link; nobody is signed in.",
            Self::Site(ToldFault::Malformed(_)) => "The authorization request cannot be read.",
            Self::Site(ToldFault::UnknownClient) => "No such client is registered.",
            Self::Site(ToldFault::RedirectUri) => "The client has not registered this redirect_uri.",
            Self::Site(ToldFault::Over) => "No authorization request waits in this browser, or none any more.",
            Self::OutsideAccount(OutsideAccountError::Unavailable(_)) => {
                "The other provider does not answer; try again later, or sign in with the card."
            }
            Self::OutsideAccount(_) => "The other provider's answer is not accepted; nobody is signed in.",
            Self::Cabinet(Barred::Blocked) => "The person's cabinet is blocked; nobody signs in to it.",
            Self::Cabinet(Barred::KeyOutdated) => "The service is being given new keys; try again later.",
            Self::Assertion(Rejection::ChallengeExpired) => "The challenge has expired; ask for a new one.",
            Self::Assertion(_) | Self::Completion(NotCompleted::Stale(_)) => {
                "The assertion is not accepted; the code says why."
            }
            Self::Terminal(refusal) => refusal.message(),
            Self::Storage(StorageError::Damaged(_)) | Self::Internal(_) => "The service has a fault.",
            Self::Storage(_) => "The service cannot reach its database; try again later.",
            Self::TooManyRequests(_) => {
                "Too many requests have come from there; the header Retry-After says when to try again."
            }
            Self::TooManyChallenges => "Too many sign-ins have been begun; try again later.",
            Self::Stopping => "The service is being stopped; try again later.",
        }
    }

    pub(super) fn detail(&self) -> RefusalDetail {
        let detail = match self {
            // The parser's own words may quote what was sent.
            Self::Assertion(Rejection::MalformedAssertion(AssertionError::Json(_))) => {
                "not the JSON of an assertion".to_owned()
            }
            other => other.to_string(),
        };
        let retry_after = if let Self::TooManyRequests(Exceeded { after, .. }) = self { Some(*after) } else { None };
        RefusalDetail { code: self.code(), detail, retry_after }
    }
}

impl From<OutsideAccountError> for Refusal {
    fn from(error: OutsideAccountError) -> Self {
        match error {
            OutsideAccountError::Key(unavailable) => unavailable.into(),
            error => Self::OutsideAccount(error),
        }
    }
}

impl From<KeyUnavailable> for Refusal {
    fn from(_: KeyUnavailable) -> Self {
        Self::Internal("a key of the service cannot be used")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let detail = self.detail();
        let answer = RefusalAnswer { code: self.code(), message: self.message() };
        let mut response = (self.status(), Json(answer)).into_response();
        response.extensions_mut().insert(detail);
        response
    }
}
