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
use crate::link::{COMPLETION_LIFETIME, link};
use crate::portal::{OfferedLink, Portal, rfc3339};
use crate::storage::TOMBSTONE;
use crate::token::Token;

/// The format of a challenge's JSON.
pub const CHALLENGE_FORMAT: &str = "latchkey-challenge:1";
/// The format of a link's JSON.
const LINK_FORMAT: &str = "latchkey-link:1";

/// What to ask a challenge for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChallengeRequest {
    /// How the challenge comes to the client program. Without it, `page`.
    #[serde(default)]
    via: Via,
}

/// How a challenge comes to the client program.
#[derive(Debug, Default, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Via {
    /// The page hands it over itself, and presents the assertion.
    #[default]
    Page,
    /// The client program fetches it, as a link says, and presents the assertion itself.
    Link,
}

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

/// A link that carries a challenge to the client program.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkOffer {
    /// The format of this object.
    #[schema(example = "latchkey-link:1")]
    format: &'static str,
    /// The link, for the person to open on the computer with the card reader.
    #[schema(
        example = "latchkey:sign-in?portal=https%3A%2F%2Fportal.example&request=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    )]
    link: String,
    /// Digits that the client program shows too, for people to recognise their own request by. They protect nobody.
    #[schema(example = "4217")]
    short_code: String,
    /// When the link expires (RFC 3339).
    #[schema(example = "2026-05-04T09:02:00Z")]
    expires_at: String,
    /// What an assertion over its challenge is used for.
    #[schema(example = "sign-in")]
    purpose: &'static str,
}

/// What a browser that asks for a challenge is given.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Issued {
    Challenge(Challenge),
    LinkOffer(LinkOffer),
}

/// Issues a challenge, or a link to one, to the browser that asks. It is given a cookie, and only a request with that cookie can use the
/// challenge.
#[utoipa::path(
    post,
    path = "/api/v1/challenges",
    operation_id = "issueChallenge",
    tag = "sign-in",
    request_body = ChallengeRequest,
    responses(
        (status = 201, description = "A challenge, or a link to one", body = Issued, headers(
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
    body: JsonBody,
) -> Result<Response, Refusal> {
    match body.object::<ChallengeRequest>()?.via {
        Via::Page => issue_to_page(&portal, &headers).await,
        Via::Link => {
            let (offered, cookie) = offer_link(&portal, &headers).await?;
            let offer = LinkOffer {
                format: LINK_FORMAT,
                link: link(portal.origin(), &offered.request),
                short_code: offered.short_code.to_string(),
                expires_at: rfc3339(offered.challenge.expires_at)?,
                purpose: offered.challenge.purpose.name(),
            };
            Ok((StatusCode::CREATED, [(SET_COOKIE, cookie)], Json(Issued::LinkOffer(offer))).into_response())
        }
    }
}

/// A link for the browser that asks, with the cookie that it must still have when the sign-in ends.
pub(super) async fn offer_link(portal: &Portal, headers: &HeaderMap) -> Result<(OfferedLink, HeaderValue), Refusal> {
    let browser = asking_browser(portal, headers);
    let offered = portal.offer_link(&browser).await?;
    let lifetime = offered.challenge.expires_at - offered.challenge.issued_at + COMPLETION_LIFETIME + TOMBSTONE;
    Ok((offered, cookies::BROWSER.set(&browser, lifetime)?))
}

/// A second tab of the same browser must not take the first tab's challenge away, hence the same cookie again.
fn asking_browser(portal: &Portal, headers: &HeaderMap) -> Token {
    cookies::BROWSER.read(headers).unwrap_or_else(|| portal.draw_token())
}

async fn issue_to_page(portal: &Portal, headers: &HeaderMap) -> Result<Response, Refusal> {
    let browser = asking_browser(portal, headers);
    let kept = portal.issue_challenge(&browser).await?;
    let language = Language::preferred(headers);
    let challenge = Challenge {
        format: CHALLENGE_FORMAT,
        challenge: kept.text.to_string(),
        expires_at: rfc3339(kept.expires_at)?,
        portal_name: portal.name(language).to_owned(),
        purpose: kept.purpose.name(),
        assertion_path: format!("/api/v1/assertions/{}", kept.id),
    };
    // As long as the challenge is remembered: who comes too late is told so, and not that he is somebody else.
    let cookie = cookies::BROWSER.set(&browser, kept.expires_at - kept.issued_at + TOMBSTONE)?;
    Ok((
        StatusCode::CREATED,
        [(SET_COOKIE, cookie), (CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()))],
        Json(Issued::Challenge(challenge)),
    )
        .into_response())
}
