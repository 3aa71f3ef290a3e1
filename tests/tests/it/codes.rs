//! The catalogue of all codes, `docs/codes.md`: generated from the programs, and a test for each code that provokes it.
//! Where the catalogue differs from what they say now, the test writes it anew if it is told to:
//! `LATCHKEY_WRITE_CODES=yes cargo test -p latchkey-tests --test it codes`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use latchkey_client::command_line::{CommandFailure, UsageFailure};
use latchkey_client::desk::RequestFailure;
use latchkey_client::documents::{DocumentFailure, FAULT_CODES};
use latchkey_client::guest::GuestFailure;
use latchkey_client::history::HistoryFailure;
use latchkey_client::portal::PortalFailure;
use latchkey_client::service::{ServiceFailure, ServiceRefusal};
use latchkey_client::settings::SettingsFailure;
use latchkey_client::sign_in::link::LinkFailure;
use latchkey_client::texts::{self, Language};
use latchkey_client::update::UpdateFailure;
use latchkey_portal::http::Refusal;
use latchkey_portal::terminal::TerminalRefusal;
use latchkey_verify::Rejection;

use crate::sources::{root, rust_sources};

/// Codes of one source.
struct Section {
    title: &'static str,
    /// What stands in front of the code where its words are.
    prefix: &'static str,
    /// Where the codes are given.
    sources: &'static [&'static str],
    /// The type whose variants they are.
    of: &'static str,
    codes: Vec<&'static str>,
}

/// What no test provokes, and why.
const UNPROVOKED: &[(&str, &str)] = &[
    ("agent-fault", "the agent's own mistakes, of which none is known"),
    ("process-not-protected", "no Linux refuses a process to protect its own memory"),
    ("usage-wrong", "what is left when every way to mistake an argument has a name"),
];

const CLIENT: &str = "client/src";
const AGENT: &str = "card/agent/src/failure.rs";

fn sections() -> Vec<Section> {
    let section =
        |title, of, sources, codes: &[&'static str]| Section { title, prefix: "", sources, of, codes: codes.to_vec() };
    let of_portal = |title, of, sources, codes: &[&'static str]| Section {
        prefix: "portal-refused-",
        ..section(title, of, sources, codes)
    };
    vec![
        section("The card, its reader, the holder", "Failure", &[AGENT], &latchkey_agent::Failure::CODES),
        section("The portal and the way to it", "PortalFailure", &["client/src/portal.rs"], &PortalFailure::CODES),
        of_portal(
            "What a portal's verification refuses",
            "Rejection",
            &["portal/verify/src/rejection.rs"],
            &Rejection::CODES,
        ),
        of_portal(
            "What a portal refuses beside that",
            "Refusal",
            &["portal/server/src/http/refusal.rs"],
            &Refusal::OWN_CODES,
        ),
        of_portal(
            "What a portal's terminal refuses",
            "TerminalRefusal",
            &["portal/server/src/terminal/refusal.rs"],
            &TerminalRefusal::CODES,
        ),
        section("Documents", "DocumentFailure", &[CLIENT], &DocumentFailure::CODES),
        section("Why a signature does not count", "SignatureFault", &[CLIENT], &FAULT_CODES),
        section("Requests of pages and links", "RequestFailure", &[CLIENT], &RequestFailure::OWN_CODES),
        section("Links", "LinkFailure", &[CLIENT], &LinkFailure::CODES),
        section("The local service", "ServiceFailure", &[CLIENT], &ServiceFailure::CODES),
        section("What the local service refuses", "ServiceRefusal", &[CLIENT], &ServiceRefusal::OWN_CODES),
        section("Settings", "SettingsFailure", &[CLIENT], &SettingsFailure::CODES),
        section("Guests", "GuestFailure", &[CLIENT], &GuestFailure::CODES),
        section("Remembered sign-ins", "HistoryFailure", &[CLIENT], &HistoryFailure::CODES),
        section("Newer versions", "UpdateFailure", &[CLIENT], &UpdateFailure::CODES),
        section("The command line", "UsageFailure", &[CLIENT], &UsageFailure::CODES),
        section("The program", "CommandFailure", &[CLIENT], &CommandFailure::OWN_CODES),
    ]
}

#[test]
fn the_catalogue_of_codes_has_the_texts_of_the_programs() {
    let texts = texts::texts(Language::English);
    let mut catalogue = String::from(HEAD);
    for Section { title, prefix, codes, .. } in sections() {
        write!(catalogue, "\n## {title}\n\n| Code | What happened | What to do |\n|---|---|---|\n").unwrap();
        for code in codes {
            let worded = format!("{prefix}{code}");
            let happened = cell(texts.what_happened(&worded, &[]).unwrap());
            let to_do = cell(texts.what_to_do(&worded, &[]).unwrap());
            writeln!(catalogue, "| `{code}` | {happened} | {to_do} |").unwrap();
        }
    }
    let file = root().join("docs/codes.md");
    if std::env::var_os("LATCHKEY_WRITE_CODES").is_some() {
        fs::write(&file, &catalogue).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == catalogue, "{} is stale: write it anew with LATCHKEY_WRITE_CODES=yes", file.display());
}

#[test]
fn every_code_that_has_texts_is_provoked_by_a_test() {
    let tests = tests();
    let mut faults = Vec::new();
    for section in sections() {
        for code in &section.codes {
            let is_provoked = is_provoked(&section, code, &tests);
            if is_provoked == reason(code).is_some() {
                faults.push(format!(
                    "{code}: {}",
                    if is_provoked { "provoked after all" } else { "no test provokes it" }
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

const HEAD: &str = "# Codes

Every failure that people or programs meet has one stable code, and two texts in each language: what happened, and what to
do. This catalogue is generated from the programs, and a test keeps it so; another fails on a code that no test provokes.
Words in braces are filled in.
";

fn reason(code: &str) -> Option<&'static str> {
    UNPROVOKED.iter().find(|(unprovoked, _)| *unprovoked == code).map(|(_, reason)| *reason)
}

fn cell(text: String) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text of every test, but of those that only count codes or words.
fn tests() -> Vec<String> {
    const COUNT_ONLY: [&str; 6] =
        ["codes.rs", "texts.rs", "advice.rs", "samples.rs", "every_failure.rs", "wire_messages.rs"];
    let is_wanted = |path: &std::path::Path| {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        path.components().any(|part| part.as_os_str() == "tests") && !COUNT_ONLY.contains(&file.as_str())
    };
    let sources = rust_sources(".").into_iter().filter(|(path, _)| is_wanted(path));
    sources.map(|(_, text)| text).chain(rejected_assertions()).collect()
}

/// The assertions that the verification must refuse: each file says in its first line by which code.
fn rejected_assertions() -> Vec<String> {
    let files = fs::read_dir(root().join("portal/verify/tests/rejected")).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    texts
        .map(|text| format!("{:?}", text.lines().next().and_then(|line| line.strip_prefix("expect: ")).unwrap()))
        .collect()
}

/// Whether a test names the code, or else its variant.
fn is_provoked(section: &Section, code: &str, tests: &[String]) -> bool {
    let quoted = [format!("\"{code}\""), format!("Code: {code}\\n"), format!("\\\"{code}\\\"")];
    // Some tests call a type by another name: `SignatureFault as Fault`.
    let variants: Vec<_> =
        variants(section, code).iter().map(|variant| variant.replace("SignatureFault::", "Fault::")).collect();
    tests.iter().any(|test| {
        quoted.iter().any(|code| test.contains(code)) || variants.iter().any(|variant| contains_word(test, variant))
    })
}

fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let next = text[at + word.len()..].chars().next();
        !next.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

/// The variants that have this code, as the function that gives codes says: `Type::Variant`.
fn variants(section: &Section, code: &str) -> BTreeSet<String> {
    let mut variants = BTreeSet::new();
    for (_, text) in section.sources.iter().flat_map(|source| rust_sources(source)) {
        for line in text.lines().filter(|line| line.contains(&format!("=> \"{code}\""))) {
            let (pattern, _) = line.split_once("=>").unwrap();
            let path = |part: &str| part.trim().replace("Self::", &format!("{}::", section.of));
            // The innermost says most: `SignatureFault::Path(PathError::TooLong)`.
            let innermost = pattern.split('(').filter(|part| part.contains("::")).map(path).next_back();
            let name = |path: String| path.split([' ', ')', '{']).next().unwrap_or_default().to_owned();
            variants.extend(innermost.map(name));
        }
    }
    variants
}
