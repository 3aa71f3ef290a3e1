//! The page that shows who is signed in. It needs no script.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, LOCATION, SET_COOKIE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};
use latchkey_verify::Assurance;
use time::OffsetDateTime;
use time::macros::format_description;
use url::form_urlencoded;

use super::body::FormBody;
use super::page_texts::Texts;
use super::{Language, Refusal, cookies};
use crate::portal::{Portal, rfc3339};
use crate::session::{Holder, Session};
use crate::token::Token;

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    language: Language,
    texts: &'static Texts,
    portal_name: &'a str,
    title: &'static str,
    content: Content,
}

enum Content {
    NobodySignedIn {
        command: String,
    },
    SignedIn {
        holder: String,
        personal_number: String,
        assurance: &'static str,
        signed_in_at: Moment,
        expires_at: Moment,
        form_key: String,
    },
    Refused {
        what_to_do: &'static str,
        code: &'static str,
    },
}

struct Moment {
    machine: String,
    human: String,
}

pub(super) async fn show(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Response {
    let content = match cookies::SESSION.read(&headers) {
        Some(token) => portal.session(&token).await.map_err(Refusal::from).and_then(|session| match session {
            Some(session) => signed_in(&token, session, Language::preferred(&headers)),
            None => Ok(nobody(&portal)),
        }),
        None => Ok(nobody(&portal)),
    };
    match content {
        Ok(content) => page(&portal, &headers, StatusCode::OK, content),
        Err(refusal) => refused(&portal, &headers, &refusal),
    }
}

/// Ends the session, if the form came from the page that was made for it.
pub(super) async fn sign_out(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    match end_session(&portal, &headers, body).await {
        Ok(response) => response,
        Err(refusal) => refused(&portal, &headers, &refusal),
    }
}

pub(super) async fn style() -> Response {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("../../templates/style.css")).into_response()
}

async fn end_session(
    portal: &Portal,
    headers: &HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Result<Response, Refusal> {
    let FormBody(body) = body?;
    let mut fields = form_urlencoded::parse(&body);
    let (Some((name, key)), None) = (fields.next(), fields.next()) else { return Err(Refusal::Body) };
    if name != "key" {
        return Err(Refusal::Body);
    }
    // Whoever has no session is signed out already; there is nothing to protect.
    if let Some(token) = cookies::SESSION.read(headers) {
        if !token.form_key_is(&key) {
            return Err(Refusal::Form);
        }
        portal.end_session(&token).await?;
    }
    let cookie = cookies::SESSION.clear()?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static("/")), (SET_COOKIE, cookie)]).into_response())
}

fn nobody(portal: &Portal) -> Content {
    Content::NobodySignedIn { command: format!("latchkey sign-in {}", portal.origin()) }
}

fn signed_in(token: &Token, session: Session, language: Language) -> Result<Content, Refusal> {
    let texts = Texts::of(language);
    Ok(Content::SignedIn {
        assurance: match session.assurance {
            Assurance::Low => texts.assurance_low,
            Assurance::Substantial => texts.assurance_substantial,
            Assurance::High => texts.assurance_high,
        },
        holder: name_in(language, &session.holder),
        personal_number: session.holder.personal_number.number().to_owned(),
        signed_in_at: moment(session.signed_in_at)?,
        expires_at: moment(session.expires_at)?,
        form_key: token.form_key(),
    })
}

/// The name in the page's language, if the certificate has it.
fn name_in(language: Language, holder: &Holder) -> String {
    let subject = holder.name.to_string();
    match language {
        Language::Belarusian => holder.belarusian_name.as_ref().map_or(subject, ToString::to_string),
        Language::Russian => subject,
        Language::English => holder.latin_name.clone().unwrap_or(subject),
    }
}

fn moment(time: OffsetDateTime) -> Result<Moment, Refusal> {
    let human = time
        .format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC"))
        .map_err(|_| Refusal::Internal("a time cannot be written"))?;
    Ok(Moment { machine: rfc3339(time)?, human })
}

fn refused(portal: &Portal, headers: &HeaderMap, refusal: &Refusal) -> Response {
    let texts = Texts::of(Language::preferred(headers));
    let what_to_do = if refusal.status().is_server_error() { texts.try_later } else { texts.go_back };
    let mut response = page(portal, headers, refusal.status(), Content::Refused { what_to_do, code: refusal.code() });
    response.extensions_mut().insert(refusal.detail());
    response
}

fn page(portal: &Portal, headers: &HeaderMap, status: StatusCode, content: Content) -> Response {
    let language = Language::preferred(headers);
    let texts = Texts::of(language);
    let title = match content {
        Content::NobodySignedIn { .. } => texts.nobody_signed_in,
        Content::SignedIn { .. } => texts.signed_in,
        Content::Refused { .. } => texts.refused,
    };
    let page = Page { language, texts, portal_name: portal.name(language), title, content };
    match page.render() {
        Ok(html) => {
            let headers = [(CONTENT_LANGUAGE, language.tag()), (VARY, "Accept-Language, Cookie")];
            (status, headers, Html(html)).into_response()
        }
        Err(_) => Refusal::Internal("the page cannot be written").into_response(),
    }
}
