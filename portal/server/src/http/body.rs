//! Bodies of requests: their kind and their size.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Refusal;

/// Most octets of a request's body: the largest assertion. The routers' layers of limits keep theirs.
pub(super) const BODY_MAX_SIZE: usize = latchkey_crypto::assertion::ASSERTION_MAX_SIZE;

/// A body that says it is JSON, of at most so many octets. Browsers send that kind to another site only after asking it,
/// which this service never allows.
pub(super) struct JsonBody<const MAX_SIZE: usize = BODY_MAX_SIZE>(pub(super) Bytes);

/// A body that says it is an HTML form.
pub(super) struct FormBody(pub(super) Bytes);

/// A body that asks for nothing in particular.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NothingAsked {}

impl<const MAX_SIZE: usize> JsonBody<MAX_SIZE> {
    /// Reads the body as an object of that kind. serde would also take an array for it.
    pub(super) fn object<'body, T: Deserialize<'body>>(&'body self) -> Result<T, Refusal> {
        if !self.0.trim_ascii_start().starts_with(b"{") {
            return Err(Refusal::Body);
        }
        serde_json::from_slice(&self.0).map_err(|_| Refusal::Body)
    }
}

impl<S: Send + Sync> FromRequest<S> for NothingAsked {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        JsonBody::<BODY_MAX_SIZE>::from_request(request, state).await?.object()
    }
}

impl<S: Send + Sync, const MAX_SIZE: usize> FromRequest<S> for JsonBody<MAX_SIZE> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        read(request, state, "application/json", MAX_SIZE).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        read(request, state, "application/x-www-form-urlencoded", BODY_MAX_SIZE).await.map(Self)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S, kind: &'static str, limit: usize) -> Result<Bytes, Refusal> {
    if !has_kind(request.headers(), kind) {
        return Err(Refusal::ContentType);
    }
    if announced_size(request.headers()).is_some_and(|size| size > limit) {
        return Err(Refusal::BodySize);
    }
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => Refusal::BodySize,
        _ => Refusal::Body,
    })
}

/// The one media type, and no parameter but `charset=utf-8`.
fn has_kind(headers: &HeaderMap, kind: &str) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';').map(str::trim);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(kind))
        && parts.all(|parameter| parameter.eq_ignore_ascii_case("charset=utf-8"))
}

fn announced_size(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
