//! Fuzzes what the program of the target in the variable LATCHKEY_FUZZ_TARGET reads.
#![no_main]

mod targets;

use std::sync::LazyLock;

use latchkey_fixtures::fuzz::Target;

use targets::TARGETS;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("LATCHKEY_FUZZ_TARGET").expect("LATCHKEY_FUZZ_TARGET names a target");
    TARGETS.iter().find(|target| target.name == name).expect("LATCHKEY_FUZZ_TARGET names a known target")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));
