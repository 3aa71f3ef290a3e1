//! Fuzzes the parser that the variable LATCHKEY_FUZZ_TARGET names. Its targets are functions of the fixtures, so that an
//! ordinary test replays what fuzzing found.
#![no_main]

use std::sync::LazyLock;

use latchkey_fixtures::fuzz::{Target, target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("LATCHKEY_FUZZ_TARGET").expect("LATCHKEY_FUZZ_TARGET names a target");
    target(&name).expect("LATCHKEY_FUZZ_TARGET names a known target")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));
