//! The command line, which browsers fill with what pages say.

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use latchkey_client::texts::Language;
use latchkey_desktop::arguments::{Start, Wanted};
use proptest::prelude::*;

fn read(arguments: &[&str]) -> Option<Start> {
    match Wanted::read(arguments.iter().map(OsString::from)) {
        Ok(Wanted::Running(start)) => Some(start),
        Ok(Wanted::Help | Wanted::Version) | Err(_) => None,
    }
}

#[test]
fn each_argument_means_one_thing() {
    let link = "latchkey:sign-in?portal=x".to_owned();
    let rows: [(&[&str], Start); 8] = [
        (&[], Start::default()),
        (&["--background"], Start { in_background: true, ..Start::default() }),
        (&["--quit"], Start { quits: true, ..Start::default() }),
        (&["--managed", "a.toml"], Start { managed: Some("a.toml".into()), ..Start::default() }),
        (&["--lang", "be"], Start { language: Some(Language::Belarusian), ..Start::default() }),
        (&["--continue"], Start { continues: true, ..Start::default() }),
        (&["--rest", "7"], Start { rest: Some(Duration::from_secs(7)), ..Start::default() }),
        (&[&link], Start { link: Some(link.clone()), ..Start::default() }),
    ];
    for (arguments, expected) in rows {
        assert_eq!(read(arguments), Some(expected), "{arguments:?}");
    }
    for arguments in [
        &["--managed"][..],
        &["--lang", "xx"],
        &["page.html"],
        &["--rest", "x"],
        &["--devtools"],
        &["https://portal.example"],
        &["--"],
    ] {
        assert!(Wanted::read(arguments.iter().map(OsString::from)).is_err(), "{arguments:?}");
    }
    assert_eq!(Wanted::read(["--help".into()]), Ok(Wanted::Help));
    assert_eq!(Wanted::read(["--version".into()]), Ok(Wanted::Version));
}

#[test]
fn a_start_anew_says_what_the_first_one_did_but_for_its_wish() {
    let first = ["--managed", "a b.toml", "--lang", "ru", "--rest", "7", "latchkey:sign-in?portal=x"];
    let first = read(&first).unwrap();
    for in_background in [true, false] {
        let anew = first.anew(in_background);
        let anew: Vec<_> = anew.iter().map(|argument| argument.to_str().unwrap()).collect();
        let expected = Start { in_background, continues: true, link: None, ..first.clone() };
        assert_eq!(read(&anew), Some(expected));
    }
}

proptest! {
    /// Whatever a page puts into a link, it stays a link.
    #[test]
    fn a_link_never_becomes_an_option(rest in ".{0,80}") {
        let link = format!("latchkey:{rest}");
        let start = read(&[&link]).unwrap();
        prop_assert_eq!(start, Start { link: Some(link), ..Start::default() });
    }
}

#[test]
fn the_binary_explains_itself_and_refuses_what_it_does_not_know() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-desktop"));
        command.args(arguments).env_clear().env("LANG", "en_GB.UTF-8").output().unwrap()
    };
    let help = run(&["--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    assert_eq!(help.status.code(), Some(0));
    for argument in ["--background", "--quit", "--managed", "--lang", "--help", "--version", "LINK", "2 wrong usage"] {
        assert!(text.contains(argument), "{argument}: {text}");
    }
    let version = run(&["--version"]);
    assert_eq!(version.stdout, format!("latchkey-desktop {}\n", env!("CARGO_PKG_VERSION")).as_bytes());
    let refused = run(&["--remote-debugging-port=9222"]);
    assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(2), &b""[..]));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("--remote-debugging-port"));
}
