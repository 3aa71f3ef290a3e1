//! The binary `latchkey`.

use std::process::ExitCode;

use time::OffsetDateTime;

fn main() -> ExitCode {
    let hardened = latchkey_agent::harden_process();
    #[expect(clippy::disallowed_methods, reason = "the clock is read here and is an argument everywhere else")]
    let clock = OffsetDateTime::now_utc;
    latchkey_client::command_line::run(std::env::args_os(), clock, hardened)
}
