//! The desktop client itself.

use std::ops::{Deref, DerefMut};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use fantoccini::wd::Capabilities;
use serde_json::json;

use super::{Screen, WebDriver, wait_until};
use crate::process::{Process, program};
use crate::stage::{Cards, free_port};

/// The client's program, running on its own as a person starts it.
#[derive(Debug)]
pub struct Desktop {
    process: Process,
}

impl Desktop {
    /// Starts it on `screen` with the readers of `cards`.
    ///
    /// # Errors
    /// If it is not built.
    pub fn start(screen: &Screen, cards: &Cards, arguments: &[&str]) -> Result<Self> {
        let mut command = command(screen, cards)?;
        Ok(Self { process: Process::start("latchkey-desktop", command.args(arguments))? })
    }

    /// The program.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Asks it to end, and gives everything it printed.
    ///
    /// # Errors
    /// If it does not end well.
    pub fn stop(self) -> Result<String> {
        let (status, said) = self.process.stop()?;
        if !status.success() {
            bail!("latchkey-desktop ended with {status}:\n{said}");
        }
        Ok(said)
    }
}

fn command(screen: &Screen, cards: &Cards) -> Result<Command> {
    Ok(cards.with_readers(screen.command(program("latchkey-desktop")?)))
}

/// The client's program with its window under remote control.
#[derive(Debug)]
pub struct Window {
    driver: WebDriver,
}

impl Window {
    /// Starts the program on `screen` with the readers of `cards`.
    ///
    /// # Errors
    /// If it, or WebKit's driver, is missing or does not start.
    pub fn start(screen: &Screen, cards: &Cards, arguments: &[&str]) -> Result<Self> {
        let mut command = cards.with_readers(screen.command(DRIVER));
        command.envs([("TAURI_AUTOMATION", "true"), ("TAURI_WEBVIEW_AUTOMATION", "true")]);
        let options = json!({ "binary": program("latchkey-desktop")?, "args": arguments });
        Self::drive(command, [("webkitgtk:browserOptions".to_owned(), options)].into_iter().collect())
    }

    /// Starts another program that shows pages with the same engine and without our guards: for what must not happen in
    /// ours, and has to happen there.
    ///
    /// # Errors
    /// If WebKit's driver or its small browser is missing.
    pub fn start_of_another_program(screen: &Screen) -> Result<Self> {
        Self::drive(screen.command(DRIVER), Capabilities::new())
    }

    fn drive(mut command: Command, capabilities: Capabilities) -> Result<Self> {
        let port = free_port()?;
        command.arg(format!("--port={port}"));
        let address = |_: &mut Process| {
            wait_until("WebKitWebDriver to listen", || Ok(listens(port).then(|| format!("http://127.0.0.1:{port}"))))
        };
        let driver = WebDriver::start(DRIVER, &mut command, address, capabilities)?;
        Ok(Self { driver })
    }
}

impl Deref for Window {
    type Target = WebDriver;

    fn deref(&self) -> &WebDriver {
        &self.driver
    }
}

const DRIVER: &str = "WebKitWebDriver";

impl DerefMut for Window {
    fn deref_mut(&mut self) -> &mut WebDriver {
        &mut self.driver
    }
}

/// Whether somebody listens on that port of this machine.
fn listens(port: u16) -> bool {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}
