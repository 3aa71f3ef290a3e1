//! That a search finds what is there to find: a mistake planted in a copy of the TLV reader.

use std::process::Command;

use crate::sources::root;

/// What `./dev fuzz all` gives each target, in seconds.
const SMOKE_BUDGET: &str = "10";

#[test]
fn a_mistake_planted_in_the_tlv_reader_is_found_within_the_smoke_budget() {
    let script = std::fs::read_to_string(root().join("dev")).unwrap();
    assert!(script.contains(&format!("fuzz_one \"$target\" \"${{seconds:-{SMOKE_BUDGET}}}\"")));
    let output = Command::new(root().join("dev")).args(["fuzz", "planted", SMOKE_BUDGET]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "nothing was found:\n{said}");
    assert!(said.contains("an object has one encoding") && said.contains("Test unit written to"), "{said}");
}
