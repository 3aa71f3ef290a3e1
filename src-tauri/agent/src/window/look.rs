//! How windows look: colours by the person's choice or the system's, sizes by the person's text size.

use gtk::gio;
use gtk::gio::prelude::*;
use gtk::prelude::*;
use latchkey_agent::wire::Theme;

use super::palette::Palette;

/// Gives every window of this process its colours.
pub(crate) fn dress(screen: &gtk::gdk::Screen, theme: Theme) {
    let Some(settings) = gtk::Settings::for_screen(screen) else { return };
    let palette = palette(theme, &settings);
    // A cursor that blinks would wake the process up again and again.
    settings.set_gtk_cursor_blink(false);
    let provider = gtk::CssProvider::new();
    if let Err(error) = provider.load_from_data(palette.style().as_bytes()) {
        tracing::error!(%error, "the window's style is malformed");
    }
    gtk::StyleContext::add_provider_for_screen(screen, &provider, gtk::STYLE_PROVIDER_PRIORITY_USER);
}

fn palette(theme: Theme, settings: &gtk::Settings) -> Palette {
    let name = settings.gtk_theme_name().map(|name| name.to_lowercase()).unwrap_or_default();
    let dark = is_dark(&name, settings);
    match theme {
        Theme::Light => Palette::LIGHT,
        Theme::Dark => Palette::DARK,
        Theme::Contrast if dark => Palette::CONTRAST_DARK,
        Theme::Contrast => Palette::CONTRAST_LIGHT,
        Theme::System => match (name.contains("contrast"), dark) {
            (true, true) => Palette::CONTRAST_DARK,
            (true, false) => Palette::CONTRAST_LIGHT,
            (false, true) => Palette::DARK,
            (false, false) => Palette::LIGHT,
        },
    }
}

fn is_dark(theme: &str, settings: &gtk::Settings) -> bool {
    settings.is_gtk_application_prefer_dark_theme()
        || theme.contains("dark")
        || theme.contains("inverse")
        || desktop_prefers_dark()
}

/// Today's desktops say it in a setting of their own.
fn desktop_prefers_dark() -> bool {
    const SCHEMA: &str = "org.gnome.desktop.interface";
    const KEY: &str = "color-scheme";
    let known = gio::SettingsSchemaSource::default()
        .and_then(|source| source.lookup(SCHEMA, true))
        .is_some_and(|schema| schema.has_key(KEY));
    known && gio::Settings::new(SCHEMA).string(KEY) == "prefer-dark"
}
