//! Throw-away profiles: folders that nobody else can look into, held by a lock as long as their program lives, deleted
//! with every process that still uses them.

use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::GuestFailure;

const PREFIX: &str = "guest-";
const LOCK: &str = ".lock";

/// A profile in use.
#[derive(Debug)]
pub(super) struct Profile {
    path: PathBuf,
    /// Free as soon as this program is gone, however it went.
    _lock: File,
}

impl Profile {
    /// An empty profile in `folder`, with places for what browsers write elsewhere.
    pub(super) fn make(folder: &Path) -> Result<Self, GuestFailure> {
        Self::try_make(folder)
            .map_err(|error| GuestFailure::NoProfile { path: folder.to_owned(), reason: error.to_string() })
    }

    fn try_make(folder: &Path) -> std::io::Result<Self> {
        private_folder(folder)?;
        // The lock is there before the folder: a folder without a lock that is held is a leftover.
        let named = tempfile::Builder::new().prefix(PREFIX).suffix(LOCK).tempfile_in(folder)?;
        named.as_file().lock()?;
        let (lock, lock_path) = named.keep().map_err(|error| error.error)?;
        let path = lock_path.with_extension("");
        DirBuilder::new().mode(0o700).create(&path)?;
        for place in ["t", "x", "cache", "crashes", "downloads"] {
            DirBuilder::new().mode(0o700).create(path.join(place))?;
        }
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Ends every process that uses the profile, and deletes it.
    pub(super) fn clear(self) -> Result<(), GuestFailure> {
        clear(&self.path)
    }
}

/// Deletes what guests left in `folder` when their program was killed, and ends their browsers. What a running program
/// holds stays.
///
/// # Errors
/// [`GuestFailure::NotCleared`] with the first that could not be deleted; the others are deleted all the same.
pub fn clear_leftovers(folder: &Path) -> Result<(), GuestFailure> {
    let entries = match is_ours_alone(folder).and_then(|ours| Ok((ours, fs::read_dir(folder)?))) {
        Ok((true, entries)) => entries,
        // What others put there is none of ours, and may lead anywhere.
        Ok((false, _)) => return Err(not_cleared(folder, &ErrorKind::PermissionDenied.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(not_cleared(folder, &error)),
    };
    let mut result = Ok(());
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with(PREFIX) {
            continue;
        }
        let profile = if name.ends_with(LOCK) { path.with_extension("") } else { path };
        if !is_held(&profile) {
            result = result.and(clear(&profile));
        }
    }
    result
}

fn is_held(profile: &Path) -> bool {
    File::open(lock_of(profile)).is_ok_and(|lock| matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

fn lock_of(profile: &Path) -> PathBuf {
    let mut name = profile.as_os_str().to_owned();
    name.push(LOCK);
    name.into()
}

fn private_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if is_ours_alone(folder)? { Ok(()) } else { Err(ErrorKind::PermissionDenied.into()) }
}

/// Whether it is a folder, no link to one, that nobody else can look into or put something in.
fn is_ours_alone(folder: &Path) -> std::io::Result<bool> {
    let metadata = fs::symlink_metadata(folder)?;
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
    Ok(metadata.is_dir() && is_ours && metadata.mode() & OTHERS == 0)
}

/// What group and others may do.
const OTHERS: u32 = 0o077;

/// Longest time for a browser's processes to go and for its folder to be empty.
const CLEARING_TIME: Duration = Duration::from_secs(10);
/// Between two looks at processes that have no event to wait for.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A process that is ending may still write: both are tried again until nothing is left.
fn clear(profile: &Path) -> Result<(), GuestFailure> {
    let deadline = Instant::now() + CLEARING_TIME;
    loop {
        let users = processes_using(profile);
        for process in &users {
            // It may have ended meanwhile.
            kill_process(*process, Signal::KILL).ok();
        }
        let deleted = match fs::remove_dir_all(profile) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        match deleted {
            Ok(()) if users.is_empty() => break,
            Err(error) if Instant::now() >= deadline => return Err(not_cleared(profile, &error)),
            Ok(()) if Instant::now() >= deadline => return Err(not_cleared(profile, &ErrorKind::ResourceBusy.into())),
            _ => std::thread::sleep(LOOK_AGAIN),
        }
    }
    match fs::remove_file(lock_of(profile)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(not_cleared(profile, &error)),
        _ => Ok(()),
    }
}

/// The processes whose command line names the profile: the browser, and the helpers that it started.
pub(super) fn processes_using(profile: &Path) -> Vec<Pid> {
    let wanted = profile.as_os_str().as_bytes();
    let ours = rustix::process::getpid();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    let uses = |process: &Pid| {
        let line = fs::read(format!("/proc/{}/cmdline", process.as_raw_nonzero())).unwrap_or_default();
        *process != ours && names(&line, wanted)
    };
    processes.filter(uses).collect()
}

/// Whether a command line names that folder, and not another that begins like it.
fn names(line: &[u8], folder: &[u8]) -> bool {
    line.windows(folder.len()).enumerate().any(|(at, window)| {
        let after = line.get(at.saturating_add(folder.len()));
        window == folder && after.is_none_or(|octet| matches!(octet, 0 | b'/' | b' ' | b'"' | b','))
    })
}

fn not_cleared(path: &Path, error: &std::io::Error) -> GuestFailure {
    GuestFailure::NotCleared { path: path.to_owned(), reason: error.to_string() }
}
