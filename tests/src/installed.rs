//! The Debian package, installed without touching the machine.
//!
//! As root: really, by dpkg into the real system, but in a mount namespace in which everything written goes to memory
//! and is gone with it. As another user: its files in a folder of their own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::desktop::Screen;
use crate::process::{Process, program};

/// The folders into which dpkg writes.
const WRITTEN: [&str; 3] = ["etc", "usr", "var"];

/// What dpkg and the caches of the desktop keep of every change, whatever package it was.
const BOOKKEEPING: [&str; 8] = [
    "var/lib/dpkg/",
    "var/log/dpkg.log",
    "var/log/alternatives.log",
    "var/cache/",
    "var/lib/swcatalog/",
    "usr/share/applications/mimeinfo.cache",
    "usr/share/mime/",
    "usr/share/icons/hicolor/icon-theme.cache",
];

/// Both packages, in a folder that goes with the value.
#[derive(Debug)]
pub struct Packages {
    folder: TempDir,
}

impl Packages {
    /// Packages the programs that stand beside this one.
    ///
    /// # Errors
    /// If they are not built or cannot be packaged.
    pub fn make() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("latchkey-packages-").tempdir()?;
        let own = program("latchkey-packages")?;
        let programs = own.parent().context("a program stands in a folder")?;
        let output = Command::new(&own)
            .args(["--quickly", "--programs"])
            .arg(programs)
            .arg("--into")
            .arg(folder.path())
            .env("SOURCE_DATE_EPOCH", "1790000000")
            .output()?;
        good(&own.to_string_lossy(), output)?;
        Ok(Self { folder })
    }

    /// The `.deb`.
    ///
    /// # Errors
    /// If there is none.
    pub fn debian(&self) -> Result<PathBuf> {
        self.one("deb")
    }

    /// The `.rpm`.
    ///
    /// # Errors
    /// If there is none.
    pub fn rpm(&self) -> Result<PathBuf> {
        self.one("rpm")
    }

    fn one(&self, extension: &str) -> Result<PathBuf> {
        let mut paths = std::fs::read_dir(self.folder.path())?.map_while(Result::ok).map(|entry| entry.path());
        paths.find(|path| path.extension().is_some_and(|own| own == extension)).context("there is no such package")
    }
}

/// An installed package, as long as the value lives.
#[derive(Debug)]
pub struct Installed {
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A mount namespace, held open by this process; what was written is in this folder inside.
    System {
        holder: Process,
        written: TempDir,
    },
    Folder(TempDir),
}

impl Installed {
    /// Installs the package.
    ///
    /// # Errors
    /// If dpkg refuses.
    pub fn install(package: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("latchkey-installed-").tempdir()?;
        if !rustix::process::geteuid().is_root() {
            good("dpkg-deb", Command::new("dpkg-deb").arg("--extract").arg(package).arg(folder.path()).output()?)?;
            return Ok(Self { place: Place::Folder(folder) });
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-ec", OVERLAY, "sh"]).arg(folder.path());
        let mut holder = Process::start("unshare", command.args(WRITTEN))?;
        holder.wait_for_line("ready", Duration::from_secs(30))?;
        let installed = Self { place: Place::System { holder, written: folder } };
        installed.run(installed.command("dpkg").arg("--install").arg(package))?;
        Ok(installed)
    }

    /// Whether dpkg installed it into the real system, with its dependencies checked and its triggers run.
    #[must_use]
    pub fn is_by_dpkg(&self) -> bool {
        matches!(self.place, Place::System { .. })
    }

    /// One of the installed programs, or a tool of the system that sees what is installed.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let (program, arguments) = self.words(program);
        let mut command = Command::new(program);
        command.args(arguments);
        command
    }

    /// The same program, which will appear on that screen.
    #[must_use]
    pub fn command_on(&self, screen: &Screen, program: &str) -> Command {
        let (program, arguments) = self.words(program);
        let mut command = screen.command(program);
        command.args(arguments);
        command
    }

    fn words(&self, program: &str) -> (PathBuf, Vec<String>) {
        match &self.place {
            Place::System { holder, .. } => {
                let arguments = [format!("--mount=/proc/{}/ns/mnt", holder.id()), "--".to_owned(), program.to_owned()];
                ("nsenter".into(), arguments.to_vec())
            }
            Place::Folder(folder) => {
                let own = folder.path().join("usr/bin").join(program);
                (if own.is_file() { own } else { program.into() }, Vec::new())
            }
        }
    }

    /// Where an installed file is for [`Self::command`]'s programs.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        match &self.place {
            Place::System { .. } => Path::new("/").join(path),
            Place::Folder(folder) => folder.path().join(path),
        }
    }

    /// Removes the package and gives what is left of it: paths that installing and removing made, changed or deleted.
    ///
    /// # Errors
    /// If dpkg refuses.
    pub fn remove(self) -> Result<BTreeSet<String>> {
        match &self.place {
            Place::System { written, .. } => {
                self.run(self.command("dpkg").args(["--purge", "latchkey"]))?;
                // What was only deleted again stands there as a device.
                let left = self.run(self.command("find").arg(written.path()).args(["-not", "-type", "d"]))?;
                let below = |path: &str| {
                    let path = path.strip_prefix(&*written.path().to_string_lossy())?.trim_start_matches('/');
                    let (folder, rest) = path.split_once("/upper/")?;
                    Some(format!("{folder}/{rest}"))
                };
                let own = |path: &String| !BOOKKEEPING.iter().any(|start| path.starts_with(start));
                Ok(left.lines().filter_map(below).filter(own).collect())
            }
            Place::Folder(_) => Ok(BTreeSet::new()),
        }
    }

    /// Runs `command` to its end and gives what it printed.
    ///
    /// # Errors
    /// If it fails.
    pub fn run(&self, command: &mut Command) -> Result<String> {
        let words = format!("{command:?}");
        good(&words, command.output().with_context(|| words.clone())?)
    }
}

/// Lets everything that is written below the folders `$2…` go to memory at `$1`, then holds the namespace open.
const OVERLAY: &str = r#"
written=$1; shift
mount -t tmpfs -o size=512m tmpfs "$written"
for folder in "$@"; do
  mkdir -p "$written/$folder/upper" "$written/$folder/work"
  mount -t overlay -o "lowerdir=/$folder,upperdir=$written/$folder/upper,workdir=$written/$folder/work" overlay "/$folder"
done
echo ready
exec sleep infinity
"#;

fn good(what: &str, output: Output) -> Result<String> {
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{what}: {}\n{out}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(out)
}
