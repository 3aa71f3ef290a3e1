//! Sign-ins by link: another browser than the one that asked gets nothing of it.

use latchkey_tests::desktop::{Browser, SceneOrder};
use latchkey_tests::stage::holder;

use crate::house::{HANNA, House};
use crate::words::{AGREE, NOT_NOW, PIN};

/// Asks the portal for a link, and gives it with its short code.
fn ask_for_link(browser: &Browser) -> (String, String) {
    browser.wait_for("#other-ways").unwrap();
    browser.execute("document.querySelector('#other-ways').open = true", &[]).unwrap();
    browser.click("form[action='/link'] button").unwrap();
    let read = |script: &str| browser.execute(script, &[]).unwrap().as_str().unwrap().to_owned();
    browser.wait_for(".short-code").unwrap();
    let link = read("return document.querySelector('a[href^=\"latchkey:\"]').getAttribute('href')");
    (link, read("return document.querySelector('.short-code').textContent"))
}

impl House {
    /// Opens a link as a system does: a second start of the program, which hands it to the one that runs.
    fn open_link(&self, link: &str) {
        let mut second = self.desktop(&[link]).unwrap();
        self.window.wait("the second start to end", || Ok(second.process().has_ended()?.then_some(()))).unwrap();
    }

    /// The holder contacts the site, agrees, and enters the PIN.
    fn agree_to_link(&mut self, short_code: &str) {
        let origin = self.portal.origin();
        let asked = self.window.wait_for_text("A link wants you to sign in").unwrap();
        assert!(asked.contains(origin.trim_start_matches("https://")), "{asked}");
        self.window.click(AGREE).unwrap();
        let asked = self.window.wait_for_text("asks you to sign in").unwrap();
        assert!(asked.contains(short_code), "{asked}");
        self.window.click(AGREE).unwrap();
        let mut agent = self.agent().unwrap();
        agent.says(&origin).unwrap();
        agent.enter(PIN, holder(HANNA).unwrap().pin).unwrap();
        agent.press("Sign in").unwrap();
    }
}

#[test]
fn a_link_to_the_running_program_signs_in_the_browser_that_asked() {
    let (mut house, browser, _) = House::with_card(HANNA, SceneOrder::default());
    let (link, short_code) = ask_for_link(&browser);
    house.open_link(&link);
    house.agree_to_link(&short_code);
    let completion = house.screen.wait_for_address().unwrap();
    assert!(completion.starts_with(&house.portal.origin()), "{completion}");
    browser.open(&completion).unwrap();
    browser.wait_for_text("You are signed in").unwrap();
    // It counts once.
    browser.open(&completion).unwrap();
    assert!(!browser.text().unwrap().contains("4010190A000PB0"), "{}", browser.text().unwrap());
}

#[test]
fn a_link_starts_the_program() {
    let mut house = House::before_the_client(SceneOrder::default());
    house.cards.insert(HANNA, 1).unwrap();
    let browser = house.browser("a");
    let (link, short_code) = ask_for_link(&browser);
    house.start_client(&[&link]);
    house.agree_to_link(&short_code);
    browser.open(&house.screen.wait_for_address().unwrap()).unwrap();
    browser.wait_for_text("You are signed in").unwrap();
}

#[test]
fn an_attackers_link_signs_nobody_in() {
    let (mut house, attacker, _) = House::with_card(HANNA, SceneOrder::default());
    let (link, short_code) = ask_for_link(&attacker);
    // The victim opens it in the belief that it is his own.
    let victim = house.browser("b");
    house.open_link(&link);
    house.agree_to_link(&short_code);
    let completion = house.screen.wait_for_address().unwrap();
    victim.open(&completion).unwrap();
    victim.wait_for_text("completion-of-other-browser").unwrap();
    // The address is spent: the attacker gains nothing by it, and nothing by waiting.
    attacker.open(&completion).unwrap();
    for browser in [&attacker, &victim] {
        browser.open(&house.portal.address()).unwrap();
        browser.wait_for_text("You are not signed in").unwrap();
    }
}

#[test]
fn a_link_the_holder_does_not_know_contacts_nobody() {
    let (house, browser, _) = House::with_card(HANNA, SceneOrder::default());
    let (link, _) = ask_for_link(&browser);
    house.open_link(&link);
    house.window.wait_for_text("Nothing has been sent there yet").unwrap();
    house.window.click(NOT_NOW).unwrap();
    house
        .window
        .wait("the question to go", || Ok((!house.window.text()?.contains("A link wants")).then_some(())))
        .unwrap();
    assert!(!house.screen.has_address());
}
