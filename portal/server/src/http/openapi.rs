//! The description of the service for programs (OpenAPI).

use axum::Json;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{Modify, OpenApi};

use super::provider::FORMS_OF_SITES;
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
    modifiers(&Everywhere)
)]
struct Description;

/// What every address answers before it looks at what it is asked.
struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut description.paths.paths {
            for operation in operations_of(item) {
                let is_for_operators = operation.tags.iter().flatten().any(|tag| tag == "operations");
                // In the form of what the address answers otherwise when it refuses.
                let usual = operation.responses.responses.iter().find(|(status, _)| status.starts_with('4'));
                let usual = match usual {
                    Some((_, RefOr::T(Response { content, .. }))) => content.clone(),
                    _ => refusal("").content,
                };
                let mut answers = vec![("408", refusal("`request-timeout`"))];
                if operation.request_body.is_some() {
                    let of_body = [("413", "`body-too-large`"), ("415", "`content-type-refused`")];
                    for (status, code) in of_body {
                        let mut answer = refusal(code);
                        answer.content = usual.clone();
                        answers.push((status, answer));
                    }
                }
                if !FORMS_OF_SITES.contains(&path.as_str()) {
                    answers.push(("403", refusal("`origin-refused`")));
                }
                if !is_for_operators {
                    let mut put_off = refusal("`too-many-requests`: the header `Retry-After` says when to try again");
                    put_off.content = usual;
                    answers.push(("429", put_off));
                }
                for (status, answer) in answers {
                    operation.responses.responses.entry(status.to_owned()).or_insert(answer.into());
                }
            }
        }
    }
}

fn refusal(description: &str) -> Response {
    let schema = RefOr::<Schema>::Ref(Ref::from_schema_name("Refusal"));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/json", content).build()
}

fn operations_of(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
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
