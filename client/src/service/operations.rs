//! What pages can ask for.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use latchkey_crypto::assertion::ChallengeText;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::{JsonBody, object};
use super::card_removed::Removal;
use super::guard::Site;
use super::refusal::RefusalAnswer;
use super::requests::{LONG_POLL_TIME, RequestId, UnderWay};
use super::{ServiceRefusal, Shared};
use crate::desk::{Fulfilled, PageRequest, PageWish, Progress, ProgressPhase, RequestFailure, SAYS_IT_IS_MAX_SIZE};

/// That the program answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    /// Always `latchkey`.
    #[schema(example = "latchkey")]
    program: &'static str,
    /// The versions of this interface that it has.
    #[schema(example = json!(["v1"]))]
    api: [&'static str; 1],
}

/// A page's wish that the holder sign in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SignInBody {
    /// A UUID that the page chose and that the site has not used before.
    #[schema(value_type = String, example = "7f0c6a5e-0c8a-4a58-9a0e-3d0f6f1f5c11")]
    request_id: RequestId,
    /// The portal's challenge, in the base64 text that the card signs over: 44 to 128 characters.
    #[schema(min_length = 44, max_length = 128)]
    challenge: String,
    /// What the page calls its portal. Shown to the holder as "says it is".
    #[schema(max_length = 200)]
    portal_name: Option<String>,
}

/// A page's wish that the holder sign in, read.
#[derive(Debug)]
pub struct AskedSignIn {
    /// The name that the page gave the request.
    pub request: RequestId,
    /// What the card is to sign over.
    pub challenge: ChallengeText,
    /// What the page calls its portal.
    pub says_it_is: Option<String>,
}

impl AskedSignIn {
    /// Reads a body.
    ///
    /// # Errors
    /// [`ServiceRefusal::Body`] for everything else than such a wish.
    pub fn parse(octets: &[u8]) -> Result<Self, ServiceRefusal> {
        Self::of(object(octets)?)
    }

    fn of(body: SignInBody) -> Result<Self, ServiceRefusal> {
        let challenge = ChallengeText::parse(&body.challenge).map_err(|_| ServiceRefusal::Body)?;
        let says_it_is = name_of_portal(body.portal_name)?;
        Ok(Self { request: body.request_id, challenge, says_it_is })
    }
}

/// That the card signed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignedInAnswer {
    /// The assertion, to be presented to the portal as it is.
    #[schema(value_type = Object)]
    assertion: serde_json::Value,
}

/// How far a request is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProgressAnswer {
    /// Counts the changes.
    step: u32,
    /// How far it is.
    #[schema(value_type = String, example = "asking-holder", pattern = "waiting-in-line|asking-holder|card|signing|done")]
    phase: ProgressPhase,
}

/// From where to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    /// Answer as soon as the step is greater; without it, at once.
    after: Option<u32>,
}

/// That a request was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cancelled {
    /// Always true: afterwards the request is over, whatever it was before.
    cancelled: bool,
}

/// Nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Whether the program answers.
#[utoipa::path(
    get,
    path = "/latchkey/v1/status",
    operation_id = "status",
    responses(
        (status = 200, description = "It does", body = Status),
        (status = 403, description = "`host-refused`, `caller-of-other-user`, `origin-missing`, `origin-refused`, \
            `navigation-refused`, `site-forbidden`: so with every operation", body = RefusalAnswer),
        (status = 404, description = "`not-found`: at every other address", body = RefusalAnswer),
        (status = 405, description = "`method-not-allowed`: so with every operation", body = RefusalAnswer),
        (status = 429, description = "`too-many-requests`: so with every operation", body = RefusalAnswer),
    )
)]
pub(super) async fn status() -> Json<Status> {
    Json(Status { program: "latchkey", api: ["v1"] })
}

/// Asks the holder to sign in. Answered when he did, or when it is clear that he does not; a page that is closed
/// meanwhile takes the request back.
#[utoipa::path(
    post,
    path = "/latchkey/v1/sign-in",
    operation_id = "signIn",
    request_body = SignInBody,
    responses(
        (status = 200, description = "The card signed", body = SignedInAnswer),
        (status = 400, description = "`body-malformed`", body = RefusalAnswer),
        (status = 403, description = "`holder-refused`, `request-ended`, `cancelled`: the holder said no. \
            `refused-today`: he did less than a day ago", body = RefusalAnswer),
        (status = 408, description = "`holder-silent`: the holder did nothing for two minutes. `request-timeout`: \
            the body did not arrive", body = RefusalAnswer),
        (status = 409, description = "`request-repeated`: the site used the name before. `request-taken-back`: the \
            page did", body = RefusalAnswer),
        (status = 413, description = "`body-too-large`", body = RefusalAnswer),
        (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
        (status = 422, description = "A code of the card, its reader or the PIN; the holder has seen what it means",
            body = RefusalAnswer),
        (status = 503, description = "`program-stopping`", body = RefusalAnswer),
    )
)]
pub(super) async fn sign_in(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    JsonBody(body): JsonBody<SignInBody>,
) -> Result<Json<SignedInAnswer>, ServiceRefusal> {
    let AskedSignIn { request, challenge, says_it_is } = AskedSignIn::of(body)?;
    let page = PageRequest { origin: site, wish: PageWish::SignIn(challenge), says_it_is };
    let (fulfilled, under_way) = ask(&shared, page, &request).await?;
    let Fulfilled::SignedIn(signed_in) = fulfilled else {
        return Err(RequestFailure::Card(latchkey_agent::Failure::AgentFault).into());
    };
    let assertion = serde_json::from_str(&signed_in.assertion.to_json())
        .map_err(|_| RequestFailure::Card(latchkey_agent::Failure::AgentFault))?;
    let reader = signed_in.reader.filter(|_| shared.surroundings.guest.is_on());
    under_way.signed_in(reader.map(|reader| Removal::watch(&shared.surroundings.agent, reader)));
    Ok(Json(SignedInAnswer { assertion }))
}

/// The name that a page gives its portal, if it gives one.
pub(super) fn name_of_portal(name: Option<String>) -> Result<Option<String>, ServiceRefusal> {
    let name = name.filter(|name| !name.trim().is_empty());
    match &name {
        Some(name) if name.chars().count() > SAYS_IT_IS_MAX_SIZE => Err(ServiceRefusal::Body),
        _ => Ok(name),
    }
}

/// Hands a page's wish to the desk and waits until it is fulfilled, or not.
pub(super) async fn ask(
    shared: &Arc<Shared>,
    page: PageRequest,
    name: &RequestId,
) -> Result<(Fulfilled, UnderWay), ServiceRefusal> {
    let site = page.origin.clone();
    let mut ticket = None;
    let under_way =
        shared.requests.begin(&site, name, || ticket.insert(shared.surroundings.desk.submit(page)).progress())?;
    let Some(mut ticket) = ticket else { return Err(RequestFailure::Stopping.into()) };
    let outcome = tokio::select! {
        outcome = ticket.outcome() => outcome,
        () = under_way.cancelled() => Err(RequestFailure::TakenBack),
    };
    Ok((outcome?, under_way))
}

/// How far a request is: at once, or as soon as it has come further than the page knows. Answered after 50 seconds in
/// any case.
#[utoipa::path(
    get,
    path = "/latchkey/v1/requests/{requestId}/progress",
    operation_id = "progress",
    params(("requestId" = String, Path, description = "The name that the page gave the request"), After),
    responses(
        (status = 200, description = "So far", body = ProgressAnswer),
        (status = 400, description = "`body-malformed`: the query", body = RefusalAnswer),
        (status = 404, description = "`request-unknown`: the site has no such request", body = RefusalAnswer),
    )
)]
pub(super) async fn progress(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    Path(request): Path<String>,
    after: Result<Query<After>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<ProgressAnswer>, ServiceRefusal> {
    let Query(After { after }) = after.map_err(|_| ServiceRefusal::Body)?;
    let mut progress = shared.requests.find(&site, &request)?.progress;
    let is_news = |now: &Progress| after.is_none_or(|after| now.step > after) || now.phase == ProgressPhase::Done;
    // Without news in time the page is told what it knows.
    if tokio::time::timeout(LONG_POLL_TIME, progress.wait_for(is_news)).await.is_err() {
        tracing::debug!("a request did not get on meanwhile");
    }
    let Progress { step, phase } = *progress.borrow();
    Ok(Json(ProgressAnswer { step, phase }))
}

/// Takes a request back. Its sign-in is answered with `request-taken-back`; one that is over stays as it is.
#[utoipa::path(
    post,
    path = "/latchkey/v1/requests/{requestId}/cancel",
    operation_id = "cancel",
    params(("requestId" = String, Path, description = "The name that the page gave the request")),
    request_body = Nothing,
    responses(
        (status = 200, description = "It is over", body = Cancelled),
        (status = 400, description = "`body-malformed`", body = RefusalAnswer),
        (status = 404, description = "`request-unknown`: the site has no such request", body = RefusalAnswer),
        (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
    )
)]
pub(super) async fn cancel(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    Path(request): Path<String>,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Result<Json<Cancelled>, ServiceRefusal> {
    let request = shared.requests.find(&site, &request)?;
    request.cancelled.notify_one();
    request.end().await;
    Ok(Json(Cancelled { cancelled: true }))
}
