//! Sign-ins by link, as the client program meets them. The browser that asked for the link learns nothing here: what
//! comes of it waits at an address that the client program opens in the browser.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_LANGUAGE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::assertions::AssertionBody;
use super::body::{JsonBody, NothingAsked};
use super::challenges::CHALLENGE_FORMAT;
use super::refusal::RefusalAnswer;
use super::{Language, Refusal};
use crate::portal::{Portal, rfc3339};
use crate::storage::LinkSpent;
use crate::token::Token;

/// The challenge of a link.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkedChallenge {
    /// The format of this object.
    #[schema(example = "latchkey-challenge:1")]
    format: &'static str,
    /// The random value, base64. Its text is what the card signs over.
    #[schema(example = "p/Gy4rs8uUAQoh0Ba8SFImRSkT8oxxHrGb4gSaMUDKc=")]
    challenge: String,
    /// When the challenge expires (RFC 3339).
    #[schema(example = "2026-05-04T09:02:00Z")]
    expires_at: String,
    /// The name of the portal, in the language that the request prefers. A name that the portal gives itself.
    portal_name: String,
    /// What an assertion over this challenge is used for.
    #[schema(example = "sign-in")]
    purpose: &'static str,
    /// The path to send the assertion to.
    assertion_path: String,
    /// Digits that the asking browser shows too, for people to recognise their own request by. They protect nobody.
    #[schema(example = "4217")]
    short_code: String,
}

/// A sign-in by link that was accepted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Signed {
    /// Always `signed`. Nobody is signed in yet.
    #[schema(example = "signed")]
    result: &'static str,
    /// The address to open in the browser, within a minute. It serves once, and signs in only the browser that asked
    /// for the link.
    completion_address: String,
}

/// Gives the challenge of a link, once. The token of the link is all that is needed; no cookie takes part.
#[utoipa::path(
    post,
    path = "/api/v1/links/{token}",
    operation_id = "fetchLink",
    tag = "sign-in by link",
    params(("token" = String, Path, description = "The `request` of the link")),
    request_body = NothingAsked,
    responses(
        (status = 200, description = "The challenge", body = LinkedChallenge),
        (status = 400, description = "`body-malformed`", body = RefusalAnswer),
        (status = 403, description = "`origin-refused`", body = RefusalAnswer),
        (status = 404, description = "`link-unknown`", body = RefusalAnswer),
        (status = 408, description = "`request-timeout`", body = RefusalAnswer),
        (status = 409, description = "`link-replayed`", body = RefusalAnswer),
        (status = 410, description = "`challenge-expired`", body = RefusalAnswer),
        (status = 413, description = "`body-too-large`", body = RefusalAnswer),
        (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
        (status = 500, description = "`internal-error`, `storage-damaged`", body = RefusalAnswer),
        (status = 503, description = "`storage-unavailable`", body = RefusalAnswer),
    )
)]
pub(super) async fn fetch(
    State(portal): State<Arc<Portal>>,
    token: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    _: NothingAsked,
) -> Result<Response, Refusal> {
    let request = parse(token)?;
    let (kept, short_code) = portal.fetch_link(&request).await?;
    let language = Language::preferred(&headers);
    let challenge = LinkedChallenge {
        format: CHALLENGE_FORMAT,
        challenge: kept.text.to_string(),
        expires_at: rfc3339(kept.expires_at)?,
        portal_name: portal.name(language).to_owned(),
        purpose: kept.purpose.name(),
        assertion_path: format!("/api/v1/links/{}/assertion", request.expose_for_address()),
        short_code: short_code.to_string(),
    };
    Ok(([(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()))], Json(challenge)).into_response())
}

/// Presents an assertion over the challenge of a link. Whatever the verdict, the challenge is used up by it.
#[utoipa::path(
    post,
    path = "/api/v1/links/{token}/assertion",
    operation_id = "presentLinkAssertion",
    tag = "sign-in by link",
    params(("token" = String, Path, description = "The `request` of the link")),
    request_body = AssertionBody,
    responses(
        (status = 200, description = "The assertion is accepted; the browser is still to come", body = Signed),
        (status = 400, description = "`body-malformed`: it broke off", body = RefusalAnswer),
        (status = 403, description = "`origin-refused`", body = RefusalAnswer),
        (status = 404, description = "`link-unknown`", body = RefusalAnswer),
        (status = 408, description = "`request-timeout`", body = RefusalAnswer),
        (status = 409, description = "`link-replayed`", body = RefusalAnswer),
        (status = 410, description = "`challenge-expired`", body = RefusalAnswer),
        (status = 413, description = "`body-too-large`", body = RefusalAnswer),
        (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
        (status = 422, description = "The assertion is not accepted; the code says why", body = RefusalAnswer),
        (status = 500, description = "`internal-error`, `storage-damaged`", body = RefusalAnswer),
        (status = 503, description = "`storage-unavailable`, `stopping`", body = RefusalAnswer),
    )
)]
pub(super) async fn present(
    State(portal): State<Arc<Portal>>,
    token: Result<Path<String>, PathRejection>,
    JsonBody(assertion): JsonBody,
) -> Result<Response, Refusal> {
    let signed = match parse(token) {
        Ok(request) => portal.sign_for_link(&request, assertion).await,
        Err(refusal) => Err(refusal),
    };
    let completion = signed.inspect_err(|refusal| portal.metrics().sign_in_refused(refusal.code()))?;
    let completion_address = format!("{}/complete/{}", portal.origin(), completion.expose_for_address());
    Ok(Json(Signed { result: "signed", completion_address }).into_response())
}

fn parse(token: Result<Path<String>, PathRejection>) -> Result<Token, Refusal> {
    let token = token.ok().and_then(|Path(token)| Token::parse(&token));
    token.ok_or(Refusal::Link(LinkSpent::Unknown))
}
