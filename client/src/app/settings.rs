//! The settings as the window shows and changes them.

use std::sync::Arc;

use latchkey_agent::wire::{Appearance, Theme as AgentTheme};
use latchkey_crypto::assertion::Origin;
use time::format_description::well_known::Rfc3339;

use super::Shared;
use super::snapshot::{Failure, SettingChange, Settings as View, Site, SiteState as SiteStateView};
use crate::history::HistoryFailure;
use crate::settings::{
    LanguageChoice, RememberedSite, Setting, SettingName, Settings, SettingsFailure, SettingsStore, SiteState, Theme,
};
use crate::texts::{self, Language, Texts};

pub(super) fn view(store: &SettingsStore, history_failure: Option<&HistoryFailure>, texts: &Texts) -> View {
    let Settings { language, theme, autostart, tray, pin_pad, proxy, proxy_address, history } = store.settings();
    View {
        language: language.map(Language::code),
        theme,
        autostart,
        tray,
        pin_pad,
        proxy,
        proxy_address: proxy_address.map(|address| address.as_str().to_owned()),
        history,
        history_failure: history_failure.map(|failure| Failure::of(failure, texts).without_remedy()),
        sites: store.sites().into_iter().map(site).collect(),
        // The proxy's address is shown beside the choice, and is no choice of its own.
        fixed: store.fixed().into_iter().filter(|name| *name != SettingName::ProxyAddress).collect(),
        file: store.path().display().to_string(),
    }
}

fn site(site: RememberedSite) -> Site {
    Site {
        origin: site.origin.to_string(),
        state: match site.state {
            SiteState::Allowed => SiteStateView::Allowed,
            SiteState::RefusedToday => SiteStateView::RefusedToday,
            SiteState::AllowedByAdministrator => SiteStateView::AllowedByAdministrator,
            SiteState::ForbiddenByAdministrator => SiteStateView::ForbiddenByAdministrator,
            SiteState::HasTerminal => SiteStateView::HasTerminal,
        },
        since: site.since.and_then(|since| since.format(&Rfc3339).ok()),
    }
}

/// Makes the change that the holder wants. What he sees follows, and what the agent's window looks like.
pub(super) fn change(shared: &Arc<Shared>, change: SettingChange) {
    let changed = carry_out(&shared.around.settings, change);
    let language = language(shared);
    shared.change(|state| {
        if state.texts.language() != language {
            state.texts = texts::texts(language);
        }
        if let Err(failure) = changed {
            state.notice = Some(Arc::new(failure));
        }
    });
    (shared.dress_agent)(appearance(shared));
}

fn carry_out(store: &SettingsStore, change: SettingChange) -> Result<(), SettingsFailure> {
    let setting = match change {
        SettingChange::Language(None) => Setting::Language(LanguageChoice::System),
        SettingChange::Language(Some(code)) => Setting::Language(LanguageChoice::Is(code.0)),
        SettingChange::Theme(theme) => Setting::Theme(theme),
        SettingChange::Autostart(wanted) => Setting::Autostart(wanted),
        SettingChange::Tray(wanted) => Setting::Tray(wanted),
        SettingChange::PinPad(wanted) => Setting::PinPad(wanted),
        SettingChange::History(wanted) => Setting::History(wanted),
        SettingChange::Proxy(choice) => Setting::Proxy(choice),
        SettingChange::ForgetSite(site) => {
            let origin = Origin::parse(&site).or_else(|_| Origin::parse_on_loopback(&site));
            let origin = origin.or_else(|_| Origin::parse_without_tls(&site));
            let origin = origin.map_err(|_| SettingsFailure::SiteUnknown { origin: site })?;
            return store.forget_site(&origin);
        }
    };
    store.change(&setting)
}

/// The language of this run, the holder's, or the system's.
pub(super) fn language(shared: &Shared) -> Language {
    shared.language_of_run.or(shared.around.settings.settings().language).unwrap_or(shared.system_language)
}

pub(super) fn appearance(shared: &Shared) -> Appearance {
    let settings = shared.around.settings.settings();
    let theme = match settings.theme {
        Theme::System => AgentTheme::System,
        Theme::Light => AgentTheme::Light,
        Theme::Dark => AgentTheme::Dark,
        Theme::Contrast => AgentTheme::Contrast,
    };
    Appearance { language: Some(language(shared).code()), theme, pad: settings.pin_pad }
}
