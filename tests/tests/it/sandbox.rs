//! The sandbox as testers start it, without a screen: a card is put into the reader on its page, signs in at its portal, and
//! a tester's own site lets the holder in.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use latchkey_tests::process::{Process, program};
use latchkey_tests::site::{Browser, HIGH, OpenedBy, RelyingParty};
use latchkey_tests::stage::{SERVICE, holder};
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(60);
const ADDRESS: &str = "https://mine.example/back";

#[test]
fn a_testers_own_site_lets_a_virtual_card_in() {
    let runtime = Runtime::new().unwrap();
    let mut command = Command::new(program("latchkey-sandbox").unwrap());
    command.args(["--register", &format!("mine={ADDRESS}")]).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let mut sandbox = Process::start("latchkey-sandbox", &mut command).unwrap();
    let portal = told(&mut sandbox, "Portal: ").trim_end_matches('/').to_owned();
    let secret = told(&mut sandbox, "client_secret ");
    let table = told(&mut sandbox, "Table of cards: ");
    let authority = PathBuf::from(told(&mut sandbox, "trust the portal by ").trim_end_matches('.'));
    let readers = told(&mut sandbox, &format!("{SERVICE}="));

    let at_table = Browser::new(&authority, &table).unwrap();
    let page = runtime.block_on(at_table.open(&format!("{table}/"))).unwrap().page().unwrap();
    assert!(page.contains("The reader is empty.") && page.contains("kiryl-raspausiudzany"), "{page}");
    let page = runtime.block_on(at_table.press(&page, "/insert", None)).unwrap().page().unwrap();
    let id = page.split("In the reader: <strong>").nth(1).unwrap().split('<').next().unwrap();
    let holder = holder(id).unwrap();

    let site = RelyingParty::discover(&portal, &authority, "mine", &secret, ADDRESS);
    let site = runtime.block_on(site).unwrap();
    let visit = site.begin(HIGH);
    let browser = Browser::new(&authority, &portal).unwrap();
    let page = runtime.block_on(browser.open(&visit.address)).unwrap().page().unwrap();
    assert!(page.contains("<strong>mine</strong>"), "{page}");
    let page = runtime.block_on(browser.press(&page, "/link", None)).unwrap().page().unwrap();
    let opened = OpenedBy::make().unwrap();
    let mut client = Command::new(program("latchkey").unwrap());
    client.env(SERVICE, readers);
    let mut client = opened.with(client, &authority, &Browser::link(&page).unwrap()).unwrap();
    OpenedBy::unattended(&mut client, &holder).unwrap();
    let output = client.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let asked = runtime.block_on(browser.open(&opened.address().unwrap())).unwrap().page().unwrap();
    let allowed = browser.press(&asked, "/authorize/decision", Some(("decision", "allow")));
    let answer = runtime.block_on(allowed).unwrap().elsewhere().unwrap();
    let known = runtime.block_on(site.finish(visit, &answer)).unwrap();
    assert!(known.personal_number.ends_with(&holder.person.personal_number.to_string()), "{known:?}");

    let page = runtime.block_on(at_table.open(&format!("{table}/"))).unwrap().page().unwrap();
    let page = runtime.block_on(at_table.press(&page, "/remove", None)).unwrap().page().unwrap();
    assert!(page.contains("The reader is empty."), "{page}");
    let (status, said) = sandbox.stop().unwrap();
    assert!(status.success(), "{said}");
}

/// The word after these words in what the program prints.
fn told(sandbox: &mut Process, words: &str) -> String {
    let line = sandbox.wait_for_line(words, PATIENCE).unwrap();
    line.split(words).nth(1).unwrap().split(' ').next().unwrap().to_owned()
}
