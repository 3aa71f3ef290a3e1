//! The addresses that deployed pages call, with their fields. What those pages send beside them is not looked at.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_agent::{
    AskedRights, CardModel, Failure, Instruction, RelayedCommand, SESSION_IDLE_TIME, SIGNING, SessionPassword,
    TerminalOffer, TerminalSession,
};
use latchkey_crypto::cv::rights::Rights;
use serde::{Deserialize, Serialize};

use super::TERMINAL_BODY_MAX_SIZE;
use super::sessions::{Opened, trust};
use crate::desk::{RequestFailure, TerminalWish};
use crate::service::body::JsonBody;
use crate::service::guard::{Preferred, Site};
use crate::service::{ServiceRefusal, Shared, refusal};

/// Where a signed request is handed in.
pub(super) const SELECT_AUTH: &str = "/select_auth";

/// The addresses that open the card.
const OPENING: [&str; 4] = ["/auth_sign", "/data_groups", "/api/v1/bauth", "/api/v1/terminal_proxy_bauth_app_prefetch"];
const AUTHENTICATE: &str = "/api/v1/terminal_proxy_bauth_init";
/// The addresses that carry a command to the card.
const RELAYING: [&str; 2] = ["/api/v1/terminal_proxy_bauth", "/api/v1/terminal_proxy_command"];
const SIGN: &str = "/api/v1/terminal_proxy_sign_init";

/// Whether a deployed page calls that address: it is answered in those pages' words.
pub(in crate::service) fn is_deployed(path: &str) -> bool {
    [SELECT_AUTH, AUTHENTICATE, SIGN].contains(&path) || OPENING.contains(&path) || RELAYING.contains(&path)
}

pub(in crate::service) fn routes() -> Router<Arc<Shared>> {
    let only = |handler: axum::routing::MethodRouter<Arc<Shared>>| handler.fallback(refusal::method_not_allowed);
    let mut router = Router::new()
        .route(SELECT_AUTH, only(post(select_auth)))
        .route(AUTHENTICATE, only(post(authenticate)))
        .route(SIGN, only(post(sign)));
    for address in OPENING {
        router = router.route(address, only(post(open)));
    }
    for address in RELAYING {
        router = router.route(address, only(post(relay)));
    }
    router
}

/// A signed request, which says who asks before the card is opened for him.
#[derive(Deserialize)]
struct Selected {
    data: String,
}

/// That a signed request counts. Pages compare the whole of it.
#[derive(Serialize)]
struct SelectedAnswer {
    #[serde(rename = "step 0")]
    step: &'static str,
}

/// What is sent to open the card means nothing to us.
#[derive(Deserialize)]
struct Anything {}

/// That the card is open, under the names of every version of these pages.
#[derive(Serialize)]
struct OpenedAnswer {
    so_certificate: String,
    #[serde(rename = "SO_CERT")]
    so_cert: String,
    cert_id: String,
    /// What was asked of the card, for terminals that want to know it.
    certhat: String,
    /// Which kind of card it is, in our terminal's words.
    card_profile: &'static str,
    err: &'static str,
}

#[derive(Deserialize)]
struct Offered {
    terminal_certificate: Option<String>,
    cmd_to_card: Option<String>,
    is_bilateral: Option<bool>,
}

#[derive(Deserialize)]
struct Relayed {
    header_cmd_to_card: Option<String>,
    cmd_to_card: Option<String>,
}

#[derive(Serialize)]
struct CardAnswer {
    card_response: String,
    err: &'static str,
}

async fn select_auth(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    JsonBody(Selected { data }): JsonBody<Selected, TERMINAL_BODY_MAX_SIZE>,
) -> Result<Json<SelectedAnswer>, ServiceRefusal> {
    let octets = decode(Some(data))?;
    let request = shared.verify_request(&octets)?;
    shared.sessions.remember(&site, request.selected())?;
    Ok(Json(SelectedAnswer { step: "OK" }))
}

async fn open(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    Extension(Preferred(language)): Extension<Preferred>,
    JsonBody(Anything {}): JsonBody<Anything, TERMINAL_BODY_MAX_SIZE>,
) -> Result<Json<OpenedAnswer>, ServiceRefusal> {
    let request = shared.sessions.take_request(&site);
    let origins = request.as_ref().map(|request| request.origins.clone()).unwrap_or_default();
    let session = TerminalSession {
        request: request.map(|request| request.shown(language, false)),
        rights: AskedRights::OfModel { signs: true },
        ..shared.session_of(&site)
    };
    let wish = TerminalWish { session, optional: SIGNING };
    let Opened { cert_hats, model, security_signer } = shared.open_session(&site, origins, wish).await?;
    let certhat = STANDARD.encode(cert_hats);
    // A card of the published standard has no security object whose signer could be named.
    let so_cert = security_signer.map(|signer| STANDARD.encode(signer)).unwrap_or_default();
    let (so_certificate, cert_id, card_profile) = (so_cert.clone(), String::new(), card_profile(model)?);
    Ok(Json(OpenedAnswer { so_certificate, so_cert, cert_id, certhat, card_profile, err: "0" }))
}

/// What our terminal calls a kind of card.
fn card_profile(model: CardModel) -> Result<&'static str, ServiceRefusal> {
    match model {
        CardModel::Stb79 => Ok("stb"),
        CardModel::Kta => Ok("kta"),
        _ => Err(RequestFailure::Card(Failure::AgentFault).into()),
    }
}

async fn authenticate(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    JsonBody(body): JsonBody<Offered, TERMINAL_BODY_MAX_SIZE>,
) -> Result<Json<CardAnswer>, ServiceRefusal> {
    let offer = TerminalOffer {
        certificates: decode(body.terminal_certificate)?,
        template: decode(body.cmd_to_card)?,
        bilateral: body.is_bilateral.unwrap_or(true),
    };
    shared.instruct(&site, Instruction::Authenticate(offer)).await.map(CardAnswer::of)
}

async fn relay(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    JsonBody(body): JsonBody<Relayed, TERMINAL_BODY_MAX_SIZE>,
) -> Result<Json<CardAnswer>, ServiceRefusal> {
    shared.instruct(&site, Instruction::Relay(body.read()?)).await.map(CardAnswer::of)
}

/// The holder is asked before the first command of a signature is carried on.
async fn sign(
    State(shared): State<Arc<Shared>>,
    Extension(Site(site)): Extension<Site>,
    JsonBody(body): JsonBody<Relayed, TERMINAL_BODY_MAX_SIZE>,
) -> Result<Json<CardAnswer>, ServiceRefusal> {
    let command = body.read()?;
    shared.instruct(&site, Instruction::AllowSignature).await?;
    shared.instruct(&site, Instruction::Relay(command)).await.map(CardAnswer::of)
}

impl CardAnswer {
    fn of(octets: Vec<u8>) -> Json<Self> {
        Json(Self { card_response: STANDARD.encode(octets), err: "0" })
    }
}

impl Relayed {
    fn read(self) -> Result<RelayedCommand, ServiceRefusal> {
        let header = decode(self.header_cmd_to_card)?.try_into().map_err(|_| ServiceRefusal::Body)?;
        let data = self.cmd_to_card.map_or_else(|| Ok(Vec::new()), |text| decode(Some(text)))?;
        Ok(RelayedCommand { header, data })
    }
}

impl Shared {
    /// A session for a site, without rights yet.
    pub(super) fn session_of(&self, site: &latchkey_crypto::assertion::Origin) -> TerminalSession {
        TerminalSession {
            origin: site.clone(),
            request: None,
            rights: AskedRights::Exactly(Rights::NONE),
            password: SessionPassword::Pin,
            trust: trust(&self.surroundings.terminals.trust, self.surroundings.sites.terminals()),
            idle: SESSION_IDLE_TIME,
        }
    }
}

fn decode(text: Option<String>) -> Result<Vec<u8>, ServiceRefusal> {
    STANDARD.decode(text.ok_or(ServiceRefusal::Body)?).map_err(|_| ServiceRefusal::Body)
}
