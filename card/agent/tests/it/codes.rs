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

#[test]
fn the_process_is_hardened() {
    latchkey_agent::harden_process().unwrap();
    assert_eq!(rustix::process::getrlimit(rustix::process::Resource::Core).maximum, Some(0));
    let dumpable = rustix::process::dumpable_behavior().unwrap();
    assert_eq!(dumpable, rustix::process::DumpableBehavior::NotDumpable);
}
