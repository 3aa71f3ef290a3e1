//! What the page is made of beside its HTML: its look and its scripts. The module that signs in is for any portal's
//! page.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

pub(super) async fn style() -> Response {
    let look = concat!(include_str!("../../../../ui/src/tokens.css"), include_str!("../../web/style.css"));
    asset("text/css; charset=utf-8", "public, max-age=3600", look)
}

pub(super) async fn sign_in_module() -> Response {
    asset(SCRIPT, FRESH, include_str!("../../web/latchkey-sign-in.js"))
}

pub(super) async fn sign_in_types() -> Response {
    asset("text/plain; charset=utf-8", FRESH, include_str!("../../web/latchkey-sign-in.d.ts"))
}

pub(super) async fn page_script() -> Response {
    asset(SCRIPT, FRESH, include_str!("../../web/page.js"))
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
/// Scripts fit the page that was sent with them, and no older one.
const FRESH: &str = "no-cache";

fn asset(kind: &'static str, caching: &'static str, content: &'static str) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, caching)], content).into_response()
}
