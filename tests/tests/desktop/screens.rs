//! The main screens of the real program in three languages, light and dark, and with text of twice the size: looked over
//! for barriers, and kept as pictures.

use std::fs;
use std::path::Path;

use latchkey_tests::desktop::{AGENT, AgentWindow, SceneOrder, Wanted, agent_says};
use serde_json::json;

use crate::house::{HANNA, House};
use crate::words::{AGREE, CLOSE};

#[test]
fn the_screens_have_no_barriers_in_belarusian() {
    walk("be", "light");
}

#[test]
fn the_screens_have_no_barriers_in_russian() {
    walk("ru", "dark");
}

#[test]
fn the_screens_have_no_barriers_in_english() {
    walk("en", "light");
}

#[test]
fn the_screens_have_no_barriers_with_large_text() {
    for language in ["be", "ru", "en"] {
        let mut house = House::before_the_client(SceneOrder { language, ..SceneOrder::default() });
        house.screen.tell("GDK_DPI_SCALE", "2");
        house.cards.insert(HANNA, 1).unwrap();
        house.start_client(&[]);
        let browser = house.browser("a");
        sign_in(&mut house, &browser, &format!("{language}-200"), &["light"], language);
    }
}

/// Through a sign-in and the pages of the window; `of_agent` is what the agent's window looks like.
fn walk(language: &str, of_agent: &str) {
    let mut house = House::open(SceneOrder { language, ..SceneOrder::default() });
    house.cards.insert(HANNA, 1).unwrap();
    let themes = if of_agent == "dark" { ["light", "dark"] } else { ["dark", "light"] };
    house.window.wait_for("[data-action=change-pin]").unwrap();
    house.look_over(&format!("{language}-my-card"), &themes);
    for section in ["check", "settings", "help"] {
        house.press(&format!("[data-action=section-{section}]"));
        house.window.wait_for("h1").unwrap();
        house.look_over(&format!("{language}-{section}"), &themes);
    }
    let browser = house.browser("a");
    sign_in(&mut house, &browser, language, &themes, language);
}

fn sign_in(house: &mut House, browser: &latchkey_tests::desktop::Browser, name: &str, themes: &[&str], language: &str) {
    browser.click("#go").unwrap();
    house.window.wait_for(AGREE).unwrap();
    house.look_over(&format!("{name}-consent"), themes);
    house.press(AGREE);
    let field = agent_says(language, "field-pin").unwrap();
    house.agent().unwrap().field(&field).unwrap();
    house.look_over(&format!("{name}-agent-asks"), themes);
    let dialog = Wanted { application: Some(AGENT), role: Some("dialog"), ..Wanted::default() };
    let place = house.tool.wait_for(dialog).unwrap().place.unwrap();
    house.screen.keep_picture_at(place, &format!("window-{name}-agent")).unwrap();
    // A wrong PIN, for the look of a failure; then the right one.
    let deed = agent_says(language, "do-sign-in").unwrap();
    let mut agent: AgentWindow<'_> = house.agent().unwrap();
    agent.enter(&field, "999999").unwrap();
    agent.press(&deed).unwrap();
    house.window.wait_for_text("pin-wrong").unwrap();
    house.look_over(&format!("{name}-pin-wrong"), themes);
    house.press("[data-action=mend]");
    let mut agent = house.agent().unwrap();
    agent.enter(&field, latchkey_tests::stage::holder(HANNA).unwrap().pin).unwrap();
    agent.press(&deed).unwrap();
    browser.wait_for("[data-page=signed-in]").unwrap();
    house.window.wait_for(CLOSE).unwrap();
    house.look_over(&format!("{name}-done"), themes);
}

impl House {
    /// Presses what the selector names. With text of twice the size the driver of the web view clicks beside it.
    fn press(&self, selector: &str) {
        self.window.wait_for(selector).unwrap();
        self.window.execute("document.querySelector(arguments[0]).click()", &[selector.into()]).unwrap();
    }

    /// In each of these themes: nothing that keeps people from using the screen, and a picture of it.
    fn look_over(&self, name: &str, themes: &[&str]) {
        let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js");
        let axe = fs::read_to_string(axe).expect("the pages' packages are installed by ./dev");
        let dress = "const [value, done] = arguments;
                     window.__TAURI_INTERNALS__.invoke('change', { change: { name: 'theme', value } }).then(done, done)";
        for &theme in themes {
            self.window.execute_async(dress, &[theme.into()]).unwrap();
            self.window.wait_for(&format!("html[data-theme={theme}]")).unwrap();
            self.window.execute(&axe, &[]).unwrap();
            // Colours on their way from one theme to the other are nobody's.
            let look = "const done = arguments[0];
                        Promise.all(document.getAnimations().map(it => it.finished)).then(() => axe.run())
                            .then(found => done(found.violations.map(it => it.id + ' ' + it.nodes[0].html)))";
            assert_eq!(self.window.execute_async(look, &[]).unwrap(), json!([]), "{name}, {theme}");
            // The driver of the web view takes pictures of its own, but at times never finishes one.
            let painted = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))";
            self.window.execute_async(painted, &[]).unwrap();
            self.screen.keep_picture(&format!("window-{name}-{theme}")).unwrap();
        }
    }
}
