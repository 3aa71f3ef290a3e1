//! The manual page, made from the same command line and texts as the help.

use clap::{Arg, Command};
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::arguments::command;
use crate::texts::Texts;

/// The manual page `latchkey(1)` in roff: the program, then each of its commands.
#[must_use]
pub fn manual_page(texts: &Texts) -> String {
    let command = command(texts);
    let mut page = Roff::new();
    page.control("TH", ["latchkey", "1", "", concat!("latchkey ", env!("CARGO_PKG_VERSION"))]);
    section(&mut page, &texts.say("man-name"));
    page.text([roman("latchkey - "), roman(texts.say("help-about"))]);
    section(&mut page, &texts.say("man-synopsis"));
    page.text([roman(usage(&command))]);
    section(&mut page, &texts.say("man-description"));
    paragraphs(&mut page, &texts.say("help-long-about"));
    section(&mut page, &texts.say("help-commands"));
    commands(&mut page, &command);
    section(&mut page, &texts.say("help-global-options"));
    command.get_arguments().for_each(|argument| describe(&mut page, argument));
    let exit_codes = texts.say("help-exit-codes");
    let (heading, codes) = exit_codes.split_once('\n').unwrap_or((&exit_codes, ""));
    section(&mut page, heading.trim_end_matches(':'));
    page.control("nf", []);
    codes.lines().for_each(|line| _ = page.text([roman(line.trim())]));
    page.control("fi", []);
    page.render()
}

/// Every command that does something, under the usage line of each.
fn commands(page: &mut Roff, command: &Command) {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        if subcommand.has_subcommands() {
            commands(page, subcommand);
            continue;
        }
        page.control("SS", [usage(subcommand).as_str()]);
        page.text([roman(subcommand.get_about().map(ToString::to_string).unwrap_or_default())]);
        subcommand.get_arguments().for_each(|argument| describe(page, argument));
    }
}

fn describe(page: &mut Roff, argument: &Arg) {
    let mut names = Vec::new();
    if let Some(short) = argument.get_short() {
        names.extend([bold(format!("-{short}")), roman(", ")]);
    }
    if let Some(long) = argument.get_long() {
        names.push(bold(format!("--{long}")));
    }
    if argument.get_action().takes_values() {
        for value in argument.get_value_names().unwrap_or_default() {
            if !names.is_empty() {
                names.push(roman(" "));
            }
            names.push(italic(value.as_str()));
        }
    }
    page.control("TP", []);
    page.text(names);
    page.text([roman(argument.get_help().map(ToString::to_string).unwrap_or_default())]);
}

fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    // What clap puts before the usage line that was set is its own word for it.
    usage.split_once(": ").map_or(usage.clone(), |(_, usage)| usage.to_owned())
}

fn section(page: &mut Roff, heading: &str) {
    page.control("SH", [heading.to_uppercase().as_str()]);
}

fn paragraphs(page: &mut Roff, text: &str) {
    for (index, paragraph) in text.split("\n\n").enumerate() {
        if index > 0 {
            page.control("PP", []);
        }
        page.text([roman(paragraph.replace('\n', " "))]);
    }
}
