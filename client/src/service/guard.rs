//! What holds for every request: which name it was sent to, by whose program, by which site's page, and which headers go
//! with the answer. The log learns the method, the pattern of the address and the code; never a site, a challenge or a
//! name.

use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL, COOKIE, HOST, ORIGIN, UPGRADE, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use latchkey_crypto::assertion::Origin;

use super::callers::Caller;
use super::terminal::{is_deployed, refuse};
use super::{ServiceRefusal, Shared, language};
use crate::desk::{RequestFailure, Sites, Standing};
use crate::settings::TerminalSettings;
use crate::texts::Language;

/// The other end of the connection that a request came over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) caller: Caller,
}

/// The site whose page sent a request, as the browser says.
#[derive(Debug, Clone)]
pub(super) struct Site(pub(super) Origin);

/// The language that the browser prefers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Preferred(pub(super) Language);

const HEADERS: [(HeaderName, &str); 3] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
    // Pages of other sites may read what CORS lets them read, and embed nothing.
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

const ALLOWED_METHODS: &str = "GET, POST, OPTIONS";
/// What deployed pages call takes nothing else.
const DEPLOYED_METHODS: &str = "POST, OPTIONS";
/// For how many seconds a browser need not ask again.
const PREFLIGHT_AGE: &str = "600";
/// Longest list of headers that a page may ask to send.
const REQUESTED_HEADERS_MAX_SIZE: usize = 512;
const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

pub(super) async fn guard(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let language = language::preferred(request.headers());
    let method = request.method().clone();
    // The pattern, never the address itself, which is the page's to choose.
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let path = request.uri().path().to_owned();
    let deployed = is_deployed(&path);
    let (site, checked) = check(&shared, &request, deployed);
    let response = match (checked, &site) {
        (Err(refusal), _) => refusal.into_response(),
        (Ok(()), _) if method == Method::OPTIONS => preflight(request.headers(), deployed),
        (Ok(()), Some(site)) => {
            request.extensions_mut().insert(site.clone());
            request.extensions_mut().insert(Preferred(language));
            match shared.requests.enter(&site.0) {
                Ok(_presence) => next.run(request).await,
                Err(refusal) => refusal.into_response(),
            }
        }
        (Ok(()), None) => ServiceRefusal::NoOrigin.into_response(),
    };
    let refusal = response.extensions().get::<ServiceRefusal>().cloned();
    let code = refusal.as_ref().map_or("", ServiceRefusal::code);
    tracing::debug!(%method, route, status = response.status().as_u16(), code, "a request was answered");
    let response = match refusal {
        Some(refusal) if deployed => refuse(&refusal, &path),
        Some(refusal) => refusal.answer(language),
        None => response,
    };
    with_headers(response, site.as_ref())
}

/// Everything that is checked before a request is looked at. The site is known as soon as the browser named one well:
/// then its page may read why it was refused.
fn check(shared: &Shared, request: &Request, deployed: bool) -> (Option<Site>, Result<(), ServiceRefusal>) {
    let headers = request.headers();
    if !is_ours(headers, shared.port) {
        return (None, Err(ServiceRefusal::Host));
    }
    let caller = request.extensions().get::<ConnectInfo<Ends>>().map(|ConnectInfo(ends)| ends.caller);
    let named = deployed.then(|| &*shared.surroundings.terminals);
    let site = site_of(headers, &*shared.surroundings.sites, named);
    let site = match (site, named.and_then(|terminals| program_site(headers, caller, terminals))) {
        (Ok(site), _) | (Err(ServiceRefusal::NoOrigin), Some(site)) => site,
        (Err(refusal), _) => return (None, Err(refusal)),
    };
    let refusal = if caller.is_none_or(|caller| caller == Caller::OtherUser) {
        Some(ServiceRefusal::OtherUser)
    } else if headers.contains_key(UPGRADE) || headers.get(FETCH_MODE).is_some_and(|mode| mode != "cors") {
        Some(ServiceRefusal::NotScript)
    } else if shared.surroundings.sites.standing(&site.0) == Standing::Forbidden {
        Some(RequestFailure::SiteForbidden.into())
    } else {
        None
    };
    (Some(site), refusal.map_or(Ok(()), Err))
}

/// One header `Host` with one of this service's three names: a name that somebody made lead here is another one.
fn is_ours(headers: &HeaderMap, port: u16) -> bool {
    let names = ["127.0.0.1", "[::1]", "localhost"];
    single(headers, &HOST).is_some_and(|host| names.iter().any(|name| host == format!("{name}:{port}")))
}

/// The site whose page asks. `terminals` are given where sites without TLS may ask that an administrator named.
fn site_of(
    headers: &HeaderMap,
    sites: &dyn Sites,
    terminals: Option<&TerminalSettings>,
) -> Result<Site, ServiceRefusal> {
    if !headers.contains_key(ORIGIN) {
        return Err(ServiceRefusal::NoOrigin);
    }
    let text = single(headers, &ORIGIN).ok_or(ServiceRefusal::Origin)?;
    let of_developer = || Origin::parse_on_loopback(text).ok().filter(|origin| sites.is_developers(origin));
    let without_tls = || {
        let named = |origin: &Origin| terminals.is_some_and(|terminals| terminals.http_origins.contains(origin));
        Origin::parse_without_tls(text).ok().filter(named)
    };
    let origin = Origin::parse(text).ok().or_else(of_developer).or_else(without_tls).ok_or(ServiceRefusal::Origin)?;
    // Browsers have one spelling.
    if origin.as_str() == text { Ok(Site(origin)) } else { Err(ServiceRefusal::Origin) }
}

/// The site that this user's program speaks for without a browser, if an administrator has set that. A browser always
/// tells of itself.
fn program_site(headers: &HeaderMap, caller: Option<Caller>, terminals: &TerminalSettings) -> Option<Site> {
    let of_browser = headers.keys().any(|name| name.as_str().starts_with("sec-")) || headers.contains_key(COOKIE);
    let site = terminals.caller_without_origin.clone().map(Site);
    site.filter(|_| caller == Some(Caller::SameUser) && !of_browser)
}

fn single<'headers>(headers: &'headers HeaderMap, name: &HeaderName) -> Option<&'headers str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Answers the browser's question whether a page may send its request.
fn preflight(headers: &HeaderMap, deployed: bool) -> Response {
    let method = single(headers, &ACCESS_CONTROL_REQUEST_METHOD);
    if !method.is_some_and(|method| method == "POST" || method == "GET" && !deployed) {
        return ServiceRefusal::Method.into_response();
    }
    let methods = if deployed { DEPLOYED_METHODS } else { ALLOWED_METHODS };
    let mut response = StatusCode::NO_CONTENT.into_response();
    let answers = response.headers_mut();
    answers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    answers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_AGE));
    if let Some(requested) = requested_headers(headers) {
        answers.insert(ACCESS_CONTROL_ALLOW_HEADERS, requested);
    }
    if headers.get(REQUEST_PRIVATE_NETWORK).is_some_and(|asked| asked == "true") {
        answers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    response
}

/// The headers that a page asks to send, if they are a list of names. None of them is ever used.
fn requested_headers(headers: &HeaderMap) -> Option<HeaderValue> {
    let text = single(headers, &ACCESS_CONTROL_REQUEST_HEADERS)?;
    let is_list = text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b',' | b' '));
    if is_list && text.len() <= REQUESTED_HEADERS_MAX_SIZE { HeaderValue::from_str(text).ok() } else { None }
}

fn with_headers(mut response: Response, site: Option<&Site>) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(VARY, HeaderValue::from_static("origin, accept-language"));
    if let Some(origin) = site.and_then(|site| HeaderValue::from_str(site.0.as_str()).ok()) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}
