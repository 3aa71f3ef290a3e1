//! A site whose relying party others have written, the crate `openidconnect`: through HTTPS, a visitor's browser, the client
//! program and a virtual card in a real pcscd.

use std::time::{Duration, Instant};

use latchkey_tests::apache::{Apache, PAGE};
use latchkey_tests::site::{Browser, HIGH, Known, OpenedBy, Place, RelyingParty, Visit};
use latchkey_tests::stage::{Cards, Portal, PortalOrder, SampleSet, holder};
use tokio::runtime::Runtime;

const ADDRESS: &str = "https://shop.example/back";
const HOLDER: &str = "hanna-vydumanaya";
/// How long it may take until a site knows that somebody has left. Generous: the machine may be building something else.
const PATIENCE: Duration = Duration::from_secs(60);

struct Scene {
    set: SampleSet,
    cards: Cards,
    portal: Portal,
    runtime: Runtime,
}

impl Scene {
    fn set() -> Self {
        let set = SampleSet::write().unwrap();
        let mut cards = Cards::start(&set, 1).unwrap();
        cards.insert(HOLDER, 1).unwrap();
        let portal = Portal::start_with(&set, PortalOrder { has_provider: true, ..PortalOrder::default() }).unwrap();
        Self { set, cards, portal, runtime: Runtime::new().unwrap() }
    }

    /// Registers a site as an operator does; the running service takes it.
    fn register(&mut self, id: &str, more: &[&str]) -> RelyingParty {
        let secret = self.portal.register(id, ADDRESS, more).unwrap().unwrap();
        let issuer = self.portal.origin();
        self.runtime.block_on(RelyingParty::discover(&issuer, &self.set.tls_authority(), id, &secret, ADDRESS)).unwrap()
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.set.tls_authority(), &self.portal.origin()).unwrap()
    }

    /// Signs in by a link with the card, from where a site sends the browser, and agrees.
    fn sign_in(&self, browser: &Browser, address: &str) -> Place {
        let page = self.runtime.block_on(browser.open(address)).unwrap().page().unwrap();
        let page = self.runtime.block_on(browser.press(&page, "/link", None)).unwrap().page().unwrap();
        let opened = OpenedBy::make().unwrap();
        let mut client = opened.client(&self.cards, &self.set, &Browser::link(&page).unwrap()).unwrap();
        OpenedBy::unattended(&mut client, &holder(HOLDER).unwrap()).unwrap();
        let output = client.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let asked = self.runtime.block_on(browser.open(&opened.address().unwrap())).unwrap().page().unwrap();
        let allowed = browser.press(&asked, "/authorize/decision", Some(("decision", "allow")));
        self.runtime.block_on(allowed).unwrap()
    }

    fn finish(&self, site: &RelyingParty, visit: Visit, answer: &str) -> Known {
        self.runtime.block_on(site.finish(visit, answer)).unwrap()
    }
}

/// The whole way with each algorithm, then without a question, then signed out.
#[test]
fn a_site_of_others_making_lets_the_holder_in_until_he_signs_out() {
    let mut scene = Scene::set();
    let shop = scene.register("shop", &["--refresh-tokens"]);
    let clinic = scene.register("clinic", &["--algorithm", "ES256"]);
    let browser = scene.browser();
    let visit = shop.begin(HIGH);
    let answer = scene.sign_in(&browser, &visit.address).elsewhere().unwrap();
    let mut at_shop = scene.finish(&shop, visit, &answer);
    assert_eq!(at_shop.level, HIGH);
    assert!(at_shop.personal_number.starts_with("PNOBY-"), "{at_shop:?}");
    assert!(at_shop.name.contains("ВЫДУМАННАЯ"), "{at_shop:?}");

    // Signed in already: another site only asks whether it may know.
    let visit = clinic.begin(HIGH);
    let asked = scene.runtime.block_on(browser.open(&visit.address)).unwrap().page().unwrap();
    let allowed = browser.press(&asked, "/authorize/decision", Some(("decision", "allow")));
    let answer = scene.runtime.block_on(allowed).unwrap().elsewhere().unwrap();
    let at_clinic = scene.finish(&clinic, visit, &answer);
    assert_eq!(at_clinic.personal_number, at_shop.personal_number);
    // And the first one comes back without a question, to the same person.
    let visit = shop.begin(HIGH);
    let answer = scene.runtime.block_on(browser.open(&visit.address)).unwrap().elsewhere().unwrap();
    assert_eq!(scene.finish(&shop, visit, &answer).subject, at_shop.subject);

    scene.runtime.block_on(shop.refresh(&mut at_shop)).unwrap();
    assert!(scene.runtime.block_on(shop.still_knows(&at_shop)));
    let page = scene.runtime.block_on(browser.open(&format!("{}/end-session", scene.portal.origin()))).unwrap().page();
    scene.runtime.block_on(browser.press(&page.unwrap(), "/end-session/confirm", None)).unwrap().page().unwrap();
    assert!(!scene.runtime.block_on(shop.still_knows(&at_shop)));
    assert!(!scene.runtime.block_on(clinic.still_knows(&at_clinic)));
    assert!(scene.runtime.block_on(shop.refresh(&mut at_shop)).is_err());
}

/// An answer that belongs to another visit, or a code that somebody else has used, lets nobody in.
#[test]
fn a_site_of_others_making_believes_no_answer_to_another_visit() {
    let mut scene = Scene::set();
    let shop = scene.register("shop", &[]);
    let browser = scene.browser();
    let visit = shop.begin(HIGH);
    let answer = scene.sign_in(&browser, &visit.address).elsewhere().unwrap();
    let other = shop.begin(HIGH);
    let refused = scene.runtime.block_on(shop.finish(other, &answer)).unwrap_err();
    assert!(refused.to_string().contains("another visit"), "{refused:#}");
    assert_eq!(scene.finish(&shop, visit, &answer).level, HIGH);
    // Thieves of the code have neither its verifier nor a second try.
    let again = shop.begin(HIGH);
    let stolen = answer.replace(&state_of(&answer), &state_of(&again.address));
    assert!(scene.runtime.block_on(shop.finish(again, &stolen)).is_err());
}

/// Debian's `libapache2-mod-auth-openidc`, configured as the guide for relying parties says: in front of a page for one
/// person with the card, and of one for somebody else.
#[test]
fn debians_apache_lets_the_holder_in_and_nobody_else() {
    let mut scene = Scene::set();
    let number = format!("PNOBY-{}", holder(HOLDER).unwrap().person.personal_number);
    for (number, is_let_in) in [(number.as_str(), true), ("PNOBY-3000000A000PB0", false)] {
        // The second one is registered under the same name, on a portal of its own.
        if !is_let_in {
            scene = Scene::set();
        }
        let mut apache = Apache::start(&scene.set, &mut scene.portal, number).unwrap();
        let browser = scene.browser().beside(apache.origin());
        let page = scene.sign_in(&browser, &format!("{}/", apache.origin())).page().unwrap();
        assert_eq!(page.contains(PAGE), is_let_in, "{page}\n{}", apache.log());
        let again = scene.runtime.block_on(browser.open(&format!("{}/", apache.origin()))).unwrap().page().unwrap();
        assert_eq!(again.contains(PAGE), is_let_in, "{again}\n{}", apache.log());
    }
}

/// The same Apache, which keeps its visitors' sessions itself, is told when one signs out at the portal.
#[test]
fn debians_apache_is_told_that_the_holder_has_signed_out() {
    let mut scene = Scene::set();
    let number = format!("PNOBY-{}", holder(HOLDER).unwrap().person.personal_number);
    let mut apache = Apache::start(&scene.set, &mut scene.portal, &number).unwrap();
    let browser = scene.browser().beside(apache.origin());
    let address = format!("{}/", apache.origin());
    let page = scene.sign_in(&browser, &address).page().unwrap();
    assert!(page.contains(PAGE), "{page}\n{}", apache.log());
    let leaving = format!("{}/end-session", scene.portal.origin());
    let page = scene.runtime.block_on(browser.open(&leaving)).unwrap().page().unwrap();
    scene.runtime.block_on(browser.press(&page, "/end-session/confirm", None)).unwrap().page().unwrap();
    // It is told beside the request that signed out: asked until it knows.
    let end = Instant::now() + PATIENCE;
    let mut page = PAGE.to_owned();
    while page.contains(PAGE) && Instant::now() < end {
        page = scene.runtime.block_on(browser.open(&address)).unwrap().page().unwrap();
    }
    assert!(page.contains("data-next"), "{page}\n{}\n{}", apache.log(), scene.portal.log());
}

fn state_of(address: &str) -> String {
    address.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned()
}
