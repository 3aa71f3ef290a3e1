//! Light or dark as the desktop says, with a portal that the test plays on the session's bus.

use latchkey_tests::desktop::{SceneOrder, Screen};
use serde_json::json;
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::Value;

use crate::house::House;

const NAME: &str = "org.freedesktop.portal.Desktop";
const PLACE: &str = "/org/freedesktop/portal/desktop";
const SETTINGS: &str = "org.freedesktop.portal.Settings";
const APPEARANCE: &str = "org.freedesktop.appearance";
const COLOR_SCHEME: &str = "color-scheme";
const DARK: u32 = 1;
const LIGHT: u32 = 2;

/// What the portal says when it is asked; what it says unasked is a signal.
struct Settings(u32);

#[zbus::interface(name = "org.freedesktop.portal.Settings")]
impl Settings {
    fn read(&self, group: &str, name: &str) -> zbus::fdo::Result<Value<'static>> {
        assert_eq!((group, name), (APPEARANCE, COLOR_SCHEME));
        Ok(Value::Value(Box::new(Value::U32(self.0))))
    }
}

fn portal(screen: &Screen, scheme: u32) -> Connection {
    let command = screen.command("true");
    let bus = command.get_envs().find(|(name, _)| *name == "DBUS_SESSION_BUS_ADDRESS").unwrap().1.unwrap();
    let builder = Builder::address(bus.to_str().unwrap()).unwrap();
    builder.name(NAME).unwrap().serve_at(PLACE, Settings(scheme)).unwrap().build().unwrap()
}

fn say(portal: &Connection, name: &str, value: Value<'_>) {
    portal.emit_signal(None::<&str>, PLACE, SETTINGS, "SettingChanged", &(APPEARANCE, name, value)).unwrap();
}

impl House {
    fn wait_until_dark(&self, dark: bool) {
        let look = "return matchMedia('(prefers-color-scheme: dark)').matches";
        let is_so = || Ok((self.window.execute(look, &[])? == json!(dark)).then_some(()));
        self.window.wait(&format!("dark: {dark}"), is_so).unwrap();
    }
}

#[test]
fn the_window_is_dark_when_the_desktop_is() {
    let mut house = House::before_the_client(SceneOrder::default());
    let portal = portal(&house.screen, LIGHT);
    house.start_client(&[]);
    house.wait_until_dark(false);
    for scheme in [DARK, LIGHT, DARK] {
        say(&portal, COLOR_SCHEME, Value::U32(scheme));
        house.wait_until_dark(scheme == DARK);
    }
    // Of another type, or about something else: nothing that anybody said.
    say(&portal, COLOR_SCHEME, Value::I32(0));
    say(&portal, COLOR_SCHEME, Value::from("light"));
    say(&portal, "contrast", Value::U32(LIGHT));
    // A window that is made later. This one goes when its driver has had the answer.
    let close = "setTimeout(() => window.__TAURI_INTERNALS__.invoke('close_window'), 400)";
    house.window.execute(close, &[]).unwrap();
    house.screen.wait_until_gone("WebKitWebProcess").unwrap();
    let mut second = house.desktop(&[]).unwrap();
    house.window.wait("the second start to end", || Ok(second.process().has_ended()?.then_some(()))).unwrap();
    house.wait_until_dark(true);
    say(&portal, COLOR_SCHEME, Value::U32(LIGHT));
    house.wait_until_dark(false);
}

#[test]
fn a_window_on_a_dark_desktop_is_dark_from_its_start() {
    let mut house = House::before_the_client(SceneOrder::default());
    let _portal = portal(&house.screen, DARK);
    house.start_client(&[]);
    house.wait_until_dark(true);
}
