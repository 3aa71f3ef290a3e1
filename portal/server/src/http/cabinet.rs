//! The pages of the cabinet. They need no script: every act is a form with the key of the session that it was made for.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LANGUAGE, LOCATION, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use time::OffsetDateTime;
use url::form_urlencoded;

use super::body::FormBody;
use super::cabinet_texts::Texts;
use super::header::Header;
use super::page::{Content, Moment, moment, name_in, page};
use super::refusal_page::refused;
use super::sessions::HolderAnswer;
use super::{Language, Refusal, cookies};
use crate::cabinet::{BrowserFamily, CabinetState};
use crate::organisation::{Binding, Organisation, OrganisationNumber};
use crate::outside::Outside as _;
use crate::portal::{Contents, Demand, Portal, Visit, rfc3339};
use crate::provider::Provider;
use crate::provider::clients::ClientId;
use crate::session::Way;
use crate::storage::{ConnectedSite, SignIn};

/// Where the cabinet is.
pub(super) const CABINET: &str = "/cabinet";

/// The portal, and its provider if it has one.
#[derive(Clone)]
pub(super) struct Rooms {
    portal: Arc<Portal>,
    provider: Option<Arc<Provider>>,
}

#[derive(Template)]
#[template(path = "cabinet.html")]
struct Page<'a> {
    language: Language,
    texts: &'static Texts,
    header: Header<'a>,
    portal_name: &'a str,
    holder: String,
    personal_number: &'a str,
    form_key: String,
    /// For whom the holder can act; nobody listed if only for himself.
    accounts: Vec<AccountRow>,
    unseen: Vec<SignInRow>,
    seen_until: i128,
    sessions: Vec<SessionRow>,
    has_others: bool,
    sites: Option<Vec<SiteRow>>,
}

/// A sign-in, in words.
struct SignInRow {
    browser: &'static str,
    way: &'static str,
    at: Moment,
}

struct SessionRow {
    sign_in: SignInRow,
    until: Moment,
    name: String,
    is_own: bool,
}

struct AccountRow {
    name: String,
    /// Its number; none for the holder himself.
    organisation: Option<String>,
    is_acting: bool,
}

struct SiteRow {
    client: String,
    name: String,
    since: Moment,
    is_signed_in: bool,
}

/// What a form of the page asks for.
enum Act {
    EndSession(String),
    EndOthers,
    See(OffsetDateTime),
    Withdraw(ClientId),
    /// Act for an organisation, or for oneself.
    ChooseAccount(Option<OrganisationNumber>),
}

/// What the cabinet answers.
pub(super) fn routes(portal: Arc<Portal>, provider: Option<Arc<Provider>>) -> Router {
    Router::new()
        .route(CABINET, get(show))
        .route("/cabinet/export", get(export))
        .route("/cabinet/sessions/end", post(end_session))
        .route("/cabinet/sessions/end-others", post(end_others))
        .route("/cabinet/seen", post(see))
        .route("/cabinet/sites/withdraw", post(withdraw))
        .route("/cabinet/acting", post(act_for))
        .with_state(Rooms { portal, provider })
}

async fn show(State(rooms): State<Rooms>, headers: HeaderMap) -> Response {
    match shown(&rooms, &headers).await {
        Ok(response) => response,
        Err(refusal) => refused(&rooms.portal, &headers, &refusal),
    }
}

async fn end_session(State(rooms): State<Rooms>, headers: HeaderMap, body: Result<FormBody, Refusal>) -> Response {
    let read = |fields: &[(String, String)]| match fields {
        [(name, session)] if name == "session" => Some(Act::EndSession(session.clone())),
        _ => None,
    };
    act(&rooms, &headers, body, read).await
}

async fn end_others(State(rooms): State<Rooms>, headers: HeaderMap, body: Result<FormBody, Refusal>) -> Response {
    act(&rooms, &headers, body, |fields| fields.is_empty().then_some(Act::EndOthers)).await
}

async fn see(State(rooms): State<Rooms>, headers: HeaderMap, body: Result<FormBody, Refusal>) -> Response {
    let read = |fields: &[(String, String)]| match fields {
        [(name, until)] if name == "until" => {
            let until: i64 = until.parse().ok()?;
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(until) * 1_000_000).ok().map(Act::See)
        }
        _ => None,
    };
    act(&rooms, &headers, body, read).await
}

async fn withdraw(State(rooms): State<Rooms>, headers: HeaderMap, body: Result<FormBody, Refusal>) -> Response {
    let read = |fields: &[(String, String)]| match fields {
        [(name, client)] if name == "site" => ClientId::parse(client).ok().map(Act::Withdraw),
        _ => None,
    };
    act(&rooms, &headers, body, read).await
}

async fn act_for(State(rooms): State<Rooms>, headers: HeaderMap, body: Result<FormBody, Refusal>) -> Response {
    let read = |fields: &[(String, String)]| match fields {
        [(name, number)] if name == "organisation" && number.is_empty() => Some(Act::ChooseAccount(None)),
        [(name, number)] if name == "organisation" => {
            number.parse().ok().map(|number| Act::ChooseAccount(Some(number)))
        }
        _ => None,
    };
    act(&rooms, &headers, body, read).await
}

async fn shown(rooms: &Rooms, headers: &HeaderMap) -> Result<Response, Refusal> {
    let Rooms { portal, .. } = rooms;
    let visit = match portal.visit(cookies::SESSION.read(headers)).await? {
        Ok(visit) => visit,
        Err(demand) => {
            let content = Content::sign_in_for_cabinet(portal, demand == Demand::StepUp);
            return Ok(page(portal, Language::preferred(headers), StatusCode::OK, content));
        }
    };
    let language = Language::preferred(headers);
    let texts = Texts::of(language);
    let Contents { sessions, unseen, sign_ins, bindings } = portal.contents(&visit).await?;
    let own = visit.token.hash();
    let sessions: Vec<_> = sessions
        .iter()
        .map(|listed| {
            Ok(SessionRow {
                sign_in: sign_in_row(portal, language, &listed.sign_in)?,
                until: moment(portal, language, listed.expires_at)?,
                name: listed.sign_in.session.name(),
                is_own: listed.sign_in.session == own,
            })
        })
        .collect::<Result<_, Refusal>>()?;
    let newest = sign_ins.first().map_or(0, |newest| newest.signed_in_at.unix_timestamp_nanos() / 1_000_000);
    let page = Page {
        language,
        texts,
        header: Header::of(portal, language, Some(CABINET)),
        portal_name: portal.name(language),
        holder: name_in(language, &visit.holder),
        personal_number: visit.holder.personal_number.number(),
        form_key: visit.token.form_key(),
        accounts: accounts(texts, language, &visit, &bindings),
        unseen: unseen.iter().map(|sign_in| sign_in_row(portal, language, sign_in)).collect::<Result<_, _>>()?,
        seen_until: newest,
        has_others: sessions.iter().any(|session| !session.is_own),
        sessions,
        sites: sites(rooms, &visit, language).await?,
    };
    let html = page.render().map_err(|_| Refusal::Internal("the page cannot be written"))?;
    let headers = [(CONTENT_LANGUAGE, language.tag()), (VARY, "Accept-Language, Cookie")];
    Ok((headers, Html(html)).into_response())
}

/// What is kept of the holder, as a file.
async fn export(State(rooms): State<Rooms>, headers: HeaderMap) -> Response {
    match exported(&rooms, &headers).await {
        Ok(response) => response,
        Err(refusal) => refused(&rooms.portal, &headers, &refusal),
    }
}

async fn exported(rooms: &Rooms, headers: &HeaderMap) -> Result<Response, Refusal> {
    let Rooms { portal, provider } = rooms;
    let visit = portal.visit(cookies::SESSION.read(headers)).await?.map_err(|_| Refusal::NoSession)?;
    let contents = portal.contents(&visit).await?;
    let opened_at = match portal.cabinet_state(&visit).await? {
        Some(CabinetState::Open { since }) => Some(rfc3339(since)?),
        _ => None,
    };
    let sites = match provider {
        Some(provider) => provider.connected_sites(&visit.holder.personal_number).await?,
        None => Vec::new(),
    };
    let sessions = contents.sessions.iter().map(|listed| {
        Ok(ExportedSession { sign_in: exported_sign_in(&listed.sign_in)?, expires_at: rfc3339(listed.expires_at)? })
    });
    let export = Export {
        format: "latchkey-cabinet:1",
        exported_at: rfc3339(portal.now())?,
        opened_at,
        holder: HolderAnswer::from(&visit.holder),
        organisations: contents.bindings.iter().map(exported_binding).collect::<Result<_, _>>()?,
        sessions: sessions.collect::<Result<_, Refusal>>()?,
        sign_ins: contents.sign_ins.iter().map(exported_sign_in).collect::<Result<_, _>>()?,
        connected_sites: sites.iter().map(exported_site).collect::<Result<_, _>>()?,
    };
    let name = HeaderValue::from_static("attachment; filename=\"cabinet.json\"");
    Ok(([(CONTENT_DISPOSITION, name)], Json(export)).into_response())
}

async fn act(
    rooms: &Rooms,
    headers: &HeaderMap,
    body: Result<FormBody, Refusal>,
    read: impl Fn(&[(String, String)]) -> Option<Act>,
) -> Response {
    match acted(rooms, headers, body, read).await {
        Ok(()) => (StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static(CABINET))]).into_response(),
        Err(refusal) => refused(&rooms.portal, headers, &refusal),
    }
}

async fn acted(
    rooms: &Rooms,
    headers: &HeaderMap,
    body: Result<FormBody, Refusal>,
    read: impl Fn(&[(String, String)]) -> Option<Act>,
) -> Result<(), Refusal> {
    let Rooms { portal, provider } = rooms;
    let FormBody(body) = body?;
    let visit = portal.visit(cookies::SESSION.read(headers)).await?.map_err(|_| Refusal::NoSession)?;
    let mut fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    if fields.first().is_none_or(|(name, _)| name != "key") {
        return Err(Refusal::Body);
    }
    let (_, key) = fields.remove(0);
    let act = read(&fields).ok_or(Refusal::Body)?;
    if !visit.token.form_key_is(&key) {
        return Err(Refusal::Form);
    }
    match act {
        Act::EndSession(name) => drop(portal.end_named_session(&visit, &name).await?),
        Act::EndOthers => drop(portal.end_other_sessions(&visit).await?),
        Act::ChooseAccount(organisation) => drop(portal.act_for(&visit, organisation.as_ref()).await?),
        Act::See(until) => portal.see_sign_ins(&visit, until).await?,
        Act::Withdraw(client) => {
            let provider = provider.as_ref().ok_or(Refusal::NotFound)?;
            provider.withdraw(&visit.holder.personal_number, &client).await?;
        }
    }
    Ok(())
}

/// The holder himself and the organisations that are bound to the cabinet, if there are any.
fn accounts(texts: &'static Texts, language: Language, visit: &Visit, bindings: &[Binding]) -> Vec<AccountRow> {
    if bindings.is_empty() {
        return Vec::new();
    }
    let acting = visit.session.acting;
    let holder = AccountRow { name: texts.acting_self.to_owned(), organisation: None, is_acting: acting.is_none() };
    let organisation = |binding: &Binding| AccountRow {
        name: binding.organisation.name(language),
        organisation: Some(binding.organisation.number.as_str().to_owned()),
        is_acting: acting == Some(binding.id),
    };
    std::iter::once(holder).chain(bindings.iter().map(organisation)).collect()
}

async fn sites(rooms: &Rooms, visit: &Visit, language: Language) -> Result<Option<Vec<SiteRow>>, Refusal> {
    let Some(provider) = &rooms.provider else { return Ok(None) };
    let sites = provider.connected_sites(&visit.holder.personal_number).await?;
    let row = |site: &ConnectedSite| {
        Ok(SiteRow {
            client: site.client.as_str().to_owned(),
            // A site that is not registered any more has but its identifier.
            name: provider.site_name(&site.client, language).unwrap_or_else(|| site.client.as_str().to_owned()),
            since: moment(&rooms.portal, language, site.agreed_at)?,
            is_signed_in: site.is_signed_in,
        })
    };
    sites.iter().map(row).collect::<Result<_, _>>().map(Some)
}

fn sign_in_row(portal: &Portal, language: Language, sign_in: &SignIn) -> Result<SignInRow, Refusal> {
    let texts = Texts::of(language);
    Ok(SignInRow {
        browser: sign_in.browser.brand().unwrap_or(texts.other_browser),
        way: match sign_in.way {
            Way::Page => texts.by_page,
            Way::Program => texts.by_program,
            Way::Link => texts.by_link,
            Way::Terminal => texts.by_terminal,
            Way::OutsideAccount => texts.by_outside_account,
        },
        at: moment(portal, language, sign_in.signed_in_at)?,
    })
}

/// The kind of browser that sends a request.
pub(super) fn browser_family(headers: &HeaderMap) -> BrowserFamily {
    let agent = headers.get(axum::http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    agent.map_or(BrowserFamily::Other, BrowserFamily::of)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    format: &'static str,
    exported_at: String,
    opened_at: Option<String>,
    holder: HolderAnswer,
    organisations: Vec<ExportedBinding>,
    sessions: Vec<ExportedSession>,
    sign_ins: Vec<ExportedSignIn>,
    connected_sites: Vec<ExportedSite>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedBinding {
    organisation_number: String,
    name: String,
    bound_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedSignIn {
    signed_in_at: String,
    assurance: &'static str,
    way: &'static str,
    browser: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedSession {
    #[serde(flatten)]
    sign_in: ExportedSignIn,
    expires_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedSite {
    client_id: String,
    scope: String,
    agreed_at: String,
}

fn exported_binding(binding: &Binding) -> Result<ExportedBinding, Refusal> {
    let Organisation { number, names: [_, russian, _] } = &binding.organisation;
    Ok(ExportedBinding {
        organisation_number: number.as_str().to_owned(),
        name: russian.as_str().to_owned(),
        bound_at: rfc3339(binding.bound_at)?,
    })
}

fn exported_sign_in(sign_in: &SignIn) -> Result<ExportedSignIn, Refusal> {
    Ok(ExportedSignIn {
        signed_in_at: rfc3339(sign_in.signed_in_at)?,
        assurance: sign_in.assurance.name(),
        way: sign_in.way.name(),
        browser: sign_in.browser.name(),
    })
}

fn exported_site(site: &ConnectedSite) -> Result<ExportedSite, Refusal> {
    Ok(ExportedSite {
        client_id: site.client.as_str().to_owned(),
        scope: site.scopes.text(),
        agreed_at: rfc3339(site.agreed_at)?,
    })
}
