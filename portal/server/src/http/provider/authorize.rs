//! Where sites send people to say who they are.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::RESUME;
use crate::http::body::FormBody;
use crate::http::outside_account::{OUTSIDE_ACCOUNT_ANEW, OUTSIDE_ACCOUNT_FOR_SITE};
use crate::http::page::{Again, Answering, Asking, Content, outside_offer, page};
use crate::http::refusal_page::refused;
use crate::http::{Language, Refusal, cookies};
use crate::provider::error::ErrorCode;
use crate::provider::parameters::Parameters;
use crate::provider::pending::PENDING_LIFETIME;
use crate::provider::request::{QUERY_MAX_SIZE, RequestFault, ToldFault};
use crate::provider::{Provider, SignedIn, Step, Waiting, counts_again};
use crate::session::Assurance;

/// Asks who the visitor is (OpenID Connect Core 1.0, clause 3.1.2.1). The visitor signs in and agrees, if that is needed,
/// and is sent to `redirect_uri` with `code`, `state` and `iss`, or with `error`, `state` and `iss`.
#[utoipa::path(
    get,
    path = "/authorize",
    operation_id = "authorize",
    tag = "provider",
    params(
        ("client_id" = String, Query, description = "The registered site"),
        ("redirect_uri" = String, Query, description = "One of its registered addresses, letter by letter"),
        ("response_type" = String, Query, description = "`code`"),
        ("scope" = String, Query, description = "`openid`, and what else is wanted"),
        ("code_challenge" = String, Query, description = "PKCE (RFC 7636)"),
        ("code_challenge_method" = String, Query, description = "`S256`"),
        ("state" = Option<String>, Query, description = "At most 512 characters"),
        ("nonce" = Option<String>, Query, description = "At most 512 characters"),
        ("acr_values" = Option<String>, Query, description = "Binding: any level at or above a listed one serves"),
        ("claims" = Option<String>, Query, description = "An essential `acr` is binding; other claims go by scope"),
        ("prompt" = Option<String>, Query, description = "`none`, `login`, `consent`, `select_account`"),
        ("max_age" = Option<u32>, Query, description = "Seconds since the sign-in, at most"),
        ("id_token_hint" = Option<String>, Query, description = "A ticket of the person who is meant"),
        ("ui_locales" = Option<String>, Query, description = "Languages of the pages, the dearest first; of other ones than `be`, `ru` and `en` none counts"),
        ("request_uri" = Option<String>, Query, description = "What `/par` has answered; then `client_id` is all else that counts"),
    ),
    responses(
        (status = 200, description = "A page that asks the visitor to sign in, or to agree", content_type = "text/html"),
        (status = 303, description = "To the site"),
        (status = 400, description = "A page: `site-request-malformed`, `site-unknown`, `site-address-unknown`", content_type = "text/html"),
        (status = 503, description = "A page: `storage-unavailable`", content_type = "text/html"),
    )
)]
pub(in crate::http) async fn authorize(
    State(provider): State<Arc<Provider>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let sealed = cookies::waiting(&headers).map(|(sealed, _)| sealed);
        let begun = provider.begin(&query.unwrap_or_default(), sealed).await?;
        go_on(&provider, &headers, begun).await
    };
    on_a_page(&provider, &headers, answer).await
}

/// The same with the parameters in a form. Browsers bring no session along with another site's form; the request is
/// answered at an address of its own.
#[utoipa::path(
    post,
    path = "/authorize",
    operation_id = "authorizeByForm",
    tag = "provider",
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "To where the request is answered, or to the site"),
        (status = 400, description = "A page: `site-request-malformed`, `site-unknown`, `site-address-unknown`", content_type = "text/html"),
        (status = 413, description = "A page: `body-too-large`", content_type = "text/html"),
        (status = 415, description = "A page: `content-type-refused`", content_type = "text/html"),
    )
)]
pub(in crate::http) async fn authorize_form(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    let answer = async {
        let FormBody(body) = body?;
        let query = std::str::from_utf8(&body).ok().filter(|query| query.len() <= QUERY_MAX_SIZE);
        match provider.begin(query.ok_or(Refusal::Body)?, None).await? {
            Ok(waiting) => kept(&provider, &waiting, redirect(RESUME)?),
            Err(fault) => told_or_sent(&provider, fault),
        }
    };
    on_a_page(&provider, &headers, answer).await
}

/// Goes on with the request that waits in the browser, after its visitor has signed in.
pub(in crate::http) async fn resume(State(provider): State<Arc<Provider>>, headers: HeaderMap) -> Response {
    on_a_page(&provider, &headers, go_on(&provider, &headers, waiting(&provider, &headers))).await
}

/// Takes what the visitor has decided.
pub(in crate::http) async fn decide(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    let answer = async {
        let FormBody(body) = body?;
        let form = Parameters::parse(&body).map_err(|_| Refusal::Body)?;
        decided(&provider, &headers, &form).await
    };
    on_a_page(&provider, &headers, answer).await
}

async fn decided(provider: &Provider, headers: &HeaderMap, form: &Parameters) -> Result<Response, Refusal> {
    let waiting = match waiting(provider, headers) {
        Ok(waiting) => waiting,
        Err(fault) => return told_or_sent(provider, fault),
    };
    // Another tab of this browser may have brought another request meanwhile: nobody agrees to what he has not seen.
    if form.get("request") != Some(provider.name(&waiting)?.as_str()) {
        return Err(Refusal::Form);
    }
    match form.get("decision") {
        Some("deny") => {
            respond(provider, headers, &waiting, None, provider.refuse(&waiting.request, ErrorCode::AccessDenied))
        }
        Some("allow") => {
            let browser = provider.signed_in(cookies::SESSION.read(headers)).await?.ok_or(Refusal::NoSession)?;
            if !form.get("key").is_some_and(|key| browser.token.form_key_is(key)) {
                return Err(Refusal::Form);
            }
            let has_read = provider.has_read(&waiting, &browser, form.get("acting"));
            if has_read {
                provider.agree(&waiting, &browser).await?;
            }
            let step = provider.step(&waiting, Some(&browser), has_read).await?;
            respond(provider, headers, &waiting, Some(&browser), step)
        }
        _ => Err(Refusal::Body),
    }
}

async fn go_on(
    provider: &Provider,
    headers: &HeaderMap,
    waiting: Result<Waiting, RequestFault>,
) -> Result<Response, Refusal> {
    let waiting = match waiting {
        Ok(waiting) => waiting,
        Err(fault) => return told_or_sent(provider, fault),
    };
    let browser = provider.signed_in(cookies::SESSION.read(headers)).await?;
    let step = provider.step(&waiting, browser.as_ref(), false).await?;
    respond(provider, headers, &waiting, browser.as_ref(), step)
}

fn respond(
    provider: &Provider,
    headers: &HeaderMap,
    waiting: &Waiting,
    browser: Option<&SignedIn>,
    step: Step,
) -> Result<Response, Refusal> {
    let language = Language::for_site(headers, waiting.request.language);
    let name = provider.name(waiting)?;
    let asking = || Asking::of(&waiting.request, name, language);
    let content = match (step, browser) {
        (Step::Send(address), _) => return away(&address),
        (Step::AskConsent { acting }, Some(browser)) => {
            let answering = Answering {
                form_key: browser.token.form_key(),
                has_card: browser.session.holder().is_some(),
                is_kept: counts_again(&waiting.request, &browser.session),
            };
            Content::consent(asking(), waiting.request.scopes, acting, language, answering)
        }
        (Step::AskConsent { .. }, None) => return Err(Refusal::NoSession),
        (Step::SignIn { again }, _) => {
            let by_terminal = waiting.request.scopes.age_over_18;
            let was_asked = browser.is_some_and(|browser| browser.session.age_over_18.is_some());
            let has_card = browser.is_some_and(|browser| browser.session.holder().is_some());
            let low_serves = waiting.request.demand.is_met_by(Assurance::Low) && !by_terminal;
            let why = match (by_terminal && !was_asked, low_serves || has_card) {
                (true, _) => Again::CardNotAsked,
                (false, false) => Again::CardWanted,
                (false, true) => Again::Anew,
            };
            let outside_serves = low_serves && !has_card;
            let anew = waiting.request.wants_new_sign_in();
            let address = if anew { OUTSIDE_ACCOUNT_ANEW } else { OUTSIDE_ACCOUNT_FOR_SITE };
            let outside = outside_serves.then(|| outside_offer(provider.portal(), language, address));
            Content::sign_in_for(provider.portal(), asking(), again.then_some(why), by_terminal, outside.flatten())
        }
    };
    kept(provider, waiting, page(provider.portal(), language, StatusCode::OK, content))
}

pub(super) fn waiting(provider: &Provider, headers: &HeaderMap) -> Result<Waiting, RequestFault> {
    let (sealed, _) = cookies::waiting(headers).ok_or(RequestFault::Told(ToldFault::Over))?;
    provider.resume(sealed)
}

fn told_or_sent(provider: &Provider, fault: RequestFault) -> Result<Response, Refusal> {
    match fault {
        RequestFault::Told(fault) => Err(fault.into()),
        RequestFault::Sent(answer) => redirect(&provider.send_error(&answer)),
    }
}

/// Has the browser bring the request back.
fn kept(provider: &Provider, waiting: &Waiting, response: Response) -> Result<Response, Refusal> {
    let tag = waiting.request.language.map(Language::tag);
    let cookie = cookies::wait(&provider.seal(waiting)?, tag, PENDING_LIFETIME)?;
    Ok(([(SET_COOKIE, cookie)], response).into_response())
}

/// Sends the browser to the site. Nothing waits any more.
fn away(address: &str) -> Result<Response, Refusal> {
    Ok(([(SET_COOKIE, cookies::PENDING.clear()?)], redirect(address)?).into_response())
}

/// What a visitor is answered, or told on a page.
pub(super) async fn on_a_page(
    provider: &Provider,
    headers: &HeaderMap,
    answer: impl Future<Output = Result<Response, Refusal>>,
) -> Response {
    answer.await.unwrap_or_else(|refusal| refused(provider.portal(), headers, &refusal))
}

pub(super) fn redirect(address: &str) -> Result<Response, Refusal> {
    let address = HeaderValue::from_str(address).map_err(|_| Refusal::Internal("an address cannot be written"))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response())
}
