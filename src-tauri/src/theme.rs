//! Light or dark, as the desktop's portal says: the windows' library knows only what a file says. Nothing here waits by the
//! clock, and where there is no bus or no portal, nothing happens.

use gtk::gio;
use gtk::glib::{Variant, VariantTy};
use gtk::prelude::*;

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PLACE: &str = "/org/freedesktop/portal/desktop";
const SETTINGS: &str = "org.freedesktop.portal.Settings";
/// The setting, as the portal names it: its group and itself.
const APPEARANCE: &str = "org.freedesktop.appearance";
const COLOR_SCHEME: &str = "color-scheme";
/// The one value that means dark; the others are light and no preference.
const DARK: u32 = 1;
/// As long as a method of the bus may take unless told otherwise.
const USUAL_TIME: i32 = -1;

/// Follows it as long as the program runs, from the thread of the windows.
pub(crate) fn follow() {
    gio::bus_get(gio::BusType::Session, gio::Cancellable::NONE, |bus| match bus {
        Ok(bus) => listen(&bus),
        Err(error) => tracing::info!(%error, "there is no bus that says whether the desktop is dark"),
    });
}

/// First listens, then asks: no change falls in between.
fn listen(bus: &gio::DBusConnection) {
    // Without the desktop's bus the program goes on.
    bus.set_exit_on_close(false);
    // A connection that nobody holds is closed.
    let held = bus.clone();
    bus.signal_subscribe(
        Some(PORTAL),
        Some(SETTINGS),
        Some("SettingChanged"),
        Some(PLACE),
        Some(APPEARANCE),
        gio::DBusSignalFlags::NONE,
        move |_, _, _, _, _, change| {
            let _held = &held;
            if let Some(scheme) = changed_scheme(change) {
                dress(scheme);
            }
        },
    );
    // Portals have `ReadOne` since their second version only; all of them have this one.
    bus.call(
        Some(PORTAL),
        PLACE,
        SETTINGS,
        "Read",
        Some(&(APPEARANCE, COLOR_SCHEME).to_variant()),
        VariantTy::new("(v)").ok(),
        gio::DBusCallFlags::NONE,
        USUAL_TIME,
        gio::Cancellable::NONE,
        |answer| {
            if let Some(scheme) = answer.ok().as_ref().and_then(read_scheme) {
                dress(scheme);
            }
        },
    );
}

/// What the signal says, if it is about the color scheme.
fn changed_scheme(change: &Variant) -> Option<u32> {
    let (group, name, value) = change.get::<(String, String, Variant)>()?;
    if group == APPEARANCE && name == COLOR_SCHEME { value.get() } else { None }
}

/// What the portal answers: the value in a box in a box.
fn read_scheme(answer: &Variant) -> Option<u32> {
    let (inner,) = answer.get::<(Variant,)>()?;
    inner.get::<Variant>()?.get()
}

fn dress(scheme: u32) {
    if let Some(settings) = gtk::Settings::default() {
        settings.set_gtk_application_prefer_dark_theme(scheme == DARK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_color_scheme_of_the_right_type_is_taken() {
        let change = |group: &str, name: &str, value: Variant| (group, name, value).to_variant();
        assert_eq!(changed_scheme(&change(APPEARANCE, COLOR_SCHEME, 1_u32.to_variant())), Some(1));
        for other in [
            change(APPEARANCE, "contrast", 1_u32.to_variant()),
            change("org.gnome.desktop.interface", COLOR_SCHEME, 1_u32.to_variant()),
            change(APPEARANCE, COLOR_SCHEME, 1_i32.to_variant()),
            change(APPEARANCE, COLOR_SCHEME, "1".to_variant()),
            (APPEARANCE, COLOR_SCHEME, 1_u32).to_variant(),
            (APPEARANCE, COLOR_SCHEME).to_variant(),
            1_u32.to_variant(),
        ] {
            assert_eq!(changed_scheme(&other), None, "{other}");
        }
        let answer = |value: Variant| (value,).to_variant();
        assert_eq!(read_scheme(&answer(2_u32.to_variant().to_variant())), Some(2));
        for other in [
            answer("dark".to_variant().to_variant()),
            answer(2_u32.to_variant()),
            (2_u32,).to_variant(),
            2_u32.to_variant(),
        ] {
            assert_eq!(read_scheme(&other), None, "{other}");
        }
    }
}
