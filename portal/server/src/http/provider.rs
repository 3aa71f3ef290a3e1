//! The provider's addresses: what sites have browsers open, and what they call themselves.

mod authorize;
mod card;
mod discovery;
mod end_session;
mod tokens;
mod userinfo;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub(super) use authorize::{__path_authorize, __path_authorize_form};
pub(super) use discovery::{__path_configuration, __path_keys};
pub(super) use end_session::{__path_end_session, __path_end_session_form};
pub(super) use tokens::put_off;
pub(super) use tokens::{__path_introspect, __path_push, __path_revoke, __path_token};
pub(super) use userinfo::{__path_userinfo, __path_userinfo_form};

use crate::provider::Provider;

/// Where a request goes on that waits in the browser.
pub(super) const RESUME: &str = "/authorize/resume";
/// Where other sites may send browsers with a form.
pub(super) const FORMS_OF_SITES: [&str; 2] = ["/authorize", "/end-session"];

/// Where sites' servers ask what a person has let them know.
pub(super) const USERINFO: &str = "/userinfo";
/// What sites' servers call, each by its proof of who it is or by a token.
pub(super) const CALLED_BY_SITES: [&str; 5] = [TOKEN, PUSH, REVOKE, INTROSPECT, USERINFO];
const TOKEN: &str = "/token";
const PUSH: &str = "/par";
const REVOKE: &str = "/revoke";
const INTROSPECT: &str = "/introspect";

/// Where a page asks what is to be read of a card.
pub(super) const CARD_REQUEST: &str = "/authorize/card/request";

/// What the provider answers.
pub(super) fn routes(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery::configuration))
        .route("/jwks", get(discovery::keys))
        .route("/authorize", get(authorize::authorize).post(authorize::authorize_form))
        .route(RESUME, get(authorize::resume))
        .route("/authorize/decision", post(authorize::decide))
        .route(CARD_REQUEST, post(card::request))
        .route("/authorize/card/begin", post(card::begin))
        .route("/authorize/card/step", post(card::step))
        .route(PUSH, post(tokens::push))
        .route(TOKEN, post(tokens::token))
        .route(USERINFO, get(userinfo::userinfo).post(userinfo::userinfo_form))
        .route(REVOKE, post(tokens::revoke))
        .route(INTROSPECT, post(tokens::introspect))
        .route("/end-session", get(end_session::end_session).post(end_session::end_session_form))
        .route("/end-session/confirm", post(end_session::confirm))
        .with_state(provider)
}
