//! What a site may know of the person (OpenID Connect Core 1.0, clause 5.3).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::http::Refusal;
use crate::http::body::FormBody;
use crate::http::refusal::{RefusalAnswer, RefusalDetail};
use crate::provider::Provider;
use crate::provider::parameters::Parameters;
use crate::token::Token;

/// What the site may know, by an access token in the header `Authorization`.
#[utoipa::path(
    get,
    path = "/userinfo",
    operation_id = "readUserinfo",
    tag = "provider",
    responses(
        (status = 200, description = "`sub`, and claims by scope. `family_name#be` is the Belarusian, `name#und-Latn` the Latin form", content_type = "application/json"),
        (status = 401, description = "`invalid_token`: the token does not serve, or not any more", content_type = "application/json"),
        (status = 503, description = "`storage-unavailable`", body = RefusalAnswer),
    )
)]
pub(in crate::http) async fn userinfo(State(provider): State<Arc<Provider>>, headers: HeaderMap) -> Response {
    answer(&provider, bearer(&headers)).await
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
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    let in_form = body.ok().and_then(|FormBody(body)| Parameters::parse(&body).ok());
    let in_form = in_form.and_then(|form| form.get("access_token").and_then(Token::parse));
    // In one place only (RFC 6750, clause 2).
    let token = match in_form {
        Some(token) if !headers.contains_key(AUTHORIZATION) => Some(token),
        Some(_) => None,
        None => bearer(&headers),
    };
    answer(&provider, token).await
}

fn bearer(headers: &HeaderMap) -> Option<Token> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("Bearer") { Token::parse(token) } else { None }
}

async fn answer(provider: &Provider, token: Option<Token>) -> Response {
    let known = match &token {
        Some(token) => provider.userinfo(token).await,
        None => Ok(None),
    };
    match known {
        Ok(Some(claims)) => Json(claims).into_response(),
        Ok(None) => {
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            let body = Json(json!({"error": "invalid_token"}));
            let mut response = (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)], body).into_response();
            response.extensions_mut().insert(RefusalDetail::of_code("invalid_token"));
            response
        }
        Err(error) => Refusal::from(error).into_response(),
    }
}
