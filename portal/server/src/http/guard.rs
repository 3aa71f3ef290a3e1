//! What holds for every request: whose page sent it, how long it may take, which headers go with the answer, and what
//! the log and the metrics learn. Neither learns addresses of people, names, cookies or tokens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ORIGIN, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use latchkey_crypto::assertion::Origin;

use super::Refusal;
use super::provider::FORMS_OF_SITES;
use super::refusal::RefusalDetail;
use super::refusal_page::{accepts_pages, is_for_people, refused};
use crate::metrics::Metrics;
use crate::portal::Portal;
use crate::terminal::Terminal;

/// How long a request may take, its body included.
pub const REQUEST_TIME_LIMIT: Duration = Duration::from_secs(15);

/// `Referrer-Policy` is not `no-referrer`, with which browsers would send `Origin: null` with the portal's own forms.
const HEADERS: [(HeaderName, &str); 8] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (CACHE_CONTROL, "no-store"),
];

/// The name of an answer of an interface, where it is kept as a file.
const AS_A_FILE: &str = "attachment; filename=\"answer.json\"";

/// A service behind the guard.
pub(super) trait Guarded {
    /// The one site whose pages may send requests, if pages may at all.
    fn pages_of(&self) -> Option<&Origin>;
    /// Whether pages of other sites, too, may send a form there.
    fn takes_forms_of_sites(&self, route: &str) -> bool;
    /// How long a request may take.
    fn request_time_limit(&self) -> Duration;
    /// Tells of a refusal whoever takes a page for an answer.
    fn refuse(&self, headers: &HeaderMap, route: &str, refusal: Refusal) -> Response;
    /// Where requests are counted.
    fn metrics(&self) -> &Metrics;
}

impl Guarded for Portal {
    fn pages_of(&self) -> Option<&Origin> {
        Some(self.origin())
    }

    fn takes_forms_of_sites(&self, route: &str) -> bool {
        FORMS_OF_SITES.contains(&route)
    }

    fn request_time_limit(&self) -> Duration {
        self.request_time_limit()
    }

    fn refuse(&self, headers: &HeaderMap, route: &str, refusal: Refusal) -> Response {
        if is_for_people(headers, route) { refused(self, headers, &refusal) } else { refusal.into_response() }
    }

    fn metrics(&self) -> &Metrics {
        self.metrics()
    }
}

impl Guarded for Terminal {
    fn pages_of(&self) -> Option<&Origin> {
        None
    }

    fn takes_forms_of_sites(&self, _: &str) -> bool {
        false
    }

    fn request_time_limit(&self) -> Duration {
        self.request_time_limit()
    }

    fn refuse(&self, _: &HeaderMap, _: &str, refusal: Refusal) -> Response {
        refusal.into_response()
    }

    fn metrics(&self) -> &Metrics {
        self.metrics()
    }
}

pub(super) async fn guard<S: Guarded>(State(service): State<Arc<S>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    // The pattern, never the address itself, which is the visitor's to choose.
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let of_page = accepts_pages(request.headers()).then(|| request.headers().clone());
    let refuse = |refusal: Refusal| match &of_page {
        Some(headers) => service.refuse(headers, &route, refusal),
        None => refusal.into_response(),
    };
    let mut response = if !service.takes_forms_of_sites(&route) && is_from_elsewhere(&*service, &request) {
        refuse(Refusal::Origin)
    } else {
        match tokio::time::timeout(service.request_time_limit(), next.run(request)).await {
            Ok(response) => response,
            Err(_) => refuse(Refusal::TimeOut),
        }
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    if is_json(&response) {
        // Whoever is led to the address of an interface gets a file, whatever a browser might make of its contents.
        response.headers_mut().entry(CONTENT_DISPOSITION).or_insert(HeaderValue::from_static(AS_A_FILE));
    }
    let after = response.extensions().get::<RefusalDetail>().and_then(|refusal| refusal.retry_after);
    if let Some(after) = after {
        // In whole seconds, rounded up: who comes then is served.
        let seconds = after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0));
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    let status = response.status().as_u16();
    let took = started.elapsed();
    service.metrics().request(&method, &route, status, took);
    match response.extensions().get::<RefusalDetail>() {
        Some(refusal) if status >= 500 => {
            tracing::error!(%method, route, status, code = refusal.code, detail = refusal.detail, "request failed");
        }
        Some(refusal) => {
            tracing::info!(%method, route, status, code = refusal.code, detail = refusal.detail, "request refused");
        }
        None => tracing::debug!(%method, route, status, took_us = took.as_micros(), "request answered"),
    }
    response
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.and_then(|kind| kind.split(';').next()).is_some_and(|kind| kind.trim_end().ends_with("json"))
}

/// Browsers name the site whose page sends a request. Programs need not; but who names a site must name the right one.
fn is_from_elsewhere(service: &impl Guarded, request: &Request) -> bool {
    let pages_of = service.pages_of().map(|origin| origin.as_str().as_bytes());
    request.headers().get_all(ORIGIN).iter().any(|origin| Some(origin.as_bytes()) != pages_of)
}
