//! Issuing challenges.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_LANGUAGE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::JsonBody;
use super::refusal::RefusalAnswer;
use super::{Language, Refusal, cookies};
use crate::portal::{Portal, rfc3339};

/// The format of a challenge's JSON.
pub const CHALLENGE_FORMAT: &str = "latchkey-challenge:1";

/// What to ask a challenge for. Nothing can be chosen yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChallengeRequest {}

/// A challenge for one sign-in of one browser.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Challenge {
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
    #[schema(example = "/api/v1/assertions/3f0c6a1d5b7e4f8290a1b2c3d4e5f607")]
    assertion_path: String,
}

/// Issues a challenge to the browser that asks. It is given a cookie, and only a request with that cookie can use the
/// challenge.
#[utoipa::path(
    post,
    path = "/api/v1/challenges",
    operation_id = "issueChallenge",
    tag = "sign-in",
    request_body = ChallengeRequest,
    responses(
        (status = 201, description = "A challenge", body = Challenge, headers(
            ("Set-Cookie" = String, description = "`__Host-latchkey-pre`: says which browser asked"))),
        (status = 400, description = "`body-malformed`", body = RefusalAnswer),
        (status = 403, description = "`origin-refused`", body = RefusalAnswer),
        (status = 408, description = "`request-timeout`", body = RefusalAnswer),
        (status = 413, description = "`body-too-large`", body = RefusalAnswer),
        (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
        (status = 500, description = "`internal-error`, `storage-damaged`", body = RefusalAnswer),
        (status = 503, description = "`storage-unavailable`, `too-many-challenges`, `stopping`", body = RefusalAnswer),
    )
)]
pub(super) async fn issue(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Refusal> {
    // serde would also take an array for the object.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Refusal::Body);
    }
    let ChallengeRequest {} = serde_json::from_slice(&body).map_err(|_| Refusal::Body)?;
    if portal.is_stopping() {
        return Err(Refusal::Stopping);
    }
    // A second tab of the same browser must not take the first tab's challenge away, hence the same cookie again.
    let browser = cookies::BROWSER.read(&headers).unwrap_or_else(|| portal.draw_token());
    let kept = portal.issue_challenge(&browser).await?;
    let language = Language::preferred(&headers);
    let challenge = Challenge {
        format: CHALLENGE_FORMAT,
        challenge: kept.text.to_string(),
        expires_at: rfc3339(kept.expires_at)?,
        portal_name: portal.name(language).to_owned(),
        purpose: kept.purpose.name(),
        assertion_path: format!("/api/v1/assertions/{}", kept.id),
    };
    let cookie = cookies::BROWSER.set(&browser, kept.expires_at - kept.issued_at)?;
    Ok((
        StatusCode::CREATED,
        [(SET_COOKIE, cookie), (CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()))],
        Json(challenge),
    )
        .into_response())
}
