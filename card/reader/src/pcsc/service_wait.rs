//! Waiting for the PC/SC service to come, without asking it all the time.

use std::time::Duration;

/// What came of asking for the service.
pub(super) enum Attempt<T> {
    /// It answers.
    Found(T),
    /// It is not there.
    Absent,
    /// It is there, but does not want to; it will not tell when it does.
    Unwilling,
}

/// How long to leave an unwilling service alone.
const UNWILLING_FOR: Duration = Duration::from_secs(1);
/// How long to wait at most before asking again. The service announces itself by its socket's file; what cannot be seen
/// by files (a service that was stuck and is no more) is found out this late.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// How long a burst of changes may settle before the service is asked again: it first makes its socket's file and then
/// listens.
const SETTLE: Duration = Duration::from_millis(50);

#[cfg(target_os = "linux")]
pub(super) use linux::{ServiceWait, StopSignal};
#[cfg(not(target_os = "linux"))]
pub(super) use other::{ServiceWait, StopSignal};

/// pcsc-lite's service is where its socket is: a change in the socket's folder is the event to wait for.
#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::net::UnixStream;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

    use super::{ASK_AGAIN_AFTER, Attempt, SETTLE, UNWILLING_FOR};

    /// Where pcsc-lite's clients look for the service unless the environment says otherwise.
    const USUAL_SOCKET: &str = "/run/pcscd/pcscd.comm";

    /// Tells a waiting thread to stop: it does when this is dropped.
    #[derive(Debug)]
    pub(in super::super) struct StopSignal {
        _ours: UnixStream,
    }

    /// Waits for the service, or for the signal to stop.
    #[derive(Debug)]
    pub(in super::super) struct ServiceWait {
        socket: PathBuf,
        stopped: UnixStream,
    }

    impl ServiceWait {
        pub(in super::super) fn new() -> io::Result<(Self, StopSignal)> {
            let socket = std::env::var_os("PCSCLITE_CSOCK_NAME").map_or_else(|| USUAL_SOCKET.into(), PathBuf::from);
            let (ours, stopped) = UnixStream::pair()?;
            Ok((Self { socket, stopped }, StopSignal { _ours: ours }))
        }

        /// Waits until the service may have come and `try_again` finds it, and returns what it found; `None` if it was
        /// stopped. Nothing that happens between two attempts is missed.
        pub(in super::super) fn until<T>(&self, mut try_again: impl FnMut() -> Attempt<T>) -> Option<T> {
            loop {
                let changes = self.watch_folder();
                let stopped = match try_again() {
                    Attempt::Found(found) => return Some(found),
                    Attempt::Unwilling => self.is_stopped_within(UNWILLING_FOR, None),
                    Attempt::Absent => {
                        let watched = changes.as_ref().ok().map(AsFd::as_fd);
                        self.is_stopped_within(ASK_AGAIN_AFTER, watched) || self.is_stopped_within(SETTLE, None)
                    }
                };
                if stopped {
                    return None;
                }
            }
        }

        /// Waits for that time; whether it was stopped in it.
        pub(in super::super) fn pause(&self, time: Duration) -> bool {
            self.is_stopped_within(time, None)
        }

        /// Watches the socket's folder, or the nearest one above it that exists.
        fn watch_folder(&self) -> io::Result<OwnedFd> {
            let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            let changes = WatchFlags::CREATE
                | WatchFlags::MOVED_TO
                | WatchFlags::ATTRIB
                | WatchFlags::DELETE_SELF
                | WatchFlags::MOVE_SELF;
            let mut folders = self.socket.ancestors().skip(1).map(|folder| match folder {
                none if none == Path::new("") => Path::new("."),
                folder => folder,
            });
            folders
                .find_map(|folder| inotify::add_watch(&watch, folder, changes).ok())
                .ok_or(io::ErrorKind::NotFound)?;
            Ok(watch)
        }

        /// Waits for the stop signal, a change if `watched` is given, or the end of the time; whether it is stopped.
        fn is_stopped_within(&self, time: Duration, watched: Option<std::os::fd::BorrowedFd<'_>>) -> bool {
            let mut sources = vec![PollFd::new(&self.stopped, PollFlags::IN)];
            sources.extend(watched.iter().map(|watched| PollFd::new(watched, PollFlags::IN)));
            let time = Timespec::try_from(time).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
            // A wait that fails (a signal) counts as over: the next attempt is harmless.
            poll(&mut sources, Some(&time)).ok();
            sources.first().is_some_and(|stopped| !stopped.revents().is_empty())
        }
    }
}

/// Elsewhere the service announces itself in other ways; asking it every two seconds costs little where it always runs.
#[cfg(not(target_os = "linux"))]
mod other {
    use std::io;
    use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
    use std::time::Duration;

    use super::{ASK_AGAIN_AFTER, Attempt, SETTLE, UNWILLING_FOR};

    /// Tells a waiting thread to stop: it does when this is dropped.
    #[derive(Debug)]
    pub(in super::super) struct StopSignal {
        _ours: Sender<()>,
    }

    /// Waits for the service, or for the signal to stop.
    #[derive(Debug)]
    pub(in super::super) struct ServiceWait {
        stopped: Receiver<()>,
    }

    impl ServiceWait {
        pub(in super::super) fn new() -> io::Result<(Self, StopSignal)> {
            let (ours, stopped) = channel();
            Ok((Self { stopped }, StopSignal { _ours: ours }))
        }

        /// Waits until `try_again` finds the service, and returns what it found; `None` if it was stopped.
        pub(in super::super) fn until<T>(&self, mut try_again: impl FnMut() -> Attempt<T>) -> Option<T> {
            loop {
                let patience = match try_again() {
                    Attempt::Found(found) => return Some(found),
                    Attempt::Unwilling => UNWILLING_FOR,
                    Attempt::Absent => (ASK_AGAIN_AFTER / 15).max(SETTLE),
                };
                if self.pause(patience) {
                    return None;
                }
            }
        }

        /// Waits for that time; whether it was stopped in it.
        pub(in super::super) fn pause(&self, time: Duration) -> bool {
            self.stopped.recv_timeout(time) != Err(RecvTimeoutError::Timeout)
        }
    }
}
