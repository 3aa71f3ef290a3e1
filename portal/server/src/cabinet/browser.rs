//! Which kind of browser somebody signs in with, for the holder to recognise it: no version, no system, nothing that
//! tells one person's from another's.

use std::str::FromStr;

/// The family of a browser, as it names itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrowserFamily {
    /// Mozilla Firefox and its kin.
    Firefox,
    /// Yandex Browser.
    Yandex,
    /// Microsoft Edge.
    Edge,
    /// Opera.
    Opera,
    /// Google Chrome, Chromium, and whatever names itself like them.
    Chromium,
    /// Apple Safari.
    Safari,
    /// A program that names no browser, or none that is known.
    Other,
}

/// A text that names no [`BrowserFamily`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no family of browsers")]
pub struct UnknownBrowserFamily;

/// By what a browser is recognised. Most name others too, so that the order counts.
const MARKS: [(&str, BrowserFamily); 7] = [
    ("YaBrowser/", BrowserFamily::Yandex),
    ("Edg/", BrowserFamily::Edge),
    ("OPR/", BrowserFamily::Opera),
    ("Firefox/", BrowserFamily::Firefox),
    ("Chromium/", BrowserFamily::Chromium),
    ("Chrome/", BrowserFamily::Chromium),
    ("Safari/", BrowserFamily::Safari),
];

impl BrowserFamily {
    const ALL: [Self; 7] =
        [Self::Firefox, Self::Yandex, Self::Edge, Self::Opera, Self::Chromium, Self::Safari, Self::Other];

    /// The family that a header `User-Agent` speaks of.
    #[must_use]
    pub fn of(user_agent: &str) -> Self {
        MARKS.iter().find(|(mark, _)| user_agent.contains(mark)).map_or(Self::Other, |(_, family)| *family)
    }

    /// The name in the database and in exports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Firefox => "firefox",
            Self::Yandex => "yandex",
            Self::Edge => "edge",
            Self::Opera => "opera",
            Self::Chromium => "chromium",
            Self::Safari => "safari",
            Self::Other => "other",
        }
    }

    /// What people call it; none for [`Self::Other`].
    #[must_use]
    pub const fn brand(self) -> Option<&'static str> {
        match self {
            Self::Firefox => Some("Firefox"),
            Self::Yandex => Some("Yandex Browser"),
            Self::Edge => Some("Microsoft Edge"),
            Self::Opera => Some("Opera"),
            Self::Chromium => Some("Chrome / Chromium"),
            Self::Safari => Some("Safari"),
            Self::Other => None,
        }
    }
}

impl FromStr for BrowserFamily {
    type Err = UnknownBrowserFamily;

    fn from_str(name: &str) -> Result<Self, UnknownBrowserFamily> {
        Self::ALL.into_iter().find(|family| family.name() == name).ok_or(UnknownBrowserFamily)
    }
}
