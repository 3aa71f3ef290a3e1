//! The RPM package: the same tree, for distributions that use RPM.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::tools::run;
use crate::tree::Tree;
use crate::{Compression, DESCRIPTION, NAME, SUMMARY, VERSION};

/// Writes `latchkey-VERSION-1.ARCHITECTURE.rpm` into that folder.
pub(crate) fn write(tree: &Tree, into: &Path, compression: Compression) -> Result<PathBuf, Failure> {
    let work = tempfile::tempdir().map_err(|error| Failure::file(&std::env::temp_dir(), error))?;
    let path = work.path().join("latchkey.spec");
    fs::write(&path, specification(tree)?).map_err(|error| Failure::file(&path, error))?;
    let payload = match compression {
        Compression::Quick => "w1.gzdio",
        Compression::Best => "w9.xzdio",
    };
    let mut command = Command::new("rpmbuild");
    command.args(["-bb", "--quiet"]);
    for (name, value) in [
        ("_topdir", work.path().to_string_lossy().as_ref()),
        ("_rpmdir", into.to_string_lossy().as_ref()),
        ("_rpmfilename", "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm"),
        ("_binary_payload", payload),
        ("_build_id_links", "none"),
        // Nothing is done to the files any more: they are those of the other package.
        ("__os_install_post", "%{nil}"),
        ("debug_package", "%{nil}"),
        ("_buildhost", "localhost"),
        ("use_source_date_epoch_as_buildtime", "1"),
        ("clamp_mtime_to_source_date_epoch", "1"),
    ] {
        command.arg("--define").arg(format!("{name} {value}"));
    }
    run(command.arg("--buildroot").arg(work.path().join("root")).arg(&path))?;
    Ok(into.join(format!("{NAME}-{VERSION}-1.{}.rpm", std::env::consts::ARCH)))
}

/// Libraries are found by rpmbuild itself.
fn specification(tree: &Tree) -> Result<String, Failure> {
    let files: String = tree.files()?.iter().map(|file| format!("/{file}\n")).collect();
    let description = DESCRIPTION.join("\n");
    Ok(format!(
        "Name: {NAME}\n\
         Version: {VERSION}\n\
         Release: 1\n\
         Summary: {SUMMARY}\n\
         License: Apache-2.0\n\
         Requires: pcsc-lite, xdg-utils, hicolor-icon-theme\n\
         Recommends: pcsc-lite-ccid\n\
         Suggests: gnome-shell-extension-appindicator, gnome-keyring\n\
         \n\
         %description\n{description}\n\
         \n\
         %install\n\
         mkdir -p %{{buildroot}}\n\
         cp -a {tree}/usr %{{buildroot}}/usr\n\
         \n\
         %files\n\
         %defattr(-,root,root,0755)\n\
         %dir /usr/share/doc/{NAME}\n{files}",
        tree = tree.root().display(),
    ))
}
