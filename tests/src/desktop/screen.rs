//! A display and a desktop session of one's own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use rustix::process::Pid;
use tempfile::TempDir;

use super::environment::{Environment, name};
use super::{PATIENCE, Place, wait_until};
use crate::process::Process;

/// Large enough for a browser and our window beside it.
const SIZE: &str = "1720x1000x24";

/// A virtual screen with session bus, accessibility bus, and a home folder that goes with it.
#[derive(Debug)]
pub struct Screen {
    environment: Environment,
    // Ended in this order: first whoever talks through them.
    _session_bus: Option<Process>,
    _display: Option<Process>,
    _home: TempDir,
}

impl Screen {
    /// Sets up a screen that nobody sees.
    ///
    /// # Errors
    /// If Xvfb or dbus-daemon is missing or does not start.
    pub fn virtual_one() -> Result<Self> {
        let home = home()?;
        let mut environment = Environment::new(home.path())?;
        let (display, number) = start_display(&environment)?;
        environment.set("DISPLAY", format!(":{number}"));
        let session_bus = start_session_bus(&mut environment)?;
        Ok(Self { environment, _session_bus: Some(session_bus), _display: Some(display), _home: home })
    }

    /// The screen in front of the person who runs this program, if there is one; settings and caches are of its own.
    ///
    /// # Errors
    /// If there can be no folder for them.
    pub fn in_front_of_the_person() -> Result<Option<Self>> {
        let is_there = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if !is_there("DISPLAY") && !is_there("WAYLAND_DISPLAY") {
            return Ok(None);
        }
        let home = home()?;
        let mut environment = Environment::new(home.path())?;
        let of_the_session =
            ["DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "XDG_CURRENT_DESKTOP", "XDG_RUNTIME_DIR"];
        for name in of_the_session {
            if let Some(value) = std::env::var_os(name) {
                environment.set(name, value);
            }
        }
        // A session bus of its own: the person's own window, if it runs, is not the one that this stage talks to.
        let session_bus = start_session_bus(&mut environment)?;
        Ok(Some(Self { environment, _session_bus: Some(session_bus), _display: None, _home: home }))
    }

    /// Has addresses that programs want to have shown kept, in place of a system browser.
    ///
    /// # Errors
    /// If the folder for it cannot be made.
    pub fn keep_addresses(&mut self) -> Result<()> {
        // Whole lines, at once: whoever looks meanwhile finds all of an address or nothing.
        self.open_addresses_with("printf '%s\\n' \"$1\" >>\"$HOME/addresses\"")
    }

    /// Has addresses that programs want to have shown opened by this shell command, as `$1`.
    ///
    /// # Errors
    /// If the folder for it cannot be made.
    pub fn open_addresses_with(&mut self, command: &str) -> Result<()> {
        let folder = self.home().join("bin");
        fs::create_dir_all(&folder)?;
        let program = folder.join("xdg-open");
        fs::write(&program, format!("#!/bin/sh\n{command}\n"))?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        let mut path = folder.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        self.environment.set("PATH", path);
        Ok(())
    }

    /// Waits for the first address that a program wanted to have shown, and forgets it.
    ///
    /// # Errors
    /// If none wants one.
    pub fn wait_for_address(&self) -> Result<String> {
        let file = self.home().join("addresses");
        let address = wait_until("an address to show", || Ok(fs::read_to_string(&file).ok()))?;
        fs::remove_file(&file)?;
        Ok(address.lines().next().unwrap_or_default().to_owned())
    }

    /// Whether a program has wanted an address to be shown.
    #[must_use]
    pub fn has_address(&self) -> bool {
        self.home().join("addresses").exists()
    }

    /// Tells programs that will be started a variable.
    pub fn tell(&mut self, variable: &str, value: &str) {
        self.environment.set(variable, value);
    }

    /// A program that will appear on this screen.
    #[must_use]
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        self.environment.command(program)
    }

    /// The home folder of whoever sits before it.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.environment.home()
    }

    /// The processes on this screen whose name begins like this; the system cuts names after 15 octets.
    #[must_use]
    pub fn processes(&self, beginning: &str) -> Vec<Pid> {
        let beginning = beginning.get(..15).unwrap_or(beginning);
        self.environment.processes().into_iter().filter(|process| name(*process).starts_with(beginning)).collect()
    }

    /// Waits until nobody of that name is left.
    ///
    /// # Errors
    /// If somebody stays.
    pub fn wait_until_gone(&self, beginning: &str) -> Result<()> {
        wait_until(&format!("{beginning} to end"), || Ok(self.processes(beginning).is_empty().then_some(())))
    }

    /// Keeps a picture of the whole screen as `NAME.png` among the screenshots.
    ///
    /// # Errors
    /// If ImageMagick is missing or fails.
    pub fn keep_picture(&self, name: &str) -> Result<PathBuf> {
        let path = screenshots()?.join(format!("{name}.png"));
        self.picture_of("root", &path)?;
        Ok(path)
    }

    /// Keeps a picture of a part of the screen as `NAME.png` among the screenshots.
    ///
    /// # Errors
    /// If ImageMagick is missing or fails.
    pub fn keep_picture_at(&self, place: Place, name: &str) -> Result<PathBuf> {
        let path = screenshots()?.join(format!("{name}.png"));
        let Place { x, y, width, height } = place;
        self.import(&["-window", "root", "-crop", &format!("{width}x{height}+{x}+{y}"), "+repage"], &path)?;
        Ok(path)
    }

    /// Keeps a picture of the window with that title as `NAME.png` among the screenshots.
    ///
    /// # Errors
    /// If there is no such window.
    pub fn keep_picture_of(&self, title: &str, name: &str) -> Result<PathBuf> {
        let path = screenshots()?.join(format!("{name}.png"));
        self.picture_of(title, &path)?;
        Ok(path)
    }

    /// Keeps a picture of the window with that title, or of `root`, in a file whose name says its kind.
    ///
    /// # Errors
    /// If there is no such window.
    pub fn picture_of(&self, window: &str, path: &Path) -> Result<()> {
        self.import(&["-window", window], path)
    }

    fn import(&self, arguments: &[&str], path: &Path) -> Result<()> {
        let output = self.command("import").arg("-silent").args(arguments).arg(path).output();
        let output = output.context("ImageMagick is missing")?;
        if !output.status.success() {
            bail!("no picture by {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Services that the session bus started know no other master.
        self.environment.end_all();
    }
}

/// Where pictures are kept.
///
/// # Errors
/// If the folder cannot be made.
pub fn screenshots() -> Result<PathBuf> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
    fs::create_dir_all(&target)?;
    Ok(target.canonicalize()?)
}

fn home() -> Result<TempDir> {
    // Short: sockets in it have paths of at most 107 octets.
    Ok(tempfile::Builder::new().prefix("latchkey-").tempdir()?)
}

/// The display and its number, which it chose itself among the free ones.
fn start_display(environment: &Environment) -> Result<(Process, u32)> {
    let mut command = environment.command("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", SIZE, "-nolisten", "tcp", "-noreset"]);
    let mut display = Process::start("Xvfb", &mut command)?;
    loop {
        // Complaints about keyboards may come first.
        if let Ok(number) = display.wait_for_line("", PATIENCE)?.trim().parse() {
            return Ok((display, number));
        }
    }
}

fn start_session_bus(environment: &mut Environment) -> Result<Process> {
    let address = format!("unix:path={}", environment.home().join("bus").display());
    environment.set("DBUS_SESSION_BUS_ADDRESS", &address);
    let mut command = environment.command("dbus-daemon");
    command.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]).arg(format!("--address={address}"));
    let mut bus = Process::start("dbus-daemon", &mut command)?;
    bus.wait_for_line("unix:path=", PATIENCE)?;
    Ok(bus)
}
