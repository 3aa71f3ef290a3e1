//! What the holder has set, what his administrator has set for him, and what is remembered about sites.
//!
//! The holder's settings are one TOML file of his own; an administrator's are one file for the whole computer. Neither
//! can weaken a rule: there is no key that leaves out a question, lets another scheme than HTTPS in, or trusts more than
//! certificate authorities that are named one by one.

mod autostart;
mod failure;
mod file;
mod managed;
mod places;
mod sites;
mod status_service;
mod store;
mod terminals;
mod value;

pub use autostart::Autostart;
pub use failure::{Fault, SettingsFailure};
pub use managed::{GuestDefaults, LoopbackOrigin, MANAGED_FILE, Managed};
pub use places::Places;
pub use sites::{RememberedSite, SiteState};
pub use store::SettingsStore;
pub use terminals::TerminalSettings;
pub use value::{InvalidValue, LanguageChoice, ProxyAddress, ProxyChoice, Setting, SettingName, Theme};

use crate::texts::Language;
use value::Choices;

/// What holds: the administrator's fixed settings, then the holder's, then the administrator's defaults, then the
/// program's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The language of the texts; `None`: the system's.
    pub language: Option<Language>,
    /// Colours.
    pub theme: Theme,
    /// Whether the program starts when the holder logs in to his computer.
    pub autostart: bool,
    /// Whether the program shows itself in the tray.
    pub tray: bool,
    /// Whether the window that asks for secrets has a pad for the pointer.
    pub pin_pad: bool,
    /// How portals are reached.
    pub proxy: ProxyChoice,
    /// The proxy for [`ProxyChoice::Address`].
    pub proxy_address: Option<ProxyAddress>,
    /// Whether sign-ins are remembered.
    pub history: bool,
}

/// The proxy that a connection to a portal takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Proxy {
    /// As the system's variables say.
    #[default]
    System,
    /// None.
    Direct,
    /// This one.
    Through(ProxyAddress),
}

impl Settings {
    /// What holds under these choices.
    fn of(fixed: &Choices, own: &Choices, defaults: &Choices) -> Self {
        let all = fixed.over(&own.over(defaults));
        Self {
            language: all.language.and_then(LanguageChoice::language),
            theme: all.theme.unwrap_or_default(),
            autostart: all.autostart.unwrap_or(false),
            tray: all.tray.unwrap_or(false),
            pin_pad: all.pin_pad.unwrap_or(false),
            proxy: all.proxy.unwrap_or_default(),
            proxy_address: all.proxy_address,
            history: all.history.unwrap_or(false),
        }
    }

    /// The proxy for connections to portals. An address that is wanted and not there is the system's proxy: no
    /// connection is made past a proxy because of a slip.
    #[must_use]
    pub fn proxy(&self) -> Proxy {
        match (self.proxy, &self.proxy_address) {
            (ProxyChoice::None, _) => Proxy::Direct,
            (ProxyChoice::Address, Some(address)) => Proxy::Through(address.clone()),
            (ProxyChoice::System, _) | (ProxyChoice::Address, None) => Proxy::System,
        }
    }
}
