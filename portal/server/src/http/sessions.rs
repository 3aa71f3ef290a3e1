//! The browser's session.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use latchkey_crypto::x509::PersonName;
use serde::Serialize;
use utoipa::ToSchema;

use super::refusal::RefusalAnswer;
use super::{Refusal, cookies};
use crate::portal::{Portal, rfc3339};
use crate::session::{Holder, OutsideAccount};

/// The session of the asking browser.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub(super) struct SessionAnswer {
    /// How sure the service is: `low`, `substantial` or `high`.
    #[schema(example = "high")]
    assurance: &'static str,
    /// Who is signed in; none if nobody has shown a card or a certificate.
    holder: Option<HolderAnswer>,
    /// The account with another provider by which somebody is signed in who has shown neither.
    outside_account: Option<OutsideAccountAnswer>,
    /// Since when (RFC 3339).
    #[schema(example = "2026-05-04T09:00:00Z")]
    signed_in_at: String,
    /// Until when at most (RFC 3339).
    #[schema(example = "2026-05-04T09:30:00Z")]
    expires_at: String,
}

/// The session of the asking browser.
#[utoipa::path(
    get,
    path = "/api/v1/session",
    operation_id = "readSession",
    tag = "session",
    responses(
        (status = 200, description = "Somebody is signed in", body = SessionAnswer),
        (status = 403, description = "`origin-refused`", body = RefusalAnswer),
        (status = 404, description = "`no-session`", body = RefusalAnswer),
        (status = 500, description = "`internal-error`, `storage-damaged`", body = RefusalAnswer),
        (status = 503, description = "`storage-unavailable`", body = RefusalAnswer),
    )
)]
pub(super) async fn show(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let token = cookies::SESSION.read(&headers).ok_or(Refusal::NoSession)?;
    let session = portal.session(&token).await?.ok_or(Refusal::NoSession)?;
    let answer = SessionAnswer {
        assurance: session.assurance.name(),
        holder: session.holder().map(HolderAnswer::from),
        outside_account: session.outside_account().map(OutsideAccountAnswer::from),
        signed_in_at: rfc3339(session.signed_in_at)?,
        expires_at: rfc3339(session.expires_at)?,
    };
    Ok(Json(answer).into_response())
}

/// Ends the session of the asking browser. Does nothing if there is none.
#[utoipa::path(
    delete,
    path = "/api/v1/session",
    operation_id = "endSession",
    tag = "session",
    responses(
        (status = 204, description = "Nobody is signed in in this browser any more"),
        (status = 403, description = "`origin-refused`", body = RefusalAnswer),
        (status = 503, description = "`storage-unavailable`", body = RefusalAnswer),
    )
)]
pub(super) async fn end(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Result<Response, Refusal> {
    if let Some(token) = cookies::SESSION.read(&headers) {
        portal.end_session(&token).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookies::SESSION.clear()?)]).into_response())
}

/// Who is signed in, as the certificate says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Holder)]
pub(super) struct HolderAnswer {
    /// The identification number, with the country that assigned it.
    #[schema(example = "PNOBY-3000000A000PB0")]
    personal_number: String,
    /// The names as the certificate's subject gives them: in Russian on a Belarusian card.
    name: NameAnswer,
    /// The Belarusian names, if the certificate has them.
    belarusian_name: Option<NameAnswer>,
    /// First and family name in Latin letters, if the certificate has them.
    latin_name: Option<String>,
}

/// An account with another provider.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OutsideAccount)]
pub(super) struct OutsideAccountAnswer {
    /// The other provider's issuer.
    #[schema(example = "https://accounts.example")]
    issuer: String,
    /// What it calls the person, if it does.
    name: Option<String>,
}

/// The names of a person in one language.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Name)]
pub(super) struct NameAnswer {
    /// Family name.
    family: Option<String>,
    /// First name; all given names where the certificate does not tell them apart.
    given: Option<String>,
    /// Patronymic, if the person has one and the certificate tells it apart.
    patronymic: Option<String>,
}

impl From<&Holder> for HolderAnswer {
    fn from(holder: &Holder) -> Self {
        Self {
            personal_number: holder.personal_number.to_string(),
            name: NameAnswer::from(&holder.name),
            belarusian_name: holder.belarusian_name.as_ref().map(NameAnswer::from),
            latin_name: holder.latin_name.clone(),
        }
    }
}

impl From<&OutsideAccount> for OutsideAccountAnswer {
    fn from(account: &OutsideAccount) -> Self {
        Self { issuer: account.issuer.clone(), name: account.name.clone() }
    }
}

impl From<&PersonName> for NameAnswer {
    fn from(name: &PersonName) -> Self {
        let PersonName { family, given, patronymic } = name.clone();
        Self { family, given, patronymic }
    }
}
