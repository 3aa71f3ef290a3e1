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

/// A run of a fault's demo.
struct Run<Kind> {
    name: &'static str,
    kind: Kind,
    output: Output,
}

/// Runs the demo of each fault once for every kind of run, and gives what came of it.
fn run_all<Kind: Copy + Send + Sync>(
    demo: &Path,
    kinds: &[Kind],
    prepare: impl Fn(&mut Command, &str, Kind) + Sync,
) -> Vec<Run<Kind>> {
    let mut runs: Vec<_> = FAULTS.iter().flat_map(|fault| kinds.iter().map(|kind| (fault.name, *kind))).collect();
    // Those that take longest first.
    runs.sort_by_key(|(name, _)| !["card-silent", "challenge-expired"].contains(name));
    let (open, done) = (Mutex::new(VecDeque::from(runs)), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some((name, kind)) = open.lock().unwrap().pop_front() else { return };
                    let mut command = Command::new(demo);
                    prepare(command.args(["--fault", name]), name, kind);
                    let output = command.output().unwrap();
                    done.lock().unwrap().push(Run { name, kind, output });
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
    let runs = run_all(&program("latchkey-demo").unwrap(), &[()], |command, name, ()| {
        command.args(["--lang", language(name)]);
    });
    for Run { name, output, .. } in &runs {
        assert!(output.status.success(), "{name}: {}", said(output));
    }
    assert_eq!(runs.len(), FAULTS.len());
}

/// Whether the check that a fault targets is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    There,
    Removed,
}

#[test]
fn a_demo_fails_without_the_check_that_its_fault_targets() {
    let demo = build_without_checks().join("latchkey-demo");
    let runs = run_all(&demo, &[Check::There, Check::Removed], |command, name, check| {
        if check == Check::Removed {
            command.env(CHECK_REMOVED, name);
        }
    });
    for Run { name, kind, output } in &runs {
        match kind {
            // Nothing but the check makes the difference.
            Check::There => assert!(output.status.success(), "{name}, with its check: {}", said(output)),
            Check::Removed => {
                assert_eq!(output.status.code(), Some(1), "{name}, without its check: {}", said(output));
                assert!(said(output).contains("The demo failed: "), "{name}: {}", said(output));
            }
        }
    }
    assert_eq!(runs.len(), 2 * FAULTS.len());
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
