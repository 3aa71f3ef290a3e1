//! Public computers: the page ends its session when the card is removed.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use latchkey_agent::{Answer, Cancellation, CardAgent, ReaderEvent, ReaderName, Report, Request};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::body::JsonBody;
use super::guard::Site;
use super::operations::Nothing;
use super::refusal::RefusalAnswer;
use super::{ServiceRefusal, Shared};

/// Whether the page has to end its session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CardRemoved {
    /// The card that signed in was removed.
    end_session: bool,
}

/// Waits, on a public computer, until the card that signed in is removed. On the holder's own computer it is answered at
/// once.
#[utoipa::path(
    post,
    path = "/latchkey/v1/requests/{requestId}/card-removed",
    operation_id = "cardRemoved",
    params(("requestId" = String, Path, description = "The name that the page gave the request")),
    request_body = Nothing,
    responses(
        (status = 200, description = "Whether the session has to end", body = CardRemoved),
        (status = 400, description = "`body-malformed`", body = RefusalAnswer),
        (status = 404, description = "`request-unknown`: the site has no such request", body = RefusalAnswer),
        (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
    )
)]
pub(super) async fn card_removed(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    Path(request): Path<String>,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Result<Json<CardRemoved>, ServiceRefusal> {
    let request = shared.requests.find(&site, &request)?;
    let end_session = match request.end().await {
        Some(removal) => removal.removed().await,
        None => false,
    };
    Ok(Json(CardRemoved { end_session }))
}

/// Watches for the removal of a card. Dropped, it stops.
pub(super) struct Removal {
    removed: watch::Receiver<bool>,
    stop: Cancellation,
}

impl Removal {
    /// Watches the card in that reader.
    pub(super) fn watch(agent: &Arc<dyn CardAgent>, reader: ReaderName) -> Self {
        let (tell, removed) = watch::channel(false);
        let stop = Cancellation::default();
        let (agent, stopped) = (Arc::clone(agent), stop.clone());
        tokio::task::spawn_blocking(move || {
            wait_for_removal(&*agent, &reader, &stopped);
            // Whoever stopped this does not listen.
            tell.send(true).ok();
        });
        Self { removed, stop }
    }

    /// The card was removed before.
    pub(super) fn that_happened() -> Self {
        Self { removed: watch::channel(true).1, stop: Cancellation::default() }
    }

    pub(super) fn has_happened(&self) -> bool {
        *self.removed.borrow()
    }

    async fn removed(&self) -> bool {
        let mut removed = self.removed.clone();
        let result = removed.wait_for(|removed| *removed).await;
        result.is_ok()
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Returns when the card is gone, and when that can no longer be known.
fn wait_for_removal(agent: &dyn CardAgent, reader: &ReaderName, stop: &Cancellation) {
    let events = agent.send(Request::WatchReaders);
    let cancellation = events.cancellation();
    stop.on_cancel(move || cancellation.cancel());
    // What happens from the first event on is told; what happened before is in the list.
    if matches!(events.next(), Report::Finished(_)) || !is_inserted(agent, reader) {
        return;
    }
    loop {
        match events.next() {
            Report::Readers(ReaderEvent::CardRemoved { reader: gone, .. } | ReaderEvent::ReaderVanished(gone))
                if gone == *reader =>
            {
                return;
            }
            Report::Readers(ReaderEvent::ServiceDown) | Report::Finished(_) => return,
            _ => {}
        }
    }
}

fn is_inserted(agent: &dyn CardAgent, reader: &ReaderName) -> bool {
    match agent.send(Request::ListReaders).finish(|_| ()) {
        Ok(Answer::Readers(readers)) => readers.iter().any(|state| state.name == *reader && state.card),
        _ => false,
    }
}
