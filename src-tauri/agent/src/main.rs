//! The agent as a process of its own: it owns cards and secrets, and asks for secrets in a window of its own. Requests
//! arrive on standard input and reports leave on standard output, as `latchkey_agent::wire` writes them.

mod arguments;
mod nowhere;

use std::io;
use std::process::ExitCode;

use arguments::Arguments;
use latchkey_agent::wire::serve;
use latchkey_agent::{Agent, harden_process};
use nowhere::Nowhere;

fn main() -> ExitCode {
    if let Err(error) = harden_process() {
        return fail(&error);
    }
    match Arguments::parse(std::env::args().skip(1), sys_locale::get_locale().as_deref()) {
        Ok(arguments) => work(arguments).unwrap_or_else(|error| fail(&*error)),
        Err(error) => fail(&error),
    }
}

fn work(arguments: Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    tracing::debug!(?arguments, "started");
    let agent = Agent::start_on_pcsc(Box::new(Nowhere))?;
    serve(&agent, io::stdin(), io::stdout())?;
    Ok(ExitCode::SUCCESS)
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    tracing::error!(%error, "the agent cannot work");
    ExitCode::FAILURE
}
