//! Starting anew in place once the program has rested: the library that shows pages is gone from memory then, while the
//! process keeps its number, its place in the session, and its sockets.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use latchkey_client::app::{App, Left, REST, WindowWish};
use latchkey_client::hand_over::HandOver;
use latchkey_client::single_instance::First;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tauri::{AppHandle, Manager};

use crate::arguments::Start;
use crate::{surroundings, wanted, window};

/// Hears what later starts of the program want, and starts it anew when nobody has needed it for long enough.
pub(crate) async fn attend(handle: AppHandle, mut first: Option<First>, start: Start) {
    // Asked now: one that is replaced meanwhile by a newer version is found under the same name.
    let Ok(program) = std::env::current_exe() else { return };
    let app = handle.state::<App>();
    let rest = start.rest.unwrap_or(REST);
    loop {
        match &first {
            None => app.rested(rest).await,
            Some(one) => {
                if let Err(error) = one.hear(|wish| wanted(&handle, wish), app.rested(rest)).await {
                    tracing::warn!(%error, "later starts are not heard any more");
                    first = None;
                    continue;
                }
            }
        }
        let wish = *app.wishes().borrow();
        // A program that was removed goes on as it is.
        if program.is_file()
            && let Some(left) = app.leave().await
        {
            let again = Again { program, start, wish, left, first };
            return window::on_main_thread(&handle, move |handle| again.start(handle));
        }
    }
}

/// What is needed to start anew.
struct Again {
    program: PathBuf,
    start: Start,
    /// What was wanted of the window when it was decided.
    wish: WindowWish,
    left: Left,
    first: Option<First>,
}

impl Again {
    /// Replaces this process. On the thread of the windows, so that no library starts a process meanwhile.
    fn start(self, handle: &AppHandle) {
        let Self { program, start, wish, left: Left { sockets, memory }, first } = self;
        tracing::info!("nobody needs the program: it starts anew, to be small again");
        let instance = first.and_then(|first| first.parts().ok());
        let failed = match (HandOver { sockets, memory, instance }).put() {
            Ok(handed_over) => {
                end_web_views();
                let in_background = *handle.state::<App>().wishes().borrow() == wish;
                surroundings::start_anew(program, start.anew(in_background), handed_over)
            }
            Err(error) => error,
        };
        // Its sockets are gone: it cannot go on.
        tracing::error!(error = %failed, "the program could not be started anew");
        handle.exit(crate::INTERNAL.into());
    }
}

/// What this program left when it started itself anew; nothing in any other case.
pub(crate) fn handed_over(start: &Start) -> HandOver {
    if !start.continues {
        return HandOver::default();
    }
    let handed_over = HandOver::take(std::io::stdin());
    let closed = File::open("/dev/null").and_then(|null| Ok(rustix::stdio::dup2_stdin(null)?));
    if let Err(error) = closed {
        tracing::warn!(%error, "what was handed over stays open");
    }
    see_off_children();
    handed_over.unwrap_or_default()
}

/// Whoever was started before, such as the holder's browser, is waited for: otherwise his entry in the system's list of
/// processes would stay.
fn see_off_children() {
    for (child, _) in children() {
        let waiting = std::thread::Builder::new().name("child".into()).spawn(move || {
            if let Err(error) = waitpid(Some(child), WaitOptions::empty()) {
                tracing::debug!(%error, "a process was seen off by another");
            }
        });
        if let Err(error) = waiting {
            tracing::warn!(%error, "there can be no thread");
        }
    }
}

/// Ends the processes with which pages were shown, and sees them off.
fn end_web_views() {
    let ours: Vec<Pid> =
        children().into_iter().filter(|(_, name)| name.starts_with(WEB_VIEW)).map(|(child, _)| child).collect();
    for signal in [Signal::TERM, Signal::KILL] {
        for child in &ours {
            // One that is gone needs none.
            kill_process(*child, signal).ok();
        }
        let end = Instant::now() + CLOSING_TIME;
        while Instant::now() < end {
            // An error: there is no such child any more.
            if ours.iter().all(|child| !matches!(waitpid(Some(*child), WaitOptions::NOHANG), Ok(None))) {
                return;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }
    tracing::warn!("a process of the web view does not end");
}

/// How the names of its processes begin.
const WEB_VIEW: &str = "WebKit";
/// How long each signal has to do its work.
const CLOSING_TIME: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The processes that this one has started, with their names.
fn children() -> Vec<(Pid, String)> {
    let us = rustix::process::getpid().as_raw_nonzero().get();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let child = |entry: fs::DirEntry| {
        let process = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let (parent, name) = parse(&fs::read_to_string(entry.path().join("stat")).ok()?)?;
        (parent == us).then_some((process, name))
    };
    entries.filter_map(child).collect()
}

/// The parent and the name in a line of `/proc/…/stat`; a name may hold anything, brackets too.
fn parse(stat: &str) -> Option<(i32, String)> {
    let (head, tail) = stat.rsplit_once(") ")?;
    let (_, name) = head.split_once(" (")?;
    let parent = tail.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some((parent, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parent_and_name_are_read_whatever_the_name_is() {
        assert_eq!(parse("12 (WebKitNetworkPr) S 7 12 12 0"), Some((7, "WebKitNetworkPr".to_owned())));
        assert_eq!(parse("12 (a) S 1 (b) R 9 1"), Some((9, "a) S 1 (b".to_owned())));
        for wrong in ["", "12", "12 (a)", "12 (a) S", "12 (a) S x 1"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_child_is_found_by_its_parent() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = children();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.iter().any(|(process, _)| u32::try_from(process.as_raw_nonzero().get()) == Ok(child.id())));
    }
}
