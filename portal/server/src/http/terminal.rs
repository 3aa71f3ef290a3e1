//! The terminal's addresses, as back ends that are deployed today call them. Members that are not known are passed over, as
//! theirs are by us.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::body::JsonBody;
use super::refusal::RefusalAnswer;
use super::{Refusal, guard, operations};
use crate::terminal::{
    AnsweredCommand, Beginning, Begun, Caller, CardKind, CommandToCard, DATA_TO_SIGN_MAX_SIZE, DEPLOYED_GROUPS,
    ReadData, RenewalStep, Renewed, TICKET_REQUEST_MAX_SIZE, Terminal, ToSign,
};

/// Most octets of a request's body: the largest data to sign, in base64, and some more.
const BODY_MAX_SIZE: usize = DATA_TO_SIGN_MAX_SIZE / 3 * 4 + 1024;
/// Most octets of a card's answer: 64 KiB and a status (ISO/IEC 7816-4).
const ANSWER_MAX_SIZE: usize = 0x1_0000 + 2;

type Body = JsonBody<BODY_MAX_SIZE>;
type Called = (State<Arc<Terminal>>, Extension<Caller>);

/// Everything that the terminal answers.
pub fn terminal_router(terminal: Arc<Terminal>) -> Router {
    Router::new()
        .route("/api/v1/bauth_init", post(bauth_init))
        .route("/api/v1/bauth_process", post(bauth_process))
        .route("/api/v1/read_dg_init", post(read_dg_init))
        .route("/api/v1/read_dg", post(read_dg))
        .route("/api/v1/request_dg", post(request_dg))
        .route("/api/v1/sign_init", post(sign_init))
        .route("/api/v1/sign_select_app", post(sign_select_app))
        .route("/api/v1/sign_data", post(sign_data))
        .route("/api/v1/sign_result", post(sign_result))
        .route("/api/v1/bauth_logout", post(bauth_logout))
        .route("/latchkey/v1/tickets", post(begin_ticket))
        .route("/latchkey/v1/tickets/read", post(read_for_ticket))
        .route("/latchkey/v1/tickets/issue", post(issue_ticket))
        .route("/latchkey/v1/renewals", post(begin_renewal))
        .route("/latchkey/v1/renewals/start", post(start_renewal))
        .route("/latchkey/v1/renewals/step", post(go_on_renewing))
        .route("/latchkey/v1/renewals/confirmed", post(renewal_confirmed))
        .route("/api/v1/openapi.json", get(super::openapi::serve_terminal))
        .route("/health/live", get(operations::live))
        .route("/health/ready", get(ready))
        .fallback(|| async { Refusal::NotFound })
        .method_not_allowed_fallback(|| async { Refusal::Method })
        .layer(DefaultBodyLimit::max(BODY_MAX_SIZE))
        .layer(middleware::from_fn_with_state(Arc::clone(&terminal), guard::guard::<Terminal>))
        .with_state(terminal)
}

/// What begins a session.
#[derive(Deserialize, ToSchema)]
pub(super) struct BauthInit {
    /// The certificate of the card's security object, X.509 in base64, as the client program gave it. Cards of the
    /// standard have none: it is empty or missing then, and the groups of the standard are read.
    so_certificate: Option<String>,
    /// The rights that the client program asked the card for, CertHAT objects in base64, as it sent them. Without it they
    /// are taken to be those that client programs ask for when pages of today call them.
    certhat: Option<String>,
    /// `stb` or `kta`: what kind of card it is, if `so_certificate` does not tell.
    card_profile: Option<String>,
}

/// A session that has begun.
#[derive(Serialize, ToSchema)]
pub(super) struct BauthBegun {
    /// The session's handle. Only the caller that began can use it, for two minutes from each step.
    hreq: String,
    /// The CV certificates for the card to verify, one object `7F21` after the other, base64.
    terminal_certificate: String,
    /// The data of MSE:Set AT, base64.
    cmd_to_card: String,
}

/// The session alone.
#[derive(Deserialize, ToSchema)]
pub(super) struct OfSession {
    /// The session's handle.
    hreq: String,
}

/// What the card answered.
#[derive(Deserialize, ToSchema)]
pub(super) struct CardAnswer {
    /// The session's handle.
    pub(super) hreq: String,
    /// The card's answer, base64, with or without its status.
    pub(super) card_response: String,
}

/// Which groups to read.
#[derive(Deserialize, ToSchema)]
pub(super) struct GroupsToRead {
    /// The session's handle.
    hreq: String,
    /// `dg1` to `dg5`: the deployed card's groups. On a card of the standard those are read that carry the same.
    #[schema(example = json!(["dg1", "dg2", "dg3", "dg4", "dg5"]))]
    data_groups_to_read: Vec<String>,
}

/// What to sign.
#[derive(Deserialize, ToSchema)]
pub(super) struct DataToSign {
    /// The session's handle.
    hreq: String,
    /// The card's answer, base64.
    card_response: String,
    /// The contents, base64.
    data_to_sign: String,
    /// Whether the signature is to be without the contents. They are inside unless it says so.
    #[serde(default)]
    detached: bool,
}

/// A command for the card.
#[derive(Serialize, ToSchema)]
pub(super) struct CommandAnswer {
    /// CLA INS P1 P2, base64.
    #[schema(example = "AIYAAA==")]
    header_cmd_to_card: String,
    /// The command's data without its length, base64.
    cmd_to_card: String,
}

/// A command of the authentication, or its end.
#[derive(Serialize, ToSchema)]
pub(super) struct BauthStep {
    /// CLA INS P1 P2, base64; empty at the end.
    header_cmd_to_card: String,
    /// The command's data without its length, base64; empty at the end.
    cmd_to_card: String,
    /// Whether card and terminal have proved themselves to each other.
    is_bauth_established: bool,
}

/// A command of the reading, or its end.
#[derive(Serialize, ToSchema)]
pub(super) struct ReadStep {
    /// CLA INS P1 P2, base64; empty at the end.
    header_cmd_to_card: String,
    /// The command's data without its length, base64; empty at the end.
    cmd_to_card: String,
    /// Whether everything was read.
    is_last_dg_readed: bool,
}

/// What was read. It is answered once.
#[derive(Serialize, ToSchema)]
pub(super) struct DataAnswer {
    /// The person and the document. Keys that the card has nothing for are left out.
    #[schema(value_type = Object, example = json!({"RU:_Family_name": "ВЫДУМАННАЯ", "ID": "4010190A000PB0"}))]
    personal_data: crate::terminal::PersonalData,
    /// What the register says of the document: `valid` or `unknown`. A lost one is never answered.
    #[schema(example = "valid")]
    document_status: &'static str,
    /// How sure the terminal is who it is: `high`, or `substantial` if the document's status is unknown.
    #[schema(example = "high")]
    assurance: &'static str,
}

/// A signature.
#[derive(Serialize, ToSchema)]
pub(super) struct SignatureAnswer {
    /// CMS SignedData (CAdES B-B), DER in base64.
    signature: String,
}

/// What begins a session for a ticket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TicketInit {
    /// The relying party's request, CMS SignedData with its contents inside, DER in base64: what the client program was
    /// given.
    pub(super) request: String,
    /// The CertHAT objects that the client program has sent the card, base64: what the holder agreed to.
    pub(super) certhat: String,
}

/// A ticket.
#[derive(Serialize, ToSchema)]
pub(super) struct TicketAnswer {
    /// CMS SignedData with the ticket's JSON inside, DER in base64.
    ticket: String,
}

/// What begins a session in which the card gets another key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RenewalInit {
    /// The CertHAT objects that the client program has sent the card, base64: what the holder agreed to.
    certhat: String,
}

/// What comes next in a renewal.
#[derive(Serialize, ToSchema)]
pub(super) struct RenewalAnswer {
    /// `command`: the card is to be told what stands here, and its answer goes to `step`. `confirm`: the client program
    /// confirms with the PIN, then `confirmed` is called. `issued`: the new certificate is on the card. `waiting`: the
    /// authority takes its time; another renewal of this card, later, fetches the certificate.
    #[schema(example = "command")]
    next: &'static str,
    /// CLA INS P1 P2, base64; empty unless `next` is `command`.
    header_cmd_to_card: String,
    /// The command's data without its length, base64; empty unless `next` is `command`.
    cmd_to_card: String,
    /// The new certificate, X.509, DER in base64; empty unless `next` is `issued`.
    certificate: String,
}

/// The session is over.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedOut {}

macro_rules! described {
    ($(#[$doc:meta])* $name:ident, $path:literal, $operation:literal, $request:ty => $answer:ty,
        |$terminal:ident, $caller:ident, $body:ident| $code:expr) => {
        $(#[$doc])*
        #[utoipa::path(
            post,
            path = $path,
            operation_id = $operation,
            tag = "terminal",
            request_body = $request,
            responses(
                (status = 200, description = "The next step", body = $answer),
                (status = 400, description = "`body-malformed`", body = RefusalAnswer),
                (status = 403, description = "`origin-refused`, `terminal-caller-refused`, `terminal-of-other-caller`", body = RefusalAnswer),
                (status = 404, description = "`terminal-session-unknown`", body = RefusalAnswer),
                (status = 408, description = "`request-timeout`", body = RefusalAnswer),
                (status = 409, description = "`terminal-wrong-order`, `terminal-step-taken`", body = RefusalAnswer),
                (status = 413, description = "`body-too-large`", body = RefusalAnswer),
                (status = 415, description = "`content-type-refused`", body = RefusalAnswer),
                (status = 422, description = "`terminal-answer-malformed`, `terminal-card-refused`, `terminal-card-not-genuine`, `terminal-data-malformed`, `document-lost`, `document-status-unknown`, `document-expired`, `terminal-signing-certificate`, `terminal-signature-wrong`, `ticket-request-refused`, `ticket-groups-missing`, `renewal-impossible`", body = RefusalAnswer),
                (status = 500, description = "`internal-error`, `storage-damaged`", body = RefusalAnswer),
                (status = 502, description = "`authority-refused`, `authority-answer-malformed`", body = RefusalAnswer),
                (status = 503, description = "`storage-unavailable`, `too-many-terminal-sessions`, `terminal-certificate-expired`, `authority-unreachable`, `stopping`", body = RefusalAnswer),
            )
        )]
        pub(super) async fn $name(
            (State($terminal), Extension($caller)): Called,
            body: Body,
        ) -> Result<Json<$answer>, Refusal> {
            let $body = body.object::<$request>()?;
            counted(&$terminal, async { $code }.await)
        }
    };
}

described! {
    /// Begins a session: mutual authentication of card and terminal.
    bauth_init, "/api/v1/bauth_init", "beginTerminalSession", BauthInit => BauthBegun,
    |terminal, caller, body| {
        Ok(Json(BauthBegun::of(terminal.begin(&caller, beginning(&body)?).await?)))
    }
}

described! {
    /// Takes the card's answer to the authentication and gives the next command, until both are established.
    bauth_process, "/api/v1/bauth_process", "authenticate", CardAnswer => BauthStep,
    |terminal, caller, body| {
        let next = terminal.authenticate(&caller, &body.hreq, &card_answer(&body.card_response)?).await?;
        let is_bauth_established = matches!(next, AnsweredCommand::Done);
        let CommandAnswer { header_cmd_to_card, cmd_to_card } = CommandAnswer::or_nothing(next);
        Ok(Json(BauthStep { header_cmd_to_card, cmd_to_card, is_bauth_established }))
    }
}

described! {
    /// Begins to read groups.
    read_dg_init, "/api/v1/read_dg_init", "beginReading", GroupsToRead => CommandAnswer,
    |terminal, caller, body| {
        let groups = deployed_groups(&body.data_groups_to_read)?;
        Ok(Json(CommandAnswer::of(terminal.begin_reading(&caller, &body.hreq, groups).await?)))
    }
}

described! {
    /// Takes the card's answer and gives the next command, until everything is read.
    read_dg, "/api/v1/read_dg", "read", CardAnswer => ReadStep,
    |terminal, caller, body| {
        let next = terminal.read(&caller, &body.hreq, &card_answer(&body.card_response)?).await?;
        let is_last_dg_readed = matches!(next, AnsweredCommand::Done);
        let CommandAnswer { header_cmd_to_card, cmd_to_card } = CommandAnswer::or_nothing(next);
        Ok(Json(ReadStep { header_cmd_to_card, cmd_to_card, is_last_dg_readed }))
    }
}

described! {
    /// Gives what was read, once, and forgets it.
    request_dg, "/api/v1/request_dg", "takePersonalData", OfSession => DataAnswer,
    |terminal, caller, body| {
        let ReadData { personal_data, document_status, assurance } = terminal.take_data(&caller, &body.hreq).await?;
        Ok(Json(DataAnswer {
            personal_data,
            document_status: document_status.name(),
            assurance: assurance.name(),
        }))
    }
}

described! {
    /// Begins a signature: the card is to select its application eSign.
    sign_init, "/api/v1/sign_init", "beginSigning", OfSession => CommandAnswer,
    |terminal, caller, body| {
        Ok(Json(CommandAnswer::of(terminal.begin_signing(&caller, &body.hreq).await?)))
    }
}

described! {
    /// Takes the card's answer; the card is to choose its key.
    sign_select_app, "/api/v1/sign_select_app", "selectKey", CardAnswer => CommandAnswer,
    |terminal, caller, body| {
        let answer = card_answer(&body.card_response)?;
        Ok(Json(CommandAnswer::of(terminal.select_key(&caller, &body.hreq, &answer).await?)))
    }
}

described! {
    /// Takes the card's answer and the contents; the card is to sign the attributes that the terminal makes of them.
    sign_data, "/api/v1/sign_data", "signData", DataToSign => CommandAnswer,
    |terminal, caller, body| {
        let to_sign = ToSign { content: data_to_sign(&body.data_to_sign)?, is_detached: body.detached };
        let answer = card_answer(&body.card_response)?;
        Ok(Json(CommandAnswer::of(terminal.sign(&caller, &body.hreq, &answer, to_sign).await?)))
    }
}

described! {
    /// Takes the card's signature, verifies it, and gives the message around it.
    sign_result, "/api/v1/sign_result", "takeSignature", CardAnswer => SignatureAnswer,
    |terminal, caller, body| {
        let answer = card_answer(&body.card_response)?;
        let message = terminal.take_signature(&caller, &body.hreq, &answer).await?;
        Ok(Json(SignatureAnswer { signature: STANDARD.encode(message) }))
    }
}

described! {
    /// Begins a session for a relying party's request, to which the card will bind it. The authentication and the reading
    /// go on at `bauth_process` and `read_dg`.
    begin_ticket, "/latchkey/v1/tickets", "beginTicket", TicketInit => BauthBegun,
    |terminal, caller, body| {
        let (request, rights) = (ticket_request(&body.request)?, STANDARD.decode(&body.certhat));
        let begun = terminal.begin_ticket(&caller, &request, rights.map_err(|_| Refusal::Body)?).await?;
        Ok(Json(BauthBegun::of(begun)))
    }
}

described! {
    /// Begins to read the groups that the request asked for and the holder agreed to.
    read_for_ticket, "/latchkey/v1/tickets/read", "readForTicket", OfSession => CommandAnswer,
    |terminal, caller, body| {
        Ok(Json(CommandAnswer::of(terminal.read_for_ticket(&caller, &body.hreq).await?)))
    }
}

described! {
    /// Gives the ticket over what was read, once, and forgets it.
    issue_ticket, "/latchkey/v1/tickets/issue", "issueTicket", OfSession => TicketAnswer,
    |terminal, caller, body| {
        Ok(Json(TicketAnswer { ticket: STANDARD.encode(terminal.issue_ticket(&caller, &body.hreq).await?) }))
    }
}

described! {
    /// Begins a session in which the card gets another key for terminals and a certificate for it. The holder's old key
    /// will be gone: he has to know before. The authentication goes on at `bauth_process`.
    begin_renewal, "/latchkey/v1/renewals", "beginRenewal", RenewalInit => BauthBegun,
    |terminal, caller, body| {
        let rights = STANDARD.decode(&body.certhat).map_err(|_| Refusal::Body)?;
        Ok(Json(BauthBegun::of(terminal.begin_renewal(&caller, rights).await?)))
    }
}

described! {
    /// Begins the renewal, after the authentication. If the card has a request that waits for its certificate, that is
    /// fetched; otherwise the old key is destroyed and another one generated. Where a card was pulled, another session
    /// ends what was begun.
    start_renewal, "/latchkey/v1/renewals/start", "startRenewal", OfSession => RenewalAnswer,
    |terminal, caller, body| {
        Ok(Json(RenewalAnswer::of(terminal.start_renewal(&caller, &body.hreq).await?)))
    }
}

described! {
    /// Takes the card's answer and gives what comes next.
    go_on_renewing, "/latchkey/v1/renewals/step", "goOnRenewing", CardAnswer => RenewalAnswer,
    |terminal, caller, body| {
        let answer = card_answer(&body.card_response)?;
        Ok(Json(RenewalAnswer::of(terminal.go_on_renewing(&caller, &body.hreq, &answer).await?)))
    }
}

described! {
    /// Goes on when the client program has confirmed with the PIN.
    renewal_confirmed, "/latchkey/v1/renewals/confirmed", "renewalConfirmed", OfSession => RenewalAnswer,
    |terminal, caller, body| {
        Ok(Json(RenewalAnswer::of(terminal.renewal_confirmed(&caller, &body.hreq).await?)))
    }
}

described! {
    /// Ends a session, wherever it is.
    bauth_logout, "/api/v1/bauth_logout", "endTerminalSession", OfSession => LoggedOut,
    |terminal, caller, body| {
        terminal.end(&caller, &body.hreq).await?;
        Ok(Json(LoggedOut {}))
    }
}

/// Whether sessions can begin here.
pub(super) async fn ready(State(terminal): State<Arc<Terminal>>) -> Result<Json<operations::Health>, Refusal> {
    terminal.check().await?;
    Ok(operations::is_ready())
}

fn counted<T>(terminal: &Terminal, verdict: Result<T, Refusal>) -> Result<T, Refusal> {
    verdict.inspect_err(|refusal| terminal.count_refusal(refusal.code()))
}

fn beginning(body: &BauthInit) -> Result<Beginning, Refusal> {
    let has_security_object = body.so_certificate.as_ref().is_some_and(|certificate| !certificate.is_empty());
    let card = match body.card_profile.as_deref() {
        Some("stb") => CardKind::Standard,
        Some("kta") => CardKind::Deployed,
        Some(_) => return Err(Refusal::Body),
        None if has_security_object => CardKind::Deployed,
        None => CardKind::Standard,
    };
    let rights = body.certhat.as_deref().map(|rights| STANDARD.decode(rights)).transpose();
    Ok(Beginning { card, rights: rights.map_err(|_| Refusal::Body)? })
}

pub(super) fn card_answer(text: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let octets = STANDARD.decode(text).map_err(|_| Refusal::Body)?;
    if octets.len() > ANSWER_MAX_SIZE { Err(Refusal::BodySize) } else { Ok(Zeroizing::new(octets)) }
}

fn data_to_sign(text: &str) -> Result<Vec<u8>, Refusal> {
    let octets = STANDARD.decode(text).map_err(|_| Refusal::Body)?;
    if octets.len() > DATA_TO_SIGN_MAX_SIZE { Err(Refusal::BodySize) } else { Ok(octets) }
}

/// `dg1` to `dg5`, one of them at least and none twice.
fn deployed_groups(names: &[String]) -> Result<Vec<u8>, Refusal> {
    let mut groups = Vec::new();
    for name in names {
        let known = (1..=DEPLOYED_GROUPS).find(|number| *name == format!("dg{number}")).ok_or(Refusal::Body)?;
        if groups.contains(&known) {
            return Err(Refusal::Body);
        }
        groups.push(known);
    }
    if groups.is_empty() { Err(Refusal::Body) } else { Ok(groups) }
}

fn ticket_request(text: &str) -> Result<Vec<u8>, Refusal> {
    let octets = STANDARD.decode(text).map_err(|_| Refusal::Body)?;
    if octets.len() > TICKET_REQUEST_MAX_SIZE { Err(Refusal::BodySize) } else { Ok(octets) }
}

impl BauthBegun {
    pub(super) fn of(begun: Begun) -> Self {
        Self {
            hreq: begun.hreq.expose_for_caller(),
            terminal_certificate: STANDARD.encode(begun.certificates),
            cmd_to_card: STANDARD.encode(begun.template),
        }
    }
}

impl RenewalAnswer {
    fn of(step: RenewalStep) -> Self {
        let nothing = |next| Self {
            next,
            header_cmd_to_card: String::new(),
            cmd_to_card: String::new(),
            certificate: String::new(),
        };
        match step {
            RenewalStep::Command(command) => {
                let CommandAnswer { header_cmd_to_card, cmd_to_card } = CommandAnswer::of(command);
                Self { header_cmd_to_card, cmd_to_card, ..nothing("command") }
            }
            RenewalStep::Confirm => nothing("confirm"),
            RenewalStep::Over(Renewed::Issued(certificate)) => {
                Self { certificate: STANDARD.encode(certificate), ..nothing("issued") }
            }
            RenewalStep::Over(Renewed::Waiting) => nothing("waiting"),
        }
    }
}

impl CommandAnswer {
    pub(super) fn of(command: CommandToCard) -> Self {
        Self { header_cmd_to_card: STANDARD.encode(command.header), cmd_to_card: STANDARD.encode(command.data) }
    }

    fn or_nothing(next: AnsweredCommand) -> Self {
        match next {
            AnsweredCommand::Next(command) => Self::of(command),
            AnsweredCommand::Done => Self { header_cmd_to_card: String::new(), cmd_to_card: String::new() },
        }
    }
}
