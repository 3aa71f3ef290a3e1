//! Sites whose relying parties others have written, for a person with browser, window and card: Debian's
//! `libapache2-mod-auth-openidc`, Node's `openid-client`, the crate `openidconnect`.

use latchkey_fixtures::holders::Holder;
use latchkey_tests::apache::{Apache, PAGE};
use latchkey_tests::clinic::Clinic;
use latchkey_tests::desktop::{Browser, SceneOrder};
use latchkey_tests::shop::Shop;
use latchkey_tests::stage::holder;

use crate::barriers::look_for_barriers;
use crate::house::{HANNA, House};
use crate::words::{AGREE, PIN};

const BUTTON: &str = ".latchkey-button";

/// A site, and how people deal with it.
struct Row {
    origin: String,
    /// What stands on its page for whoever is inside.
    inside: String,
    /// What begins a sign-in there; without it, whoever comes is sent to the portal at once.
    enter: Option<&'static str>,
    /// What signs out there, or an address that does.
    leave: Leave,
}

enum Leave {
    ByButton(&'static str),
    ByAddress(String),
}

/// Each site sends the visitor to the portal, demands the card, and lets him in; and out again, so that the next one needs the
/// card anew.
#[test]
fn three_sites_of_others_making_let_the_holder_in_with_the_card_and_out_again() {
    let mut house = House::open(SceneOrder { with_provider: true, ..SceneOrder::default() });
    house.cards.insert(HANNA, 1).unwrap();
    let holder = holder(HANNA).unwrap();
    let number = format!("PNOBY-{}", holder.person.personal_number);
    let scene = &mut *house;
    let shop = Shop::open(&scene.set, &mut scene.portal).unwrap();
    let clinic = Clinic::open(&scene.set, &mut scene.portal).unwrap();
    let library = Apache::start(&scene.set, &mut scene.portal, &number).unwrap();
    let leave = || Leave::ByButton("form[action='/leave'] button");
    let rows = [
        Row { origin: shop.origin(), inside: number.clone(), enter: Some(BUTTON), leave: leave() },
        Row { origin: clinic.origin().to_owned(), inside: number.clone(), enter: Some(BUTTON), leave: leave() },
        Row {
            origin: library.origin().to_owned(),
            inside: PAGE.to_owned(),
            enter: None,
            leave: Leave::ByAddress(format!("{0}/back?logout={0}%2F", library.origin())),
        },
    ];
    let origins: Vec<_> = [house.portal.origin(), shop.origin(), clinic.origin().to_owned()].into();
    let browser = house.browser_for("a", &origins).unwrap();
    for (nth, row) in rows.iter().enumerate() {
        browser.open(&format!("{}/", row.origin)).unwrap();
        if let Some(enter) = row.enter {
            look_for_barriers(&browser, &format!("site-{nth}-outside"));
            // By the keyboard: the button is a link.
            browser.type_into(enter, "\u{e007}").unwrap();
        }
        sign_in(&mut house, &browser, &holder, nth == 0);
        browser.wait_for_text("May the site know who you are?").unwrap();
        browser.click("button[value=allow]").unwrap();
        browser.wait_for_text(&row.inside).unwrap();
        assert!(browser.address().unwrap().starts_with(&row.origin), "{}", browser.address().unwrap());
        match &row.leave {
            Leave::ByButton(button) => browser.click(button).unwrap(),
            Leave::ByAddress(address) => browser.open(address).unwrap(),
        }
        browser.click("form[action='/end-session/confirm'] button").unwrap();
        if row.enter.is_some() {
            browser.wait_for(BUTTON).unwrap();
        } else {
            browser.wait_for_text("This site asks who you are").unwrap();
        }
    }
}

/// On the portal's page, where a site has sent the visitor; `is_new` if the portal was not agreed to before.
fn sign_in(house: &mut House, browser: &Browser, holder: &Holder, is_new: bool) {
    browser.wait_for_text("This site asks who you are").unwrap();
    browser.click("#go").unwrap();
    if is_new {
        house.window.click(AGREE).unwrap();
    }
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, holder.pin).unwrap();
    agent.press("Sign in").unwrap();
    agent.wait_until_gone().unwrap();
}
