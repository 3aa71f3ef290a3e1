//! The three files of texts: complete, in step with each other and with the program, and each in its own language.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use latchkey_client::command_line::{CommandFailure, UsageFailure};
use latchkey_client::desk::RequestFailure;
use latchkey_client::guest::GuestFailure;
use latchkey_client::history::HistoryFailure;
use latchkey_client::portal::PortalFailure;
use latchkey_client::service::{ServiceFailure, ServiceRefusal};
use latchkey_client::settings::SettingsFailure;
use latchkey_client::sign_in::link::LinkFailure;
use latchkey_client::texts::{self, Filling, Language, printable};
use latchkey_client::update::UpdateFailure;

/// What a text consists of: its variables and the sets of plural forms it chooses by.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    variables: BTreeSet<String>,
    text: String,
}

/// Every text of a language by its key; attributes as `key.attribute`.
fn shapes(language: Language) -> BTreeMap<String, Shape> {
    let resource = fluent_syntax::parser::parse(texts::source(language))
        .unwrap_or_else(|(_, errors)| panic!("{}.ftl: {errors:?}", language.code()));
    let mut shapes = BTreeMap::new();
    for entry in &resource.body {
        let Entry::Message(message) = entry else { continue };
        let values = message.value.iter().map(|value| (message.id.name.to_owned(), value));
        let attributes = message.attributes.iter();
        let attributes =
            attributes.map(|attribute| (format!("{}.{}", message.id.name, attribute.id.name), &attribute.value));
        for (key, pattern) in values.chain(attributes) {
            let mut shape = Shape::default();
            read(pattern, &mut shape);
            assert!(shapes.insert(key.clone(), shape).is_none(), "{}.ftl says {key} twice", language.code());
        }
    }
    shapes
}

fn read(pattern: &Pattern<&str>, shape: &mut Shape) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => shape.text.push_str(value),
            PatternElement::Placeable { expression: Expression::Inline(inline) } => read_inline(inline, shape),
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                read_inline(selector, shape);
                variants.iter().for_each(|variant| read(&variant.value, shape));
            }
        }
    }
}

fn read_inline(inline: &InlineExpression<&str>, shape: &mut Shape) {
    match inline {
        InlineExpression::VariableReference { id } => _ = shape.variables.insert(id.name.to_owned()),
        InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
        other => panic!("texts use variables only, not {other:?}"),
    }
}

#[test]
fn every_language_says_the_same_things_with_the_same_variables() {
    let english = shapes(Language::English);
    for language in [Language::Belarusian, Language::Russian] {
        let other = shapes(language);
        let keys = |shapes: &BTreeMap<String, Shape>| shapes.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(&other), keys(&english), "{}.ftl", language.code());
        for (key, shape) in &other {
            assert_eq!(shape.variables, english[key].variables, "{}.ftl: {key}", language.code());
        }
    }
}

/// Texts that may be equal in Belarusian and Russian: what is spelt alike in both.
const ALIKE: &[&str] = &[
    "card-pin",
    "doctor-not-checked",
    "failed-code",
    "help-arguments",
    "help-options",
    "help-usage-options",
    "step-pin",
];

#[test]
fn belarusian_is_not_russian() {
    let (belarusian, russian) = (shapes(Language::Belarusian), shapes(Language::Russian));
    let equal: BTreeSet<_> =
        belarusian.iter().filter(|(key, shape)| **shape == russian[*key]).map(|(key, _)| key.as_str()).collect();
    let unexpected: Vec<_> = equal.iter().filter(|key| !ALIKE.contains(*key)).collect();
    assert!(unexpected.is_empty(), "Belarusian texts equal to the Russian ones: {unexpected:?}");
    let stale: Vec<_> = ALIKE.iter().filter(|key| !equal.contains(*key)).collect();
    assert!(stale.is_empty(), "these differ and need no exception: {stale:?}");
}

#[test]
fn each_alphabet_keeps_to_its_letters() {
    for (language, strangers) in [
        (Language::Belarusian, "ищъИЩЪ"),
        (Language::Russian, "іўІЎ"),
        (Language::English, "абвгдежзклмнпрстуфхцчшэюя"),
    ] {
        for (key, shape) in shapes(language) {
            let found: String = shape.text.chars().filter(|letter| strangers.contains(*letter)).collect();
            // The Russian and Belarusian yes are taken in every language.
            assert!(found.is_empty() || key == "yes-words", "{}.ftl: {key} has {found:?}", language.code());
        }
    }
}

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
        for key in shapes(language).keys() {
            let Some(code) = key.strip_prefix("failure-").filter(|code| !code.contains('.')) else { continue };
            let known = codes.contains(code) || code.starts_with("portal-refused-");
            assert!(known, "{}.ftl: nothing fails with {code}", language.code());
        }
    }
}

#[test]
fn nothing_is_said_that_no_text_has_and_no_text_is_never_said() {
    let mut sources = String::new();
    // The window's program says a few of them.
    for folder in ["src", "../src-tauri/src"] {
        for file in rust_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            sources.push_str(&fs::read_to_string(file).unwrap());
        }
    }
    let shapes = shapes(Language::English);
    let unused: Vec<_> =
        shapes.keys().filter(|key| !key.starts_with("failure-") && !sources.contains(&format!("\"{key}\""))).collect();
    assert!(unused.is_empty(), "never said: {unused:?}");
    for call in ["say(\"", "fill(\""] {
        for rest in sources.split(call).skip(1) {
            let key = rest.split('"').next().unwrap();
            assert!(shapes.contains_key(key), "there is no text of {key}");
        }
    }
}

fn rust_sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { rust_sources(&path) } else { vec![path] }).collect()
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
