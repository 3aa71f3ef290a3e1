//! The settings one by one: their names and the values they take.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::texts::Language;

/// A setting's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SettingName {
    /// The language of the texts.
    Language,
    /// Colours.
    Theme,
    /// Whether the program starts with the holder's session.
    Autostart,
    /// Whether it shows itself in the tray.
    Tray,
    /// Whether there is a pad for the pointer to enter secrets with.
    PinPad,
    /// How portals are reached.
    Proxy,
    /// The proxy's address.
    ProxyAddress,
    /// Whether sign-ins are remembered.
    History,
}

impl SettingName {
    /// Every setting.
    pub const ALL: [Self; 8] = [
        Self::Language,
        Self::Theme,
        Self::Autostart,
        Self::Tray,
        Self::PinPad,
        Self::Proxy,
        Self::ProxyAddress,
        Self::History,
    ];

    /// Its key in files.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Language => "language",
            Self::Theme => "theme",
            Self::Autostart => "autostart",
            Self::Tray => "tray",
            Self::PinPad => "pin_pad",
            Self::Proxy => "proxy",
            Self::ProxyAddress => "proxy_address",
            Self::History => "history",
        }
    }

    /// The setting of that key; hyphens count as underscores, as on command lines.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.key() == key.replace('-', "_"))
    }
}

/// A setting with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// The language of the texts.
    Language(LanguageChoice),
    /// Colours.
    Theme(Theme),
    /// Whether the program starts with the holder's session.
    Autostart(bool),
    /// Whether it shows itself in the tray.
    Tray(bool),
    /// Whether there is a pad for the pointer to enter secrets with.
    PinPad(bool),
    /// How portals are reached.
    Proxy(ProxyChoice),
    /// The proxy's address.
    ProxyAddress(ProxyAddress),
    /// Whether sign-ins are remembered.
    History(bool),
}

/// Why a value does not fit a setting: what it should have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {wanted}")]
pub struct InvalidValue {
    /// In words, for the file's author.
    pub wanted: &'static str,
}

impl Setting {
    /// Which setting it is.
    #[must_use]
    pub const fn name(&self) -> SettingName {
        match self {
            Self::Language(_) => SettingName::Language,
            Self::Theme(_) => SettingName::Theme,
            Self::Autostart(_) => SettingName::Autostart,
            Self::Tray(_) => SettingName::Tray,
            Self::PinPad(_) => SettingName::PinPad,
            Self::Proxy(_) => SettingName::Proxy,
            Self::ProxyAddress(_) => SettingName::ProxyAddress,
            Self::History(_) => SettingName::History,
        }
    }

    /// Reads a value that somebody typed.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse(name: SettingName, text: &str) -> Result<Self, InvalidValue> {
        let truth = || match text {
            "true" | "yes" | "on" => Ok(true),
            "false" | "no" | "off" => Ok(false),
            _ => Err(InvalidValue { wanted: "true or false" }),
        };
        Ok(match name {
            SettingName::Language => Self::Language(text.parse()?),
            SettingName::Theme => Self::Theme(text.parse()?),
            SettingName::Autostart => Self::Autostart(truth()?),
            SettingName::Tray => Self::Tray(truth()?),
            SettingName::PinPad => Self::PinPad(truth()?),
            SettingName::Proxy => Self::Proxy(text.parse()?),
            SettingName::ProxyAddress => Self::ProxyAddress(text.parse()?),
            SettingName::History => Self::History(truth()?),
        })
    }

    /// Reads a value from a file, where a truth is no text.
    pub(super) fn from_file(name: SettingName, value: &toml_edit::Item) -> Result<Self, InvalidValue> {
        let truth = || value.as_bool().ok_or(InvalidValue { wanted: "true or false, without quotation marks" });
        Ok(match name {
            SettingName::Autostart => Self::Autostart(truth()?),
            SettingName::Tray => Self::Tray(truth()?),
            SettingName::PinPad => Self::PinPad(truth()?),
            SettingName::History => Self::History(truth()?),
            SettingName::Language | SettingName::Theme | SettingName::Proxy | SettingName::ProxyAddress => {
                let text = value.as_str().ok_or(InvalidValue { wanted: "a text in quotation marks" })?;
                Self::parse(name, text)?
            }
        })
    }

    pub(super) fn to_file(&self) -> toml_edit::Item {
        match self {
            Self::Language(choice) => toml_edit::value(choice.to_string()),
            Self::Theme(theme) => toml_edit::value(theme.code()),
            Self::Proxy(proxy) => toml_edit::value(proxy.code()),
            Self::ProxyAddress(address) => toml_edit::value(address.as_str()),
            Self::Autostart(truth) | Self::Tray(truth) | Self::PinPad(truth) | Self::History(truth) => {
                toml_edit::value(*truth)
            }
        }
    }
}

/// The language that somebody chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum LanguageChoice {
    /// The system's.
    System,
    /// This one.
    Is(Language),
}

impl LanguageChoice {
    /// The language; `None`: the system's.
    #[must_use]
    pub const fn language(self) -> Option<Language> {
        match self {
            Self::System => None,
            Self::Is(language) => Some(language),
        }
    }
}

impl FromStr for LanguageChoice {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text == "system" {
            return Ok(Self::System);
        }
        Language::of_code(text).map(Self::Is).ok_or(InvalidValue { wanted: "system, be, ru or en" })
    }
}

impl fmt::Display for LanguageChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.language().map_or("system", Language::code))
    }
}

/// Colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", rename_all = "kebab-case")]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
    /// Of high contrast.
    Contrast,
}

impl Theme {
    /// Its name in files.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Contrast => "contrast",
        }
    }
}

impl FromStr for Theme {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let all = [Self::System, Self::Light, Self::Dark, Self::Contrast];
        let found = all.into_iter().find(|theme| theme.code() == text);
        found.ok_or(InvalidValue { wanted: "system, light, dark or contrast" })
    }
}

/// How portals are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", rename_all = "kebab-case")]
pub enum ProxyChoice {
    /// As the system says.
    #[default]
    System,
    /// Directly.
    None,
    /// By the address that is set.
    Address,
}

impl ProxyChoice {
    /// Its name in files.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::None => "none",
            Self::Address => "address",
        }
    }
}

impl FromStr for ProxyChoice {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let found = [Self::System, Self::None, Self::Address].into_iter().find(|choice| choice.code() == text);
        found.ok_or(InvalidValue { wanted: "system, none or address" })
    }
}

/// The address of an HTTP proxy: a scheme, a host and a port, and nothing else. A password would lie about in a file, so
/// there can be none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ProxyAddress(String);

impl ProxyAddress {
    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProxyAddress {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let authority = ["http://", "https://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
        let is_bare = authority.is_some_and(|authority| {
            // Without these octets there is neither a user nor a path, nor anything that a parser would forgive.
            let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b':' | b'[' | b']');
            authority.strip_suffix('/').unwrap_or(authority).bytes().all(plain)
        });
        if is_bare && text.len() <= PROXY_ADDRESS_MAX_SIZE && reqwest::Url::parse(text).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidValue { wanted: "a proxy's address like http://proxy.example:3128, without a password" })
        }
    }
}

/// Longest address of a proxy, in octets.
const PROXY_ADDRESS_MAX_SIZE: usize = 255;

macro_rules! try_from_string {
    ($($type:ty),+) => {$(
        impl TryFrom<String> for $type {
            type Error = InvalidValue;

            fn try_from(text: String) -> Result<Self, InvalidValue> {
                text.parse()
            }
        }
    )+};
}

try_from_string!(LanguageChoice, Theme, ProxyChoice, ProxyAddress);

/// What somebody has chosen of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choices {
    pub(super) language: Option<LanguageChoice>,
    pub(super) theme: Option<Theme>,
    pub(super) autostart: Option<bool>,
    pub(super) tray: Option<bool>,
    pub(super) pin_pad: Option<bool>,
    pub(super) proxy: Option<ProxyChoice>,
    pub(super) proxy_address: Option<ProxyAddress>,
    pub(super) history: Option<bool>,
}

impl Choices {
    pub(super) fn choose(&mut self, setting: Setting) {
        match setting {
            Setting::Language(choice) => self.language = Some(choice),
            Setting::Theme(theme) => self.theme = Some(theme),
            Setting::Autostart(truth) => self.autostart = Some(truth),
            Setting::Tray(truth) => self.tray = Some(truth),
            Setting::PinPad(truth) => self.pin_pad = Some(truth),
            Setting::Proxy(choice) => self.proxy = Some(choice),
            Setting::ProxyAddress(address) => self.proxy_address = Some(address),
            Setting::History(truth) => self.history = Some(truth),
        }
    }

    /// These, and `below` where nothing is chosen.
    pub(super) fn over(&self, below: &Self) -> Self {
        Self {
            language: self.language.or(below.language),
            theme: self.theme.or(below.theme),
            autostart: self.autostart.or(below.autostart),
            tray: self.tray.or(below.tray),
            pin_pad: self.pin_pad.or(below.pin_pad),
            proxy: self.proxy.or(below.proxy),
            proxy_address: self.proxy_address.clone().or_else(|| below.proxy_address.clone()),
            history: self.history.or(below.history),
        }
    }

    pub(super) const fn has(&self, name: SettingName) -> bool {
        match name {
            SettingName::Language => self.language.is_some(),
            SettingName::Theme => self.theme.is_some(),
            SettingName::Autostart => self.autostart.is_some(),
            SettingName::Tray => self.tray.is_some(),
            SettingName::PinPad => self.pin_pad.is_some(),
            SettingName::Proxy => self.proxy.is_some(),
            SettingName::ProxyAddress => self.proxy_address.is_some(),
            SettingName::History => self.history.is_some(),
        }
    }
}
