//! The agent as a process of its own: it owns cards and secrets, and asks for secrets in windows of its own. Requests
//! arrive on standard input and reports leave on standard output, as `latchkey_agent::wire` writes them.

mod arguments;
mod prompt;
mod texts;
mod window;
mod words;

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::thread;

use arguments::Arguments;
use gtk::glib;
use latchkey_agent::wire::{WireFault, serve};
use latchkey_agent::{Agent, harden_process};
use prompt::WindowPrompt;
use time::OffsetDateTime;
use window::Windows;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latchkey-agent: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Windows live on this thread, requests on another. Nothing of the screen is touched before there is a question.
fn run() -> Result<(), Box<dyn Error>> {
    harden_process()?;
    let arguments = Arguments::parse(std::env::args().skip(1), sys_locale::get_locale().as_deref())?;
    Windows::prepare(arguments);
    #[expect(clippy::disallowed_methods, reason = "the clock is read here and is an argument everywhere else")]
    let clock = OffsetDateTime::now_utc;
    let agent = Agent::start_on_pcsc(Box::new(WindowPrompt::new()), clock)?;
    let windows = glib::MainLoop::new(None, false);
    let done = windows.clone();
    let requests = thread::Builder::new().name("requests".into()).spawn(move || -> Result<(), WireFault> {
        let served = serve(&agent, io::stdin(), io::stdout());
        glib::idle_add_once(move || done.quit());
        served
    })?;
    windows.run();
    Ok(requests.join().map_err(|_| "the thread for requests has ended")??)
}
