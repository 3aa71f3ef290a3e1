//! The desktop client for anyone to try: with a virtual card, a local portal, and a browser that shows it.
//!
//! Exit codes: 0 the person ended the client; 1 a part failed, or there is no screen; 2 wrong use; 130 interrupted.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use latchkey_fixtures::holders::Holder;
use latchkey_tests::desktop::{
    AssistiveTool, Browser, Desktop, LoopbackPermission, Portals, Screen, Wanted, managed_settings,
};
use latchkey_tests::process::Process;
use latchkey_tests::show::{Interruption, Terminal, perform};
use latchkey_tests::stage::{Cards, Portal, SampleSet, free_port, holder};

const USAGE: &str = "\
Usage: ./dev app [--holder NAME] [--lang be|ru|en] [--screenshot FILE]

Opens the client's window and a browser at a local portal, with a virtual card in a virtual reader.

  --holder NAME      whose card; without it, an ordinary citizen's. ./dev demo --holder list names them
  --lang LANGUAGE    language of the client program
  --screenshot FILE  needs no screen of yours: keeps a picture of the window (PNG) and ends

Exit codes: 0 you ended the client; 1 something failed, or there is no screen; 2 wrong use; 130 interrupted";

/// How often it is looked whether the person has ended the client.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    perform(USAGE, Wishes::from_arguments(std::env::args().skip(1)), ExitCode::from(130), run)
}

/// What was asked for on the command line.
struct Wishes {
    holder: String,
    language: String,
    screenshot: Option<PathBuf>,
}

impl Wishes {
    /// `None`: help is wanted.
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut wishes = Self { holder: "hanna-vydumanaya".to_owned(), language: "en".to_owned(), screenshot: None };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--holder" => wishes.holder = value()?,
                "--lang" => wishes.language = value()?,
                "--screenshot" => wishes.screenshot = Some(value()?.into()),
                "--help" | "-h" => return Ok(None),
                other => return Err(format!("unknown argument {other:?}")),
            }
        }
        Ok(Some(wishes))
    }
}

fn run(wishes: &Wishes, interruption: &Interruption) -> Result<()> {
    let terminal = Terminal::new();
    let holder = holder(&wishes.holder)?;
    let mut screen = screen(wishes)?;
    terminal.title("Latchkey with a virtual card");
    let set = SampleSet::write()?;
    let port = free_port()?;
    let mut cards = terminal.step(interruption, "Card", || {
        let mut cards = Cards::start(&set, 1)?;
        cards.insert(holder.id, 1)?;
        Ok((format!("of {} ({}), in \"{}\"", holder.id, holder.case, cards.reader_name(1).unwrap_or_default()), cards))
    })?;
    let portal = terminal.step(interruption, "Portal", || {
        let portal = Portal::start_for_client(&set, port)?;
        Ok((portal.address(), portal))
    })?;
    let origins = [portal.origin()];
    let permission = LoopbackPermission::NotYetAsked;
    let portals =
        Portals { origins: &origins, authority: &set.tls_authority(), permission, language: &wishes.language };
    Browser::take_addresses(&mut screen, PROFILE, portals)?;
    let managed = managed_settings(&set, port, "")?.display().to_string();
    let arguments = ["--managed", &managed, "--lang", &wishes.language];
    let mut desktop = terminal.step(interruption, "The client's window", || {
        Ok(("latchkey-desktop".to_owned(), Desktop::start(&screen, &cards, &arguments)?))
    })?;
    if let Some(file) = &wishes.screenshot {
        keep_picture(&screen, file)?;
        println!("{}", file.display());
    } else {
        let mut chromium = Browser::for_a_person(&screen, PROFILE, portals)?;
        let browser = Process::start("Chromium", chromium.arg(portal.address()))?;
        terminal.note(&invitation(&holder, &set));
        wait_for_person(interruption, &mut desktop)?;
        drop(browser);
    }
    desktop.stop()?;
    cards.remove(1)?;
    Ok(())
}

/// The person's own screen; for a picture alone, one that nobody sees.
fn screen(wishes: &Wishes) -> Result<Screen> {
    if wishes.screenshot.is_some() {
        return Screen::virtual_one();
    }
    Screen::in_front_of_the_person()?.context(
        "There is no screen here. Run it where there is one, or over ssh -X. Without one:\n  \
         ./dev app --screenshot FILE   keeps a picture of the window\n  \
         ./dev demo --browser --yes    drives a whole sign-in by itself",
    )
}

/// The browser's profile, the same for the portal's page and for addresses that the client opens.
const PROFILE: &str = "browser";

fn invitation(holder: &Holder, set: &SampleSet) -> String {
    format!(
        "Your turn: sign in on the portal's page, or look at the card in the window.\n   \
         PIN {}, CAN {}, PUK {}.\n   \
         Pull the card out:  ./dev vcard --directory {directory} remove 1\n   \
         Put it in again:    ./dev vcard --directory {directory} insert {} 1\n   \
         Ctrl-C ends everything.",
        holder.pin,
        holder.can,
        holder.puk,
        holder.id,
        directory = set.path().display()
    )
}

fn wait_for_person(interruption: &Interruption, desktop: &mut Desktop) -> Result<()> {
    while !desktop.process().has_ended()? {
        interruption.check()?;
        thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

/// Waits until the window shows something to read.
fn keep_picture(screen: &Screen, file: &std::path::Path) -> Result<()> {
    let mut tool = AssistiveTool::start(screen)?;
    tool.wait_for(Wanted { role: Some("heading"), states: &["showing"], ..Wanted::default() })?;
    screen.picture_of("Latchkey", file)?;
    if !file.is_file() {
        bail!("{} was not written", file.display());
    }
    Ok(())
}
