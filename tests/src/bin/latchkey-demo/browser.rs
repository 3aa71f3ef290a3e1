//! The demo in Chromium and the client's window.

use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use latchkey_fixtures::holders::{Holder, sample_holders};
use latchkey_fixtures::vcard::automaton::PinState;
use latchkey_tests::desktop::{Browser, LoopbackPermission, Scene, SceneOrder, Screen, Window, agent_says};
use latchkey_tests::show::{Interruption, Terminal};
use latchkey_tests::stage::holder;

use crate::Wishes;

/// How often it is looked whether a person has come further.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(300);

pub(crate) fn demo(wishes: &Wishes, interruption: &Interruption) -> Result<()> {
    let terminal = Terminal::new();
    let holder = holder(&wishes.holder)?;
    terminal.title("Latchkey: a sign-in with an ID card, in a browser");

    let screen = terminal.step(interruption, "Screen", || screen(wishes.unattended))?;
    let mut scene = terminal.step(interruption, "Cards, card service and portal", || {
        let scene = Scene::set_on(screen, order(wishes))?;
        Ok((format!("{} invented holders; TEST KEYS; {}", sample_holders().len(), scene.portal.address()), scene))
    })?;
    terminal.step(interruption, "Card inserted", || {
        scene.cards.insert(holder.id, 1)?;
        Ok((format!("the card of {} ({})", holder.id, holder.case), ()))
    })?;
    let window = terminal.step(interruption, "The client's window", || {
        Ok(("latchkey-desktop, with its agent".to_owned(), scene.window(&[])?))
    })?;
    let browser = terminal.step(interruption, "Chromium at the portal's page", || {
        Ok(("to it the portal is a site on the internet".to_owned(), scene.browser("demo")?))
    })?;
    if wishes.unattended {
        unattended(&terminal, interruption, &mut scene, &window, &browser, &holder, &wishes.language)?;
    } else {
        terminal.note(&format!(
            "Your turn: sign in on the page. PIN {}, CAN {}, PUK {}. Ctrl-C ends the demo.",
            holder.pin, holder.can, holder.puk
        ));
        wait_for_person(interruption, &browser)?;
    }
    terminal.step(interruption, "The portal's page", || match shown_holder(&browser)? {
        Some(shown) if shown.contains(&holder.person.personal_number) => {
            Ok((format!("shows {}", shown.lines().nth(1).unwrap_or_default()), ()))
        }
        _ => bail!("the portal's page does not show {}:\n{}", holder.id, browser.text()?),
    })?;
    terminal.step(interruption, "Everything put away", || {
        drop((browser, window));
        drop(scene);
        Ok(("browser, window, card, card service, portal, files".to_owned(), ()))
    })?;
    terminal.title("The portal knows who signed in.");
    Ok(())
}

/// The scene of any demo in a browser.
pub(crate) fn order(wishes: &Wishes) -> SceneOrder<'_> {
    SceneOrder {
        language: &wishes.language,
        permission: if wishes.unattended { LoopbackPermission::Granted } else { LoopbackPermission::NotYetAsked },
        ..SceneOrder::default()
    }
}

/// The person's own screen, or one that nobody sees; a person cannot do without the first.
pub(crate) fn screen(is_unattended: bool) -> Result<(String, Screen)> {
    match Screen::in_front_of_the_person()? {
        Some(screen) => Ok(("yours".to_owned(), screen)),
        None if is_unattended => {
            Ok(("there is none here: a virtual one, which nobody sees".to_owned(), Screen::virtual_one()?))
        }
        None => bail!(
            "there is no screen here. Run it where there is one, or over ssh -X; \\
             ./dev demo --browser --yes needs none and drives everything by itself"
        ),
    }
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
    terminal.step(interruption, "The page asks the client", || {
        browser.click("#go")?;
        Ok(("by a call to 127.0.0.1".to_owned(), ()))
    })?;
    terminal.step(interruption, "The window shows who asks and for what", || {
        window.click("[data-action=agree][aria-disabled=false]")?;
        Ok(("agreed".to_owned(), ()))
    })?;
    let says = |key| agent_says(language, key);
    terminal.step(interruption, "The agent's own window asks for the PIN", || {
        let mut agent = scene.agent()?;
        if holder.pin_state == PinState::Pins {
            agent.press(&says("use-last-try")?)?;
            agent.enter(&says("field-can")?, holder.can)?;
            agent.press(&says("continue")?)?;
        }
        agent.enter(&says("field-pin")?, holder.pin)?;
        agent.press(&says("do-sign-in")?)?;
        Ok(("the sample PIN was entered".to_owned(), ()))
    })?;
    browser.wait_for(ENDED).map(drop)
}

/// Waits for as long as the person needs.
fn wait_for_person(interruption: &Interruption, browser: &Browser) -> Result<()> {
    loop {
        interruption.check()?;
        // A browser that was closed shows nothing any more.
        if shown_holder(browser)?.is_some() {
            return Ok(());
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// The portal's page says who signed in, or why nobody did.
const ENDED: &str = "[data-page=signed-in], [data-shown=portal-refused], [data-shown=client-refused]";

/// Who is signed in, as the portal's page says.
fn shown_holder(browser: &Browser) -> Result<Option<String>> {
    let shown = browser.execute("return document.querySelector('[data-page=signed-in] dl')?.innerText ?? null", &[])?;
    Ok(shown.as_str().map(str::to_owned))
}
