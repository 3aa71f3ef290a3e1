//! What a site may know of the person (OpenID Connect Core 1.0, clause 5.3).

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde_json::json;

use super::tokens::dpop as proof_of;
use crate::http::Refusal;
use crate::http::body::FormBody;
use crate::http::refusal::{RefusalAnswer, RefusalDetail};
use crate::provider::dpop;
use crate::provider::error::ErrorCode;
use crate::provider::parameters::Parameters;
use crate::provider::{NotShown, Provider, Shown};
use crate::rates::Source;
use crate::token::Token;

/// What the site may know, by an access token in the header `Authorization`.
#[utoipa::path(
    get,
    path = "/userinfo",
    operation_id = "readUserinfo",
    tag = "provider",
    params(("DPoP" = Option<String>, Header, description = "A proof of possession (RFC 9449), with a token that is bound to a key")),
    responses(
        (status = 200, description = "`sub`, and claims by scope. `family_name#be` is the Belarusian, `name#und-Latn` the Latin form", content_type = "application/json"),
        (status = 401, description = "`invalid_token`: the token does not serve, or not any more, or not so; `invalid_dpop_proof`", content_type = "application/json"),
        (status = 503, description = "`storage-unavailable`", body = RefusalAnswer),
    )
)]
pub(in crate::http) async fn userinfo(
    State(provider): State<Arc<Provider>>,
    Extension(source): Extension<Source>,
    headers: HeaderMap,
) -> Response {
    answer(&provider, &source, in_header(&headers, "GET")).await
}

/// The same, with the access token in the header or in a form (RFC 6750, clause 2.2).
#[utoipa::path(
    post,
    path = "/userinfo",
    operation_id = "readUserinfoByForm",
    tag = "provider",
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "`access_token`, unless it is in the header"),
    responses(
        (status = 200, description = "`sub`, and claims by scope", content_type = "application/json"),
        (status = 401, description = "`invalid_token`", content_type = "application/json"),
        (status = 503, description = "`storage-unavailable`", body = RefusalAnswer),
    )
)]
pub(in crate::http) async fn userinfo_form(
    State(provider): State<Arc<Provider>>,
    Extension(source): Extension<Source>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    let in_form = body.ok().and_then(|FormBody(body)| Parameters::parse(&body).ok());
    let in_form = in_form.and_then(|form| form.get("access_token").and_then(Token::parse));
    // In one place only (RFC 6750, clause 2).
    let shown = match in_form {
        Some(token) if !headers.contains_key(AUTHORIZATION) => Some((token, Shown::Bearer)),
        Some(_) => None,
        None => in_header(&headers, "POST"),
    };
    answer(&provider, &source, shown).await
}

/// The token in the header, and how it is shown there (RFC 6750, clause 2.1; RFC 9449, clause 7.1).
fn in_header<'a>(headers: &'a HeaderMap, method: &'a str) -> Option<(Token, Shown<'a>)> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let shown = if scheme.eq_ignore_ascii_case("Bearer") {
        Shown::Bearer
    } else if scheme.eq_ignore_ascii_case(dpop::SCHEME) {
        Shown::WithProof(proof_of(headers).unwrap_or_default(), method)
    } else {
        return None;
    };
    Some((Token::parse(token)?, shown))
}

async fn answer(provider: &Provider, source: &Source, shown: Option<(Token, Shown<'_>)>) -> Response {
    let challenge = match &shown {
        Some((_, Shown::WithProof(..))) => WITH_PROOF,
        Some((_, Shown::Bearer)) | None => BEARER,
    };
    let known = match shown {
        Some((token, how)) => provider.userinfo(&token, how, source).await,
        None => Ok(Err(NotShown::Token)),
    };
    let (error, challenge) = match known {
        Ok(Ok(claims)) => return Json(claims).into_response(),
        Ok(Err(NotShown::Token)) => ("invalid_token", challenge),
        Ok(Err(NotShown::Proof)) => (ErrorCode::InvalidDpopProof.name(), PROOF_INVALID),
        Err(refusal) => return refusal.into_response(),
    };
    let challenge = [(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))];
    let mut response = (StatusCode::UNAUTHORIZED, challenge, Json(json!({ "error": error }))).into_response();
    response.extensions_mut().insert(RefusalDetail::of_code(error));
    response
}

/// What is said of a token that does not serve, by the scheme that it was shown with.
const BEARER: &str = "Bearer error=\"invalid_token\"";
const WITH_PROOF: &str = "DPoP error=\"invalid_token\", algs=\"ES256 RS256\"";
const PROOF_INVALID: &str = "DPoP error=\"invalid_dpop_proof\", algs=\"ES256 RS256\"";
