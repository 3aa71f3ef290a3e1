//! Variables with which others steer a web view: they open it to remote control, to inspection, or make it load another
//! program. None of them reaches ours. And one that keeps a program that waits in the background small.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Whoever can set these can drive or replace what shows our pages.
const STEERING: &[&str] = &["TAURI_", "WEBKIT_", "WEBVIEW2_", "JSC_"];

/// What people need on some graphics cards, and what steers nothing.
const HARMLESS: &[&str] = &["WEBKIT_DISABLE_COMPOSITING_MODE", "WEBKIT_DISABLE_DMABUF_RENDERER"];

/// With these the end-to-end tests drive the window. A release knows no exception.
const REMOTE_CONTROL: &[&str] = &["TAURI_AUTOMATION", "TAURI_WEBVIEW_AUTOMATION", "WEBKIT_INSPECTOR_SERVER"];

/// The names among `variables` that must not be there.
///
/// With `is_for_tests` the variables for remote control may stay where all of them are wanted: the build for tests, which
/// is never packaged.
pub fn steering(variables: impl Iterator<Item = OsString>, is_for_tests: bool) -> Vec<OsString> {
    let steers = |name: &OsStr| {
        // Windows does not tell case apart.
        let name = name.to_string_lossy().to_ascii_uppercase();
        STEERING.iter().any(|prefix| name.starts_with(prefix)) && !HARMLESS.contains(&name.as_str())
    };
    let mut names: Vec<_> = variables.filter(|name| steers(name)).collect();
    if is_for_tests && names.iter().any(|name| name == "TAURI_AUTOMATION") {
        names.retain(|name| !REMOTE_CONTROL.iter().any(|kept| name == kept));
    }
    names
}

/// Keeps GDK from loading OpenGL, which nothing here draws with: 30 MB for a program without a window.
const WITHOUT_OPENGL: (&str, &str) = ("GDK_GL", "disable");

/// Starts this program anew in the surroundings that it wants if they are others: to change those of a process that runs
/// is not safe. To be called first thing. `None` if they are right; otherwise how the new one ended, or that there is none.
#[must_use]
pub fn start_again_in_right_ones() -> Option<ExitCode> {
    let names = steering(std::env::vars_os().map(|(name, _)| name), cfg!(debug_assertions));
    let (name, value) = WITHOUT_OPENGL;
    if names.is_empty() && std::env::var_os(name).is_some_and(|set| set == value) {
        return None;
    }
    let mut arguments = std::env::args_os();
    let called = arguments.next().unwrap_or_default();
    let Ok(program) = std::env::current_exe() else { return Some(ExitCode::FAILURE) };
    let mut command = Command::new(program);
    command.env(name, value);
    for name in names {
        command.env_remove(name);
    }
    let error = command.args(arguments).arg0(called).exec();
    eprintln!("{error}");
    Some(ExitCode::FAILURE)
}

/// Puts a new start of `program` in this process' place, in the same surroundings, with what is handed over as its
/// standard input. Comes back only if that failed.
pub(crate) fn start_anew(program: PathBuf, arguments: Vec<OsString>, handed_over: OwnedFd) -> io::Error {
    let called = std::env::args_os().next().unwrap_or_default();
    Command::new(program).arg0(called).args(arguments).stdin(handed_over).exec()
}
