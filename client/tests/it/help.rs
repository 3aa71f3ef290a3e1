//! Help, usage, exit codes: what needs no card.

use latchkey_client::command_line::{Manual, command};
use latchkey_client::texts::{self, Language};

use crate::binary::{latchkey, run};

#[test]
fn the_command_line_is_well_formed_in_every_language() {
    for language in Language::ALL {
        command(&texts::texts(language)).debug_assert();
    }
}

#[test]
fn help_is_in_the_language_that_was_asked_for() {
    for (arguments, words) in [
        (["--lang", "be", "--help"], "Коды завяршэння"),
        (["--lang", "ru", "--help"], "Коды завершения"),
        (["--help", "--lang", "en"], "Exit codes"),
        (["sign-in", "--lang=be", "--help"], "Адрас партала"),
        (["pin", "unblock", "--help"], "Set a new PIN as well"),
    ] {
        let ran = run(latchkey().args(arguments));
        assert_eq!(ran.code, 0, "{arguments:?}");
        assert!(ran.out.contains(words) && ran.err.is_empty(), "{arguments:?}: {ran:?}");
    }
    let by_locale = run(latchkey().env("LANG", "be_BY.UTF-8").arg("--help"));
    assert!(by_locale.out.contains("Каманды"));
}

#[test]
fn help_in_other_languages_has_no_english_sentences() {
    for language in [Language::Belarusian, Language::Russian] {
        for arguments in
            [&["--help"][..], &["sign-in", "--help"], &["card", "--help"], &["pin", "deactivate", "--help"]]
        {
            let ran = run(latchkey().args(["--lang", language.code()]).args(arguments));
            for word in ["Usage", "Options", "Print", "OPTIONS", "Arguments", "Commands", "COMMAND"] {
                assert!(!ran.out.contains(word), "{}: {arguments:?} has {word}:\n{}", language.code(), ran.out);
            }
        }
    }
}

#[test]
fn wrong_usage_is_explained() {
    let rows: [(&str, &[&str], &str); 7] = [
        ("no command", &[], "usage-missing"),
        ("no URL", &["sign-in"], "usage-missing"),
        ("an unknown command", &["frobnicate"], "usage-unknown"),
        ("an unknown argument", &["card", "--pin=123456"], "usage-"),
        ("a PIN as an argument", &["card", "--pin", "123456"], "usage-unknown"),
        ("a descriptor that is no number", &["card", "--pin-fd", "x"], "usage-value"),
        ("another language", &["--lang", "pl", "readers"], "usage-value"),
    ];
    for (name, arguments, code) in rows {
        let ran = run(latchkey().args(arguments));
        assert_eq!(ran.code, 2, "{name}: {ran:?}");
        assert!(ran.err.contains(&format!("Code: {code}")), "{name}: {ran:?}");
        assert!(ran.out.is_empty(), "{name}");
    }
}

#[test]
fn what_fails_before_a_card_is_needed_has_its_exit_code() {
    let rows: [(&str, &[&str], i32, &str); 7] = [
        (
            "a trust file without end",
            &["sign-in", "https://portal.example", "--ca-file", "/dev/zero"],
            2,
            "ca-file-unreadable",
        ),
        ("no service", &["readers"], 3, "no-service"),
        ("no service for a card", &["card"], 3, "no-service"),
        ("an address without https", &["sign-in", "http://portal.example"], 2, "portal-address-invalid"),
        (
            "a trust file that is not there",
            &["sign-in", "https://portal.example", "--ca-file", "/nonexistent"],
            2,
            "ca-file-unreadable",
        ),
        ("a portal that is not there", &["sign-in", "https://127.0.0.1:1", "--yes"], 8, "portal-unreachable"),
        ("a descriptor that is not there", &["card", "--pin", "--pin-fd", "999"], 6, "no-prompt"),
    ];
    for (name, arguments, exit, code) in rows {
        let ran = run(latchkey().args(arguments));
        assert_eq!(ran.code, exit, "{name}: {ran:?}");
        assert!(ran.err.ends_with(&format!("Code: {code}\n")), "{name}: {ran:?}");
    }
}

#[test]
fn a_failure_as_json_has_code_and_words() {
    let ran = run(latchkey().args(["--lang", "be", "card", "--json"]));
    assert_eq!(ran.code, 3);
    let error = &ran.json()["error"];
    assert_eq!(error["code"], "no-service");
    assert!(error["what"].as_str().unwrap().contains("Служба смарт-картак"));
    assert!(error["todo"].as_str().unwrap().contains("pcscd"));
}

#[test]
fn the_manual_page_names_every_command_and_option() {
    for language in Language::ALL {
        let texts = texts::texts(language);
        let page = Manual::CommandLine.page(&texts);
        for name in [
            "readers",
            "card",
            "sign-in",
            "pin unblock",
            "pin deactivate",
            "serve",
            "\\-\\-pin\\-fd",
            "\\-\\-ca\\-file",
            "URL",
        ] {
            assert!(page.contains(name), "{}: {name} is missing:\n{page}", language.code());
        }
        let headings: Vec<_> = page.lines().filter(|line| line.starts_with(".SH")).collect();
        assert_eq!(headings.len(), 7, "{headings:?}");
        assert!(!page.contains("completions"), "hidden commands stay hidden");
        let foreign = ["OPTIONS", "COMMAND", "Usage"].iter().find(|word| page.contains(**word));
        assert!(language == Language::English || foreign.is_none(), "{}: {foreign:?}", language.code());
    }
}

#[test]
fn every_program_has_a_manual_page_in_every_language() {
    for language in Language::ALL {
        for manual in Manual::ALL {
            let ran = run(latchkey().args(["--lang", language.code(), "man", manual.program()]));
            assert_eq!(ran.code, 0, "{ran:?}");
            let page = ran.out.replace('\\', "");
            assert!(page.contains(&format!(".TH {}", manual.program())), "{page}");
            let others = Manual::ALL.into_iter().filter(|other| *other != manual);
            for other in others {
                assert!(page.contains(&format!("{}fR(1)", other.program())), "{page}");
            }
            assert!(!page.contains("man-"), "a text is missing: {page}");
        }
    }
    assert_eq!(run(latchkey().args(["man", "latchkey-portal"])).code, 2);
}

#[test]
fn the_manual_page_says_how_to_sign_in() {
    let ran = run(latchkey().arg("man"));
    assert_eq!(ran.code, 0);
    let from = ran.out.find(".SS \"latchkey sign").unwrap();
    let section = &ran.out[from..from + ran.out[from + 1..].find(".SS").unwrap() + 1];
    let expected = include_str!("manual-of-sign-in.txt");
    assert_eq!(section, expected, "the manual changed; if it should have, change the file");
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(latchkey().args(["completions", shell]));
        assert_eq!(ran.code, 0, "{shell}");
        assert!(ran.out.contains("sign-in"), "{shell}");
    }
}

#[test]
fn when_nobody_listens_the_exit_code_still_tells() {
    let (listener, speaker) = std::io::pipe().unwrap();
    drop(listener);
    let ended = latchkey().args(["card", "--json"]).stderr(speaker.try_clone().unwrap()).stdout(speaker).status();
    assert_eq!(ended.unwrap().code(), Some(3));
}
