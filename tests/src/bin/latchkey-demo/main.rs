//! The demo: one sign-in, end to end, with nothing simulated but the card and its reader's slot.
//!
//! Exit codes: 0 the portal accepted, or a fault was refused as it must be; 1 not so, or a part failed; 2 wrong use; 130
//! interrupted.

mod browser;
mod city;
mod fault;
mod shop;
mod terminal;
mod ticket;

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use latchkey_fixtures::holders::{Holder, deployed_holders, sample_holders};
use latchkey_fixtures::vcard::automaton::PinState;
use latchkey_tests::show::{Interruption, Terminal, perform};
use latchkey_tests::stage::{Cards, Portal, SampleSet, give_secrets, holder};

const USAGE: &str = "\
Usage: ./dev demo [--browser] [--terminal [--profile stb|kta]] [--yes] [--holder NAME] [--lang be|ru|en]
       ./dev demo --ticket [--cluster] [--browser] [--yes] [--holder NAME] [--lang be|ru|en]
       ./dev demo --fault NAME [--lang be|ru|en]

  --browser        in Chromium and the window of the client program, instead of on the command line; on your screen if
                   there is one
  --terminal       a terminal reads the card and has it sign through the client program, for a back end of the kind that
                   is deployed; with --browser it reads for a page of that kind
  --profile NAME   the card's model: stb, the published standard, which is meant without it; kta, the deployed card as far
                   as it is known, with its second PIN
  --ticket         another site lets the person in with the portal's sign-in, which must be of the level high; he sees the
                   site in his cabinet and takes it back
  --cluster        the portal has two nodes on a PostgreSQL server of their own, and one of them dies on the way
  --yes            type the sample PIN and agree to everything by itself
  --holder NAME    whose card; without it, an ordinary citizen's. --holder list names them
  --fault NAME     a sign-in that goes wrong in this way, without a person: shows how it is refused, and whether that is
                   exactly as it must be. --fault list names them
  --lang LANGUAGE  language of the client program

Exit codes: 0 the portal accepted the sign-in, or the fault was refused as it must be; 1 not so, or something failed;
2 wrong use; 130 interrupted";

const DEFAULT_HOLDER: &str = "hanna-vydumanaya";

fn main() -> ExitCode {
    let run = |wishes: &Wishes, interruption: &Interruption| run(wishes, interruption).context("The demo failed");
    perform(USAGE, Wishes::from_arguments(std::env::args().skip(1)), ExitCode::from(130), run)
}

fn run(wishes: &Wishes, interruption: &Interruption) -> Result<()> {
    if wishes.holder == "list" {
        list_holders();
        return Ok(());
    }
    match wishes.fault.as_deref() {
        Some("list") => {
            fault::list();
            Ok(())
        }
        Some(name) => fault::demo(name, &wishes.language, interruption),
        None if wishes.with_ticket && wishes.in_browser => shop::demo(wishes, interruption),
        None if wishes.with_ticket => ticket::demo(wishes, interruption),
        None if wishes.with_terminal && wishes.in_browser => city::demo(wishes, interruption),
        None if wishes.with_terminal => terminal::demo(wishes, interruption),
        None if wishes.in_browser => browser::demo(wishes, interruption),
        None => demo(wishes, interruption),
    }
}

/// What was asked for on the command line.
struct Wishes {
    in_browser: bool,
    with_terminal: bool,
    with_ticket: bool,
    with_cluster: bool,
    unattended: bool,
    /// Whether the card is of the deployed model.
    deployed_card: bool,
    /// As it was asked for; of whatever model, if there is a profile.
    holder: String,
    /// The name of a fault, or "list".
    fault: Option<String>,
    language: String,
}

impl Wishes {
    /// `None`: help is wanted.
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut wishes = Self {
            in_browser: false,
            with_terminal: false,
            with_ticket: false,
            with_cluster: false,
            unattended: false,
            deployed_card: false,
            holder: String::new(),
            fault: None,
            language: "en".to_owned(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--browser" => wishes.in_browser = true,
                "--terminal" => wishes.with_terminal = true,
                "--ticket" => wishes.with_ticket = true,
                "--cluster" => wishes.with_cluster = true,
                "--yes" => wishes.unattended = true,
                "--profile" => wishes.deployed_card = is_deployed(&value()?)?,
                "--holder" => wishes.holder = value()?,
                "--fault" => wishes.fault = Some(value()?),
                "--lang" => wishes.language = value()?,
                "--help" | "-h" => return Ok(None),
                other => return Err(format!("unknown argument {other:?}")),
            }
        }
        if wishes.with_ticket && wishes.with_terminal {
            return Err("--ticket does not go with --terminal".to_owned());
        }
        if wishes.with_cluster && !wishes.with_ticket {
            return Err("--cluster goes with --ticket".to_owned());
        }
        if wishes.deployed_card && !wishes.with_terminal {
            return Err("--profile kta goes with --terminal".to_owned());
        }
        if wishes.holder.is_empty() {
            let deployed = deployed_holders().into_iter().next().filter(|_| wishes.deployed_card);
            deployed.map_or(DEFAULT_HOLDER, |holder| holder.id).clone_into(&mut wishes.holder);
        } else if wishes.holder != "list"
            && deployed_holders().iter().any(|holder| holder.id == wishes.holder) != wishes.deployed_card
        {
            return Err(format!("the card of {:?} is of the other model", wishes.holder));
        }
        match &wishes.fault {
            Some(name) if name != "list" && !fault::is_known(name) => {
                Err(format!("there is no fault {name:?}; --fault list names them"))
            }
            _ => Ok(Some(wishes)),
        }
    }
}

fn is_deployed(profile: &str) -> Result<bool, String> {
    match profile {
        "stb" => Ok(false),
        "kta" => Ok(true),
        other => Err(format!("there is no profile {other:?}: stb and kta")),
    }
}

fn list_holders() {
    for Holder { id, case, pin, .. } in sample_holders() {
        println!("{id:<28} PIN {pin}  {case}");
    }
    for holder in deployed_holders() {
        let (id, pin, pin2, case) = (holder.id, holder.pin, holder.pin2(), holder.case);
        println!("{id:<28} PIN {pin}  PIN2 {pin2}  {case}: --profile kta");
    }
}

fn demo(wishes: &Wishes, interruption: &Interruption) -> Result<()> {
    let terminal = Terminal::new();
    let holder = holder(&wishes.holder)?;
    terminal.title("Latchkey: a sign-in with an ID card, end to end");

    let set = terminal.step(interruption, "Sample people, their cards and a test PKI", || {
        let set = SampleSet::write()?;
        Ok((format!("{} invented holders; TEST KEYS", sample_holders().len()), set))
    })?;
    let mut cards = terminal.step(interruption, "Smart card service", || {
        let cards = Cards::start(&set, 1)?;
        Ok((format!("a private pcscd with the reader \"{}\"", cards.reader_name(1).unwrap_or_default()), cards))
    })?;
    terminal.step(interruption, "Card inserted", || {
        cards.insert(holder.id, 1)?;
        Ok((format!("the card of {} ({})", holder.id, holder.case), ()))
    })?;
    let portal = terminal.step(interruption, "Portal", || {
        let portal = Portal::start(&set)?;
        Ok((format!("{} with an embedded database, HTTPS under a test CA", portal.address()), portal))
    })?;

    let mut client = cards.client()?;
    client.args(["--lang", &wishes.language, "sign-in", &portal.address(), "--ca-file"]).arg(set.tls_authority());
    terminal.command(&format!("latchkey sign-in {} --ca-file tls/ca.pem", portal.address()));
    terminal.note(&format!("The sample PIN is {}.", holder.pin));
    if wishes.unattended {
        unattended(&mut client, &holder)?;
    }
    let accepted = interruption.run(&mut client)?;

    terminal.step(interruption, "Everything put away", || {
        drop(cards);
        portal.stop()?;
        Ok(("card, card service, portal, files".to_owned(), drop(set)))
    })?;
    if !accepted {
        bail!("the portal did not accept the sign-in");
    }
    terminal.title("The portal knows who signed in.");
    Ok(())
}

/// Lets the client take its answers from a pipe, in place of a person.
fn unattended(client: &mut Command, holder: &Holder) -> Result<()> {
    client.arg("--yes");
    if holder.pin_state == PinState::Pins {
        client.arg("--allow-last-try");
        give_secrets(client, &[holder.can, holder.pin])
    } else {
        give_secrets(client, &[holder.pin])
    }
}
