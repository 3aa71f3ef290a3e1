//! The demo of terminal mode in Chromium and the client's window: a page of the kind that is deployed, with a terminal.

use std::thread;

use anyhow::{Result, bail};
use latchkey_fixtures::holders::Holder;
use latchkey_tests::deployed::CityPortal;
use latchkey_tests::desktop::{Browser, Scene, SceneOrder, Window, agent_says};
use latchkey_tests::show::{Interruption, Terminal};
use latchkey_tests::stage::{has_deployed_card, holder};

use crate::Wishes;
use crate::browser::{LOOK_AGAIN, order, screen};
use crate::terminal::secrets;

pub(crate) fn demo(wishes: &Wishes, interruption: &Interruption) -> Result<()> {
    let terminal = Terminal::new();
    let holder = holder(&wishes.holder)?;
    terminal.title("Latchkey: a terminal reads an ID card for a page in a browser");

    let screen = terminal.step(interruption, "Screen", || screen(wishes.unattended))?;
    let wanted = SceneOrder { with_terminal: true, ..order(wishes) };
    let mut scene = terminal.step(interruption, "Cards, card service and terminal", || {
        let scene = Scene::set_on(screen, wanted)?;
        let said = format!("all invented; TEST KEYS; the terminal at port {}", scene.terminal_port()?);
        Ok((said, scene))
    })?;
    terminal.step(interruption, "Card inserted", || {
        scene.cards.insert(holder.id, 1)?;
        Ok((format!("the card of {} ({})", holder.id, holder.case), ()))
    })?;
    let city = terminal.step(interruption, "A city's portal", || {
        let city = CityPortal::start(&scene.set, scene.terminal_port()?, scene.client_port())?;
        Ok((format!("{}, which knows nothing of Latchkey", city.origin()), city))
    })?;
    let window = terminal.step(interruption, "The client's window", || {
        Ok(("latchkey-desktop, with its agent".to_owned(), scene.window(&[])?))
    })?;
    let browser = terminal.step(interruption, "Chromium at the city's page", || {
        let browser = scene.browser_for("demo", &[city.origin()])?;
        browser.open(&format!("{}/", city.origin()))?;
        Ok(("to it the portal is a site on the internet".to_owned(), browser))
    })?;
    if wishes.unattended {
        unattended(&terminal, interruption, &mut scene, &window, &browser, &holder, &wishes.language)?;
    } else {
        terminal.note(&format!("Your turn: enter on the page. {} Ctrl-C ends the demo.", secrets(&holder)));
        wait_for_person(interruption, &browser)?;
    }
    terminal.step(interruption, "The city's page", || {
        let text = browser.text()?;
        if text.contains(&holder.person.personal_number) {
            Ok((format!("shows whose card it is: {}", holder.person.personal_number), ()))
        } else {
            bail!("the city's page does not show {}:\n{text}", holder.id)
        }
    })?;
    terminal.step(interruption, "Everything put away", || {
        drop((browser, window, city));
        drop(scene);
        Ok(("browser, window, card, card service, terminal, files".to_owned(), ()))
    })?;
    terminal.title("The terminal knows whose card it is, because card and terminal proved themselves to each other.");
    Ok(())
}

fn unattended(
    terminal: &Terminal,
    interruption: &Interruption,
    scene: &mut Scene,
    window: &Window,
    browser: &Browser,
    holder: &Holder,
    language: &str,
) -> Result<()> {
    let says = |key| agent_says(language, key);
    let is_deployed_card = has_deployed_card(holder);
    terminal.step(interruption, "The page asks the client", || {
        browser.click("#enter")?;
        Ok(("by a call to 127.0.0.1".to_owned(), ()))
    })?;
    terminal.step(interruption, "The window shows who asks, and what a terminal may read", || {
        window.click("[data-action=agree][aria-disabled=false]")?;
        Ok(("agreed".to_owned(), ()))
    })?;
    terminal.step(interruption, "The agent's own window asks for the PIN", || {
        let mut agent = scene.agent()?;
        if is_deployed_card {
            agent.enter(&says("field-can")?, holder.can)?;
            agent.press(&says("continue")?)?;
        }
        agent.enter(&says(if is_deployed_card { "field-pin1" } else { "field-pin" })?, holder.pin)?;
        agent.press(&says("do-hand-over-data")?)?;
        Ok((secrets(holder), ()))
    })?;
    terminal.step(interruption, "It asks once more when the terminal is known", || {
        let mut agent = scene.agent()?;
        agent.says(&says("heading-hand-over-data")?)?;
        agent.press(&says("do-hand-over-data")?)?;
        Ok(("nobody has set up whose it is".to_owned(), ()))
    })?;
    if is_deployed_card {
        terminal.step(interruption, "The card wants its second PIN before a terminal that may have it sign", || {
            let mut agent = scene.agent()?;
            agent.enter(&says("field-pin2")?, &holder.pin2())?;
            agent.press(&says("do-sign-for-terminal")?)?;
            Ok(("entered in the agent's own window too".to_owned(), ()))
        })?;
    }
    browser.wait_for(ENDED)?;
    terminal.step(interruption, "The page has a request signed", || {
        browser.click("#sign")?;
        let mut agent = scene.agent()?;
        agent.says(&says("heading-sign-for-terminal")?)?;
        agent.press(&says("do-sign-for-terminal")?)?;
        browser.wait_for("#state[data-state=signed]")?;
        Ok(("the agent asked about that by itself".to_owned(), ()))
    })
}

/// Waits for as long as the person needs.
fn wait_for_person(interruption: &Interruption, browser: &Browser) -> Result<()> {
    loop {
        interruption.check()?;
        // A browser that was closed shows nothing any more.
        let ended = browser.execute(&format!("return document.querySelector('{ENDED}') !== null"), &[])?;
        if ended.as_bool() == Some(true) {
            return Ok(());
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// The page shows what the terminal read, or why it did not.
const ENDED: &str = "#state[data-state=done], #state[data-state=failed]";
