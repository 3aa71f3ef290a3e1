//! An account of another provider, in Chromium: worth `low`, until the site wants more and the card is shown.

use latchkey_tests::desktop::SceneOrder;
use latchkey_tests::shop::{ORDERS, Shop, WINDOWS};
use latchkey_tests::site::{HIGH, LOW};
use latchkey_tests::stage::holder;

use crate::house::{HANNA, House};
use crate::words::{AGREE, PIN};

#[test]
fn who_came_with_an_outside_account_shows_the_card_and_arrives_where_he_was() {
    let order = SceneOrder { with_provider: true, with_outside_accounts: true, ..SceneOrder::default() };
    let mut house = House::open(order);
    house.cards.insert(HANNA, 1).unwrap();
    let scene = &mut *house;
    let shop = Shop::open(&scene.set, &mut scene.portal).unwrap();
    let portal = house.portal.origin();
    let elsewhere = house.elsewhere.as_ref().unwrap().origin();
    let browser = house.browser_for("a", &[portal.clone(), shop.origin(), elsewhere.clone()]).unwrap();

    browser.open(&format!("{}{WINDOWS}", shop.origin())).unwrap();
    browser.click(".outside .button").unwrap();
    browser.wait_for("[data-page=elsewhere]").unwrap();
    assert!(browser.address().unwrap().starts_with(&elsewhere), "{}", browser.address().unwrap());
    browser.click("#enter").unwrap();
    let asked = browser.wait_for_text("May the site know who you are?").unwrap();
    assert!(asked.contains("Your name is not handed over") && !asked.contains("anna"), "{asked}");
    browser.click("button[value=allow]").unwrap();
    browser.wait_for("[data-page=inside]").unwrap();
    let inside = browser.text().unwrap();
    assert!(inside.contains(LOW) && !inside.contains("PNOBY") && !inside.contains("anna"), "{inside}");
    let subject = "return document.querySelector('dl dd:last-of-type').textContent";
    let as_low = browser.execute(subject, &[]).unwrap();

    // The shop's orders want the card; nothing else is offered for them.
    browser.click(&format!("a[href='{ORDERS}']")).unwrap();
    browser.wait_for_text("You are signed in with an account elsewhere.").unwrap();
    assert_eq!(browser.execute("return document.querySelector('.outside')", &[]).unwrap(), serde_json::Value::Null);
    browser.click("#go").unwrap();
    house.window.click(AGREE).unwrap();
    let holder = holder(HANNA).unwrap();
    let mut agent = house.agent().unwrap();
    agent.says(&portal).unwrap();
    agent.enter(PIN, holder.pin).unwrap();
    agent.press("Sign in").unwrap();
    agent.wait_until_gone().unwrap();
    browser.wait_for("[data-page=consent]").unwrap();
    browser.click("button[value=allow]").unwrap();
    browser.wait_for("[data-page=orders]").unwrap();
    assert_eq!(browser.address().unwrap(), format!("{}{ORDERS}", shop.origin()));

    browser.open(&format!("{}/", shop.origin())).unwrap();
    browser.wait_for("[data-page=inside]").unwrap();
    let inside = browser.text().unwrap();
    assert!(inside.contains(HIGH) && inside.contains(&holder.person.personal_number.to_string()), "{inside}");
    assert_ne!(browser.execute(subject, &[]).unwrap(), as_low, "to the shop he is another one");
    // One session is left, the card's, and it has opened the cabinet.
    browser.open(&format!("{portal}/cabinet")).unwrap();
    browser.wait_for("#sessions + ul li:only-child").unwrap();
}
