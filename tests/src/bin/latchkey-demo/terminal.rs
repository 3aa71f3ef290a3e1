//! The demo of terminal mode: a back end of the kind that is deployed, a terminal, and a card that proves itself to it.

use anyhow::{Context as _, Result, bail};
use latchkey_fixtures::holders::Holder;
use latchkey_tests::deployed::{Attended, AttendedOrder, BackEnd, Calls};
use latchkey_tests::show::{Interruption, Terminal};
use latchkey_tests::stage::{Cards, Portal, PortalOrder, SampleSet, free_port, has_deployed_card, holder};
use serde_json::Value;

use crate::Wishes;

/// The groups that deployed pages ask for.
const GROUPS: [&str; 5] = ["dg1", "dg2", "dg3", "dg4", "dg5"];

pub(crate) fn demo(wishes: &Wishes, interruption: &Interruption) -> Result<()> {
    let terminal = Terminal::new();
    let holder = holder(&wishes.holder)?;
    terminal.title("Latchkey: a terminal reads an ID card through the client program");

    let set = terminal.step(interruption, "Sample people, their cards, a terminal's certificates", || {
        Ok(("all invented; TEST KEYS".to_owned(), SampleSet::write()?))
    })?;
    let mut cards = terminal.step(interruption, "Smart card service", || {
        let mut cards = Cards::start(&set, 1)?;
        cards.insert(holder.id, 1)?;
        Ok((format!("the card of {} ({})", holder.id, holder.case), cards))
    })?;
    let (terminal_port, client_port) = (free_port()?, free_port()?);
    let portal = terminal.step(interruption, "Terminal", || {
        let order = PortalOrder { terminal_port: Some(terminal_port), ..PortalOrder::default() };
        Ok((format!("at port {terminal_port}, for back ends on this computer"), Portal::start_with(&set, order)?))
    })?;
    terminal.command("latchkey serve --managed managed.toml");
    terminal.note(&secrets(&holder));
    let agreeing = wishes.unattended.then_some(&holder);
    let order = AttendedOrder { port: client_port, language: &wishes.language, agreeing, arguments: &[] };
    let client = Attended::start(&cards, &set, order)?;
    let worked = work(&terminal, interruption, client_port, terminal_port);
    client.end()?;
    let (data, calls) = worked?;

    for (name, value) in data.as_object().context("no personal data")? {
        terminal.note(&format!("{name}: {}", value.as_str().unwrap_or_default()));
    }
    if data.get("ID").and_then(Value::as_str) != Some(holder.person.personal_number.as_str()) {
        bail!("the terminal read somebody else's data");
    }
    terminal.step(interruption, "Everything put away", || {
        cards.remove(1)?;
        drop(cards);
        portal.stop()?;
        Ok((format!("{} calls to the client, {} to the terminal", calls.client, calls.terminal), drop(set)))
    })?;
    terminal.title("The terminal knows whose card it is, because card and terminal proved themselves to each other.");
    Ok(())
}

/// What the person at the terminal has to know.
pub(crate) fn secrets(holder: &Holder) -> String {
    if has_deployed_card(holder) {
        format!("The sample CAN is {}, PIN1 {}, PIN2 {}.", holder.can, holder.pin, holder.pin2())
    } else {
        format!("The sample PIN is {}.", holder.pin)
    }
}

/// What the back end does. The client program only passes on what it cannot read.
fn work(terminal: &Terminal, interruption: &Interruption, client: u16, at: u16) -> Result<(Value, Calls)> {
    let mut session = terminal.step(interruption, "Card and terminal prove themselves to each other", || {
        Ok(("bilateral BAUTH".to_owned(), BackEnd::begin(client, at)?))
    })?;
    let data = terminal.step(interruption, "The terminal reads", || Ok((GROUPS.join(", "), session.read(&GROUPS)?)))?;
    terminal.step(interruption, "The card signs", || {
        let signed = session.sign("An invented order.")?;
        Ok((format!("a CMS message of {} octets", signed.len()), ()))
    })?;
    Ok((data, session.log_out()?))
}
