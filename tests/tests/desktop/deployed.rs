//! Pages that are deployed today, in Chromium: they call the client and, through their own back end, their terminal, and know
//! nothing of either.

use std::collections::BTreeSet;

use latchkey_tests::deployed::CityPortal;
use latchkey_tests::desktop::memory::traces_of_data_in_memory;
use latchkey_tests::desktop::{AGENT, Browser, SceneOrder, agent_says};
use latchkey_tests::stage::holder;
use rustix::process::Pid;

use crate::house::{HANNA, House};
use crate::secrets::{OF_THE_WINDOW, processes};
use crate::words::{AGREE, PIN, REFUSE};

/// A city's page, and a holder with his card in the reader.
fn at_a_citys_page() -> (House, CityPortal, Browser) {
    let mut house = House::open(SceneOrder { with_terminal: true, ..SceneOrder::default() });
    house.cards.insert(HANNA, 1).unwrap();
    let site = CityPortal::start(&house.set, house.terminal_port().unwrap(), house.client_port()).unwrap();
    let browser = house.browser_for("city", &[site.origin()]).unwrap();
    browser.open(&format!("{}/", site.origin())).unwrap();
    browser.click("#enter").unwrap();
    (house, site, browser)
}

#[test]
fn a_citys_page_has_a_terminal_read_the_card_that_the_holder_lets_it_read() {
    let (mut house, site, browser) = at_a_citys_page();
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

#[test]
fn a_citys_page_learns_nothing_from_a_holder_who_refuses() {
    let (house, _site, browser) = at_a_citys_page();
    house.window.click(REFUSE).unwrap();
    browser.wait_for("#state[data-state=failed]").unwrap();
    assert!(browser.text().unwrap().contains("client 4"), "{}", browser.text().unwrap());
}
