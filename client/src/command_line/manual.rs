//! The manual pages: of the command line, made from the same command line and texts as the help, and of the programs
//! that are installed with it.

use clap::{Arg, Command};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::arguments::command;
use crate::texts::Texts;

/// A program that has a manual page in section 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manual {
    /// `latchkey`.
    CommandLine,
    /// `latchkey-agent`.
    Agent,
    /// `latchkey-desktop`.
    Desktop,
}

impl Manual {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CommandLine, Self::Agent, Self::Desktop];

    /// The program's name.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::CommandLine => "latchkey",
            Self::Agent => "latchkey-agent",
            Self::Desktop => "latchkey-desktop",
        }
    }

    /// The page of the program with that name.
    #[must_use]
    pub fn of(program: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|manual| manual.program() == program)
    }

    /// The page in roff.
    #[must_use]
    pub fn page(self, texts: &Texts) -> String {
        match self {
            Self::CommandLine => of_command_line(texts),
            Self::Agent => of_program(self, texts, ["man-agent", "man-agent-long"], &[]),
            Self::Desktop => of_program(
                self,
                texts,
                ["man-desktop", "man-desktop-long"],
                &[
                    ("--background", "", "man-desktop-background"),
                    ("--lang", "LANGUAGE", "help-lang"),
                    ("--managed", "FILE", "man-desktop-managed"),
                    ("--quit", "", "man-desktop-quit"),
                    ("", "LINK", "man-desktop-link"),
                ],
            ),
        }
    }
}

/// The program, then each of its commands.
fn of_command_line(texts: &Texts) -> String {
    let command = command(texts);
    let mut page = beginning(Manual::CommandLine, texts, "help-about");
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
    see_also(Manual::CommandLine, texts, &mut page);
    page.render()
}

/// A program that takes little on its command line: what it is in one line, then in paragraphs, then each argument
/// with its value and the key of its text.
fn of_program(manual: Manual, texts: &Texts, [about, long]: [&str; 2], arguments: &[(&str, &str, &str)]) -> String {
    let mut page = beginning(manual, texts, about);
    let mut synopsis = vec![bold(manual.program())];
    for (name, value, _) in arguments {
        synopsis.push(roman(" ["));
        synopsis.extend(argument(name, value));
        synopsis.push(roman("]"));
    }
    page.text(synopsis);
    section(&mut page, &texts.say("man-description"));
    paragraphs(&mut page, &texts.say(long));
    if !arguments.is_empty() {
        section(&mut page, &texts.say("help-arguments"));
    }
    for (name, value, text) in arguments {
        page.control("TP", []);
        page.text(argument(name, value));
        page.text([roman(texts.say(text))]);
    }
    see_also(manual, texts, &mut page);
    page.render()
}

fn argument(name: &str, value: &str) -> [Inline; 3] {
    let between = if name.is_empty() || value.is_empty() { "" } else { " " };
    [bold(name), roman(between), italic(value)]
}

/// Title, name, and the heading of the synopsis.
fn beginning(manual: Manual, texts: &Texts, about: &str) -> Roff {
    let mut page = Roff::new();
    let program = manual.program();
    page.control("TH", [program, "1", "", concat!("latchkey ", env!("CARGO_PKG_VERSION"))]);
    section(&mut page, &texts.say("man-name"));
    page.text([roman(format!("{program} - ")), roman(texts.say(about))]);
    section(&mut page, &texts.say("man-synopsis"));
    page
}

fn see_also(manual: Manual, texts: &Texts, page: &mut Roff) {
    section(page, &texts.say("man-see-also"));
    let others = Manual::ALL.into_iter().filter(|other| *other != manual);
    let mut line = Vec::new();
    for other in others {
        line.extend([roman(if line.is_empty() { "" } else { ", " }), bold(other.program()), roman("(1)")]);
    }
    page.text(line);
}

/// Every command that does something, under the usage line of each.
fn commands(page: &mut Roff, command: &Command) {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        if !subcommand.is_subcommand_required_set() {
            page.control("SS", [usage(subcommand).as_str()]);
            page.text([roman(subcommand.get_about().map(ToString::to_string).unwrap_or_default())]);
            subcommand.get_arguments().for_each(|argument| describe(page, argument));
        }
        commands(page, subcommand);
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
