//! The languages of the page and of the portal's name.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

use super::cookies;

/// Most octets of a list of languages that counts.
const TAGS_MAX_SIZE: usize = 200;

/// A language that the service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Belarusian, also when the browser wants none of the three.
    Belarusian,
    /// Russian.
    Russian,
    /// English.
    English,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::Belarusian, Self::Russian, Self::English];

    /// The tag (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Belarusian => "be",
            Self::Russian => "ru",
            Self::English => "en",
        }
    }

    /// The language of that tag, if it is one of ours.
    pub(super) fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(tag))
    }

    /// The first of our languages among tags with spaces between (OpenID Connect Core 1.0, clause 3.1.2.1: `ui_locales`). Of a
    /// tag its language counts and nothing else; a list that no site would send has none.
    pub(crate) fn first_of(tags: &str) -> Option<Self> {
        let is_sound = tags.len() <= TAGS_MAX_SIZE;
        is_sound.then(|| tags.split(' ').find_map(Self::of_locale)).flatten()
    }

    /// The language that was chosen in this browser, or the one that the site wants whose request waits there, or the one
    /// that the browser likes best.
    #[must_use]
    pub fn preferred(headers: &HeaderMap) -> Self {
        Self::for_site(headers, cookies::waiting(headers).and_then(|(_, tag)| Self::of_tag(tag)))
    }

    /// The same on a page that a site's request is answered with, which wants that language if it wants any.
    pub(super) fn for_site(headers: &HeaderMap, wanted: Option<Self>) -> Self {
        let chosen = cookies::LANGUAGE.text(headers).and_then(Self::of_tag);
        chosen.or(wanted).unwrap_or_else(|| Self::of_browser(headers))
    }

    /// The one that the browser likes best (RFC 9110, clause 12.5.4).
    fn of_browser(headers: &HeaderMap) -> Self {
        let wishes = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|header| header.to_str().ok());
        let mut best = (0, Self::Belarusian);
        for wish in wishes.flat_map(|header| header.split(',')) {
            if let Some((weight, language)) = Self::wished(wish)
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The language of a tag that may say more, such as where it is spoken.
    fn of_locale(tag: &str) -> Option<Self> {
        Self::of_tag(tag.split('-').next()?)
    }

    /// One element of the header: a language of ours and its weight in thousandths.
    fn wished(wish: &str) -> Option<(u16, Self)> {
        let mut parts = wish.split(';').map(str::trim);
        let language = Self::of_locale(parts.next()?)?;
        let weight = parts.find_map(|parameter| parameter.strip_prefix("q=")).map_or(Some(1000), thousandths)?;
        Some((weight, language))
    }
}

/// A weight: 0 to 1 with at most three digits after the point.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}
