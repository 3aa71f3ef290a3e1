//! The description of the service for programs (OpenAPI).

use axum::Json;
use utoipa::OpenApi;

use super::{assertions, challenges, links, operations, sessions};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Latchkey identification service",
        description = "Signs people in with their ID cards. Times are RFC 3339 in UTC. Refusals have a stable code."
    ),
    paths(
        challenges::issue,
        assertions::present,
        links::fetch,
        links::present,
        sessions::show,
        sessions::end,
        operations::live,
        operations::ready,
        operations::metrics,
        serve,
    )
)]
struct Description;

/// The description of the service (OpenAPI), as it is served and as `latchkey-portal openapi` prints it.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// This description.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "readDescription",
    tag = "operations",
    responses((status = 200, description = "The OpenAPI description", content_type = "application/json"))
)]
pub(super) async fn serve() -> Json<utoipa::openapi::OpenApi> {
    Json(description())
}
