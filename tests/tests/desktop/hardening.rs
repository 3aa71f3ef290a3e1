//! The program as it starts: alone, without a window until one is wanted, and deaf to variables that steer web views.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use latchkey_tests::desktop::{Screen, wait_until};
use latchkey_tests::process::{Process, program};
use latchkey_tests::stage::free_port;

/// The program under test: as tests build it, and as it is packaged if that was built.
fn built() -> Vec<PathBuf> {
    let ours = program("latchkey-desktop").unwrap();
    let release = ours.parent().unwrap().with_file_name("release").join("latchkey-desktop");
    [Some(ours), release.is_file().then_some(release)].into_iter().flatten().collect()
}

fn command(screen: &Screen, path: &Path) -> Command {
    let managed = screen.home().join("managed.toml");
    if !managed.exists() {
        fs::write(&managed, format!("port = {}\n", free_port().unwrap())).unwrap();
    }
    let mut command = screen.command(path);
    command.arg("--managed").arg(managed);
    command
}

/// The names of the variables that this process was given.
fn variables(process: &Process) -> Vec<String> {
    let all = fs::read(format!("/proc/{}/environ", process.id())).unwrap();
    let all = String::from_utf8_lossy(&all).into_owned();
    all.split('\0').filter_map(|entry| Some(entry.split_once('=')?.0.to_owned())).collect()
}

#[test]
fn variables_that_steer_web_views_do_not_reach_the_program() {
    const SERVER: &str = "WEBKIT_INSPECTOR_SERVER";
    for path in built() {
        let is_release = path.parent().unwrap().ends_with("release");
        let screen = Screen::virtual_one().unwrap();
        let mut command = command(&screen, &path);
        let inspector = format!("127.0.0.1:{}", free_port().unwrap());
        command.env(SERVER, &inspector).env("WEBKIT_INSPECTOR_HTTP_SERVER", &inspector).env("WEBKIT_EXEC_PATH", "/tmp");
        if is_release {
            command.env("TAURI_AUTOMATION", "true").env("TAURI_WEBVIEW_AUTOMATION", "true");
        }
        let process = Process::start("latchkey-desktop", &mut command).unwrap();
        let steers = |name: &String| ["TAURI_", "WEBKIT_"].iter().any(|prefix| name.starts_with(prefix));
        wait_until("the window", || Ok((!screen.processes("WebKitWebProcess").is_empty()).then_some(()))).unwrap();
        let left: Vec<_> = variables(&process).into_iter().filter(steers).collect();
        assert!(left.is_empty(), "{}: {left:?}", path.display());
        assert!(std::net::TcpStream::connect(&inspector).is_err(), "{}: can be inspected", path.display());
        assert!(process.stop().unwrap().0.success());
    }
}

#[test]
fn the_program_runs_once_waits_without_a_window_and_ends_when_told() {
    let screen = Screen::virtual_one().unwrap();
    let path = program("latchkey-desktop").unwrap();
    let has_window = || !screen.processes("WebKitWebProcess").is_empty();
    let log = screen.home().join(".local/state/latchkey/desktop.log");

    let mut first = Process::start("latchkey-desktop", command(&screen, &path).arg("--background")).unwrap();
    wait_until("the log", || Ok(log.is_file().then_some(()))).unwrap();
    let again = command(&screen, &path).arg("--background").output().unwrap();
    assert!(again.status.success(), "{again:?}");
    assert!(!has_window(), "a start without a window opened one");

    let again = command(&screen, &path).output().unwrap();
    assert!(again.status.success(), "{again:?}");
    wait_until("the window", || Ok(has_window().then_some(()))).unwrap();
    assert!(!first.has_ended().unwrap());

    let again = command(&screen, &path).arg("--quit").output().unwrap();
    assert!(again.status.success(), "{again:?}");
    wait_until("the program to end", || Ok(first.has_ended()?.then_some(()))).unwrap();
    screen.wait_until_gone("WebKit").unwrap();
}
