//! Sign-ins from the portal's page: browser, window, the agent's question, card, portal.

use latchkey_tests::desktop::{Answer, Answered, LoopbackPermission, SceneOrder, Site};

use crate::barriers::look_for_barriers;
use crate::house::{HANNA, House};
use crate::words::{AGREE, BEGIN, CLOSE, MEND, NOT_NOW, PIN, REFUSE};

#[test]
fn the_page_shows_who_signed_in() {
    let (mut house, browser, holder) = House::with_card(HANNA, SceneOrder::default());
    browser.click("#go").unwrap();
    let asked = house.window.wait_for_text("asks you to sign in").unwrap();
    assert!(asked.contains(house.portal.origin().trim_start_matches("https://")), "{asked}");
    house.window.click(AGREE).unwrap();
    let origin = house.portal.origin();
    let mut agent = house.agent().unwrap();
    agent.says(&origin).unwrap();
    agent.says("3 tries left").unwrap();
    agent.enter(PIN, holder.pin).unwrap();
    agent.press("Sign in").unwrap();
    agent.wait_until_gone().unwrap();
    let page = browser.wait_for_text("You are signed in").unwrap();
    assert!(page.contains("VYDUMANAYA") && page.contains("4010190A000PB0"), "{page}");
}

/// The sign-in opened the dormant cabinet; its page needs no script, and nothing in it keeps people from using it.
#[test]
fn the_holder_visits_the_cabinet_that_the_sign_in_opened() {
    let (mut house, browser, holder) = House::with_card(HANNA, SceneOrder::default());
    browser.open(&format!("{}/cabinet", house.portal.origin())).unwrap();
    browser.wait_for_text("Your cabinet opens with your ID card only").unwrap();
    browser.click("#go").unwrap();
    house.window.click(AGREE).unwrap();
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, holder.pin).unwrap();
    agent.press("Sign in").unwrap();
    agent.wait_until_gone().unwrap();
    let page = browser.wait_for_text("Where you are signed in").unwrap();
    assert!(page.contains("Chrome / Chromium, on the portal's page") && page.contains("(this browser)"), "{page}");
    look_for_barriers(&browser, "cabinet");
    browser.click("form[action=\"/sign-out\"] button").unwrap();
    browser.wait_for_text("You are not signed in").unwrap();
}

#[test]
fn a_holder_who_refuses_is_not_asked_again_that_day() {
    let (house, browser, _) = House::with_card(HANNA, SceneOrder::default());
    browser.click("#go").unwrap();
    house.window.click(REFUSE).unwrap();
    browser.wait_for_text("refused").unwrap();
    browser.click("#go").unwrap();
    browser.wait_for_text("today").unwrap();
}

#[test]
fn not_now_ends_a_request_and_the_next_one_is_asked_about() {
    let (house, browser, _) = House::with_card(HANNA, SceneOrder::default());
    for _ in 0..2 {
        browser.click("#go").unwrap();
        house.window.click(NOT_NOW).unwrap();
        browser.wait_for("#go:not([hidden])").unwrap();
    }
}

#[test]
fn a_wrong_pin_is_told_and_the_right_one_signs_in() {
    let (mut house, browser, holder) = House::with_card(HANNA, SceneOrder::default());
    browser.click("#go").unwrap();
    house.window.click(AGREE).unwrap();
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, "999999").unwrap();
    agent.press("Sign in").unwrap();
    house.window.wait_for_text("pin-wrong").unwrap();
    house.window.click(MEND).unwrap();
    let mut agent = house.agent().unwrap();
    agent.says("2 tries left").unwrap();
    agent.enter(PIN, holder.pin).unwrap();
    agent.press("Sign in").unwrap();
    browser.wait_for_text("You are signed in").unwrap();
}

#[test]
fn the_last_try_needs_a_yes_and_the_can() {
    let (mut house, browser, holder) = House::with_card("alena-prypynenaya", SceneOrder::default());
    browser.click("#go").unwrap();
    house.window.click(AGREE).unwrap();
    let mut agent = house.agent().unwrap();
    agent.says("Your PIN is suspended").unwrap();
    agent.press("Use the last try").unwrap();
    agent.enter("CAN, printed on your card", holder.can).unwrap();
    agent.press("Continue").unwrap();
    agent.says("The last try").unwrap();
    agent.enter(PIN, holder.pin).unwrap();
    agent.press("Sign in").unwrap();
    browser.wait_for_text("You are signed in").unwrap();
}

#[test]
fn a_card_that_is_pulled_out_is_named_and_the_next_try_succeeds() {
    let (mut house, browser, holder) = House::with_card(HANNA, SceneOrder::default());
    browser.click("#go").unwrap();
    house.window.click(AGREE).unwrap();
    house.agent().unwrap();
    house.cards.remove(1).unwrap();
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, holder.pin).unwrap();
    agent.press("Sign in").unwrap();
    house.window.wait_for_text("card-removed").unwrap();
    house.cards.insert(HANNA, 1).unwrap();
    house.window.click(MEND).unwrap();
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, holder.pin).unwrap();
    agent.press("Sign in").unwrap();
    browser.wait_for_text("You are signed in").unwrap();
}

#[test]
fn a_blocked_pin_is_unblocked_in_the_window_and_the_sign_in_goes_on() {
    let (mut house, browser, holder) = House::with_card("kastus-zablakavany", SceneOrder::default());
    browser.click("#go").unwrap();
    house.window.click(AGREE).unwrap();
    house.window.wait_for_text("pin-blocked").unwrap();
    house.window.click(MEND).unwrap();
    house.window.click(BEGIN).unwrap();
    let mut agent = house.agent().unwrap();
    agent.says("blocked").unwrap();
    agent.enter("PUK", holder.puk).unwrap();
    agent.press("Continue").unwrap();
    let new_pin = "830472";
    agent.enter("New PIN", new_pin).unwrap();
    agent.press("Continue").unwrap();
    agent.enter("The new PIN once more", new_pin).unwrap();
    agent.press("Unblock").unwrap();
    house.window.click("[data-action=sign-in-again]").unwrap();
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, new_pin).unwrap();
    agent.press("Sign in").unwrap();
    browser.wait_for_text("You are signed in").unwrap();
}

#[test]
fn the_signature_for_another_site_is_worth_nothing_at_the_portal() {
    let mut house = House::open(SceneOrder::default());
    house.cards.insert(HANNA, 1).unwrap();
    let site = Site::start(&house.set, |_| Answered::page("<!DOCTYPE html><title>Another site</title>")).unwrap();
    let browser = house.browser_for("a", &[site.origin(), house.portal.origin()]).unwrap();
    // The other site has asked the portal for a challenge, as anybody can.
    browser.open(&house.portal.address()).unwrap();
    let ask = "const done = arguments[0];
               fetch('/api/v1/challenges', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' })
                 .then(answer => answer.json()).then(done)";
    let issued = browser.execute_async(ask, &[]).unwrap();
    browser.open(&site.origin()).unwrap();
    let call = "window.outcome = null;
                const [port, challenge] = arguments;
                fetch(`http://127.0.0.1:${port}/latchkey/v1/sign-in`, {
                  method: 'POST',
                  headers: { 'Content-Type': 'application/json' },
                  body: JSON.stringify({ requestId: crypto.randomUUID(), challenge, portalName: 'An invented portal' }),
                }).then(answer => answer.json()).then(body => (window.outcome = body));";
    browser.execute(call, &[house.client_port().into(), issued["challenge"].clone()]).unwrap();
    let asked = house.window.wait_for_text("asks you to sign in").unwrap();
    // The name proves nothing; the address is the other site's.
    assert!(asked.contains(site.origin().trim_start_matches("https://")), "{asked}");
    assert!(asked.contains("It says it is"), "{asked}");
    house.window.click(AGREE).unwrap();
    let mut agent = house.agent().unwrap();
    agent.says(&site.origin()).unwrap();
    agent.enter(PIN, latchkey_tests::stage::holder(HANNA).unwrap().pin).unwrap();
    agent.press("Sign in").unwrap();
    let outcome = browser.wait("the assertion", || {
        Ok(Some(browser.execute("return window.outcome", &[])?).filter(|outcome| !outcome.is_null()))
    });
    let assertion = outcome.unwrap()["assertion"].clone();
    assert!(assertion.is_object(), "{assertion}");
    browser.open(&house.portal.address()).unwrap();
    let present = "const [path, assertion, done] = arguments;
                   fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(assertion) })
                     .then(answer => answer.json()).then(done)";
    let refused = browser.execute_async(present, &[issued["assertionPath"].clone(), assertion]).unwrap();
    assert_eq!(refused["code"], "signature-invalid", "{refused}");
    browser.open(&house.portal.address()).unwrap();
    browser.wait_for_text("You are not signed in").unwrap();
}

#[test]
fn a_denied_permission_is_explained_and_another_way_offered() {
    let order = SceneOrder { permission: LoopbackPermission::Denied, ..SceneOrder::default() };
    let (house, browser, _) = House::with_card(HANNA, order);
    browser.click("#go").unwrap();
    browser.wait_for("#state[data-shown=denied]").unwrap();
    browser.wait_for("#other-ways[open]").unwrap();
    assert!(!house.window.text().unwrap().contains("asks you to sign in"));
}

#[test]
fn an_undecided_permission_is_explained_first_and_then_granted() {
    let order = SceneOrder { permission: LoopbackPermission::NotYetAsked, ..SceneOrder::default() };
    let (mut house, browser, holder) = House::with_card(HANNA, order);
    browser.click("#go").unwrap();
    browser.wait_for("#state[data-shown=explain]").unwrap();
    assert_eq!(browser.permission().unwrap(), "prompt");
    browser.click("#go").unwrap();
    browser.wait_for("#state[data-shown=permission-asked]").unwrap();
    browser.answer_question(&mut house.tool, Answer::Allow).unwrap();
    house.window.click(AGREE).unwrap();
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, holder.pin).unwrap();
    agent.press("Sign in").unwrap();
    browser.wait_for_text("You are signed in").unwrap();
}

#[test]
fn two_tabs_wait_for_one_another_and_a_closed_one_is_taken_off_the_line() {
    let (mut house, browser, holder) = House::with_card(HANNA, SceneOrder::default());
    let first = browser.tab().unwrap();
    browser.click("#go").unwrap();
    house.window.wait_for(AGREE).unwrap();
    let second = browser.new_tab().unwrap();
    browser.open(&house.portal.address()).unwrap();
    browser.click("#go").unwrap();
    browser.wait_for("#state[data-shown=waiting-in-line]").unwrap();
    house.window.wait_for_text("Also waiting").unwrap();
    browser.switch_to(&first).unwrap();
    browser.close_tab().unwrap();
    browser.switch_to(&second).unwrap();
    // Now the second is the one at work.
    browser.wait_for("#state[data-shown=asking-holder]").unwrap();
    house.window.click(AGREE).unwrap();
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, holder.pin).unwrap();
    agent.press("Sign in").unwrap();
    browser.wait_for_text("You are signed in").unwrap();
}

#[test]
fn a_tab_closed_during_the_agents_question_ends_the_question() {
    let (mut house, browser, _) = House::with_card(HANNA, SceneOrder::default());
    let first = browser.tab().unwrap();
    let second = browser.new_tab().unwrap();
    browser.switch_to(&first).unwrap();
    browser.click("#go").unwrap();
    house.window.click(AGREE).unwrap();
    let agent = house.agent().unwrap();
    browser.close_tab().unwrap();
    browser.switch_to(&second).unwrap();
    agent.wait_until_gone().unwrap();
    house.window.wait("no request", || Ok((!house.window.text()?.contains("Sign-in at")).then_some(()))).unwrap();
}

#[test]
fn a_killed_agent_is_told_and_the_next_request_works() {
    let (mut house, browser, holder) = House::with_card(HANNA, SceneOrder::default());
    browser.click("#go").unwrap();
    house.window.click(AGREE).unwrap();
    house.agent().unwrap();
    let agent = house.screen.processes(latchkey_tests::desktop::AGENT);
    assert_eq!(agent.len(), 1, "{agent:?}");
    rustix::process::kill_process(agent[0], rustix::process::Signal::KILL).unwrap();
    house.window.wait_for_text("agent-stopped").unwrap();
    house.window.click(CLOSE).unwrap();
    browser.wait_for("#go:not([hidden])").unwrap();
    browser.click("#go").unwrap();
    // The site was agreed to; the PIN is asked for all the same.
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, holder.pin).unwrap();
    agent.press("Sign in").unwrap();
    browser.wait_for_text("You are signed in").unwrap();
}
