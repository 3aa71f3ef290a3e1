//! Every page of the portal, for browsers that run no scripts, in three languages, light and dark, and in a window as narrow
//! as a small phone: looked over for barriers, and kept as pictures.

use latchkey_fixtures::holders::Holder;
use latchkey_fixtures::outside_provider::TicketFault;
use latchkey_tests::desktop::{Browser, LoopbackPermission, Portals, Screen};
use latchkey_tests::elsewhere::{Elsewhere, Trouble};
use latchkey_tests::shop::{ORDERS, Shop, WINDOWS};
use latchkey_tests::site::{Browser as OtherBrowser, OpenedBy};
use latchkey_tests::stage::{Cards, Portal, PortalOrder, SampleSet, free_port, holder};
use tokio::runtime::Runtime;

use crate::barriers::look_without_scripts;
use crate::house::{HANNA, Seat};

const LIBRARY: &str = "https://library.example/back";
/// How the library asks; for what, comes behind.
const LIBRARY_ASKS: &str = "/authorize?client_id=library&redirect_uri=https%3A%2F%2Flibrary.example%2Fback\
    &response_type=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&state=s\
    &scope=openid%20profile%20";

struct Visit {
    browser: Browser,
    _screen: Screen,
    shop: Shop,
    elsewhere: Elsewhere,
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
        let outside_port = free_port().unwrap();
        let elsewhere = Elsewhere::open(&set, outside_port).unwrap();
        let order = PortalOrder {
            has_provider: true,
            outside_port: Some(outside_port),
            terminal_port: Some(free_port().unwrap()),
            ..PortalOrder::default()
        };
        let mut portal = Portal::start_with(&set, order).unwrap();
        let shop = Shop::open(&set, &mut portal).unwrap();
        portal.register("library", LIBRARY, &["--scope", "acting_account", "--scope", "age_over_18"]).unwrap();
        let screen = Screen::virtual_one().unwrap();
        let origins = [portal.origin(), shop.origin(), elsewhere.origin()];
        let (authority, permission) = (set.tls_authority(), LoopbackPermission::Denied);
        let portals = Portals { origins: &origins, authority: &authority, permission, language: "en" };
        let browser = Browser::start(&screen, "pages", portals).unwrap();
        browser.run_scripts(false).unwrap();
        let holder = holder(HANNA).unwrap();
        Self { browser, _screen: screen, shop, elsewhere, portal, cards, set, holder, language: "en" }
    }

    /// From the shop to the card, the cabinet and the way out.
    fn walk(&self) {
        let Self { browser, shop, .. } = self;
        self.at("/", "signed-out");
        self.at("/cabinet", "cabinet-closed");
        self.at("/nowhere", "refused");
        self.at("/authorize?client_id=nobody", "refused-site");
        self.at(&format!("{LIBRARY_ASKS}age_over_18"), "age-asked");
        self.come_without_a_card();
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
        browser.click("form[action='/cabinet/acting'] button").unwrap();
        browser.wait_for("#acting + ul li:first-child form").unwrap();
        self.at("/", "signed-in-acting");
        self.at(&format!("{LIBRARY_ASKS}acting_account"), "consent-acting");
        self.portal.acts_for_organisation(&self.holder, false).unwrap();
        self.at(&format!("{LIBRARY_ASKS}acting_account"), "consent-acting-self");
        self.at(&format!("{LIBRARY_ASKS}age_over_18"), "age-asked-again");
        self.at("/end-session?client_id=shop", "leaving");
        browser.click("form[action='/end-session/confirm'] button").unwrap();
        browser.wait_for("[data-page=signed-out]").unwrap();
    }

    /// With an account of another provider, which does not always do what it should; to what wants the card, and out again.
    fn come_without_a_card(&self) {
        let Self { browser, shop, elsewhere, .. } = self;
        browser.open(&format!("{}{WINDOWS}", shop.origin())).unwrap();
        browser.wait_for("[data-page=signed-out] .outside").unwrap();
        self.look("site-asks-outside");
        for (trouble, name) in
            [(Trouble::Tickets(TicketFault::BySecret), "outside-refused"), (Trouble::Silent, "outside-unavailable")]
        {
            elsewhere.has(Some(trouble));
            self.set_out("#enter");
            browser.wait_for("[data-page=refused]").unwrap();
            self.look(name);
            browser.click("a[href='/authorize/resume']").unwrap();
        }
        elsewhere.has(None);
        self.set_out("#decline");
        browser.wait_for("[data-page=signed-out] .outside").unwrap();
        self.set_out("#enter");
        browser.wait_for("[data-page=consent]").unwrap();
        self.look("consent-outside");
        self.at("/", "signed-in-outside");
        self.at("/cabinet", "cabinet-asks-for-card");
        browser.open(&format!("{}{ORDERS}", shop.origin())).unwrap();
        browser.wait_for("[data-page=signed-out]").unwrap();
        self.look("site-asks-for-card");
        browser.open(&self.portal.address()).unwrap();
        browser.click("form[action='/sign-out'] button").unwrap();
        browser.wait_for("[data-page=signed-out]").unwrap();
    }

    /// From the portal's page to the other provider, and what is said there.
    fn set_out(&self, choice: &str) {
        self.browser.click(".outside .button").unwrap();
        self.browser.click(choice).unwrap();
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

    fn look(&self, name: &str) {
        look_without_scripts(&self.browser, self.language, name);
    }
}
