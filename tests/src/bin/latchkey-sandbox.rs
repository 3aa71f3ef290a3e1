//! A sandbox for testers: a portal at which people sign in with virtual cards, and from which sites under test let them in.
//!
//! Exit codes: 0 ended by Ctrl-C; 1 a part failed; 2 wrong use.

use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use latchkey_tests::card_table::CardTable;
use latchkey_tests::desktop::{Browser, Desktop, LoopbackPermission, Portals, Screen, managed_settings};
use latchkey_tests::process::Process;
use latchkey_tests::shop::Shop;
use latchkey_tests::show::{Interruption, Terminal, perform};
use latchkey_tests::stage::{Cards, Portal, PortalOrder, SERVICE, SampleSet, free_port};

const USAGE: &str = "\
Usage: ./dev sandbox [--port PORT] [--register NAME=ADDRESS]... [--lang be|ru|en]

A portal that believes the sample cards, and a page on which you put them into a virtual reader, until Ctrl-C. Where there is
a screen, also the client's window, and a browser with a shop that lets people in with the portal's sign-in.

  --port PORT              where the portal is found; without it, at a free port
  --register NAME=ADDRESS  registers a site of yours, whose visitors come back to this address, and prints its secret; may be
                           repeated
  --lang LANGUAGE          language of the client's window and of the browser

Exit codes: 0 you ended it; 1 something failed; 2 wrong use";

/// How often it is looked whether the tester has had enough.
const LOOK_AGAIN: Duration = Duration::from_millis(300);
/// The browser's profile, the same for the pages and for addresses that the client opens.
const PROFILE: &str = "browser";

fn main() -> ExitCode {
    perform(USAGE, Wishes::from_arguments(std::env::args().skip(1)), ExitCode::SUCCESS, run)
}

/// What was asked for on the command line.
struct Wishes {
    port: Option<u16>,
    /// Names and addresses.
    sites: Vec<(String, String)>,
    language: String,
}

impl Wishes {
    /// `None`: help is wanted.
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut wishes = Self { port: None, sites: Vec::new(), language: "en".to_owned() };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--port" => wishes.port = Some(value()?.parse().map_err(|_| "the port is no number below 65536")?),
                "--register" => {
                    let site = value()?;
                    let (name, address) = site.split_once('=').ok_or("--register needs NAME=ADDRESS")?;
                    wishes.sites.push((name.to_owned(), address.to_owned()));
                }
                "--lang" => wishes.language = value()?,
                "--help" | "-h" => return Ok(None),
                other => return Err(format!("unknown argument {other:?}")),
            }
        }
        Ok(Some(wishes))
    }

    fn portals<'a>(&'a self, origins: &'a [String], authority: &'a Path) -> Portals<'a> {
        Portals { origins, authority, permission: LoopbackPermission::NotYetAsked, language: &self.language }
    }
}

fn run(wishes: &Wishes, interruption: &Interruption) -> Result<()> {
    let terminal = Terminal::new();
    terminal.title("Latchkey's sandbox: everybody is invented; TEST KEYS");
    let set = SampleSet::write()?;
    let client_port = free_port()?;
    let mut cards = terminal.step(interruption, "Virtual reader", || {
        let cards = Cards::start(&set, 1)?;
        Ok((format!("\"{}\"", cards.reader_name(1).unwrap_or_default()), cards))
    })?;
    let service = cards.service().socket().display().to_string();
    let mut portal = terminal.step(interruption, "Portal", || {
        let (client_port, port) = (Some(client_port), wishes.port);
        let order = PortalOrder { client_port, port, has_provider: true, is_sandbox: true, ..PortalOrder::default() };
        let portal = Portal::start_with(&set, order)?;
        Ok((portal.address(), portal))
    })?;
    for (name, address) in &wishes.sites {
        terminal.step(interruption, &format!("Your site {name}"), || {
            let secret = portal.register(name, address, &["--refresh-tokens"])?.context("the site has no secret")?;
            Ok((format!("client_id {name}, client_secret {secret}"), ()))
        })?;
    }
    let screen = Screen::in_front_of_the_person()?;
    let seen = match screen {
        Some(mut screen) => {
            let shop = Shop::open(&set, &mut portal)?;
            let (origins, authority) = ([portal.origin(), shop.origin()], set.tls_authority());
            Browser::take_addresses(&mut screen, PROFILE, wishes.portals(&origins, &authority))?;
            let desktop = client(&screen, &cards, &set, client_port, &wishes.language)?;
            Some((screen, shop, desktop))
        }
        None => None,
    };
    let table = terminal.step(interruption, "Table of cards", || {
        let table = CardTable::start(&set, cards)?;
        Ok((table.origin(), table))
    })?;
    terminal.note(&format!("Your programs trust the portal by {}.", set.tls_authority().display()));
    let _shown = match seen {
        Some((screen, shop, desktop)) => {
            let browser = browser(&screen, &set, wishes, &[table.origin(), shop.origin(), portal.origin()])?;
            terminal.note("Insert a card at the table, and sign in at the shop or the portal. Ctrl-C ends everything.");
            Some((browser, desktop, shop, screen))
        }
        None => {
            terminal.note(
                "Insert a card at the table, and sign in by a link of the portal's page. Ctrl-C ends everything:",
            );
            terminal.command(&format!(
                "{SERVICE}={service} ./dev client open LINK --ca-file {}",
                set.tls_authority().display()
            ));
            None
        }
    };
    loop {
        interruption.check()?;
        thread::sleep(LOOK_AGAIN);
    }
}

fn client(screen: &Screen, cards: &Cards, set: &SampleSet, port: u16, language: &str) -> Result<Desktop> {
    let managed = managed_settings(set, port, "")?.display().to_string();
    Desktop::start(screen, cards, &["--managed", &managed, "--lang", language])
}

/// A browser with a tab for each of these sites.
fn browser(screen: &Screen, set: &SampleSet, wishes: &Wishes, origins: &[String]) -> Result<Process> {
    let authority = set.tls_authority();
    let mut chromium = Browser::for_a_person(screen, PROFILE, wishes.portals(origins, &authority))?;
    Process::start("Chromium", chromium.args(origins))
}
