//! What the packages' maker says when it cannot make them. What it makes is tested where programs to pack are built.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use std::fs;
use std::process::Command;

#[test]
fn orders_that_are_incomplete_are_refused() {
    let rows: [(&str, &[&str]); 4] = [
        ("--programs", &[]),
        ("--programs", &["--into", "packages"]),
        ("--into", &["--programs", "programs", "--into"]),
        ("--slowly", &["--programs", "programs", "--slowly"]),
    ];
    for (named, arguments) in rows {
        let (code, said) = run(arguments);
        assert_eq!(code, Some(1), "{arguments:?}");
        let expected = format!("latchkey-packages: {named}: missing, unknown or without its value");
        assert!(said.starts_with(&expected), "{arguments:?}: {said}");
    }
}

#[test]
fn without_programs_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (programs, into) = (folder.path().join("programs"), folder.path().join("packages"));
    fs::create_dir(&programs).unwrap();
    let (code, said) = run(&["--quickly", "--programs", programs.to_str().unwrap(), "--into", into.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(said.contains(programs.to_str().unwrap()), "{said}");
    assert!(!into.exists());
}

/// How it ended, and what it said.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_latchkey-packages")).args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}
