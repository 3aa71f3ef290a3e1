//! Every page of the portal, for browsers that run no scripts, in three languages, light and dark, and in a window as narrow
//! as a small phone: looked over for barriers, and kept as pictures.

use std::fs;
use std::path::Path;

use latchkey_fixtures::holders::Holder;
use latchkey_tests::desktop::{Browser, LoopbackPermission, Portals, Screen, screenshots};
use latchkey_tests::shop::Shop;
use latchkey_tests::site::{Browser as OtherBrowser, OpenedBy};
use latchkey_tests::stage::{Cards, Portal, PortalOrder, SampleSet, holder};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::house::{HANNA, Seat};

/// The narrowest window in which nothing may have to be moved sideways (WCAG 2.2, 1.4.10), in CSS pixels.
const NARROW: u32 = 320;

struct Visit {
    browser: Browser,
    _screen: Screen,
    shop: Shop,
    portal: Portal,
    cards: Cards,
    set: SampleSet,
    holder: Holder,
    language: &'static str,
}

#[test]
fn no_page_has_barriers_or_needs_scripts_in_any_language() {
    let _seat = Seat::take();
    let mut visit = Visit::begin();
    for language in ["be", "ru", "en"] {
        visit.language = language;
        visit.browser.speak(language).unwrap();
        visit.walk();
    }
}

impl Visit {
    fn begin() -> Self {
        let set = SampleSet::write().unwrap();
        let mut cards = Cards::start(&set, 1).unwrap();
        cards.insert(HANNA, 1).unwrap();
        let order = PortalOrder { has_provider: true, ..PortalOrder::default() };
        let mut portal = Portal::start_with(&set, order).unwrap();
        let shop = Shop::open(&set, &mut portal).unwrap();
        let screen = Screen::virtual_one().unwrap();
        let origins = [portal.origin(), shop.origin()];
        let (authority, permission) = (set.tls_authority(), LoopbackPermission::Denied);
        let portals = Portals { origins: &origins, authority: &authority, permission, language: "en" };
        let browser = Browser::start(&screen, "pages", portals).unwrap();
        browser.run_scripts(false).unwrap();
        let holder = holder(HANNA).unwrap();
        Self { browser, _screen: screen, shop, portal, cards, set, holder, language: "en" }
    }

    /// From the shop to the card, the cabinet and the way out.
    fn walk(&self) {
        let Self { browser, shop, .. } = self;
        self.at("/", "signed-out");
        self.at("/cabinet", "cabinet-closed");
        self.at("/nowhere", "refused");
        self.at("/authorize?client_id=nobody", "refused-site");
        self.sign_in_elsewhere();

        browser.open(&format!("{}/", shop.origin())).unwrap();
        self.look("shop-outside");
        browser.click(".latchkey-button").unwrap();
        browser.wait_for("[data-page=signed-out]").unwrap();
        self.look("site-asks");
        browser.click("form[action='/link'] button").unwrap();
        browser.wait_for("[data-page=link]").unwrap();
        self.look("link");
        let link = browser.execute("return document.querySelector('a[href^=latchkey]').getAttribute('href')", &[]);
        browser.open(&self.sign_in_by(link.unwrap().as_str().unwrap())).unwrap();
        browser.wait_for("[data-page=consent]").unwrap();
        self.look("consent");
        browser.click("button[value=allow]").unwrap();
        browser.wait_for("[data-page=inside]").unwrap();
        self.look("shop-inside");

        self.at("/", "signed-in");
        self.at("/cabinet", "cabinet");
        self.times_are_the_portals_own();
        browser.click("#sites + ul form button").unwrap();
        browser.wait_for("#sites + p").unwrap();
        browser.click("form[action='/cabinet/sessions/end-others'] button").unwrap();
        browser.wait_for("#sessions + ul li:only-child").unwrap();
        browser.click("form[action='/cabinet/seen'] button").unwrap();
        // The notice is gone: who it is comes first.
        browser.wait_for("h1 + [aria-labelledby=who]").unwrap();
        self.look("cabinet-quiet");
        self.portal.acts_for_organisation(&self.holder, true).unwrap();
        self.at("/cabinet", "cabinet-acting");
        self.portal.acts_for_organisation(&self.holder, false).unwrap();
        self.at("/end-session?client_id=shop", "leaving");
        browser.click("form[action='/end-session/confirm'] button").unwrap();
        browser.wait_for("[data-page=signed-out]").unwrap();
    }

    /// The portal is three hours ahead of UTC.
    fn times_are_the_portals_own(&self) {
        let both = "const time = document.querySelector('time'); return [time.dateTime, time.textContent]";
        let both = self.browser.execute(both, &[]).unwrap();
        let hour =
            |text: &str| text.split_once(':').unwrap().0.get(text.find(':').unwrap() - 2..).unwrap().parse::<u8>();
        let hours = [0, 1].map(|nth| hour(both[nth].as_str().unwrap()).unwrap());
        assert_eq!((hours[0] + 3) % 24, hours[1], "{both}");
    }

    fn at(&self, path: &str, name: &str) {
        self.browser.open(&format!("{}{path}", self.portal.origin())).unwrap();
        self.look(name);
    }

    /// Another session of the same holder, of a program that is no browser.
    fn sign_in_elsewhere(&self) {
        let runtime = Runtime::new().unwrap();
        let other = OtherBrowser::new(&self.set.tls_authority(), &self.portal.origin()).unwrap();
        let page = runtime.block_on(other.open(&self.portal.address())).unwrap().page().unwrap();
        let page = runtime.block_on(other.press(&page, "/link", None)).unwrap().page().unwrap();
        let completion = self.sign_in_by(&OtherBrowser::link(&page).unwrap());
        runtime.block_on(other.open(&completion)).unwrap().page().unwrap();
    }

    /// The client program on the command line signs in; gives the address that it opens.
    fn sign_in_by(&self, link: &str) -> String {
        let opened = OpenedBy::make().unwrap();
        let mut client = opened.client(&self.cards, &self.set, link).unwrap();
        OpenedBy::unattended(&mut client, &self.holder).unwrap();
        let output = client.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        opened.address().unwrap()
    }

    /// Nothing on the page keeps people from using it, and it is in the language that they wished.
    fn look(&self, name: &str) {
        let (browser, language) = (&self.browser, self.language);
        let name = format!("{language}-{name}");
        let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js");
        let axe = fs::read_to_string(axe).expect("the pages' packages are installed by ./dev");
        // The page was loaded without its scripts; only now may one run.
        browser.run_scripts(true).unwrap();
        assert_eq!(browser.execute("return document.documentElement.lang", &[]).unwrap(), language, "{name}");
        browser.execute(&axe, &[]).unwrap();
        // Dark in one of the languages, and light in a picture at least.
        let scheme = if language == "ru" { "dark" } else { "light" };
        browser.show_in("light").unwrap();
        let picture = screenshots().unwrap().join(format!("portal-{name}-light.png"));
        fs::write(picture, browser.whole_picture().unwrap()).unwrap();
        browser.show_in(scheme).unwrap();
        let look = "const done = arguments[0];
                    axe.run().then(found => done(found.violations.map(it => it.id + ' ' + it.nodes[0].html)))";
        assert_eq!(browser.execute_async(look, &[]).unwrap(), json!([]), "{name}, {scheme}");
        browser.show_as_wide_as(NARROW).unwrap();
        let width = browser.execute("return document.documentElement.scrollWidth", &[]).unwrap();
        let picture = screenshots().unwrap().join(format!("portal-{name}-narrow.png"));
        fs::write(picture, browser.whole_picture().unwrap()).unwrap();
        browser.show_as_wide_as(0).unwrap();
        assert!(width.as_u64().unwrap() <= u64::from(NARROW), "{name} is {width} wide");
        browser.run_scripts(false).unwrap();
    }
}
