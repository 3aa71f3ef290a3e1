//! The demo of a fault: a sign-in that has to be refused, and how.

use anyhow::{Result, bail};
use latchkey_tests::faults::{Ended, Ends, FAULTS, fault, play};
use latchkey_tests::show::{Interruption, Terminal};

/// Prints the names of all faults, with what goes wrong.
pub(crate) fn list() {
    for fault in FAULTS {
        println!("{:<28}{}", fault.name, fault.what);
    }
}

/// Whether there is a fault of that name.
pub(crate) fn is_known(name: &str) -> bool {
    fault(name).is_some()
}

/// Plays a fault. It goes well only if the sign-in ends exactly as it must.
pub(crate) fn demo(name: &str, language: &str, interruption: &Interruption) -> Result<()> {
    let Some(fault) = fault(name) else { bail!("there is no fault {name:?}") };
    let terminal = Terminal::new();
    terminal.title(&format!("Latchkey: {}", fault.what));
    let ended = terminal.step(interruption, "A sign-in with this fault", || {
        let mut said = Vec::new();
        let ended = play(fault, language, &mut |line| said.push(line.to_owned()))?;
        let lines: String = said.iter().map(|line| format!("\n   | {line}")).collect();
        Ok((format!("{lines}\n  "), ended))
    })?;
    terminal.step(interruption, "Refused as it must be", || compare(&ended, &fault.ends).map(|told| (told, ())))?;
    terminal.title(&format!("{}: {} {}", ended.code, ended.what_happened, ended.what_to_do));
    Ok(())
}

fn compare(ended: &Ended, ends: &Ends) -> Result<String> {
    let Ended { code, exit, pin, accepted, .. } = ended;
    let exit = exit.map_or_else(|| "none".to_owned(), |exit| exit.to_string());
    let told = format!("code {code}, exit code {exit}, PIN left in state {pin}, sign-ins accepted: {accepted}");
    if !ended.is(ends) {
        let Ends { code, exit, pin, accepted } = ends;
        let pin = pin.name();
        bail!("{told}; but it must be: code {code}, exit code {exit}, PIN in state {pin}, accepted: {accepted}");
    }
    Ok(told)
}
