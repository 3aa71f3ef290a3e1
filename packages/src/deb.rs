//! The Debian package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::tools::{ask, run};
use crate::tree::Tree;
use crate::{Compression, DESCRIPTION, NAME, SUMMARY, VERSION};

/// Needed beside the libraries: the card service and what opens addresses in the holder's browser.
const DEPENDS: &str = "pcscd, xdg-utils";
/// The driver of most readers.
const RECOMMENDS: &str = "libccid";
/// Desktops that show no tray by themselves, and where keys are kept that the holder's history needs. Without them
/// everything else works.
const SUGGESTS: &str = "gnome-shell-extension-appindicator, gnome-keyring";

/// Writes `latchkey_VERSION_ARCHITECTURE.deb` into that folder.
pub(crate) fn write(tree: &Tree, into: &Path, compression: Compression) -> Result<PathBuf, Failure> {
    let architecture = ask(Command::new("dpkg").arg("--print-architecture"))?;
    let control = tree.root().join("DEBIAN");
    fs::create_dir(&control).map_err(|error| Failure::file(&control, error))?;
    for (name, text) in [("control", self::control(tree, &architecture)?), ("md5sums", checksums(tree)?)] {
        let path = control.join(name);
        fs::write(&path, text).map_err(|error| Failure::file(&path, error))?;
    }
    let package = into.join(format!("{NAME}_{VERSION}_{architecture}.deb"));
    let how: &[&str] = match compression {
        Compression::Quick => &["-Zgzip", "-z1"],
        Compression::Best => &["-Zxz", "-z9"],
    };
    run(Command::new("dpkg-deb").args(["--root-owner-group"]).args(how).arg("--build").arg(tree.root()).arg(&package))?;
    fs::remove_dir_all(&control).map_err(|error| Failure::file(&control, error))?;
    Ok(package)
}

fn control(tree: &Tree, architecture: &str) -> Result<String, Failure> {
    let size = ask(Command::new("du")
        .args(["--summarize", "--apparent-size", "--block-size=1024", "--exclude=DEBIAN"])
        .arg(tree.root()))?;
    let size = size.split_whitespace().next().unwrap_or_default();
    let libraries = libraries(tree)?;
    let description = DESCRIPTION.iter().map(|line| format!(" {line}\n")).collect::<String>();
    Ok(format!(
        "Package: {NAME}\n\
         Version: {VERSION}\n\
         Architecture: {architecture}\n\
         Maintainer: Latchkey contributors <latchkey@localhost>\n\
         Installed-Size: {size}\n\
         Depends: {libraries}, {DEPENDS}\n\
         Recommends: {RECOMMENDS}\n\
         Suggests: {SUGGESTS}\n\
         Section: utils\n\
         Priority: optional\n\
         Description: {SUMMARY}\n{description}"
    ))
}

/// The packages of the libraries that the programs are linked with, in the versions that have what they call.
fn libraries(tree: &Tree) -> Result<String, Failure> {
    let folder = tempfile::tempdir().map_err(|error| Failure::file(&std::env::temp_dir(), error))?;
    // The tool insists on the sources of a package, but reads no more than that there are some.
    let control = folder.path().join("debian/control");
    fs::create_dir(folder.path().join("debian"))
        .and_then(|()| fs::write(&control, format!("Source: {NAME}\n\nPackage: {NAME}\nArchitecture: any\n")))
        .map_err(|error| Failure::file(&control, error))?;
    let answer = ask(Command::new("dpkg-shlibdeps").current_dir(folder.path()).arg("-O").args(tree.programs()))?;
    Ok(answer.trim_start_matches("shlibs:Depends=").to_owned())
}

fn checksums(tree: &Tree) -> Result<String, Failure> {
    let files = tree.files()?.into_iter().filter(|file| !file.starts_with("DEBIAN/"));
    let sums = ask(Command::new("md5sum").current_dir(tree.root()).args(files))?;
    Ok(sums + "\n")
}
