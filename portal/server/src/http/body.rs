//! Bodies of requests: their kind and their size.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};

use super::Refusal;

/// Most octets of a request's body: the largest assertion.
pub(super) const BODY_MAX_SIZE: usize = latchkey_crypto::assertion::ASSERTION_MAX_SIZE;

/// A body that says it is JSON. Browsers send that kind to another site only after asking it, which this service never
/// allows.
pub(super) struct JsonBody(pub(super) Bytes);

/// A body that says it is an HTML form.
pub(super) struct FormBody(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refusal> {
        read(request, "application/json").await.map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refusal> {
        read(request, "application/x-www-form-urlencoded").await.map(Self)
    }
}

async fn read(request: Request, kind: &'static str) -> Result<Bytes, Refusal> {
    let (parts, body) = request.into_parts();
    if !has_kind(&parts.headers, kind) {
        return Err(Refusal::ContentType);
    }
    if announced_size(&parts.headers).is_some_and(|size| size > BODY_MAX_SIZE) {
        return Err(Refusal::BodySize);
    }
    collect(body).await
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

async fn collect(body: Body) -> Result<Bytes, Refusal> {
    // `to_bytes` fails alike when the body is too long and when the connection breaks; in the latter case nobody reads
    // the answer.
    to_bytes(body, BODY_MAX_SIZE).await.map_err(|_| Refusal::BodySize)
}
