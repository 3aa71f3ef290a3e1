//! Refusals: one stable code each, with a sentence in the language that the browser prefers.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use latchkey_agent::Failure;
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::RequestFailure;
use crate::texts::{self, Language, Texts};

/// Why a page's request was not answered as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceRefusal {
    /// The header `Host` is not one of this service's: another name was made to lead here.
    #[error("the header Host names another host")]
    Host,
    /// Another user's program calls.
    #[error("another user's program calls")]
    OtherUser,
    /// No page calls: there is no `Origin`.
    #[error("there is no header Origin")]
    NoOrigin,
    /// The origin is not that of an HTTPS site.
    #[error("the origin is not that of an HTTPS site")]
    Origin,
    /// The browser opens the address as a page, or wants a channel that this service does not have.
    #[error("not a request of a script")]
    NotScript,
    /// The body is not JSON.
    #[error("the body is not JSON by its content type")]
    ContentType,
    /// The body is too long.
    #[error("the body is too long")]
    BodySize,
    /// The body is not what the address takes.
    #[error("the body is malformed")]
    Body,
    /// The body took too long to arrive.
    #[error("the body took too long")]
    TimeOut,
    /// There is nothing at this address.
    #[error("there is nothing at this address")]
    NotFound,
    /// The address does not take this method.
    #[error("the address does not take this method")]
    Method,
    /// The site has no request of that name.
    #[error("the site has no such request")]
    RequestUnknown,
    /// The site has used that name before.
    #[error("the site has used that name of a request before")]
    RequestRepeated,
    /// Nothing that fits what went before in a terminal session, or there is none of this site.
    #[error("nothing that fits what went before in the terminal session")]
    TerminalOrder,
    /// The signature of a signed request, its path, its contents or its dates.
    #[error("the signed request cannot be verified")]
    RequestUnverifiable,
    /// The signed request names other sites.
    #[error("the signed request is another site's")]
    RequestOfOtherSite,
    /// The request came to nothing.
    #[error(transparent)]
    Request(#[from] RequestFailure),
}

/// The answer to a request that is refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refusal)]
pub(super) struct RefusalAnswer {
    /// Names the cause; stable.
    #[schema(example = "holder-refused")]
    code: &'static str,
    /// One sentence, in the language of `Accept-Language` as far as there are texts in it.
    message: String,
}

impl ServiceRefusal {
    /// The codes of [`ServiceRefusal::code`] that are not another enum's.
    pub const OWN_CODES: [&'static str; 16] = [
        "host-refused",
        "caller-of-other-user",
        "origin-missing",
        "origin-refused",
        "navigation-refused",
        "content-type-refused",
        "body-too-large",
        "body-malformed",
        "request-timeout",
        "not-found",
        "method-not-allowed",
        "request-unknown",
        "request-repeated",
        "terminal-wrong-order",
        "request-unverifiable",
        "request-of-other-site",
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Host => "host-refused",
            Self::OtherUser => "caller-of-other-user",
            Self::NoOrigin => "origin-missing",
            Self::Origin => "origin-refused",
            Self::NotScript => "navigation-refused",
            Self::ContentType => "content-type-refused",
            Self::BodySize => "body-too-large",
            Self::Body => "body-malformed",
            Self::TimeOut => "request-timeout",
            Self::NotFound => "not-found",
            Self::Method => "method-not-allowed",
            Self::RequestUnknown => "request-unknown",
            Self::RequestRepeated => "request-repeated",
            Self::TerminalOrder => "terminal-wrong-order",
            Self::RequestUnverifiable => "request-unverifiable",
            Self::RequestOfOtherSite => "request-of-other-site",
            Self::Request(failure) => failure.code(),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Host
            | Self::OtherUser
            | Self::NoOrigin
            | Self::Origin
            | Self::NotScript
            | Self::RequestOfOtherSite => StatusCode::FORBIDDEN,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodySize => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body => StatusCode::BAD_REQUEST,
            Self::TimeOut | Self::Request(RequestFailure::Card(Failure::HolderSilent)) => StatusCode::REQUEST_TIMEOUT,
            Self::NotFound | Self::RequestUnknown => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestRepeated | Self::TerminalOrder | Self::Request(RequestFailure::TakenBack) => {
                StatusCode::CONFLICT
            }
            Self::Request(
                RequestFailure::HolderRefused
                | RequestFailure::HolderEnded
                | RequestFailure::RefusedToday
                | RequestFailure::SiteForbidden
                | RequestFailure::Card(Failure::Cancelled),
            ) => StatusCode::FORBIDDEN,
            Self::Request(RequestFailure::TooManyRequests) => StatusCode::TOO_MANY_REQUESTS,
            Self::Request(RequestFailure::Stopping) => StatusCode::SERVICE_UNAVAILABLE,
            Self::RequestUnverifiable | Self::Request(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// What the page is told, to be shown to the holder. What a card, a reader or this computer is like is not told:
    /// the holder has seen it in the program's own words.
    fn message(&self, texts: &Texts) -> String {
        let of_code = || texts.what_happened(self.code(), &[]);
        let sentence = match self {
            Self::Request(RequestFailure::Card(Failure::Cancelled | Failure::HolderSilent)) => of_code(),
            Self::Request(RequestFailure::Card(_) | RequestFailure::Portal(_) | RequestFailure::Link(_)) => {
                Some(texts.say("page-not-signed"))
            }
            _ => of_code(),
        };
        sentence.unwrap_or_else(|| self.to_string())
    }

    pub(super) fn answer(&self, language: Language) -> Response {
        let code = self.code();
        let message = self.message(&texts::texts(language));
        (self.status(), Json(RefusalAnswer { code, message })).into_response()
    }
}

/// Carries a refusal to the guard, which knows the browser's language.
impl IntoResponse for ServiceRefusal {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

pub(super) async fn not_found() -> ServiceRefusal {
    ServiceRefusal::NotFound
}

pub(super) async fn method_not_allowed() -> ServiceRefusal {
    ServiceRefusal::Method
}
