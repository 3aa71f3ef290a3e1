//! Presenting assertions.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::JsonBody;
use super::cabinet::browser_family;
use super::refusal::RefusalAnswer;
use super::sessions::HolderAnswer;
use super::{Refusal, cookies};
use crate::challenge::ChallengeId;
use crate::portal::{Portal, rfc3339};
use crate::session::{Holder, Way};
use crate::storage::NotTaken;

/// An assertion in the JSON shape of Web eID.
#[derive(ToSchema)]
#[schema(as = Assertion, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what latchkey-verify reads from the octets themselves")]
pub(super) struct AssertionBody {
    /// The holder's certificate, DER in base64.
    unverified_certificate: String,
    /// The signature algorithm's name.
    #[schema(example = "bign-with-hbelt")]
    algorithm: String,
    /// The signature over H(H(origin) ‖ H(challenge)), base64.
    signature: String,
    /// The format of this object.
    #[schema(example = "web-eid:1.0")]
    format: String,
    /// Names the signing program and its version.
    app_version: String,
    /// What the authority's status service has answered about the certificate (`OCSPResponse`, DER in base64), if that is
    /// known: it counts for ten minutes.
    status_answer: Option<String>,
}

/// An accepted sign-in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Accepted {
    /// Always `accepted`.
    #[schema(example = "accepted")]
    result: &'static str,
    /// How sure the service is: `low`, `substantial` or `high`.
    #[schema(example = "high")]
    assurance: &'static str,
    /// Who signed in.
    holder: HolderAnswer,
    /// Everything that was checked, in the order of checking.
    checks: Vec<CheckAnswer>,
    /// The session that was opened.
    session: OpenedSession,
}

/// One check of an accepted assertion.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Check)]
pub(super) struct CheckAnswer {
    /// What was checked.
    #[schema(example = "signature")]
    check: &'static str,
    /// Against which data.
    against: String,
}

impl From<&latchkey_verify::Check> for CheckAnswer {
    fn from(check: &latchkey_verify::Check) -> Self {
        Self { check: check.name(), against: check.against() }
    }
}

/// The session that a sign-in opened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OpenedSession {
    /// When the session is over (RFC 3339).
    #[schema(example = "2026-05-04T09:30:00Z")]
    expires_at: String,
}

/// Presents an assertion over a challenge. Whatever the verdict, the challenge is used up by it, unless it belongs to
/// another browser.
#[utoipa::path(
    post,
    path = "/api/v1/assertions/{challenge}",
    operation_id = "presentAssertion",
    tag = "sign-in",
    params(("challenge" = String, Path, description = "Names the challenge: the end of its `assertionPath`")),
    request_body = AssertionBody,
    responses(
        (status = 200, description = "The assertion is accepted", body = Accepted, headers(
            ("Set-Cookie" = String, description = "`__Host-latchkey-session`: the session; `__Host-latchkey-pre` is taken away"))),
        (status = 400, description = "`body-malformed`: it broke off", body = RefusalAnswer),
        (status = 403, description = "`origin-refused`, `challenge-of-other-session`, `cabinet-blocked`", body = RefusalAnswer),
        (status = 404, description = "`challenge-unknown`", body = RefusalAnswer),
        (status = 408, description = "`request-timeout`", body = RefusalAnswer),
        (status = 409, description = "`challenge-replayed`", body = RefusalAnswer),
        (status = 410, description = "`challenge-expired`", body = RefusalAnswer),
        (status = 413, description = "`body-too-large`", body = RefusalAnswer),
        (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
        (status = 422, description = "The assertion is not accepted; the code says why", body = RefusalAnswer),
        (status = 500, description = "`internal-error`, `storage-damaged`", body = RefusalAnswer),
        (status = 503, description = "`storage-unavailable`, `stopping`, `cabinet-key-outdated`", body = RefusalAnswer),
    )
)]
pub(super) async fn present(
    State(portal): State<Arc<Portal>>,
    challenge: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    JsonBody(assertion): JsonBody,
) -> Result<Response, Refusal> {
    let verdict = match challenge {
        Ok(Path(challenge)) => sign_in(&portal, &challenge, &headers, assertion).await,
        // Not even text.
        Err(_) => Err(NotTaken::Unknown.into()),
    };
    if let Err(refusal) = &verdict {
        portal.sign_in_refused(refusal);
    }
    verdict
}

async fn sign_in(
    portal: &Arc<Portal>,
    challenge: &str,
    headers: &HeaderMap,
    assertion: axum::body::Bytes,
) -> Result<Response, Refusal> {
    let challenge = ChallengeId::parse(challenge).ok_or(NotTaken::Unknown)?;
    let browser = cookies::BROWSER.read(headers).ok_or(NotTaken::OtherSession)?;
    let former = cookies::SESSION.read(headers);
    // Browsers name the site whose page sends; the guard lets no other than this one through.
    let way = if headers.contains_key(ORIGIN) { Way::Page } else { Way::Program };
    let (started, verified) =
        portal.sign_in(challenge, &browser, assertion, former.as_ref(), (way, browser_family(headers))).await?;
    let answer = Accepted {
        result: "accepted",
        assurance: started.session.assurance.name(),
        holder: HolderAnswer::from(&Holder::from(verified.identity())),
        checks: verified.checks().iter().map(CheckAnswer::from).collect(),
        session: OpenedSession { expires_at: rfc3339(started.session.expires_at)? },
    };
    Ok((StatusCode::OK, cookies::signed_in(&started)?, Json(answer)).into_response())
}
