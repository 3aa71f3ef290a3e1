//! The demo of tickets in Chromium and the client's window: another site lets the holder in with the portal's sign-in, and
//! he takes that back in his cabinet.

use std::thread;

use anyhow::{Result, ensure};
use latchkey_fixtures::holders::Holder;
use latchkey_tests::desktop::{Browser, Scene, SceneOrder, Window, agent_says};
use latchkey_tests::shop::Shop;
use latchkey_tests::show::{Interruption, Terminal};
use latchkey_tests::site::HIGH;
use latchkey_tests::stage::holder;

use crate::Wishes;
use crate::browser::{LOOK_AGAIN, order, screen};

pub(crate) fn demo(wishes: &Wishes, interruption: &Interruption) -> Result<()> {
    let terminal = Terminal::new();
    let holder = holder(&wishes.holder)?;
    terminal.title("Latchkey: another site lets people in with the portal's sign-in, in a browser");

    let screen = terminal.step(interruption, "Screen", || screen(wishes.unattended))?;
    let wanted = SceneOrder { with_provider: true, with_cluster: wishes.with_cluster, ..order(wishes) };
    let mut scene =
        terminal.step(interruption, "Cards, card service, portal with a provider of OpenID Connect", || {
            let scene = Scene::set_on(screen, wanted)?;
            let nodes = if wishes.with_cluster { ", two nodes on PostgreSQL, behind a balancer" } else { "" };
            Ok((format!("all invented; TEST KEYS; {}{nodes}", scene.portal.address()), scene))
        })?;
    terminal.step(interruption, "Card inserted", || {
        scene.cards.insert(holder.id, 1)?;
        Ok((format!("the card of {} ({}), whose cabinet is dormant", holder.id, holder.case), ()))
    })?;
    let shop = terminal.step(interruption, "A shop is registered and opens", || {
        let shop = Shop::open(&scene.set, &mut scene.portal)?;
        Ok((format!("{}; its relying party is the crate openidconnect", shop.origin()), shop))
    })?;
    let window = terminal.step(interruption, "The client's window", || {
        Ok(("latchkey-desktop, with its agent".to_owned(), scene.window(&[])?))
    })?;
    let browser = terminal.step(interruption, "Chromium at the shop's page", || {
        let browser = scene.browser_for("demo", &[scene.portal.origin(), shop.origin()])?;
        browser.open(&format!("{}/", shop.origin()))?;
        Ok(("to it shop and portal are sites on the internet".to_owned(), browser))
    })?;
    if wishes.unattended {
        let visitor = Visitor { window: &window, browser: &browser, holder: &holder, language: &wishes.language };
        visitor.enter(&terminal, interruption, &mut scene)?;
    } else {
        terminal.note(&format!("Your turn: sign in at the shop. PIN {}. Ctrl-C ends the demo.", holder.pin));
        wait(interruption, || !shop.inside().is_empty())?;
    }
    terminal.step(interruption, "The shop lets the person in", || {
        let inside = shop.inside();
        let number = holder.person.personal_number.to_string();
        let known = inside.iter().find(|known| known.personal_number.ends_with(&number) && known.level == HIGH);
        ensure!(known.is_some(), "the shop knows nobody of that number and level: {inside:?}");
        Ok((format!("{}, {HIGH}", holder.id), ()))
    })?;
    if wishes.with_cluster {
        terminal.step(interruption, "One of the nodes dies", || {
            scene.portal.kill_node(0)?;
            Ok((format!("after {:?} connections; whoever is signed in stays so", scene.portal.connections()), ()))
        })?;
    }
    let cabinet = format!("{}/cabinet", scene.portal.origin());
    if wishes.unattended {
        terminal.step(interruption, "The holder sees the shop in the cabinet, which the sign-in has opened", || {
            browser.open(&cabinet)?;
            browser.wait_for("#sites + ul form")?;
            Ok((cabinet.clone(), ()))
        })?;
        browser.click("#sites + ul form button")?;
    } else {
        terminal.note(&format!("Now visit your cabinet, {cabinet}, and withdraw what the shop may know."));
    }
    wait(interruption, || shop.inside().is_empty())?;
    terminal.step(interruption, "The holder takes it back", || {
        browser.open(&format!("{}/", shop.origin()))?;
        browser.wait_for("[data-page=outside]")?;
        Ok(("the shop knows nobody any more".to_owned(), ()))
    })?;
    terminal.step(interruption, "Everything put away", || {
        drop((browser, window, shop));
        drop(scene);
        Ok(("browser, window, card, card service, shop, portal, files".to_owned(), ()))
    })?;
    terminal.title("The shop knew who came, and how sure that was, for as long as the holder wanted.");
    Ok(())
}

/// The person, if there is none.
struct Visitor<'a> {
    window: &'a Window,
    browser: &'a Browser,
    holder: &'a Holder,
    language: &'a str,
}

impl Visitor<'_> {
    fn enter(&self, terminal: &Terminal, interruption: &Interruption, scene: &mut Scene) -> Result<()> {
        let Self { window, browser, holder, language } = self;
        terminal.step(interruption, "The shop sends its visitor to the portal, whose page asks the client", || {
            browser.click(".latchkey-button")?;
            browser.click("#go")?;
            Ok((format!("the shop demands {HIGH}"), ()))
        })?;
        terminal.step(interruption, "The window shows who asks and for what", || {
            window.click("[data-action=agree][aria-disabled=false]")?;
            Ok(("agreed".to_owned(), ()))
        })?;
        terminal.step(interruption, "The agent's own window asks for the PIN", || {
            let mut agent = scene.agent()?;
            agent.enter(&agent_says(language, "field-pin")?, holder.pin)?;
            agent.press(&agent_says(language, "do-sign-in")?)?;
            Ok(("the sample PIN was entered".to_owned(), ()))
        })?;
        terminal.step(interruption, "The portal asks whether the shop may know who it is", || {
            browser.click("[data-page=consent] button[value=allow]")?;
            browser.wait_for("[data-page=inside], [data-page=refused]")?;
            Ok(("names, identification number, how sure that is; agreed".to_owned(), ()))
        })
    }
}

/// Waits for as long as a person needs.
fn wait(interruption: &Interruption, mut is_so: impl FnMut() -> bool) -> Result<()> {
    while !is_so() {
        interruption.check()?;
        thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}
