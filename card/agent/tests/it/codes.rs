//! Codes are a promise.

use std::collections::BTreeSet;

use latchkey_agent::Failure;

#[test]
fn every_code_is_listed_once() {
    let source = include_str!("../../src/failure.rs");
    let given: BTreeSet<_> = source
        .lines()
        .filter_map(|line| line.trim().split_once(" => \"")?.1.strip_suffix("\","))
        .chain(["payment-card", "travel-document", "piv-card", "openpgp-card", "unknown-card"])
        .collect();
    let listed: BTreeSet<_> = Failure::CODES.into_iter().collect();
    assert_eq!(listed, given);
    assert_eq!(listed.len(), Failure::CODES.len(), "a code is listed twice");
}

/// Codes for what cannot be provoked: the agent's own mistakes.
const UNPROVOKED: &[&str] = &["agent-fault"];

#[test]
fn every_code_is_provoked_by_a_test() {
    let here = [
        include_str!("accidents.rs"),
        include_str!("deployed.rs"),
        include_str!("documents.rs"),
        include_str!("fault_matrix.rs"),
        include_str!("managing.rs"),
        include_str!("pin_care.rs"),
        include_str!("sign_in.rs"),
        include_str!("terminal.rs"),
        include_str!("terminal_session.rs"),
        include_str!("wire.rs"),
    ]
    .concat();
    // Tests name a code or its variant, which is the line before it in `fn code`.
    let source = include_str!("../../src/failure.rs");
    let variant_of = |code: &str| {
        let line = source.lines().find(|line| line.contains("Self::") && line.contains(&format!("=> \"{code}\"")));
        line.map(|line| line.trim().trim_start_matches("Self::").split([' ', '(']).next().unwrap().to_owned())
    };
    let unprovoked: Vec<_> = Failure::CODES
        .into_iter()
        .filter(|code| {
            let by_variant = variant_of(code).is_some_and(|name| {
                here.contains(&format!("Failure::{name}")) || here.contains(&format!("NoSecret::{name}"))
            });
            !by_variant && !here.contains(&format!("\"{code}\"")) && !UNPROVOKED.contains(code)
        })
        .collect();
    assert!(unprovoked.is_empty(), "no test provokes {unprovoked:?}");
}

#[test]
fn the_process_is_hardened() {
    latchkey_agent::harden_process().unwrap();
    assert_eq!(rustix::process::getrlimit(rustix::process::Resource::Core).maximum, Some(0));
    let dumpable = rustix::process::dumpable_behavior().unwrap();
    assert_eq!(dumpable, rustix::process::DumpableBehavior::NotDumpable);
}
