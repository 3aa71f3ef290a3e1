//! What sites call themselves to exchange codes and to look after tokens.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::audit::Event;
use crate::http::Refusal;
use crate::http::body::FormBody;
use crate::http::refusal::RefusalDetail;
use crate::provider::clients::Client;
use crate::provider::dpop::{self, InvalidProof};
use crate::provider::error::ErrorCode;
use crate::provider::parameters::Parameters;
use crate::provider::{Failure, PUSHED_LIFETIME, Provider, TokenSet};
use crate::rates::Source;
use crate::storage::{FoundToken, TokenKind};
use crate::token::Token;

/// What a code or a refresh token was exchanged for.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenAnswer {
    /// For `/userinfo`. Nothing can be read from it.
    access_token: String,
    /// `DPoP` where a proof came along, to whose key the token is bound (RFC 9449); otherwise `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// For how many seconds it serves, at most 300.
    #[schema(example = 300)]
    expires_in: i64,
    /// The ticket (OpenID Connect Core 1.0, clause 2).
    id_token: String,
    /// For other tokens; serves once. Only where the registration says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// What may be known.
    #[schema(example = "openid profile")]
    scope: String,
}

/// A request that waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PushedRequest)]
pub(super) struct PushedAnswer {
    /// For `/authorize`.
    request_uri: String,
    /// For how many seconds it waits.
    #[schema(example = 60)]
    expires_in: i64,
}

/// A protocol error (RFC 6749, clause 5.2).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorAnswer {
    /// The error's registered name.
    #[schema(example = "invalid_grant")]
    error: &'static str,
}

/// What is known of a token (RFC 7662).
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Introspection {
    /// Whether it serves now, and is this site's.
    active: bool,
    /// What may be known by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// Who it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// When it ends, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    /// `DPoP` if it is bound to a key; otherwise `Bearer`. Of access tokens only.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// The key that it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
}

/// The key that a token is bound to (RFC 9449, clause 6.2).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Confirmation {
    /// Its thumbprint (RFC 7638, SHA-256).
    jkt: String,
}

/// Exchanges a code, or a refresh token. Each serves once; a second use ends everything that came of it.
#[utoipa::path(
    post,
    path = "/token",
    operation_id = "exchangeCode",
    tag = "provider",
    params(("DPoP" = Option<String>, Header, description = "A proof of possession (RFC 9449)")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "`grant_type`, and `code`, `redirect_uri`, `code_verifier`, or `refresh_token` and perhaps `scope`"),
    responses(
        (status = 200, description = "Tokens", body = TokenAnswer),
        (status = 400, description = "`invalid_request`, `invalid_grant`, `invalid_scope`, `unauthorized_client`, `unsupported_grant_type`, `invalid_dpop_proof`", body = ErrorAnswer),
        (status = 401, description = "`invalid_client`", body = ErrorAnswer),
        (status = 500, description = "`server_error`", body = ErrorAnswer),
        (status = 503, description = "`temporarily_unavailable`", body = ErrorAnswer),
    )
)]
pub(in crate::http) async fn token(
    State(provider): State<Arc<Provider>>,
    Extension(source): Extension<Source>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    let answer = async {
        let Asked { client, parameters } = asked(&provider, (&headers, &source), body).await?;
        let key = provider.proven_key(dpop(&headers), "/token").await?;
        if client.must_bind && key.is_none() {
            return Err(Failure::Error(ErrorCode::InvalidDpopProof));
        }
        let tokens = match parameters.get("grant_type") {
            Some("authorization_code") => provider.exchange(&client, &parameters, key).await?,
            Some("refresh_token") if !client.may_refresh => {
                return Err(Failure::Error(ErrorCode::UnauthorizedClient));
            }
            Some("refresh_token") => provider.refresh(&client, &parameters, key).await?,
            Some(_) => return Err(Failure::Error(ErrorCode::UnsupportedGrantType)),
            None => return Err(Failure::Error(ErrorCode::InvalidRequest)),
        };
        Ok(Json(TokenAnswer::of(tokens)).into_response())
    };
    for_site(&provider, &headers, answer).await
}

/// Takes a request ahead of the visitor (RFC 9126), so that his browser carries nothing of it. It waits for a minute and
/// serves once.
#[utoipa::path(
    post,
    path = "/par",
    operation_id = "pushRequest",
    tag = "provider",
    params(("DPoP" = Option<String>, Header, description = "A proof of possession (RFC 9449)")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "What `/authorize` takes"),
    responses(
        (status = 201, description = "It waits", body = PushedAnswer),
        (status = 400, description = "The error that the visitor would have brought back", body = ErrorAnswer),
        (status = 401, description = "`invalid_client`", body = ErrorAnswer),
        (status = 503, description = "`temporarily_unavailable`", body = ErrorAnswer),
    )
)]
pub(in crate::http) async fn push(
    State(provider): State<Arc<Provider>>,
    Extension(source): Extension<Source>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    let answer = async {
        let Asked { client, parameters } = asked(&provider, (&headers, &source), body).await?;
        let key = provider.proven_key(dpop(&headers), "/par").await?;
        let pushed = PushedAnswer {
            request_uri: provider.push(&client, &parameters, key).await?,
            expires_in: PUSHED_LIFETIME.whole_seconds(),
        };
        Ok((StatusCode::CREATED, Json(pushed)).into_response())
    };
    for_site(&provider, &headers, answer).await
}

/// Ends a token (RFC 7009); with a refresh token everything that was granted with it. Says nothing of tokens that are not
/// the site's.
#[utoipa::path(
    post,
    path = "/revoke",
    operation_id = "revokeToken",
    tag = "provider",
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "`token`"),
    responses(
        (status = 200, description = "It serves no more"),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`invalid_client`", body = ErrorAnswer),
        (status = 503, description = "`temporarily_unavailable`", body = ErrorAnswer),
    )
)]
pub(in crate::http) async fn revoke(
    State(provider): State<Arc<Provider>>,
    Extension(source): Extension<Source>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    let answer = async {
        let Asked { client, parameters } = asked(&provider, (&headers, &source), body).await?;
        let token = parameters.get("token").ok_or(Failure::Error(ErrorCode::InvalidRequest))?;
        if let Some(token) = Token::parse(token) {
            provider.revoke(&client, &token).await.map_err(Refusal::from)?;
        }
        Ok(StatusCode::OK.into_response())
    };
    for_site(&provider, &headers, answer).await
}

/// Says whether a token of the site serves (RFC 7662). Sites that cannot keep a secret are told nothing.
#[utoipa::path(
    post,
    path = "/introspect",
    operation_id = "introspectToken",
    tag = "provider",
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "`token`"),
    responses(
        (status = 200, description = "What is known", body = Introspection),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`invalid_client`", body = ErrorAnswer),
        (status = 503, description = "`temporarily_unavailable`", body = ErrorAnswer),
    )
)]
pub(in crate::http) async fn introspect(
    State(provider): State<Arc<Provider>>,
    Extension(source): Extension<Source>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    let answer = async {
        let Asked { client, parameters } = asked(&provider, (&headers, &source), body).await?;
        if !client.is_confidential() {
            return Err(Failure::Error(ErrorCode::InvalidClient));
        }
        let token = parameters.get("token").ok_or(Failure::Error(ErrorCode::InvalidRequest))?;
        let found = match Token::parse(token) {
            Some(token) => provider.token_of(&client, &token).await.map_err(Refusal::from)?,
            None => None,
        };
        let known = found.map(|found| Introspection::of(&provider, &client, &found)).transpose()?;
        Ok(Json(known.unwrap_or_default()).into_response())
    };
    for_site(&provider, &headers, answer).await
}

/// What a site is answered, or told in the protocol's words.
async fn for_site(
    provider: &Provider,
    headers: &HeaderMap,
    answer: impl Future<Output = Result<Response, Failure>>,
) -> Response {
    answer.await.unwrap_or_else(|failure| failed(provider, headers, &failure))
}

/// A site that has proven who it is, and what it asks.
struct Asked {
    client: Arc<Client>,
    parameters: Parameters,
}

async fn asked(
    provider: &Provider,
    (headers, source): (&HeaderMap, &Source),
    body: Result<FormBody, Refusal>,
) -> Result<Asked, Failure> {
    let FormBody(body) = body?;
    let parameters = Parameters::parse(&body).map_err(|_| Failure::Error(ErrorCode::InvalidRequest))?;
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let authorization = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) => Some(value.to_str().map_err(|_| Failure::Error(ErrorCode::InvalidClient))?),
        (Some(_), Some(_)) => return Err(Failure::Error(ErrorCode::InvalidRequest)),
    };
    let client = provider.authenticate(authorization, &parameters).await.inspect_err(|failure| {
        if let Failure::Error(ErrorCode::InvalidClient) = failure {
            provider.portal().note(&Event::SiteRefused);
        }
    })?;
    provider.portal().serve_site(&client, source)?;
    Ok(Asked { client, parameters })
}

/// The proof of possession that comes with a request, if any does (RFC 9449, clause 4.3: more than one are none).
pub(super) fn dpop(headers: &HeaderMap) -> Result<Option<&str>, InvalidProof> {
    let mut values = headers.get_all(dpop::HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| InvalidProof),
        (Some(_), Some(_)) => Err(InvalidProof),
    }
}

fn failed(provider: &Provider, headers: &HeaderMap, failure: &Failure) -> Response {
    let (status, code, detail) = match failure {
        Failure::Error(code @ ErrorCode::InvalidClient) => (StatusCode::UNAUTHORIZED, *code, None),
        Failure::Error(code) => (StatusCode::BAD_REQUEST, *code, None),
        Failure::Refused(refusal) => {
            let status = refusal.status();
            let code = match status {
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => ErrorCode::TemporarilyUnavailable,
                _ if status.is_server_error() => ErrorCode::ServerError,
                _ => ErrorCode::InvalidRequest,
            };
            (status, code, Some(refusal.detail()))
        }
    };
    provider.portal().metrics().provider_refused(code.name());
    let mut response = (status, Json(json!(ErrorAnswer { error: code.name() }))).into_response();
    let detail = detail.unwrap_or_else(|| RefusalDetail::of_code(code.name()));
    response.extensions_mut().insert(detail);
    if status == StatusCode::UNAUTHORIZED && headers.contains_key(AUTHORIZATION) {
        let challenge = axum::http::HeaderValue::from_static("Basic realm=\"token\", charset=\"UTF-8\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// What a site is told that is not looked at for now.
pub(in crate::http) fn put_off(refusal: &Refusal) -> Response {
    let answer = Json(json!(ErrorAnswer { error: ErrorCode::TemporarilyUnavailable.name() }));
    let mut response = (refusal.status(), answer).into_response();
    response.extensions_mut().insert(refusal.detail());
    response
}

impl Introspection {
    fn of(provider: &Provider, client: &Client, found: &FoundToken) -> Result<Self, Refusal> {
        let FoundToken { token, session, .. } = found;
        let kind = token.key.map_or("Bearer", |_| dpop::SCHEME);
        Ok(Self {
            active: true,
            scope: Some(token.scopes.within(client.scopes).text()),
            client_id: Some(client.id.as_str().to_owned()),
            sub: Some(provider.subject(client, session)?),
            exp: Some(token.expires_at.min(session.expires_at).unix_timestamp()),
            iss: Some(provider.issuer().to_owned()),
            token_type: (token.kind == TokenKind::Access).then_some(kind),
            cnf: token.key.map(|key| Confirmation { jkt: key.to_string() }),
        })
    }
}

impl TokenAnswer {
    fn of(tokens: TokenSet) -> Self {
        Self {
            access_token: tokens.access_token.expose_for_caller(),
            token_type: if tokens.is_bound { dpop::SCHEME } else { "Bearer" },
            expires_in: tokens.expires_in.whole_seconds(),
            id_token: tokens.ticket,
            refresh_token: tokens.refresh_token.map(|token| token.expose_for_caller()),
            scope: tokens.scopes.text(),
        }
    }
}
