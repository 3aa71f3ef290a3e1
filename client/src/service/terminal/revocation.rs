//! Which signers of requests are revoked: the lists that an administrator has named, read anew when they change.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use latchkey_crypto::x509::{RevocationLists, TrustStore};

use crate::documents::read_lists;

/// What the files said when they were looked at last.
#[derive(Default)]
pub(in crate::service) struct RequestLists {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    seen: Vec<Option<FileState>>,
    lists: RevocationLists,
}

/// By what a changed file is told: device, node, size, and the time of the last change with its nanoseconds.
type FileState = ([u64; 3], [i64; 2]);

impl RequestLists {
    /// What the files say now. A list never takes the place of a newer one, and one that cannot be read or is by nobody in
    /// `trust` changes nothing: a certificate counts only while a current list says that it is not revoked. Reads files.
    pub(super) fn current(&self, files: &[PathBuf], trust: &TrustStore) -> RevocationLists {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.seen.resize(files.len(), None);
        let Held { seen, lists } = &mut *held;
        for (file, seen) in files.iter().zip(seen) {
            let state = state(file);
            if state.is_some() && *seen == state {
                continue;
            }
            match read_lists(std::slice::from_ref(file), trust, lists) {
                Ok(()) => *seen = state,
                Err(error) => tracing::warn!(%error, "a revocation list of signed requests is not usable"),
            }
        }
        lists.clone()
    }
}

fn state(file: &Path) -> Option<FileState> {
    let data = fs::metadata(file).ok()?;
    Some(([data.dev(), data.ino(), data.size()], [data.mtime(), data.mtime_nsec()]))
}
