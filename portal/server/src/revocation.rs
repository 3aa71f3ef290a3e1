//! Revocation lists, taken anew when they change on disk; what keeps them current, and what is asked beside them.

mod fetching;
mod remote;
mod status_service;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use latchkey_crypto::x509::{
    Certificate, REVOCATION_LIST_MAX_SIZE, RevocationList, RevocationListError, RevocationLists, TrustStore,
    VerifiedRevocationList,
};
use time::OffsetDateTime;

pub use fetching::{FetchError, Fetching, ListSource};
pub use remote::{RemoteError, remote_address};
pub use status_service::{StatusService, StatusServiceError};

pub(crate) use status_service::name_of;

use crate::files::{FileError, FileState, read_limited};

/// The revocation lists in use. They change as a whole, by the exchange of one pointer: a sign-in sees either all of the
/// old ones or all of the new, and waits for nobody who reads a file.
#[derive(Debug)]
pub struct ListsOnDisk {
    authorities: Vec<Certificate>,
    current: RwLock<Arc<RevocationLists>>,
    files: Mutex<Vec<ListFile>>,
}

/// A file, and its state when it was last usable.
#[derive(Debug)]
pub struct ListFile {
    path: PathBuf,
    /// Whether it may be missing for the time being, because it is fetched.
    is_fetched: bool,
    seen: Option<FileState>,
}

/// What looking at the files for changes led to.
#[derive(Debug, Default)]
pub struct ListRenewal {
    /// The changed lists that are in use now, in the order of the files.
    pub taken: Vec<Arc<VerifiedRevocationList>>,
    /// The files that are not usable. What each of them had before stays in use.
    pub faults: Vec<ListError>,
}

/// Why a revocation list is not usable.
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
    /// The list in use is of a later date or has a higher number. An old list must not bring a revoked certificate back.
    #[error("the list is older than the one in use")]
    Older,
}

impl ListsOnDisk {
    /// Reads the lists. Each must be signed by an anchor or an intermediate of `trust`. Whether they are current is
    /// looked at in each sign-in.
    ///
    /// # Errors
    /// [`ListError`] for the first file that is not usable.
    pub fn load(files: Vec<ListFile>, trust: &TrustStore) -> Result<Self, ListError> {
        let lists = Self {
            authorities: trust.anchors().iter().chain(trust.intermediates()).cloned().collect(),
            current: RwLock::new(Arc::new(RevocationLists::new())),
            files: Mutex::new(files),
        };
        match lists.renew().faults.into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(lists),
        }
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

    /// Takes the lists of those files anew that have changed. A file that is not usable keeps no other from being taken,
    /// and is tried again by each call. If a file has the list of another authority than before, the former one's list
    /// stays in use until it is out of date: no authority's list goes away because two files were mixed up.
    pub fn renew(&self) -> ListRenewal {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let former = self.current();
        let mut renewal = ListRenewal::default();
        for file in files.iter_mut() {
            match file.renew(&self.authorities, &former) {
                Ok(Some(list)) => renewal.taken.push(list),
                Ok(None) => {}
                Err(fault) => renewal.faults.push(ListError { path: file.path.clone(), fault }),
            }
        }
        if !renewal.taken.is_empty() {
            let mut lists = RevocationLists::clone(&former);
            for list in &renewal.taken {
                lists.insert(Arc::clone(list));
            }
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
        }
        renewal
    }
}

impl ListFile {
    /// A file that something else keeps current.
    #[must_use]
    pub const fn kept(path: PathBuf) -> Self {
        Self { path, is_fetched: false, seen: None }
    }

    /// A file that is fetched, and may be missing until then: nobody's certificate counts as not revoked by it.
    #[must_use]
    pub const fn fetched(path: PathBuf) -> Self {
        Self { path, is_fetched: true, seen: None }
    }

    /// The file's list, if it has changed and is usable.
    fn renew(
        &mut self,
        authorities: &[Certificate],
        current: &RevocationLists,
    ) -> Result<Option<Arc<VerifiedRevocationList>>, ListFault> {
        if self.is_fetched && self.seen.is_none() && !self.path.exists() {
            return Ok(None);
        }
        // Looked at before reading: what changes meanwhile is read again next time.
        let state = FileState::of(&self.path)?;
        if self.seen == Some(state) {
            return Ok(None);
        }
        let list = Arc::new(read(&self.path, authorities)?);
        if current.of_the_authority_of(&list).is_some_and(|known| list.is_older_than(known)) {
            return Err(ListFault::Older);
        }
        self.seen = Some(state);
        Ok(Some(list))
    }
}

fn read(path: &Path, authorities: &[Certificate]) -> Result<VerifiedRevocationList, ListFault> {
    verified(&read_limited(path, REVOCATION_LIST_MAX_SIZE)?, authorities)
}

fn verified(octets: &[u8], authorities: &[Certificate]) -> Result<VerifiedRevocationList, ListFault> {
    match RevocationList::from_der(octets)?.verified_by_one_of(authorities) {
        Err(RevocationListError::OtherIssuer | RevocationListError::Signature(_)) => Err(ListFault::NoAuthority),
        verdict => Ok(verdict?),
    }
}
