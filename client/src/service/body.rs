//! Bodies of requests: JSON, short, and in time.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use latchkey_agent::CONTENTS_MAX_SIZE;
use serde::de::DeserializeOwned;

use super::ServiceRefusal;
use super::connections::BODY_TIME;

/// Most octets of a request's body.
pub const BODY_MAX_SIZE: usize = 4 * 1024;

/// Most octets of a body with documents: as many as the agent takes, in base64, and what goes with them.
pub const DOCUMENTS_BODY_MAX_SIZE: usize = CONTENTS_MAX_SIZE / 3 * 4 + 64 * 1024;

/// A body that is this, of at most `MAX` octets, and says that it is JSON. A browser sends that kind to another site only after it has asked it.
pub(super) struct JsonBody<T, const MAX: usize = BODY_MAX_SIZE>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync, const MAX: usize> FromRequest<S> for JsonBody<T, MAX> {
    type Rejection = ServiceRefusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, ServiceRefusal> {
        if !is_json(request.headers()) {
            return Err(ServiceRefusal::ContentType);
        }
        if announced_size(request.headers()).is_some_and(|size| size > MAX as u64) {
            return Err(ServiceRefusal::BodySize);
        }
        let octets = tokio::time::timeout(BODY_TIME, read(request.into_body(), MAX));
        let octets = octets.await.map_err(|_| ServiceRefusal::TimeOut)??;
        object(&octets).map(Self)
    }
}

/// Reads JSON as this object.
pub(super) fn object<T: DeserializeOwned>(octets: &[u8]) -> Result<T, ServiceRefusal> {
    // serde would also take an array of the values.
    if !octets.trim_ascii_start().starts_with(b"{") {
        return Err(ServiceRefusal::Body);
    }
    serde_json::from_slice(octets).map_err(|error| {
        // The error's own words may quote the body.
        tracing::debug!(line = error.line(), column = error.column(), "a body is malformed");
        ServiceRefusal::Body
    })
}

async fn read(body: Body, limit: usize) -> Result<Bytes, ServiceRefusal> {
    let collected = Limited::new(body, limit).collect().await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|error| if error.is::<LengthLimitError>() { ServiceRefusal::BodySize } else { ServiceRefusal::Body })
}

/// The one media type, and no parameter but `charset=utf-8`.
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';').map(str::trim);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| parameter.eq_ignore_ascii_case("charset=utf-8"))
}

fn announced_size(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
