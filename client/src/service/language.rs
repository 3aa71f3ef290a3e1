//! The language that a browser prefers.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

use crate::texts::Language;

/// The first language of `Accept-Language` that there are texts in; English if there is none. Browsers name them in the
/// order of preference.
pub(super) fn preferred(headers: &HeaderMap) -> Language {
    let value = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let tags = value.split(',').take(LANGUAGES_MAX_COUNT).map(|part| part.split(';').next().unwrap_or_default().trim());
    let codes = tags.map(|tag| tag.split('-').next().unwrap_or_default().to_ascii_lowercase());
    codes.filter_map(|code| Language::of_code(&code)).next().unwrap_or(Language::English)
}

const LANGUAGES_MAX_COUNT: usize = 16;
