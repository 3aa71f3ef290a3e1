//! `./dev` towards a newcomer: it explains itself, and says what is missing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use crate::sources::root;

fn dev(arguments: &[&str], programs: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in programs {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    Command::new(root().join("dev")).args(arguments).env("PATH", path).output().unwrap()
}

#[test]
fn alone_it_explains_itself() {
    let output = dev(&[], &[]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for command in ["./dev demo", "./dev test", "./dev bench", "./dev fuzz"] {
        assert!(text.contains(command), "{text}");
    }
}

#[test]
fn an_unknown_command_is_wrong_use() {
    for arguments in [&["dance"][..], &["test", "slowly"], &["mutants"], &["mutants", "ui"], &["mutants", "card", "1"]]
    {
        let output = dev(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
}

#[test]
fn without_root_missing_packages_are_named_in_one_command() {
    let no_packages = ("dpkg-query", "exit 1");
    let nobody = ("id", "echo 65534");
    for command in ["demo", "test"] {
        let output = dev(&[command], &[no_packages, nobody]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        let line = said.lines().find(|line| line.contains("apt install")).unwrap_or_else(|| panic!("{said}"));
        for package in ["pcscd", "vsmartcard-vpcd", "libpcsclite-dev"] {
            assert!(line.contains(package), "{line}");
        }
    }
}

#[test]
fn without_rust_it_says_so() {
    let installed = ("dpkg-query", "echo installed");
    // A path on which only the shell's own tools are found.
    let folder = tempfile::tempdir().unwrap();
    for tool in ["bash", "dirname", "env", "grep"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap();
        std::os::unix::fs::symlink(String::from_utf8(found.stdout).unwrap().trim(), folder.path().join(tool)).unwrap();
    }
    let query = folder.path().join(installed.0);
    fs::write(&query, format!("#!{}/bash\n{}\n", folder.path().display(), installed.1)).unwrap();
    fs::set_permissions(&query, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(root().join("dev")).arg("demo").env("PATH", folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
}
