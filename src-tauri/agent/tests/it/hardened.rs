//! What the process is protected against: other programs of the same user, core dumps, swap space, its own messages.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use latchkey_agent::wire::{AgentProcess, AgentProgram, Appearance};
use latchkey_agent::{Answer, CardAgent, CardTask, Failure, Request};

use crate::screen::{Scene, next_question};
use crate::stage::{ORDINARY, Stage, holder, sign_in};

/// A user without rights of its own: `nobody`.
const NOBODY: &str = "65534";

fn proc(id: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{id}/{file}"))
}

#[test]
fn the_process_leaves_no_core() {
    let stage = Stage::new();
    let agent = stage.agent();
    agent.send(Request::ListReaders).finish(|_| ()).unwrap();
    let id = agent.process_id().unwrap();
    let limits = fs::read_to_string(proc(id, "limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).collect::<Vec<_>>(), ["0", "0", "bytes"], "{core}");
}

#[test]
fn other_programs_of_the_same_user_cannot_look_into_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let open_to_all = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("latchkey-agent");
    fs::copy(env!("CARGO_BIN_EXE_latchkey-agent"), &program).unwrap();
    let script = folder.path().join("script");
    let started = format!("{:?}", as_its_user(program.to_str().unwrap()));
    fs::write(&script, format!("#!/bin/sh\nexec {started} \"$@\"\n")).unwrap();
    [folder.path(), &program, &script].into_iter().for_each(open_to_all);
    let agent = AgentProcess::new(AgentProgram::at(script), Appearance::default());
    // Whatever it answers, it has begun its work.
    assert_ne!(agent.send(Request::ListReaders).finish(|_| ()).map(|_| ()), Err(Failure::AgentStopped));
    assert!(!seen_by_its_user(agent.process_id().unwrap()));

    let mut ordinary = as_its_user("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    ordinary.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    ordinary.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    assert!(seen_by_its_user(ordinary.id()), "the way of looking is at fault");
    ordinary.kill().unwrap();
    ordinary.wait().unwrap();
}

/// Whether another program of the same user can read what a process was given. Run as root, that user is `nobody`.
fn seen_by_its_user(id: u32) -> bool {
    as_its_user("head").arg("-c1").arg(proc(id, "environ")).stderr(Stdio::null()).output().unwrap().status.success()
}

fn as_its_user(program: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", program]);
    command
}

#[test]
fn digits_are_in_locked_pages_while_they_are_entered_and_gone_afterwards() {
    let mut scene = Scene::new(ORDINARY, "--lang en");
    let exchange = scene.begin(sign_in());
    let field = scene.field("PIN of your card");
    let id = scene.agent.process_id().unwrap();
    let locked = |id| {
        let status = fs::read_to_string(proc(id, "status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    scene.tool.insert(&field, &holder(ORDINARY).pin[..4]).unwrap();
    scene.sees("4 of 6");
    assert!(locked(id) >= 4, "no page is locked");
    exchange.cancellation().cancel();
    exchange.finish(|_| ()).unwrap_err();
    scene.expect_no_window();
    scene.agent.send(Request::ListReaders).finish(|_| ()).unwrap();
    assert_eq!(locked(id), 0);
}

#[test]
fn no_secret_passes_over_the_wire() {
    let mut scene = Scene::recorded(ORDINARY, "--lang en");
    let pin = holder(ORDINARY).pin;
    let exchange = scene.begin(sign_in());
    scene.enter("PIN of your card", pin, "Sign in");
    assert!(matches!(exchange.finish(|_| ()), Ok(Answer::SignedIn(_))));
    let exchange = scene.begin(CardTask::ChangePin);
    scene.enter("PIN that you have now", pin, "Continue");
    next_question(&exchange);
    scene.enter("New PIN, 6 digits", "580317", "Continue");
    scene.enter("The new PIN once more", "580317", "Change");
    exchange.finish(|_| ()).unwrap();
    let (told, answered) = scene.traffic();
    assert!(told.contains("https://portal.example") && answered.contains("signed-in"), "nothing was recorded");
    for (name, traffic) in [("to the agent", told), ("from the agent", answered)] {
        for secret in [pin, "580317", holder(ORDINARY).can, holder(ORDINARY).puk] {
            let reversed: String = secret.chars().rev().collect();
            let octets: Vec<_> = secret.bytes().map(|octet| octet.to_string()).collect();
            for form in [secret.to_owned(), reversed, octets.join(","), base64_of(secret)] {
                assert!(!traffic.contains(&form), "{name}: {form}");
            }
        }
    }
}

/// The first octets in base64: without what depends on those that follow.
fn base64_of(secret: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = secret.as_bytes().chunks_exact(3);
    let number = |group: &[u8]| group.iter().fold(0_usize, |number, octet| number << 8 | usize::from(*octet));
    groups.flat_map(|group| [18, 12, 6, 0].map(|shift| char::from(ALPHABET[number(group) >> shift & 63]))).collect()
}
