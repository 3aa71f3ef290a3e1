//! Signing in for a site that wants to know what only the card says: the page has the service's own terminal read it, through
//! the client program. The holder agrees in that program to what is read, and the terminal reads no more.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_texts::printable;
use serde::Serialize;
use time::Duration;

use super::authorize::waiting;
use crate::http::body::{JsonBody, NothingAsked};
use crate::http::cabinet::browser_family;
use crate::http::terminal::{BauthBegun, CardAnswer, CommandAnswer, TicketInit};
use crate::http::{Language, Refusal, cookies};
use crate::provider::request::{AuthorizationRequest, RequestFault, ToldFault};
use crate::provider::{Provider, Waiting};
use crate::terminal::{Caller, OwnRequest, SignInStep, Terminal, TerminalRefusal};

/// How many years `age_over_18` asks for.
const AGE: u8 = 18;
/// Most characters of what the holder is told that it is for.
const PURPOSE_MAX_LENGTH: usize = 200;
/// How long a browser may take from the request to the card's last answer.
const BROWSER_LIFETIME: Duration = Duration::minutes(30);

/// The request that the client program shows its holder.
#[derive(Serialize)]
struct RequestAnswer {
    request: String,
}

/// What comes next.
#[derive(Serialize)]
#[serde(tag = "next", rename_all = "lowercase")]
enum StepAnswer {
    /// A command of the authentication.
    Authenticate(CommandAnswer),
    /// A command of the reading.
    Command(CommandAnswer),
    /// The person is signed in.
    Done,
}

/// What is read for the request that waits in the browser, signed by this service.
pub(super) async fn request(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    NothingAsked {}: NothingAsked,
) -> Result<Response, Refusal> {
    let (terminal, Waiting { request, .. }) = asked(&provider, &headers)?;
    let wanted = OwnRequest { origin: provider.portal().origin(), purposes: purposes(&request), age_over: Some(AGE) };
    let browser = cookies::BROWSER.read(&headers).unwrap_or_else(|| provider.portal().draw_token());
    let answer = RequestAnswer { request: STANDARD.encode(terminal.own_request(&wanted)?) };
    Ok(([(SET_COOKIE, cookies::BROWSER.set(&browser, BROWSER_LIFETIME)?)], Json(answer)).into_response())
}

/// Begins the session between terminal and card, to which the holder has agreed.
pub(super) async fn begin(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Refusal> {
    let begun = async {
        let (terminal, _) = asked(&provider, &headers)?;
        let TicketInit { request, certhat } = body.object()?;
        let decoded = |text: &str| STANDARD.decode(text).map_err(|_| Refusal::Body);
        let (request, rights) = (decoded(&request)?, decoded(&certhat)?);
        let caller = caller(&headers)?;
        Ok(BauthBegun::of(terminal.begin_ticket(&caller, &request, rights).await?))
    };
    counted(&provider, begun.await.map(|begun| Json(begun).into_response()))
}

/// Takes the card's answer. After the last one the browser is signed in.
pub(super) async fn step(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Refusal> {
    let stepped = async {
        let (terminal, _) = asked(&provider, &headers)?;
        let CardAnswer { hreq, card_response } = body.object()?;
        let caller = caller(&headers)?;
        let answer = crate::http::terminal::card_answer(&card_response)?;
        let identity = match terminal.sign_in(&caller, &hreq, &answer).await? {
            SignInStep::Authenticate(command) => {
                return Ok(Json(StepAnswer::Authenticate(CommandAnswer::of(command))).into_response());
            }
            SignInStep::Read(command) => {
                return Ok(Json(StepAnswer::Command(CommandAnswer::of(command))).into_response());
            }
            SignInStep::Identified(identity) => identity,
        };
        let former = cookies::SESSION.read(&headers);
        let started =
            provider.portal().sign_in_identified(*identity, former.as_ref(), browser_family(&headers)).await?;
        Ok((cookies::signed_in(&started)?, Json(StepAnswer::Done)).into_response())
    };
    counted(&provider, stepped.await)
}

/// The terminal, and the request that waits in the browser, if the card is to be asked for it.
fn asked<'p>(provider: &'p Provider, headers: &HeaderMap) -> Result<(&'p Terminal, Waiting), Refusal> {
    let terminal = provider.terminal().ok_or(Refusal::NotFound)?;
    match waiting(provider, headers) {
        Ok(waiting) if waiting.request.scopes.age_over_18 => Ok((terminal, waiting)),
        Ok(_) => Err(Refusal::NotFound),
        Err(RequestFault::Told(fault)) => Err(fault.into()),
        // It was taken when it came; the site has been registered for less since.
        Err(RequestFault::Sent(_)) => Err(ToldFault::Over.into()),
    }
}

/// Sessions belong to the browser that began them.
fn caller(headers: &HeaderMap) -> Result<Caller, Refusal> {
    let browser = cookies::BROWSER.read(headers).ok_or(TerminalRefusal::OtherCaller)?;
    Ok(Caller::own_page(browser.hash()))
}

fn counted(provider: &Provider, verdict: Result<Response, Refusal>) -> Result<Response, Refusal> {
    verdict.inspect_err(|refusal| provider.portal().metrics().sign_in_refused(refusal.code()))
}

/// What the holder is told that it is for.
fn purposes(request: &AuthorizationRequest) -> [String; 3] {
    let of = |language, before: &str, after: &str| {
        let name = printable(request.client.name(language));
        let whole = format!("{before} {name} ({}){after}", request.redirect_uri.host());
        // Client programs show no more.
        if whole.chars().count() <= PURPOSE_MAX_LENGTH { whole } else { format!("{before} {name}{after}") }
    };
    [
        of(Language::Belarusian, "уваход для сайта", ": ці споўнілася вам 18 гадоў"),
        of(Language::Russian, "вход для сайта", ": исполнилось ли вам 18 лет"),
        of(Language::English, "signing in for the site", ": whether you are at least 18"),
    ]
}
