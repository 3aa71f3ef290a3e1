//! What fuzzing kept is replayed by an ordinary test.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;

use latchkey_fixtures::fuzz::{TARGETS, Target};

use crate::sources::root;

#[path = "../../../fuzz/programs/src/targets.rs"]
mod programs;

fn targets() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().chain(programs::TARGETS)
}

#[test]
fn every_kept_input_still_holds() {
    let folder = root().join("fuzz/corpus");
    let mut faults = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let target = targets()
            .find(|target| target.name == name)
            .unwrap_or_else(|| panic!("fuzz/corpus/{name} belongs to no target"));
        for input in fs::read_dir(folder.join(&name)).unwrap() {
            let path = input.unwrap().path();
            let octets = fs::read(&path).unwrap();
            if catch_unwind(|| (target.run)(&octets)).is_err() {
                faults.push(path.display().to_string());
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_target_has_kept_inputs() {
    let folder = root().join("fuzz/corpus");
    let without: BTreeSet<_> = targets()
        .map(|target| target.name)
        .filter(|name| fs::read_dir(folder.join(name)).map_or(0, Iterator::count) == 0)
        .collect();
    assert!(without.is_empty(), "targets without a corpus: {without:?}");
}
