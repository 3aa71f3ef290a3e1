//! The systemd unit, as systemd itself reads it.

use std::process::{Command, Output};

const UNIT: &str = include_str!("../../latchkey-portal.service");

/// Asks systemd about the unit, with the program at the place where it was built, for the user who runs this.
fn analyze(arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let unit = UNIT
        .replace("/usr/bin/latchkey-portal", env!("CARGO_BIN_EXE_latchkey-portal"))
        .lines()
        .filter(|line| !line.starts_with("Documentation="))
        .collect::<Vec<_>>()
        .join("\n");
    let file = directory.path().join("latchkey-portal.service");
    std::fs::write(&file, unit).unwrap();
    Command::new("systemd-analyze").args(arguments).arg(file).output().unwrap()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let verified = analyze(&["verify", "--man=no"]);
    let told = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !told.contains("latchkey-portal.service"), "{told}");
}

#[test]
fn the_unit_leaves_the_service_little_to_do_harm_with() {
    // In tenths of systemd's scale, on which 10 is bare.
    let rated = analyze(&["security", "--offline=true", "--no-pager", "--threshold=20"]);
    assert!(rated.status.success(), "{}", String::from_utf8_lossy(&rated.stdout));
}

/// What the unit says of exit codes and of stopping is what the program does.
#[test]
fn the_unit_starts_the_commands_that_there_are() {
    for line in UNIT.lines().filter(|line| line.starts_with("ExecStart")) {
        let command = line.split_once('=').unwrap().1;
        let mut words = command.split(' ');
        assert_eq!(words.next(), Some("/usr/bin/latchkey-portal"));
        let subcommand = words.next().unwrap();
        let help = Command::new(env!("CARGO_BIN_EXE_latchkey-portal")).args([subcommand, "--help"]).output().unwrap();
        assert!(help.status.success(), "{command}");
    }
}
