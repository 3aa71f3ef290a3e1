//! Another key on the card and a certificate for it, for pages of portals whose terminal renews. What the terminal says
//! passes at the addresses of every terminal session; here the session begins, and the holder's PIN is confirmed when the
//! terminal has given its turn away.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_agent::{Instruction, TerminalSession};
use latchkey_crypto::cv::rights::Rights;
use serde::Serialize;
use utoipa::ToSchema;

use super::sessions::Opened;
use crate::desk::TerminalWish;
use crate::service::body::JsonBody;
use crate::service::guard::Site;
use crate::service::operations::Nothing;
use crate::service::refusal::RefusalAnswer;
use crate::service::{ServiceRefusal, Shared};

/// That the card is open for a renewal.
#[derive(Serialize, ToSchema)]
pub(in crate::service) struct RenewalAnswer {
    /// What is asked of the card: the CertHAT objects as the card was sent them, in base64. The terminal needs them.
    certhat: String,
}

/// That the PIN was confirmed.
#[derive(Serialize, ToSchema)]
pub(in crate::service) struct ConfirmedAnswer {
    /// Always true.
    confirmed: bool,
}

/// Opens the card for a terminal that replaces the card's key for terminals and writes a certificate for the new one. The
/// holder is told before that the old key will be gone. Answered when the card is open; a page that is closed meanwhile
/// takes it back.
#[utoipa::path(
    post,
    path = "/latchkey/v1/renewal",
    operation_id = "renewKey",
    request_body = Nothing,
    responses(
        (status = 200, description = "The card is open: the terminal's commands follow at \
            /api/v1/terminal_proxy_bauth_init and the addresses beside it", body = RenewalAnswer),
        (status = 400, description = "`body-malformed`", body = RefusalAnswer),
        (status = 403, description = "`holder-refused`, `request-ended`, `cancelled`: the holder said no. \
            `refused-today`: he did less than a day ago", body = RefusalAnswer),
        (status = 408, description = "`holder-silent`, `request-timeout`", body = RefusalAnswer),
        (status = 409, description = "`terminal-wrong-order`: a session of this site is open. `request-taken-back`",
            body = RefusalAnswer),
        (status = 413, description = "`body-too-large`", body = RefusalAnswer),
        (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
        (status = 422, description = "A code of the card, its reader or the PIN; the holder has seen what it means",
            body = RefusalAnswer),
        (status = 503, description = "`program-stopping`", body = RefusalAnswer),
    )
)]
pub(in crate::service) async fn renew(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Result<Json<RenewalAnswer>, ServiceRefusal> {
    let session = TerminalSession { rights: TerminalSession::RENEWAL, ..shared.session_of(&site) };
    let wish = TerminalWish { session, optional: Rights::NONE };
    let Opened { cert_hats, .. } = shared.open_session(&site, Vec::new(), wish).await?;
    Ok(Json(RenewalAnswer { certhat: STANDARD.encode(cert_hats) }))
}

/// Confirms with the PIN that the holder entered when the session began, after the terminal has given its turn away: once
/// before a key is generated, and once before the new key signs the request for its certificate. Nothing is asked again.
#[utoipa::path(
    post,
    path = "/latchkey/v1/renewal/confirm",
    operation_id = "confirmRenewal",
    request_body = Nothing,
    responses(
        (status = 200, description = "It is the terminal's turn again", body = ConfirmedAnswer),
        (status = 400, description = "`body-malformed`", body = RefusalAnswer),
        (status = 409, description = "`terminal-wrong-order`: there is no renewal that waits for it", body = RefusalAnswer),
        (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
        (status = 422, description = "`terminal-act-refused`: once more than a renewal needs. Or a code of the card or its \
            reader. The session is over", body = RefusalAnswer),
    )
)]
pub(in crate::service) async fn confirm(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Result<Json<ConfirmedAnswer>, ServiceRefusal> {
    shared.instruct(&site, Instruction::Confirm).await?;
    Ok(Json(ConfirmedAnswer { confirmed: true }))
}
