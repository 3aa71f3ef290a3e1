//! Revocation lists, taken anew when they change on disk.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use latchkey_crypto::x509::{
    Certificate, REVOCATION_LIST_MAX_SIZE, RevocationList, RevocationListError, RevocationLists, TrustStore,
    VerifiedRevocationList,
};
use time::OffsetDateTime;

use crate::files::{FileError, FileState, Renewal, read_limited};

/// The revocation lists in use. They change as a whole: a sign-in sees either all of the old ones or all of the new.
#[derive(Debug)]
pub struct ListsOnDisk {
    files: Vec<PathBuf>,
    authorities: Vec<Certificate>,
    current: RwLock<Arc<RevocationLists>>,
    seen: Mutex<Vec<FileState>>,
}

/// Why revocation lists are not usable.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", path.display())]
pub struct ListError {
    /// The list's file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub fault: ListFault,
}

/// What is wrong with a revocation list's file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListFault {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is no revocation list.
    #[error(transparent)]
    List(#[from] RevocationListError),
    /// No configured authority has signed it.
    #[error("the list is not signed by any of the configured authorities")]
    NoAuthority,
    /// The list in use is of a later date. An old list must not bring a revoked certificate back.
    #[error("the list is older than the one in use")]
    Older,
}

impl ListsOnDisk {
    /// Reads the lists. Each must be signed by an anchor or an intermediate of `trust`. Whether they are current is
    /// looked at in each sign-in.
    ///
    /// # Errors
    /// [`ListError`] for the first file that is not usable.
    pub fn load(files: Vec<PathBuf>, trust: &TrustStore) -> Result<Self, ListError> {
        let authorities = trust.anchors().iter().chain(trust.intermediates()).cloned().collect();
        let lists = Self {
            files,
            authorities,
            current: RwLock::new(Arc::new(RevocationLists::new())),
            seen: Mutex::new(Vec::new()),
        };
        lists.renew()?;
        Ok(lists)
    }

    /// The lists in use.
    #[must_use]
    pub fn current(&self) -> Arc<RevocationLists> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the first of the lists in use will be out of date.
    #[must_use]
    pub fn current_until(&self) -> Option<OffsetDateTime> {
        self.current().lists().map(VerifiedRevocationList::next_update).min()
    }

    /// Takes the lists anew if a file has changed. If one of them is not usable, all former ones stay in use.
    ///
    /// # Errors
    /// [`ListError`] for the first file that is not usable. It is tried again by the next call.
    pub fn renew(&self) -> Result<Renewal, ListError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at before reading: what changes meanwhile is read again next time.
        let states = self.files.iter().map(|path| state(path)).collect::<Result<Vec<_>, _>>()?;
        if *seen == states {
            return Ok(Renewal::Unchanged);
        }
        let former = self.current();
        let mut lists = RevocationLists::new();
        for path in &self.files {
            self.take(path, &former, &mut lists).map_err(|fault| ListError { path: path.clone(), fault })?;
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
        *seen = states;
        Ok(Renewal::Taken)
    }

    fn take(&self, path: &Path, former: &RevocationLists, lists: &mut RevocationLists) -> Result<(), ListFault> {
        let octets = read_limited(path, REVOCATION_LIST_MAX_SIZE)?;
        let mut signed_by_nobody = true;
        for authority in &self.authorities {
            let list = match RevocationList::from_der(&octets)?.verified_by(authority) {
                Ok(list) => list,
                Err(RevocationListError::OtherIssuer | RevocationListError::Signature(_)) => continue,
                Err(fault) => return Err(fault.into()),
            };
            let is_older = |known: &&VerifiedRevocationList| {
                known.authority_key_info() == list.authority_key_info() && known.this_update() > list.this_update()
            };
            if former.lists().find(is_older).is_some() {
                return Err(ListFault::Older);
            }
            lists.insert(list);
            signed_by_nobody = false;
        }
        if signed_by_nobody { Err(ListFault::NoAuthority) } else { Ok(()) }
    }
}

fn state(path: &Path) -> Result<FileState, ListError> {
    FileState::of(path).map_err(|error| ListError { path: path.to_owned(), fault: error.into() })
}
