//! The description of the service for programs (OpenAPI).

use axum::Json;
use utoipa::OpenApi;

use super::{card_removed, documents, operations, terminal};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Latchkey client program",
        description = "The local service that pages of portals call at http://127.0.0.1:8084 or http://[::1]:8084. \
            Every request carries the page's origin, as browsers do by themselves; bodies are JSON. \
            A refusal has a stable code. Before the holder agreed, a page learns that the program answers, and nothing else."
    ),
    paths(
        operations::status,
        operations::sign_in,
        documents::sign,
        operations::progress,
        operations::cancel,
        card_removed::card_removed,
        terminal::ticket,
        terminal::close,
        terminal::renew,
        terminal::confirm,
        serve,
    ),
    components(schemas(terminal::TicketRequest))
)]
struct Description;

/// The description of the local service (OpenAPI), as it is served and as `latchkey openapi` prints it.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// This description.
#[utoipa::path(
    get,
    path = "/latchkey/v1/openapi.json",
    operation_id = "readDescription",
    responses((status = 200, description = "The OpenAPI description", content_type = "application/json"))
)]
pub(super) async fn serve() -> Json<utoipa::openapi::OpenApi> {
    Json(description())
}
