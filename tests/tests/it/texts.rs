//! What a portal can refuse with has words in the client, in every language.

use std::collections::BTreeSet;

use latchkey_client::advice::Advice;
use latchkey_client::texts::{self, Language};
use latchkey_portal::http::Refusal;
use latchkey_portal::terminal::TerminalRefusal;
use latchkey_verify::Rejection;

use crate::sources::root;

fn codes() -> BTreeSet<&'static str> {
    Rejection::CODES.into_iter().chain(Refusal::OWN_CODES).chain(TerminalRefusal::CODES).collect()
}

#[test]
fn every_code_that_a_portal_answers_with_is_listed() {
    let lists = [
        ("portal/verify/src/rejection.rs", &Rejection::CODES[..]),
        ("portal/server/src/http/refusal.rs", &Refusal::OWN_CODES[..]),
        ("portal/server/src/terminal/refusal.rs", &TerminalRefusal::CODES[..]),
    ];
    for (file, listed) in lists {
        let source = std::fs::read_to_string(root().join(file)).unwrap();
        let answers = source.lines().filter_map(|line| line.split_once(" => \"")?.1.strip_suffix("\","));
        // What is not a code is a sentence.
        let given: BTreeSet<_> = answers.filter(|answer| !answer.contains(' ')).collect();
        assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), given, "{file}");
        assert_eq!(listed.len(), given.len(), "{file} lists a code twice");
    }
}

#[test]
fn every_refusal_says_what_happened_and_what_to_do() {
    for language in Language::ALL {
        let texts = texts::texts(language);
        let mut said = BTreeSet::new();
        for code in codes() {
            let code = format!("portal-refused-{code}");
            let name = format!("{}: {code}", language.code());
            let happened =
                texts.what_happened(&code, &[]).unwrap_or_else(|| panic!("{name} does not say what happened"));
            let to_do = texts.what_to_do(&code, &[]).unwrap_or_else(|| panic!("{name} does not say what to do"));
            assert!(happened.ends_with('.') && to_do.ends_with('.'), "{name} is no sentence");
            assert_ne!(happened, to_do, "{name}");
            assert!(said.insert(happened), "{name} says the same as another code");
        }
    }
}

#[test]
fn every_refusal_has_its_advice_in_the_window() {
    let advised: BTreeSet<_> = Advice::codes().filter_map(|code| code.strip_prefix("portal-refused-")).collect();
    assert_eq!(advised, codes());
}

#[test]
fn no_refusal_has_words_that_no_portal_provokes() {
    let codes = codes();
    for language in Language::ALL {
        let keys = texts::source(language).lines().filter_map(|line| line.strip_prefix("failure-portal-refused-"));
        for key in keys {
            let code = key.split(' ').next().unwrap();
            assert!(codes.contains(code), "{}: no portal answers with {code}", language.code());
        }
    }
}
