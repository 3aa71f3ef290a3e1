//! Signing in with an account of another provider: there and back.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse as _, Response};

use super::page::HOME;
use super::provider::RESUME;
use super::refusal_page::refused;
use super::{Refusal, cookies};
use crate::outside_account::{OutsideAccountError, Returned, UNDER_WAY_LIFETIME, UnderWay};
use crate::portal::Portal;
use crate::provider::parameters::Parameters;

/// Where a visitor sets out for the other provider.
pub(super) const OUTSIDE_ACCOUNT: &str = "/outside-account";
/// The same for one who came for a site.
pub(super) const OUTSIDE_ACCOUNT_FOR_SITE: &str = "/outside-account?for=site";
/// The same where the site wants him to sign in anew.
pub(super) const OUTSIDE_ACCOUNT_ANEW: &str = "/outside-account?for=site-anew";

/// Sends the visitor to the other provider. A link leads here and no form, as browsers would want each address named to which a
/// form leads in the end; a page of another site cannot send anybody here.
pub(super) async fn begin(
    State(portal): State<Arc<Portal>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    begun(&portal, query.as_deref(), &headers).await.unwrap_or_else(|refusal| refused(&portal, &headers, &refusal))
}

/// Where the other provider sends people back.
pub(super) async fn end(State(portal): State<Arc<Portal>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    let answer = ended(&portal, &query, &headers).await;
    // Whatever came of it: what was under way is over.
    let over = cookies::OUTSIDE_ACCOUNT.clear().ok().map(|cookie| (SET_COOKIE, cookie));
    let response = answer.unwrap_or_else(|refusal| {
        portal.sign_in_refused(&refusal);
        refused(&portal, &headers, &refusal)
    });
    (AppendHeaders(over), response).into_response()
}

async fn begun(portal: &Portal, query: Option<&str>, headers: &HeaderMap) -> Result<Response, Refusal> {
    let (for_site, anew) = match query {
        None => (false, false),
        Some("for=site") => (true, false),
        Some("for=site-anew") => (true, true),
        Some(_) => return Err(Refusal::NotFound),
    };
    let from = headers.get("sec-fetch-site").and_then(|from| from.to_str().ok());
    if from.is_some_and(|from| !matches!(from, "same-origin" | "none")) {
        return Err(Refusal::Origin);
    }
    let (address, under_way) = portal.begin_outside(anew).await?;
    let cookie = cookies::OUTSIDE_ACCOUNT.set_text(&under_way.expose_for_cookie(), UNDER_WAY_LIFETIME)?;
    // Who signs in on the portal's own page is not sent to a site that he has left before.
    let forgotten = if for_site { None } else { Some(cookies::PENDING.clear()?) };
    let cookies = [Some(cookie), forgotten].into_iter().flatten().map(|cookie| (SET_COOKIE, cookie));
    Ok((AppendHeaders(cookies), to(address.as_str())?).into_response())
}

async fn ended(portal: &Portal, query: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    if portal.outside_accounts().is_none() {
        return Err(Refusal::NotFound);
    }
    let refuse = |why: &str| Refusal::from(OutsideAccountError::Refused(why.to_owned()));
    let parameters = Parameters::parse(query.as_bytes()).map_err(|_| refuse("its parameters cannot be read"))?;
    let returned = Returned {
        state: parameters.get("state"),
        code: parameters.get("code"),
        issuer: parameters.get("iss"),
        error: parameters.get("error"),
    };
    let under_way = cookies::OUTSIDE_ACCOUNT.text(headers).and_then(UnderWay::parse);
    let under_way = under_way.ok_or_else(|| refuse("this browser has not set out"))?;
    let next = to(if cookies::PENDING.text(headers).is_some() { RESUME } else { HOME })?;
    let former = cookies::SESSION.read(headers);
    // A session with a card is worth more than what would take its place.
    if portal.has_holder(former.as_ref()).await? {
        return Ok(next);
    }
    match portal.sign_in_outside(&under_way, returned, former.as_ref()).await {
        Ok(started) => Ok((cookies::signed_in(&started)?, next).into_response()),
        // Back to where he came from, to choose another way.
        Err(Refusal::OutsideAccount(OutsideAccountError::Declined)) => Ok(next),
        Err(refusal) => Err(refusal),
    }
}

fn to(address: &str) -> Result<Response, Refusal> {
    let address = HeaderValue::from_str(address).map_err(|_| Refusal::Internal("an address cannot be written"))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response())
}
