//! The agent's program: where it is, how its window looks, and in which surroundings it runs.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program that is the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentProgram {
    path: PathBuf,
}

/// How the agent's window looks and what it offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Appearance {
    /// The language, by its ISO 639-1 code; without one, the system's.
    pub language: Option<&'static str>,
    /// The colours.
    pub theme: Theme,
    /// Whether digits can be pressed on the screen.
    pub pad: bool,
}

/// The colours of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
    /// As far apart as colours can be.
    Contrast,
}

impl Theme {
    /// Every theme.
    pub const ALL: [Self; 4] = [Self::System, Self::Light, Self::Dark, Self::Contrast];

    /// Its name as an argument.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Contrast => "contrast",
        }
    }

    /// The theme of that name.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.code() == code)
    }
}

impl AgentProgram {
    /// The program at this path.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The program that was installed with the one that runs: beside it, or among the package's own programs.
    #[must_use]
    pub fn installed() -> Self {
        let here = env::current_exe().ok().and_then(|running| running.parent().map(Path::to_owned)).unwrap_or_default();
        let places = PLACES.map(|place| here.join(place).join(NAME));
        Self::at(places.iter().find(|path| path.is_file()).cloned().unwrap_or_else(|| here.join(NAME)))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is started: with pipes, and with nothing of this process' environment that could change what it does.
    pub(super) fn command(&self, appearance: Appearance) -> Command {
        let mut command = Command::new(&self.path);
        command.args(["--theme", appearance.theme.code()]);
        if let Some(language) = appearance.language {
            command.args(["--lang", language]);
        }
        if appearance.pad {
            command.arg("--pad");
        }
        command.env_clear().envs(surroundings(env::vars_os()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }
}

/// What the agent needs to know of its surroundings: screen, session, accessibility, fonts and sizes, card service. No
/// variable is among them that loads code into a program or lets another one steer it.
fn surroundings(all: impl Iterator<Item = (OsString, OsString)>) -> impl Iterator<Item = (OsString, OsString)> {
    all.filter(|(name, _)| {
        name.to_str().is_some_and(|name| KEPT.contains(&name) || (name.starts_with("LC_") && name.len() > 3))
    })
}

const NAME: &str = if cfg!(windows) { "latchkey-agent.exe" } else { "latchkey-agent" };

/// Where the program may be, seen from the running one.
const PLACES: [&str; 3] = ["", "../libexec/latchkey", "../lib/latchkey"];

const KEPT: &[&str] = &[
    "AT_SPI_BUS_ADDRESS",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GDK_BACKEND",
    "GDK_DPI_SCALE",
    "GDK_SCALE",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "PCSCLITE_CSOCK_NAME",
    "RUST_LOG",
    "TMPDIR",
    "USER",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XCURSOR_SIZE",
    "XCURSOR_THEME",
    "XDG_CONFIG_HOME",
    "XDG_CURRENT_DESKTOP",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_TYPE",
];
