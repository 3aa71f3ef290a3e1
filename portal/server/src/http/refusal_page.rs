//! What people are told of a refusal: on a page, or by the page's script.

use std::future::{Ready, ready};
use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_LANGUAGE, VARY};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::page::{Content, HOME, page};
use super::page_texts::Texts;
use super::provider::{CALLED_BY_SITES, FORMS_OF_SITES, RESUME};
use super::{Language, Refusal, cookies};
use crate::portal::Portal;

/// Below what programs call.
const PROGRAMS: &str = "/api/";

/// What a refusal says to people.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Words {
    what_happened: String,
    what_to_do: String,
}

/// The words for a code of this service, in the language that the page has.
pub(super) async fn words(code: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Result<Response, Refusal> {
    let language = Language::preferred(&headers);
    let words = code.ok().and_then(|Path(code)| Words::for_code(language, &code)).ok_or(Refusal::NotFound)?;
    let headers = [(CONTENT_LANGUAGE, language.tag()), (VARY, "Accept-Language, Cookie")];
    Ok((headers, Json(words)).into_response())
}

/// A page that tells of the refusal.
pub(super) fn refused(portal: &Portal, headers: &HeaderMap, refusal: &Refusal) -> Response {
    let language = Language::preferred(headers);
    let Words { what_happened, what_to_do } = Words::for_visitor(language, refusal);
    // Whoever did not get in with an account elsewhere still can with the card.
    let is_under_way = matches!(refusal, Refusal::OutsideAccount(_)) && cookies::waiting(headers).is_some();
    let next = if is_under_way { RESUME } else { HOME };
    let content = Content::Refused { what_happened, what_to_do, code: refusal.code(), next };
    let mut response = page(portal, language, refusal.status(), content);
    response.extensions_mut().insert(refusal.detail());
    response
}

/// Whether people are told of what is refused at this address, and not a program: a browser opens a page there, or sends a
/// form.
pub(super) fn is_for_people(headers: &HeaderMap, route: &str) -> bool {
    let is_called = route.starts_with(PROGRAMS) || CALLED_BY_SITES.contains(&route);
    FORMS_OF_SITES.contains(&route) || (accepts_pages(headers) && !is_called)
}

/// Answers each request with this refusal: a page for people, and what they read nowhere else for programs.
pub(super) fn refusing(
    portal: &Arc<Portal>,
    refusal: fn() -> Refusal,
) -> impl Fn(HeaderMap) -> Ready<Response> + Clone + Send + Sync + 'static {
    let portal = Arc::clone(portal);
    move |headers| {
        let response = match accepts_pages(&headers) {
            true => refused(&portal, &headers, &refusal()),
            false => refusal().into_response(),
        };
        ready(response)
    }
}

/// Browsers say that they take pages when they open an address, and not when a script calls it.
pub(super) fn accepts_pages(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|kinds| kinds.to_str().ok()).is_some_and(|kinds| kinds.contains("text/html"))
}

impl Words {
    /// Of what a visitor's browser did. The words for the code are about what the client program did.
    fn for_visitor(language: Language, refusal: &Refusal) -> Self {
        let texts = Texts::of(language);
        let own = |what_happened: &str, what_to_do: &str| Self {
            what_happened: what_happened.to_owned(),
            what_to_do: what_to_do.to_owned(),
        };
        match refusal {
            Refusal::NotFound | Refusal::Method => own(texts.nowhere, texts.nowhere_advice),
            Refusal::Origin => own(texts.from_elsewhere, texts.begin_anew),
            Refusal::BodySize => own(texts.too_much, texts.begin_anew),
            Refusal::Body | Refusal::ContentType => own(texts.not_understood, texts.begin_anew),
            Refusal::TimeOut => own(texts.too_slow, texts.too_slow_advice),
            _ => Self::for_code(language, refusal.code()).unwrap_or_else(|| own(texts.refused, texts.try_later)),
        }
    }

    fn for_code(language: Language, code: &str) -> Option<Self> {
        let language = match language {
            Language::Belarusian => latchkey_texts::Language::Belarusian,
            Language::Russian => latchkey_texts::Language::Russian,
            Language::English => latchkey_texts::Language::English,
        };
        let texts = latchkey_texts::Texts::new(language, latchkey_texts::refusals(language));
        let code = format!("portal-refused-{code}");
        let what_happened = texts.what_happened(&code, &[])?;
        Some(Self { what_happened, what_to_do: texts.what_to_do_in_window(&code, &[])? })
    }
}
