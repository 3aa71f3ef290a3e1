//! The standard's ticket flow: a signed request says what is wanted, the holder leaves out what he may, and the terminal
//! has to bind the session to the request. What follows goes over the same addresses as with deployed pages.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_agent::{AskedRights, TerminalSession};
use latchkey_crypto::x509::RevocationData;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sessions::Opened;
use super::{SignedRequest, TERMINAL_BODY_MAX_SIZE};
use crate::desk::TerminalWish;
use crate::service::body::JsonBody;
use crate::service::guard::{Preferred, Site};
use crate::service::operations::Nothing;
use crate::service::refusal::RefusalAnswer;
use crate::service::{ServiceRefusal, Shared};

/// A signed request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct TicketBody {
    /// CMS SignedData with a TicketRequest inside, DER in padded base64.
    request: String,
}

/// That the card is open for the terminal.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::service) struct TicketAnswer {
    /// What is asked of the card after the holder left out what he would not hand over: the CertHAT objects as the card
    /// was sent them, in base64. The terminal needs them for its part of the key derivation.
    certhat: String,
    /// belt-hash of the request, in base64: the terminal has to put it into its template.
    request_hash: String,
}

/// Whether there was a session.
#[derive(Serialize, ToSchema)]
pub(in crate::service) struct ClosedAnswer {
    /// There was one of this site, and it is over.
    closed: bool,
}

/// Opens the card for the terminal that a signed request names. The holder is shown who signed it and what for, and may
/// leave out what is optional. Answered when the card is open; a page that is closed meanwhile takes it back.
#[utoipa::path(
    post,
    path = "/latchkey/v1/ticket",
    operation_id = "ticket",
    request_body = TicketBody,
    responses(
        (status = 200, description = "The card is open: the terminal's commands follow at \
            /api/v1/terminal_proxy_bauth_init and the addresses beside it", body = TicketAnswer),
        (status = 400, description = "`body-malformed`", body = RefusalAnswer),
        (status = 403, description = "`request-of-other-site`: the request names other sites. `holder-refused`, \
            `request-ended`, `cancelled`: the holder said no. `refused-today`: he did less than a day ago",
            body = RefusalAnswer),
        (status = 408, description = "`holder-silent`, `request-timeout`", body = RefusalAnswer),
        (status = 409, description = "`terminal-wrong-order`: a session of this site is open. `request-taken-back`",
            body = RefusalAnswer),
        (status = 413, description = "`body-too-large`", body = RefusalAnswer),
        (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
        (status = 422, description = "`request-unverifiable`: the signature, its path, the contents or the dates. Or a \
            code of the card, its reader or the PIN; the holder has seen what it means", body = RefusalAnswer),
        (status = 503, description = "`program-stopping`", body = RefusalAnswer),
    )
)]
pub(in crate::service) async fn ticket(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    Extension(Preferred(language)): Extension<Preferred>,
    JsonBody(TicketBody { request }): JsonBody<TicketBody, TERMINAL_BODY_MAX_SIZE>,
) -> Result<Json<TicketAnswer>, ServiceRefusal> {
    let octets = STANDARD.decode(request).map_err(|_| ServiceRefusal::Body)?;
    let request = shared.verify_request(&octets)?;
    if !request.origins.contains(&site) {
        return Err(ServiceRefusal::RequestOfOtherSite);
    }
    let rights = request.ticket.as_ref().and_then(super::TicketRequest::rights);
    let (required, optional) = rights.ok_or(ServiceRefusal::RequestUnverifiable)?;
    let (origins, hash) = (request.origins.clone(), request.hash);
    let session = TerminalSession {
        request: Some(request.selected().shown(language, true)),
        rights: AskedRights::Exactly(required | optional),
        ..shared.session_of(&site)
    };
    let Opened { cert_hats, .. } = shared.open_session(&site, origins, TerminalWish { session, optional }).await?;
    Ok(Json(TicketAnswer { certhat: STANDARD.encode(cert_hats), request_hash: STANDARD.encode(hash) }))
}

/// Ends the terminal session of this site, if there is one: the card is reset.
#[utoipa::path(
    post,
    path = "/latchkey/v1/terminal/close",
    operation_id = "closeTerminal",
    request_body = Nothing,
    responses(
        (status = 200, description = "It is over", body = ClosedAnswer),
        (status = 400, description = "`body-malformed`", body = RefusalAnswer),
        (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
    )
)]
pub(in crate::service) async fn close(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Json<ClosedAnswer> {
    Json(ClosedAnswer { closed: shared.sessions.close(&site) })
}

impl Shared {
    /// The request that a relying party has signed, if that can be verified.
    pub(super) fn verify_request(&self, octets: &[u8]) -> Result<SignedRequest, ServiceRefusal> {
        let terminals = &self.surroundings.terminals;
        let (trust, files) = (terminals.request_authorities.as_ref(), &terminals.request_revocation_lists);
        let lists = trust.filter(|_| !files.is_empty()).map(|trust| self.request_lists.current(files, trust));
        let revocation = lists.as_ref().map(|lists| -> &dyn RevocationData { lists });
        SignedRequest::verify(octets, trust, revocation, (self.surroundings.clock)()).map_err(|reason| {
            tracing::info!(%reason, "a signed request does not count");
            ServiceRefusal::RequestUnverifiable
        })
    }
}
