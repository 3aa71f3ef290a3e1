//! A site that asks whether its visitor is of age, in Chromium: the portal's own page has the card read by the portal's terminal.

use latchkey_tests::desktop::{Browser, SceneOrder, agent_says};
use latchkey_tests::stage::holder;

use crate::barriers::look_without_scripts;
use crate::house::{HANNA, House};
use crate::words::{AGREE, PIN};

const ADDRESS: &str = "https://shop.example/back";
const REQUEST: &str = "/authorize?client_id=shop&redirect_uri=https%3A%2F%2Fshop.example%2Fback&response_type=code\
    &scope=openid%20profile%20age_over_18&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
    &code_challenge_method=S256&state=s";

#[test]
fn the_portals_page_has_the_card_asked_and_tells_the_site_yes_or_no() {
    let order = SceneOrder { with_terminal: true, with_provider: true, ..SceneOrder::default() };
    let mut house = House::before_the_client(order);
    house.cards.insert(HANNA, 1).unwrap();
    let origin = house.portal.origin();
    house.know_terminal("An invented portal's terminal", &origin);
    house.start_client(&[]);
    let scopes = ["--scope", "profile", "--scope", "age_over_18"];
    house.portal.register("shop", ADDRESS, &scopes).unwrap();

    let browser = house.browser_for("age", std::slice::from_ref(&origin)).unwrap();
    browser.open(&format!("{origin}{REQUEST}")).unwrap();
    browser.wait_for_text("The site also wants to know whether you are at least 18.").unwrap();
    browser.click("#go").unwrap();
    house.window.wait_for(AGREE).unwrap();
    let asked = house.window.text().unwrap();
    assert!(asked.contains("shop.example") && asked.contains("whether you are at least 18"), "{asked}");
    house.window.click(AGREE).unwrap();
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, holder(HANNA).unwrap().pin).unwrap();
    agent.press(&agent_says("en", "do-hand-over-data").unwrap()).unwrap();
    browser.wait_for_text("whether you are at least 18, and not your date of birth").unwrap();
    look(&browser, &format!("{origin}/authorize/resume"), "[data-page=consent]", "consent-age");
    look(&browser, &format!("{origin}{REQUEST}&prompt=login"), "[data-by-terminal]", "age-asked-anew");
}

/// Looks over the page without its scripts, in three languages; the last one stays.
fn look(browser: &Browser, address: &str, shown: &str, name: &str) {
    browser.run_scripts(false).unwrap();
    for language in ["be", "ru", "en"] {
        browser.speak(language).unwrap();
        browser.open(address).unwrap();
        browser.wait_for(shown).unwrap();
        look_without_scripts(browser, language, name);
    }
    browser.run_scripts(true).unwrap();
}
