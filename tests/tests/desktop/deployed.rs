//! Pages that are deployed today, in Chromium: they call the client and, through their own back end, their terminal, and know
//! nothing of either.

use std::collections::BTreeSet;

use latchkey_fixtures::holders::Holder;
use latchkey_tests::deployed::{CityPortal, ExpertPortal, RelayingSite, StateProvider};
use latchkey_tests::desktop::memory::traces_of_data_in_memory;
use latchkey_tests::desktop::{AGENT, Browser, SceneOrder, agent_says};
use latchkey_tests::stage::{has_deployed_card, holder};
use rustix::process::Pid;

use crate::house::{HANNA, House};
use crate::secrets::{OF_THE_WINDOW, processes};
use crate::words::{AGREE, CLOSE, PIN, REFUSE};

/// His card is of the deployed model.
const KIRYL: &str = "kiryl-raspausiudzany";

/// A city's page, and a holder with his card in the reader.
fn at_a_citys_page(card: &str) -> (House, CityPortal, Browser) {
    let mut house = House::open(SceneOrder { with_terminal: true, ..SceneOrder::default() });
    house.cards.insert(card, 1).unwrap();
    let site = CityPortal::start(&house.set, house.terminal_port().unwrap(), house.client_port()).unwrap();
    let browser = house.browser_for("city", &[site.origin()]).unwrap();
    browser.open(&format!("{}/", site.origin())).unwrap();
    browser.click("#enter").unwrap();
    (house, site, browser)
}

#[test]
fn a_citys_page_has_a_terminal_read_the_card_that_the_holder_lets_it_read() {
    let (mut house, site, browser) = at_a_citys_page(HANNA);
    house.window.click(AGREE).unwrap();
    let says = |key| agent_says("en", key).unwrap();
    let mut agent = house.agent().unwrap();
    agent.says(&site.origin()).unwrap();
    agent.enter(PIN, holder(HANNA).unwrap().pin).unwrap();
    agent.press(&says("do-hand-over-data")).unwrap();
    // Nobody has set up whose terminal it is: the holder decides when it is known.
    agent.says("Unknown terminal, number 980000000001").unwrap();
    agent.press(&says("do-hand-over-data")).unwrap();
    browser.wait_for("#state[data-state=done]").unwrap();
    let page = browser.text().unwrap();
    assert!(page.contains("4010190A000PB0") && page.contains("VYDUMANAYA"), "{page}");

    // The page has the data by way of the terminal. The programs that passed them on, whose session is still open, do not.
    let pieces = house.set.personal_data(HANNA).unwrap();
    let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    if rustix::process::getuid().is_root() {
        for (name, process) in processes(&house.screen, &[OF_THE_WINDOW.as_slice(), &[AGENT]].concat()) {
            assert_eq!(traces_of_data_in_memory(process, &pieces).unwrap(), BTreeSet::new(), "{name}");
        }
        let browsers = house.screen.processes("chromium");
        let found = |browser: &Pid| !traces_of_data_in_memory(*browser, &pieces).unwrap().is_empty();
        assert!(browsers.iter().any(found), "the search finds nothing where the data are");
    }
}

/// Five groups, a signature, and the log-out, with a card of each model.
#[test]
fn a_citys_page_has_a_request_signed_and_logs_the_holder_out() {
    for card in [HANNA, KIRYL] {
        let (mut house, _site, browser) = at_a_citys_page(card);
        let (holder, says) = (holder(card).unwrap(), |key| agent_says("en", key).unwrap());
        house.window.click(AGREE).unwrap();
        open_card(&mut house, &holder, TerminalIs::Unknown);
        browser.wait_for("#state[data-state=done]").unwrap();
        let page = browser.text().unwrap();
        assert!(page.contains(&holder.person.personal_number), "{page}");
        assert!(page.contains("LA:_Family_name") && page.contains("Sex") && page.contains("Date_of_expiry"), "{page}");

        browser.click("#sign").unwrap();
        let mut agent = house.agent().unwrap();
        agent.says(&says("heading-sign-for-terminal")).unwrap();
        agent.press(&says("do-sign-for-terminal")).unwrap();
        browser.wait_for("#state[data-state=signed]").unwrap();
        let signature = browser.execute("return document.getElementById('signature').textContent", &[]).unwrap();
        let message = openssl::base64::decode_block(signature.as_str().unwrap()).unwrap();
        let text = "Выдуманное заявление".as_bytes();
        assert!(message.windows(text.len()).any(|part| part == text), "{card}: the text is not in the message");

        browser.click("#leave").unwrap();
        browser.wait_for("#state[data-state=left]").unwrap();
        assert!(!browser.text().unwrap().contains(&holder.person.personal_number), "{card}");
    }
}

/// What an administrator has said of the terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TerminalIs {
    SetUp,
    Unknown,
}

/// Enters in the agent's window whatever the card wants.
fn open_card(house: &mut House, holder: &Holder, terminal: TerminalIs) {
    let says = |key| agent_says("en", key).unwrap();
    let is_deployed = has_deployed_card(holder);
    let mut agent = house.agent().unwrap();
    if is_deployed {
        agent.enter(&says("field-can"), holder.can).unwrap();
        agent.press(&says("continue")).unwrap();
    }
    agent.enter(&says(if is_deployed { "field-pin1" } else { "field-pin" }), holder.pin).unwrap();
    agent.press(&says("do-hand-over-data")).unwrap();
    if terminal == TerminalIs::Unknown {
        agent.says("Unknown terminal, number 980000000001").unwrap();
        agent.press(&says("do-hand-over-data")).unwrap();
    }
    if is_deployed {
        agent.enter(&says("field-pin2"), &holder.pin2()).unwrap();
        agent.press(&says("do-sign-for-terminal")).unwrap();
    }
}

#[test]
fn a_citys_page_learns_nothing_from_a_holder_who_refuses() {
    let (house, _site, browser) = at_a_citys_page(HANNA);
    house.window.click(REFUSE).unwrap();
    browser.wait_for("#state[data-state=failed]").unwrap();
    assert!(browser.text().unwrap().contains("client 4"), "{}", browser.text().unwrap());
}

/// A portal whose visitors log in with the state's provider, and another site that has begun to. The administrator knows
/// whose terminal it is and whose signed requests count.
struct AtTheProviders {
    house: House,
    provider: StateProvider,
    portal: ExpertPortal,
    relaying: RelayingSite,
    browser: Browser,
}

impl AtTheProviders {
    fn open(card: &str) -> Self {
        let mut house = House::before_the_client(SceneOrder { with_terminal: true, ..SceneOrder::default() });
        house.cards.insert(card, 1).unwrap();
        let (terminal, client) = (house.terminal_port().unwrap(), house.client_port());
        let provider = StateProvider::start(&house.set, terminal, client).unwrap();
        let portal = ExpertPortal::start(&house.set, &provider, client).unwrap();
        let relaying = RelayingSite::start(&house.set, &portal, &provider, client).unwrap();
        house.know_terminal("An invented identification service", &provider.origin());
        house.start_client(&[]);
        let origins = [portal.origin(), provider.origin(), relaying.origin()];
        let browser = house.browser_for("provider", &origins).unwrap();
        Self { house, provider, portal, relaying, browser }
    }
}

#[test]
fn a_portals_visitor_logs_in_with_the_states_provider_and_logs_out() {
    for card in [HANNA, KIRYL] {
        log_in_and_out(&holder(card).unwrap());
    }
}

fn log_in_and_out(holder: &Holder) {
    let AtTheProviders { mut house, provider, portal, relaying: _relaying, browser } = AtTheProviders::open(holder.id);
    browser.open(&format!("{}/", portal.origin())).unwrap();
    browser.click("#enter").unwrap();
    // The provider's page asks, for the portal whose request was signed.
    house.window.wait_for(AGREE).unwrap();
    let asked = house.window.text().unwrap();
    let signer =
        "The request is signed by “Выдуманный оператор программного комплекса (тест)”, and the signature was checked.";
    assert!(asked.contains(signer) && asked.contains(host_of(&provider.origin())), "{asked}");
    house.window.click(AGREE).unwrap();
    house.agent().unwrap().says(&provider.origin()).unwrap();
    open_card(&mut house, holder, TerminalIs::SetUp);
    browser.wait_for("#state[data-state=done]").unwrap();
    let page = browser.text().unwrap();
    assert!(page.contains(&holder.person.personal_number), "{page}");
    assert_eq!(provider.people(), (0, 1));

    browser.click("#leave").unwrap();
    browser.wait_for("#state[data-state=idle]").unwrap();
    assert_eq!(provider.people(), (0, 0));
    assert!(browser.address().unwrap().starts_with(&portal.origin()));
}

/// The relay: another site hands its visitor's client program the portal's signed request, and has it driven by the
/// provider's terminal.
#[test]
fn a_page_that_passes_on_anothers_signed_request_and_terminal_gets_nobody_logged_in() {
    let AtTheProviders { mut house, provider, portal: _portal, relaying, browser } = AtTheProviders::open(HANNA);
    browser.open(&format!("{}/", relaying.origin())).unwrap();
    browser.click("#enter").unwrap();
    house.window.wait_for(AGREE).unwrap();
    let asked = house.window.text().unwrap();
    assert!(asked.contains("Nobody vouches for what this site says about itself."), "{asked}");
    assert!(browser.text().unwrap().contains("403 request-of-other-site"), "{}", browser.text().unwrap());
    // Even a holder who agrees to that site, and enters his PIN.
    house.window.click(AGREE).unwrap();
    let mut agent = house.agent().unwrap();
    agent.says(&relaying.origin()).unwrap();
    agent.enter(PIN, holder(HANNA).unwrap().pin).unwrap();
    agent.press(&agent_says("en", "do-hand-over-data").unwrap()).unwrap();
    house.window.wait_for(CLOSE).unwrap();
    house.screen.keep_picture("terminal-of-other-site").unwrap();
    house.window.click(CLOSE).unwrap();
    browser.wait_for("#state[data-state=failed]").unwrap();
    assert!(browser.text().unwrap().contains("client 9"), "{}", browser.text().unwrap());
    assert_eq!(provider.people(), (0, 0));
}

fn host_of(origin: &str) -> &str {
    origin.strip_prefix("https://").unwrap()
}
