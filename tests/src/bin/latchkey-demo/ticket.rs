//! The demo of tickets: another site lets people in with the portal's sign-in, if that is sure enough.

use anyhow::{Context as _, Result, bail, ensure};
use latchkey_tests::show::{Interruption, Terminal};
use latchkey_tests::site::{Browser, HIGH, Known, OpenedBy, RelyingParty};
use latchkey_tests::stage::{Cards, Portal, PortalOrder, SampleSet, holder};
use tokio::runtime::Runtime;

use crate::Wishes;

/// Where the site expects its visitors back. Nobody listens there: the demo's browser stops before it.
const ADDRESS: &str = "https://shop.example/back";

pub(crate) fn demo(wishes: &Wishes, interruption: &Interruption) -> Result<()> {
    let terminal = Terminal::new();
    let runtime = Runtime::new()?;
    let holder = holder(&wishes.holder)?;
    terminal.title("Latchkey: another site lets people in with the portal's sign-in");

    let set = terminal.step(interruption, "Sample people, their cards and a test PKI", || {
        Ok(("all invented; TEST KEYS".to_owned(), SampleSet::write()?))
    })?;
    let cards = terminal.step(interruption, "Smart card service", || {
        let mut cards = Cards::start(&set, 1)?;
        cards.insert(holder.id, 1)?;
        Ok((format!("the card of {} ({})", holder.id, holder.case), cards))
    })?;
    let mut portal = terminal.step(interruption, "Portal with a provider of OpenID Connect", || {
        let is_cluster = wishes.with_cluster;
        let portal =
            Portal::start_with(&set, PortalOrder { has_provider: true, is_cluster, ..PortalOrder::default() })?;
        let nodes = if is_cluster { ": two nodes on PostgreSQL, behind a balancer" } else { "" };
        Ok((format!("{}{nodes}", portal.address()), portal))
    })?;
    let site = terminal.step(interruption, "Another site, shop.example, is registered", || {
        let secret = portal.register("shop", ADDRESS, &[])?.context("the site has no secret")?;
        let site = runtime.block_on(RelyingParty::discover(
            &portal.origin(),
            &set.tls_authority(),
            "shop",
            &secret,
            ADDRESS,
        ))?;
        Ok(("by `latchkey-portal clients add`; its relying party is the crate openidconnect".to_owned(), site))
    })?;

    let (visit, browser) = (site.begin(HIGH), Browser::new(&set.tls_authority(), &portal.origin())?);
    let page = terminal.step(interruption, "The site sends its visitor to the portal", || {
        let page = runtime.block_on(browser.open(&visit.address))?.page()?;
        let page = runtime.block_on(browser.press(&page, "/link", None))?.page()?;
        Ok((format!("it demands {HIGH}"), page))
    })?;
    let opened = OpenedBy::make()?;
    let link = Browser::link(&page)?;
    let mut client = opened.client(&cards, &set, &link)?;
    client.args(["--lang", &wishes.language]);
    terminal.command(&format!("latchkey open '{link}' --ca-file tls/ca.pem"));
    terminal.note(&format!("The sample PIN is {}.", holder.pin));
    if wishes.unattended {
        OpenedBy::unattended(&mut client, &holder)?;
    }
    if !interruption.run(&mut client)? {
        bail!("nobody signed in");
    }
    if wishes.with_cluster {
        terminal.step(interruption, "One of the nodes dies", || {
            portal.kill_node(0)?;
            Ok((format!("after {:?} connections; whoever is signed in stays so", portal.connections()), ()))
        })?;
    }
    let asked = terminal.step(interruption, "The portal asks whether the site may know who it is", || {
        let asked = runtime.block_on(browser.open(&opened.address()?))?.page()?;
        Ok(("names, identification number, how sure that is; agreed".to_owned(), asked))
    })?;
    let known: Known = terminal.step(interruption, "The site lets the person in", || {
        let allowed = browser.press(&asked, "/authorize/decision", Some(("decision", "allow")));
        let answer = runtime.block_on(allowed)?.elsewhere()?;
        let known = runtime.block_on(site.finish(visit, &answer))?;
        Ok((format!("{}, {}, {}", known.name, known.personal_number, known.level), known))
    })?;
    ensure!(
        known.personal_number.ends_with(&holder.person.personal_number.to_string()),
        "the site takes the visitor for somebody else"
    );
    ensure!(known.level == HIGH, "the site is told of {}", known.level);
    terminal.note(&format!("To this site the person is {}; to another one, somebody else.", known.subject));
    terminal.step(interruption, "The holder sees the site in the cabinet, and takes it back", || {
        let page = runtime.block_on(browser.open(&format!("{}/cabinet", portal.origin())))?.page()?;
        ensure!(page.contains("value=\"shop\""), "the cabinet does not list the site");
        runtime.block_on(browser.press(&page, "/cabinet/sites/withdraw", None))?.page()?;
        ensure!(!runtime.block_on(site.still_knows(&known)), "the site can still ask about the person");
        Ok(("the site can ask nothing more about the person".to_owned(), ()))
    })?;
    terminal.step(interruption, "Everything put away", || {
        drop(cards);
        portal.stop()?;
        Ok(("card, card service, portal, files".to_owned(), drop(set)))
    })?;
    terminal.title("The site knows who came, and how sure that is, because the portal has said so.");
    Ok(())
}
