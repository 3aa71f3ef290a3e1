//! For those who operate the service: is it alive, is it ready, what does it count.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Refusal;
use super::refusal::RefusalAnswer;
use crate::portal::Portal;

/// The answer of a healthy service.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `live` or `ready`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// Whether the process answers at all. Says nothing about the database.
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "isLive",
    tag = "operations",
    responses((status = 200, description = "The process answers", body = Health))
)]
pub(super) async fn live() -> Json<Health> {
    Json(Health { status: "live" })
}

/// Whether people can sign in here: the database takes writes and the service is not being stopped.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "isReady",
    tag = "operations",
    responses(
        (status = 200, description = "Ready", body = Health),
        (status = 503, description = "`storage-unavailable`, `stopping`", body = RefusalAnswer),
    )
)]
pub(super) async fn ready(State(portal): State<Arc<Portal>>) -> Result<Json<Health>, Refusal> {
    if portal.is_stopping() {
        return Err(Refusal::Stopping);
    }
    portal.check_storage().await?;
    Ok(is_ready())
}

/// The answer of a service that is ready.
pub(super) const fn is_ready() -> Json<Health> {
    Json(Health { status: "ready" })
}

/// What the service counts, in the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "readMetrics",
    tag = "operations",
    responses((status = 200, description = "Metrics", content_type = "text/plain", body = String))
)]
pub(super) async fn metrics(State(portal): State<Arc<Portal>>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], portal.metrics().render()).into_response()
}
