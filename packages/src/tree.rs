//! The files as they will be installed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::{Compression, GzBuilder};
use tempfile::TempDir;

use crate::failure::Failure;
use crate::tools::run;
use crate::{NAME, licences};

/// The programs that holders get.
pub(crate) const PROGRAMS: [&str; 3] = ["latchkey", "latchkey-agent", "latchkey-desktop"];

/// Edges of the icons that are drawn beforehand, for desktops that do not draw the scalable one.
const ICON_SIZES: [u16; 8] = [16, 24, 32, 48, 64, 128, 256, 512];

const LANGUAGES: [&str; 3] = ["be", "ru", "en"];

/// Where each shell looks for completions.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/latchkey"),
    ("zsh", "usr/share/zsh/vendor-completions/_latchkey"),
    ("fish", "usr/share/fish/vendor_completions.d/latchkey.fish"),
];

/// A folder with the files as they will be installed, gone with the value.
pub(crate) struct Tree {
    folder: TempDir,
}

impl Tree {
    /// Lays everything out: programs from `programs`, the rest from the checkout or made by the programs.
    pub(crate) fn lay(checkout: &Path, programs: &Path) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("latchkey-package-").tempdir();
        let tree = Self { folder: folder.map_err(|error| Failure::file(&std::env::temp_dir(), error))? };
        tree.lay_programs(programs)?;
        tree.lay_manuals()?;
        tree.lay_completions()?;
        tree.lay_icons(&checkout.join("ui/brand/latchkey.svg"))?;
        tree.lay_documents(checkout)?;
        tree.open_to_all(tree.root())?;
        Ok(tree)
    }

    /// What will be `/`.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The installed programs.
    pub(crate) fn programs(&self) -> [PathBuf; 3] {
        PROGRAMS.map(|program| self.root().join("usr/bin").join(program))
    }

    /// All files, as paths below `/` in alphabetical order.
    pub(crate) fn files(&self) -> Result<Vec<String>, Failure> {
        let mut open = vec![self.root().to_owned()];
        let mut files = Vec::new();
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(entries(&path)?);
            } else if let Ok(below) = path.strip_prefix(self.root()) {
                files.push(below.to_string_lossy().into_owned());
            }
        }
        files.sort();
        Ok(files)
    }

    /// Refuses programs in which one of the folders is named: what holders get says nothing of where it was built.
    pub(crate) fn tells_nothing_of(&self, folders: &[PathBuf]) -> Result<(), Failure> {
        for program in self.programs() {
            let octets = fs::read(&program).map_err(|error| Failure::file(&program, error))?;
            for folder in folders {
                let path = format!("{}/", folder.display());
                if octets.windows(path.len()).any(|window| window == path.as_bytes()) {
                    return Err(Failure::Telltale { program, path });
                }
            }
        }
        Ok(())
    }

    fn lay_programs(&self, built: &Path) -> Result<(), Failure> {
        for (program, installed) in PROGRAMS.into_iter().zip(self.programs()) {
            let source = built.join(program);
            let octets = fs::read(&source).map_err(|error| Failure::file(&source, error))?;
            write(&installed, &octets)?;
            set_mode(&installed, 0o755)?;
            run(Command::new("strip").arg("--strip-unneeded").arg(&installed))?;
        }
        Ok(())
    }

    /// Manual pages, made by the command line from its texts.
    fn lay_manuals(&self) -> Result<(), Failure> {
        for language in LANGUAGES {
            let folder = if language == "en" {
                "usr/share/man/man1".to_owned()
            } else {
                format!("usr/share/man/{language}/man1")
            };
            for program in PROGRAMS {
                let page = run(self.command_line().args(["--lang", language, "man", program]))?;
                self.compressed(&format!("{folder}/{program}.1.gz"), &page)?;
            }
        }
        Ok(())
    }

    fn lay_completions(&self) -> Result<(), Failure> {
        for (shell, path) in COMPLETIONS {
            let script = run(self.command_line().args(["--lang", "en", "completions", shell]))?;
            write(&self.root().join(path), &script)?;
        }
        Ok(())
    }

    fn command_line(&self) -> Command {
        Command::new(self.root().join("usr/bin/latchkey"))
    }

    fn lay_icons(&self, drawing: &Path) -> Result<(), Failure> {
        let icons = self.root().join("usr/share/icons/hicolor");
        let octets = fs::read(drawing).map_err(|error| Failure::file(drawing, error))?;
        write(&icons.join("scalable/apps/latchkey.svg"), &octets)?;
        for size in ICON_SIZES {
            let mut draw = Command::new("rsvg-convert");
            let edge = size.to_string();
            draw.args(["--width", &edge, "--height", &edge]).arg(drawing);
            write(&icons.join(format!("{size}x{size}/apps/latchkey.png")), &run(&mut draw)?)?;
        }
        Ok(())
    }

    /// What tells desktops, shops and lawyers about the programs.
    fn lay_documents(&self, checkout: &Path) -> Result<(), Failure> {
        let data = checkout.join("packages/data");
        for (name, folder) in [
            ("org.latchkey.Latchkey.desktop", "usr/share/applications"),
            ("org.latchkey.Latchkey.metainfo.xml", "usr/share/metainfo"),
            ("copyright", "usr/share/doc/latchkey"),
        ] {
            let source = data.join(name);
            let octets = fs::read(&source).map_err(|error| Failure::file(&source, error))?;
            write(&self.root().join(folder).join(name), &octets)?;
        }
        let changes = data.join("changelog");
        let changes = fs::read(&changes).map_err(|error| Failure::file(&changes, error))?;
        self.compressed(&format!("usr/share/doc/{NAME}/changelog.gz"), &changes)?;
        let licences = licences::collect(checkout)?;
        self.compressed(&format!("usr/share/doc/{NAME}/third-party-licences.gz"), licences.as_bytes())
    }

    /// Without a name and a time inside, so that the same text gives the same file.
    fn compressed(&self, path: &str, text: &[u8]) -> Result<(), Failure> {
        let path = self.root().join(path);
        let mut octets = GzBuilder::new().write(Vec::new(), Compression::best());
        let octets = octets.write_all(text).and_then(|()| octets.finish());
        write(&path, &octets.map_err(|error| Failure::file(&path, error))?)
    }

    /// Whatever the packager's mask is, everybody may read what is installed.
    fn open_to_all(&self, folder: &Path) -> Result<(), Failure> {
        set_mode(folder, 0o755)?;
        for path in entries(folder)? {
            if path.is_dir() {
                self.open_to_all(&path)?;
            } else if !self.programs().contains(&path) {
                set_mode(&path, 0o644)?;
            }
        }
        Ok(())
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let paths = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    paths.map_err(|error| Failure::file(folder, error))
}

fn write(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).and_then(|()| fs::write(path, octets)).map_err(|error| Failure::file(path, error))
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Failure> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|error| Failure::file(path, error))
}
