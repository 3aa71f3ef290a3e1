//! What programs on a stage are told, and who was told it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};

use super::wait_until;

/// Names the stage that a process belongs to.
const MARK: &str = "LATCHKEY_STAGE";

/// Variables for programs: nothing of the surrounding environment but where programs are.
#[derive(Debug)]
pub(super) struct Environment {
    home: PathBuf,
    variables: Vec<(OsString, OsString)>,
}

impl Environment {
    /// With all of a person's folders in `home`, which must exist.
    pub(super) fn new(home: &Path) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;

        let mut this = Self { home: home.to_owned(), variables: Vec::new() };
        this.set(MARK, home);
        this.set("HOME", home);
        this.set("PATH", std::env::var_os("PATH").unwrap_or_default());
        this.set("LANG", "C.UTF-8");
        for (name, folder) in [
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_CACHE_HOME", ".cache"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_STATE_HOME", ".local/state"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
        ] {
            let path = home.join(folder);
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
            this.set(name, path);
        }
        Ok(this)
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.push((name.into(), value.into()));
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// `program` with these variables and no others.
    pub(super) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.home);
        command
    }

    /// The processes that were given these variables, and those that inherited them.
    pub(super) fn processes(&self) -> Vec<Pid> {
        let mut mark = OsString::from(MARK);
        mark.push("=");
        mark.push(&self.home);
        // Chromium writes over its variables, but was told its profile's folder as an argument.
        let told = |id: &Pid| has_variable(*id, mark.as_bytes()) || has_argument(*id, &self.home);
        let mut ours: Vec<Pid> = processes().filter(told).collect();
        // Whoever was started without our variables is known by who started it.
        let others: Vec<(Pid, Pid)> =
            processes().filter(|id| !ours.contains(id)).filter_map(|id| Some((id, parent(id)?))).collect();
        while let Some((child, _)) =
            others.iter().find(|(child, parent)| ours.contains(parent) && !ours.contains(child))
        {
            ours.push(*child);
        }
        ours
    }

    /// Asks all of them to end, then makes them, and gives the names of those that had to be asked.
    pub(super) fn end_all(&self) -> Vec<String> {
        let left = self.processes();
        let names = left.iter().map(|process| name(*process)).collect();
        for signal in [Signal::TERM, Signal::KILL] {
            for process in self.processes() {
                // One that has just ended needs no signal.
                let _ = kill_process(process, signal);
            }
            if signal == Signal::KILL || left.is_empty() {
                break;
            }
            let gone = || Ok(self.processes().is_empty().then_some(()));
            if wait_until("the stage to clear", gone).is_ok() {
                break;
            }
        }
        names
    }
}

fn processes() -> impl Iterator<Item = Pid> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    folders.filter_map(|folder| Pid::from_raw(folder.file_name().to_str()?.parse().ok()?))
}

/// Whether its environment, as far as it can be read, has exactly this entry.
fn has_variable(process: Pid, entry: &[u8]) -> bool {
    let variables = fs::read(format!("/proc/{}/environ", process.as_raw_nonzero())).unwrap_or_default();
    variables.split(|octet| *octet == 0).any(|variable| variable == entry)
}

fn has_argument(process: Pid, folder: &Path) -> bool {
    let arguments = fs::read(format!("/proc/{}/cmdline", process.as_raw_nonzero())).unwrap_or_default();
    String::from_utf8_lossy(&arguments).contains(&format!("={}/", folder.display()))
}

fn parent(process: Pid) -> Option<Pid> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero())).ok()?;
    Pid::from_raw(status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()?)
}

pub(super) fn name(process: Pid) -> String {
    let name = fs::read_to_string(format!("/proc/{}/comm", process.as_raw_nonzero())).unwrap_or_default();
    name.trim_end().to_owned()
}
