//! What protocol errors are called.

/// Why a site does not get what it asked for (RFC 6749, clauses 4.1.2.1 and 5.2; OpenID Connect Core 1.0, clause
/// 3.1.2.6; OpenID Connect Core Error Code unmet_authentication_requirements 1.0; RFC 9449).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.name())]
#[non_exhaustive]
pub enum ErrorCode {
    /// The request is malformed, or lacks what it must have.
    InvalidRequest,
    /// The site is not who it says it is.
    InvalidClient,
    /// The code is none, is used up, or was not given for this request.
    InvalidGrant,
    /// The site may not do that.
    UnauthorizedClient,
    /// The person does not agree.
    AccessDenied,
    /// Only codes are given.
    UnsupportedResponseType,
    /// Only codes are taken.
    UnsupportedGrantType,
    /// The site may not have this scope, or did not ask for `openid`.
    InvalidScope,
    /// Nobody is signed in, and the site forbade to ask.
    LoginRequired,
    /// A higher level needs the person, and the site forbade to ask.
    InteractionRequired,
    /// The person has not agreed yet, and the site forbade to ask.
    ConsentRequired,
    /// The level that the site demands cannot be reached.
    UnmetAuthenticationRequirements,
    /// The proof that the site holds a key does not hold, or is missing (RFC 9449, clause 12.2).
    InvalidDpopProof,
    /// Requests as signed objects are not taken.
    RequestNotSupported,
    /// Requests by reference are not taken.
    RequestUriNotSupported,
    /// Sites do not register themselves here.
    RegistrationNotSupported,
    /// The service has a fault.
    ServerError,
    /// The service is not available for now.
    TemporarilyUnavailable,
}

impl ErrorCode {
    /// The registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::LoginRequired => "login_required",
            Self::InteractionRequired => "interaction_required",
            Self::ConsentRequired => "consent_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}
