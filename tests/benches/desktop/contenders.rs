//! The two programs that are compared, started alike: on the same display, with the same card service and an empty reader.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use latchkey_fixtures::pcscd::PrivatePcscd;
use latchkey_tests::desktop::{Screen, wait_until};
use latchkey_tests::stage::free_port;
use rustix::process::{Pid, Signal, kill_process};

/// What both run on.
pub(crate) struct Ground {
    pub(crate) screen: Screen,
    cards: PrivatePcscd,
    // Without one AusweisApp cannot hide.
    _tray: Running,
}

impl Ground {
    pub(crate) fn lay() -> Result<Self> {
        let screen = Screen::virtual_one()?;
        let cards = PrivatePcscd::start(1)?;
        let tray = Running::start(&mut screen.command("trayer"))?;
        Ok(Self { screen, cards, _tray: tray })
    }

    /// The display's name.
    pub(crate) fn display(&self) -> Result<String> {
        let command = self.screen.command("true");
        let name = command.get_envs().find(|(name, _)| *name == "DISPLAY").and_then(|(_, value)| value);
        Ok(name.context("the screen has no display")?.to_string_lossy().into_owned())
    }

    fn command(&self, program: PathBuf) -> Command {
        let mut command = self.screen.command(program);
        command.env("PCSCLITE_CSOCK_NAME", self.cards.socket());
        command
    }
}

/// A program that runs until the value goes.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self { child: child.with_context(|| format!("{} does not start", command.get_program().display()))? })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(id) = id {
            let _ = kill_process(id, Signal::TERM);
        }
        let ended = wait_until("a program to end", || Ok(self.child.try_wait()?));
        if ended.is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// How a program starts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// As somebody starts it who wants to see its window.
    Shown,
    /// As the session starts it.
    Hidden,
}

/// One of the two.
pub(crate) trait Contender {
    /// What its figures are called after.
    const NAME: &'static str;

    /// Starts it, with a port of its own.
    fn start(&self, ground: &Ground, start: Start) -> Result<(Running, u16)>;

    /// Asks it, as a page in a browser would, for something that it shows in a window. As long as the value lives, it is
    /// wanted.
    fn request(&self, port: u16) -> Result<TcpStream>;
}

/// Ours.
pub(crate) struct Latchkey;

impl Contender for Latchkey {
    const NAME: &'static str = "latchkey";

    fn start(&self, ground: &Ground, start: Start) -> Result<(Running, u16)> {
        let port = free_port()?;
        let managed = ground.screen.home().join("managed.toml");
        fs::write(&managed, format!("port = {port}\n"))?;
        let mut command = ground.command(released("latchkey-desktop")?);
        command.arg("--managed").arg(managed);
        if start == Start::Hidden {
            command.arg("--background");
        }
        Ok((Running::start(&mut command)?, port))
    }

    fn request(&self, port: u16) -> Result<TcpStream> {
        let id = format!("00000000-0000-4000-8000-{:012}", next());
        let challenge = "A".repeat(64);
        let body = format!(r#"{{"requestId":"{id}","challenge":"{challenge}"}}"#);
        send(
            port,
            &format!(
                "POST /latchkey/v1/sign-in HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://portal.example\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        )
    }
}

/// Debian's AusweisApp.
pub(crate) struct AusweisApp;

impl Contender for AusweisApp {
    const NAME: &'static str = "ausweisapp";

    fn start(&self, ground: &Ground, start: Start) -> Result<(Running, u16)> {
        // Otherwise it begins with its setup assistant, every time and also when it should hide.
        let settings = ground.screen.home().join(".config/Unknown Organization");
        fs::create_dir_all(&settings)?;
        fs::write(settings.join("AusweisApp2.conf"), "[General]\nuiStartupModule=DEFAULT\n")?;
        let port = free_port()?;
        let mut command = ground.command(PathBuf::from("AusweisApp2"));
        command.arg("--port").arg(port.to_string());
        if start == Start::Shown {
            command.arg("--show");
        }
        Ok((Running::start(&mut command)?, port))
    }

    fn request(&self, port: u16) -> Result<TcpStream> {
        send(port, &format!("GET /eID-Client?ShowUI HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"))
    }
}

/// A program as holders get it, whatever this one was built as.
pub(crate) fn released(name: &str) -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release").join(name);
    path.canonicalize().with_context(|| format!("{name} is not built: run ./dev bench desktop"))
}

/// Waits until the program at that port answers pages.
pub(crate) fn wait_until_it_listens(port: u16) -> Result<()> {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let connected = || Ok(TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok());
    wait_until("the program to listen", connected).map(drop)
}

/// What it answers at once, if it does: a refusal, most likely.
pub(crate) fn answer(mut request: TcpStream) -> Result<String> {
    request.shutdown(Shutdown::Write)?;
    request.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut answer = Vec::new();
    let _ = request.read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn send(port: u16, request: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

/// A number that was not used before.
fn next() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
