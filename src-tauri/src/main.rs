//! The binary `latchkey-desktop`.

use std::process::ExitCode;

use time::OffsetDateTime;

fn main() -> ExitCode {
    if let Some(code) = latchkey_desktop::surroundings::start_again_in_right_ones() {
        return code;
    }
    latchkey_desktop::run(std::env::args_os(), now)
}

fn now() -> OffsetDateTime {
    #[expect(clippy::disallowed_methods, reason = "the clock is read here and is an argument everywhere else")]
    OffsetDateTime::now_utc()
}
