//! The description of the service for programs (OpenAPI).

use axum::Json;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::{assertions, challenges, links, operations, provider, sessions, terminal};

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
        provider::configuration,
        provider::keys,
        provider::authorize,
        provider::authorize_form,
        provider::push,
        provider::token,
        provider::userinfo,
        provider::userinfo_form,
        provider::revoke,
        provider::introspect,
        provider::end_session,
        provider::end_session_form,
    ),
    modifiers(&PutOff)
)]
struct Description;

/// What every address answers but those for operators, to whom too much is asked of.
struct PutOff;

impl Modify for PutOff {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        for operation in description.paths.paths.values_mut().flat_map(operations) {
            if !operation.tags.iter().flatten().any(|tag| tag == "operations") {
                // In the form of what the address answers otherwise when it refuses.
                let refused = operation.responses.responses.iter().find(|(status, _)| status.starts_with('4'));
                let answer = match refused {
                    Some((_, RefOr::T(Response { content, .. }))) => content.clone(),
                    _ => Default::default(),
                };
                let mut response = ResponseBuilder::new()
                    .description(
                        "`too-many-requests`: the header `Retry-After` says after how many seconds to try again",
                    )
                    .build();
                response.content = answer;
                operation.responses.responses.insert("429".to_owned(), response.into());
            }
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.post, &mut path.put, &mut path.delete].into_iter().filter_map(Option::as_mut)
}

/// The description of the service (OpenAPI), as it is served and as `latchkey-portal openapi` prints it.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Latchkey terminal",
        description = "The terminal of the identification service, for the back ends of portals: it reads an ID card, and has it sign, through the holder's client program. A session has one caller and lasts two minutes from each step. Refusals have a stable code, and end the session unless they concern another caller or the body."
    ),
    paths(
        terminal::bauth_init,
        terminal::bauth_process,
        terminal::read_dg_init,
        terminal::read_dg,
        terminal::request_dg,
        terminal::sign_init,
        terminal::sign_select_app,
        terminal::sign_data,
        terminal::sign_result,
        terminal::bauth_logout,
        terminal::begin_ticket,
        terminal::read_for_ticket,
        terminal::issue_ticket,
        terminal::begin_renewal,
        terminal::start_renewal,
        terminal::go_on_renewing,
        terminal::renewal_confirmed,
    )
)]
struct TerminalDescription;

/// The description of the terminal (OpenAPI), as it is served and as `latchkey-portal terminal openapi` prints it.
#[must_use]
pub fn terminal_description() -> utoipa::openapi::OpenApi {
    TerminalDescription::openapi()
}

/// The terminal's description.
pub(super) async fn serve_terminal() -> Json<utoipa::openapi::OpenApi> {
    Json(terminal_description())
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
