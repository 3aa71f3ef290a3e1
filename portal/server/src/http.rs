//! The service's addresses.

mod assertions;
mod assets;
mod body;
mod cabinet;
mod cabinet_texts;
mod challenges;
mod cookies;
mod guard;
mod header;
mod language;
mod links;
mod openapi;
mod operations;
mod outside_account;
mod page;
mod page_texts;
mod provider;
mod rates;
mod refusal;
mod refusal_page;
mod sessions;
mod terminal;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};

pub use challenges::CHALLENGE_FORMAT;
pub use guard::REQUEST_TIME_LIMIT;
pub use language::Language;
pub use openapi::{description, terminal_description};
pub use refusal::Refusal;
pub use terminal::terminal_router;

use crate::outside_account::RETURN;
use crate::portal::Portal;
use crate::provider::Provider;

/// Everything that the service answers, with its provider if it has one.
pub fn router(portal: Arc<Portal>, provider: Option<Arc<Provider>>) -> Router {
    let of_portal = Router::new()
        .route("/", get(page::show))
        .route("/style.css", get(assets::style))
        .route("/page.js", get(assets::page_script))
        .route("/latchkey-sign-in.js", get(assets::sign_in_module))
        .route("/latchkey-sign-in.d.ts", get(assets::sign_in_types))
        .route("/refusals/{code}", get(refusal_page::words))
        .route("/language", post(header::choose))
        .route("/link", post(page::offer_link))
        .route("/complete/{token}", get(page::complete))
        .route("/sign-out", post(page::sign_out))
        .route("/api/v1/challenges", post(challenges::issue))
        .route("/api/v1/assertions/{challenge}", post(assertions::present))
        .route("/api/v1/links/{token}", post(links::fetch))
        .route("/api/v1/links/{token}/assertion", post(links::present))
        .route("/api/v1/session", get(sessions::show).delete(sessions::end))
        .route(outside_account::OUTSIDE_ACCOUNT, get(outside_account::begin))
        .route(RETURN, get(outside_account::end))
        .route("/api/v1/openapi.json", get(openapi::serve))
        .route("/health/live", get(operations::live))
        .route("/health/ready", get(operations::ready))
        .route("/metrics", get(operations::metrics))
        .with_state(Arc::clone(&portal));
    of_portal
        .merge(cabinet::routes(Arc::clone(&portal), provider.clone()))
        .merge(provider.map(provider::routes).unwrap_or_default())
        .fallback(refusal_page::refusing(&portal, || Refusal::NotFound))
        .method_not_allowed_fallback(refusal_page::refusing(&portal, || Refusal::Method))
        .layer(DefaultBodyLimit::max(body::BODY_MAX_SIZE))
        .layer(middleware::from_fn_with_state(Arc::clone(&portal), rates::limit))
        .layer(middleware::from_fn_with_state(portal, guard::guard::<Portal>))
}
