//! The connections that read. A pool of the library's asks each connection whether it is well whenever it comes back, which
//! is right for a server, and would be half of the work here.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::select_all;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

use crate::storage::StorageError;

const READERS: usize = 4;

/// A connection to read with. It goes back when it is dropped.
pub(super) type Reader = OwnedMappedMutexGuard<Option<SqliteConnection>, SqliteConnection>;

/// All of them. Each connects when it is needed first.
#[derive(Clone)]
pub(super) struct Readers(Arc<Shared>);

struct Shared {
    places: [Arc<Mutex<Option<SqliteConnection>>>; READERS],
    options: SqliteConnectOptions,
    /// How long somebody may wait for a connection.
    patience: Duration,
    is_closed: AtomicBool,
}

impl Readers {
    pub(super) fn new(options: SqliteConnectOptions, patience: Duration) -> Self {
        Self(Arc::new(Shared { places: Default::default(), options, patience, is_closed: AtomicBool::new(false) }))
    }

    /// The first that nobody uses, which knows best what is in the file.
    pub(super) async fn take(&self) -> Result<Reader, StorageError> {
        let Shared { places, options, patience, is_closed } = &*self.0;
        let free = select_all(places.iter().map(|place| Box::pin(Arc::clone(place).lock_owned())));
        let (mut place, ..) = tokio::time::timeout(*patience, free).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        if is_closed.load(Ordering::Acquire) {
            return Err(sqlx::Error::PoolClosed.into());
        }
        if place.is_none() {
            *place = Some(options.connect().await?);
        }
        // By now it has connected.
        OwnedMutexGuard::try_map(place, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed.into())
    }

    /// Ends each connection when nobody uses it any more. Nobody gets one afterwards.
    pub(super) async fn close(&self) {
        let Shared { places, is_closed, .. } = &*self.0;
        is_closed.store(true, Ordering::Release);
        for place in places {
            if let Some(connection) = place.lock().await.take() {
                // Fails if the file is gone; then there is nothing to fold the log into.
                let _ = connection.close().await;
            }
        }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}
