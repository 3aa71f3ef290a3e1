//! The demo of every fault: with the ordinary programs it goes well; with the check that it targets taken out of them, it
//! fails.

use std::collections::VecDeque;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::thread;

use latchkey_tests::faults::FAULTS;
use latchkey_tests::process::program;

use crate::removed_checks::{CHECK_REMOVED, build_without_checks};

/// How many demos run at a time: they mostly wait.
const AT_A_TIME: usize = 8;

/// Runs the demo of each fault and gives what came of it.
fn run_all(demo: &Path, prepare: impl Fn(&mut Command, &str) + Sync) -> Vec<(&'static str, Output)> {
    // Those that take longest first.
    let mut names: Vec<_> = FAULTS.iter().map(|fault| fault.name).collect();
    names.sort_by_key(|name| !["card-silent", "challenge-expired"].contains(name));
    let (open, done) = (Mutex::new(VecDeque::from(names)), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some(name) = open.lock().unwrap().pop_front() else { return };
                    let mut command = Command::new(demo);
                    prepare(command.args(["--fault", name]), name);
                    let output = command.output().unwrap();
                    done.lock().unwrap().push((name, output));
                }
            });
        }
    });
    done.into_inner().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_fault_is_refused_as_it_must_be_in_every_language() {
    let languages = ["be", "ru", "en"];
    let language =
        |name: &str| languages[FAULTS.iter().position(|fault| fault.name == name).unwrap() % languages.len()];
    let outputs = run_all(&program("latchkey-demo").unwrap(), |command, name| {
        command.args(["--lang", language(name)]);
    });
    for (name, output) in &outputs {
        assert!(output.status.success(), "{name}: {}", said(output));
    }
    assert_eq!(outputs.len(), FAULTS.len());
}

#[test]
fn a_demo_fails_without_the_check_that_its_fault_targets() {
    let demo = build_without_checks().join("latchkey-demo");
    // Nothing but the check makes the difference.
    for (name, output) in run_all(&demo, |_, _| ()) {
        assert!(output.status.success(), "{name}, with its check: {}", said(&output));
    }
    let removed = run_all(&demo, |command, name| {
        command.env(CHECK_REMOVED, name);
    });
    for (name, output) in removed {
        assert_eq!(output.status.code(), Some(1), "{name}, without its check: {}", said(&output));
        assert!(said(&output).contains("The demo failed: "), "{name}: {}", said(&output));
    }
}

#[test]
fn the_demo_lists_its_faults_and_knows_no_others() {
    let demo = || Command::new(program("latchkey-demo").unwrap());
    let listed = demo().args(["--fault", "list"]).output().unwrap();
    assert!(listed.status.success());
    for fault in FAULTS {
        assert!(said(&listed).contains(&format!("{:<28}{}", fault.name, fault.what)), "{}", fault.name);
    }
    let unknown = demo().args(["--fault", "meteorite"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2), "{}", said(&unknown));
}
