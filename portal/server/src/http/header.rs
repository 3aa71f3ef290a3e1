//! What stands at the head of every page: whose it is, and the choice of its language, which a browser then remembers.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use time::Duration;
use url::form_urlencoded;

use super::body::FormBody;
use super::cabinet::CABINET;
use super::page::HOME;
use super::provider::RESUME;
use super::refusal_page::refused;
use super::{Language, Refusal, cookies};
use crate::portal::Portal;

/// Where a visitor who has chosen a language goes on: nowhere else.
const PLACES: [&str; 3] = [HOME, CABINET, RESUME];
/// How long a browser remembers the language.
const REMEMBERED: Duration = Duration::days(365);

/// The head of a page.
pub(super) struct Header<'a> {
    pub(super) portal_name: &'a str,
    /// What the choice is called.
    pub(super) choice: &'static str,
    /// Where the page is found again, if it is.
    pub(super) place: Option<&'static str>,
    pub(super) languages: [Offered; 3],
}

/// A language that a page is offered in.
pub(super) struct Offered {
    pub(super) tag: &'static str,
    pub(super) name: &'static str,
    pub(super) is_shown: bool,
}

impl<'a> Header<'a> {
    pub(super) fn of(portal: &'a Portal, language: Language, place: Option<&'static str>) -> Self {
        let offered = |other: Language| Offered {
            tag: other.tag(),
            name: match other {
                Language::Belarusian => "Беларуская",
                Language::Russian => "Русский",
                Language::English => "English",
            },
            is_shown: other == language,
        };
        let choice = match language {
            Language::Belarusian => "Мова",
            Language::Russian => "Язык",
            Language::English => "Language",
        };
        Self { portal_name: portal.name(language), choice, place, languages: Language::ALL.map(offered) }
    }
}

/// Has the browser remember the language that its visitor has chosen.
pub(super) async fn choose(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    body: Result<FormBody, Refusal>,
) -> Response {
    body.and_then(|FormBody(body)| chosen(&body)).unwrap_or_else(|refusal| refused(&portal, &headers, &refusal))
}

fn chosen(body: &[u8]) -> Result<Response, Refusal> {
    let fields: Vec<_> = form_urlencoded::parse(body).collect();
    let [(place_name, place), (language_name, tag)] = fields.as_slice() else { return Err(Refusal::Body) };
    let place = PLACES.into_iter().find(|listed| place_name == "place" && listed == place);
    let language = Language::of_tag(tag).filter(|_| language_name == "language");
    let (Some(place), Some(language)) = (place, language) else { return Err(Refusal::Body) };
    let cookie = cookies::LANGUAGE.set_text(language.tag(), REMEMBERED)?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static(place)), (SET_COOKIE, cookie)]).into_response())
}
