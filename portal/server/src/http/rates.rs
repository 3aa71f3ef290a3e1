//! What is served to one source in a minute, and what it is told beyond that.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::Refusal;
use super::outside_account::OUTSIDE_ACCOUNT;
use super::provider::{CALLED_BY_SITES, CARD_REQUEST, USERINFO, put_off};
use super::refusal_page::{is_for_people, refused};
use crate::outside_account::RETURN;
use crate::portal::Portal;
use crate::rates::{Limit, Source};
use crate::terminal::Caller;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// What those who operate the service ask, from wherever they watch it.
const OPERATIONS: [&str; 3] = ["/health/live", "/health/ready", "/metrics"];
/// Where challenges, links, and requests for the card to be read are asked for, and where another provider is asked for it.
const CHALLENGES: [&str; 5] = ["/api/v1/challenges", "/link", CARD_REQUEST, OUTSIDE_ACCOUNT, RETURN];

pub(super) async fn limit(State(portal): State<Arc<Portal>>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map_or("", MatchedPath::as_str);
    if OPERATIONS.contains(&route) {
        return next.run(request).await;
    }
    let source = source(&portal, &request);
    let by_site = CALLED_BY_SITES.contains(&route);
    // Of what sites' servers ask, only what is refused counts for the source here: a site has a limit of its own.
    let when_refused = if route == USERINFO { Limit::Requests } else { Limit::RefusedSites };
    let allowed = if by_site {
        portal.would_serve(when_refused, &source)
    } else {
        let asks_for_challenge = CHALLENGES.contains(&route);
        portal.serve(Limit::Requests, &source).and_then(|()| match asks_for_challenge {
            true => portal.serve(Limit::Challenges, &source),
            false => Ok(()),
        })
    };
    if let Err(refusal) = allowed {
        return answer(&portal, request.headers(), route, refusal);
    }
    // For those who learn only later by what a request counts.
    request.extensions_mut().insert(source);
    let response = next.run(request).await;
    if by_site && response.status() == StatusCode::UNAUTHORIZED {
        portal.count(when_refused, &source);
    }
    response
}

/// Programs and pages are each told in their own way.
fn answer(portal: &Portal, headers: &HeaderMap, route: &str, refusal: Refusal) -> Response {
    if CALLED_BY_SITES.contains(&route) {
        put_off(&refusal)
    } else if is_for_people(headers, route) {
        refused(portal, headers, &refusal)
    } else {
        refusal.into_response()
    }
}

/// Whoever is not known to come from anywhere is one source with all like him.
fn source(portal: &Portal, request: &Request) -> Source {
    let peer = request.extensions().get::<Caller>().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |caller| caller.address);
    let forwarded: Vec<_> =
        request.headers().get_all(FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    let rates = portal.rates();
    rates.source(rates.settings().source_address(peer, forwarded.into_iter()))
}
