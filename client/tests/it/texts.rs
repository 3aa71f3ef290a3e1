//! The client's texts: what they say of every failure, and how they are filled.

use std::collections::BTreeSet;

use latchkey_client::command_line::{CommandFailure, UsageFailure};
use latchkey_client::desk::RequestFailure;
use latchkey_client::documents::{DocumentFailure, FAULT_CODES};
use latchkey_client::guest::GuestFailure;
use latchkey_client::history::HistoryFailure;
use latchkey_client::portal::PortalFailure;
use latchkey_client::service::{ServiceFailure, ServiceRefusal};
use latchkey_client::settings::SettingsFailure;
use latchkey_client::sign_in::link::LinkFailure;
use latchkey_client::texts::{self, Filling, Language, printable};
use latchkey_client::update::UpdateFailure;

#[test]
fn every_code_says_what_happened_and_what_to_do() {
    let codes = latchkey_agent::Failure::CODES
        .into_iter()
        .chain(PortalFailure::CODES)
        .chain(LinkFailure::CODES)
        .chain(RequestFailure::OWN_CODES)
        .chain(ServiceFailure::CODES)
        .chain(ServiceRefusal::OWN_CODES)
        .chain(SettingsFailure::CODES)
        .chain(GuestFailure::CODES)
        .chain(UpdateFailure::CODES)
        .chain(HistoryFailure::CODES)
        .chain(DocumentFailure::CODES)
        .chain(FAULT_CODES)
        .chain(UsageFailure::CODES)
        .chain(CommandFailure::OWN_CODES);
    let codes: BTreeSet<_> = codes.collect();
    for language in Language::ALL {
        let texts = texts::texts(language);
        for code in &codes {
            let happened = texts.what_happened(code, &[]).unwrap_or_else(|| panic!("{}: {code}", language.code()));
            let to_do = texts.what_to_do(code, &[]).unwrap_or_else(|| panic!("{}: {code}", language.code()));
            assert!(!happened.is_empty() && !to_do.is_empty(), "{}: {code}", language.code());
            assert_ne!(happened, to_do, "{}: {code}", language.code());
        }
        for rest in texts::source(language).lines().filter_map(|line| line.strip_prefix("failure-")) {
            let code = rest.split(' ').next().unwrap();
            let known = codes.contains(code) || code.starts_with("portal-refused-");
            assert!(known, "{}.ftl: nothing fails with {code}", language.code());
        }
    }
}

#[test]
fn numbers_choose_the_right_plural() {
    let rows = [
        (Language::Belarusian, 1_u32, "1 спроба"),
        (Language::Belarusian, 2, "2 спробы"),
        (Language::Belarusian, 5, "5 спроб"),
        (Language::Belarusian, 21, "21 спроба"),
        (Language::Russian, 1, "1 попытка"),
        (Language::Russian, 3, "3 попытки"),
        (Language::Russian, 9, "9 попыток"),
        (Language::Russian, 12, "12 попыток"),
        (Language::English, 1, "1 try left"),
        (Language::English, 2, "2 tries left"),
    ];
    for (language, number, expected) in rows {
        for key in ["pin-usable", "ask-pin"] {
            let said = texts::texts(language).fill(key, &[("tries", number.into())]);
            assert!(said.contains(expected), "{key}: {said}");
        }
    }
    let blocked = texts::texts(Language::Russian).what_happened("pin-wrong", &[("tries", 0_u32.into())]);
    assert!(blocked.unwrap().contains("заблокирован"));
}

#[test]
fn a_strangers_text_cannot_steer_the_terminal() {
    let hostile = "Bank\u{1b}[2J\r\n\u{202e}latrop\u{7}\u{9b}31m\u{2066}\u{200f}";
    let shown = printable(hostile);
    assert!(!shown.chars().any(|shown| shown.is_control() || ('\u{200e}'..='\u{2069}').contains(&shown)), "{shown:?}");
    for unseen in ['\u{ad}', '\u{200b}', '\u{2060}', '\u{2066}', '\u{fe0f}', '\u{feff}', '\u{e0041}'] {
        assert_eq!(printable(&format!("a{unseen}b")), "a\u{fffd}b", "{unseen:?}");
    }
    assert_eq!(printable("Дом, ўласны – «é»"), "Дом, ўласны – «é»");
    let texts = texts::texts(Language::English);
    let said = texts.fill("ask-hand-over", &[("origin", "https://portal.example".into()), ("name", hostile.into())]);
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
    assert_eq!(Filling::from("plain, проста"), Filling::Text("plain, проста".into()));
}

#[test]
fn the_language_follows_the_locale() {
    let rows = [
        ("be_BY.UTF-8", Language::Belarusian),
        ("be-BY", Language::Belarusian),
        ("ru_RU.UTF-8", Language::Russian),
        ("RU", Language::Russian),
        ("en_GB", Language::English),
        ("pl_PL.UTF-8", Language::English),
        ("C", Language::English),
        ("", Language::English),
    ];
    for (locale, language) in rows {
        assert_eq!(Language::of_locale(locale), language, "{locale}");
    }
}
