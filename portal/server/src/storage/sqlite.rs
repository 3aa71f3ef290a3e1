//! SQLite: the database in one file, the default.
//!
//! One connection writes, so that the writers of a process queue instead of colliding, and those that queue share a
//! commit; a few others read beside it (write-ahead log). Every commit reaches the disk before it is answered (`synchronous = FULL`): a challenge that was
//! taken stays taken after a power cut. What is deleted is overwritten (`secure_delete`), and with the next purge it is
//! gone from the log too.

mod links;
mod row;
mod statements;
mod together;
mod writer;

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};
use time::OffsetDateTime;
use tokio::sync::RwLock;

use writer::Writer;

use super::{
    Answer, Completing, KeptChallenge, KeptCompletion, LinkSpent, NotCompleted, NotTaken, Purged, Storage, StorageError,
};
use crate::challenge::ChallengeId;
use crate::files::EVERYBODY;
use crate::session::Session;
use crate::token::TokenHash;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

const READERS: u32 = 4;
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// Where the database is and how long it may make others wait.
#[derive(Debug, Clone)]
pub struct SqliteSettings {
    /// The database file. SQLite keeps two more files beside it, with `-wal` and `-shm` at the end of their names.
    pub path: PathBuf,
    /// How long to wait for another process' write to end, and for a connection to become free.
    pub patience: Duration,
}

impl SqliteSettings {
    /// The database in `path`, with the patience of five seconds.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, patience: Duration::from_secs(5) }
    }
}

/// The service's memory in an SQLite file.
#[derive(Debug)]
pub struct SqliteStorage {
    settings: SqliteSettings,
    opened: RwLock<Opened>,
}

/// The file that was opened. A file that is removed or replaced while connections are open would go on being written
/// without a name; so its identity is compared before every use.
#[derive(Debug, Clone)]
struct Opened {
    file: FileIdentity,
    writer: Writer,
    readers: SqlitePool,
}

impl SqliteStorage {
    /// Opens the database, makes it if there is none, and brings its tables to this version.
    ///
    /// # Errors
    /// [`StorageError`] if the file cannot be used or was written by a newer version.
    pub async fn open(settings: SqliteSettings) -> Result<Self, StorageError> {
        let opened = Opened::open(&settings, true).await?;
        Ok(Self { settings, opened: RwLock::new(opened) })
    }

    /// Ends all connections, so that the log beside the database is folded into it.
    pub async fn close(&self) {
        let opened = self.opened.read().await;
        opened.readers.close().await;
        opened.writer.close().await;
    }

    async fn opened(&self) -> Result<Opened, StorageError> {
        let file = FileIdentity::of(&self.settings.path)?;
        {
            let opened = self.opened.read().await;
            if opened.file == file {
                return Ok(opened.clone());
            }
        }
        let mut opened = self.opened.write().await;
        if opened.file != file {
            // Never made anew here: an empty database in place of a lost one would hide the loss.
            let replacement = Opened::open(&self.settings, false).await?;
            let former = std::mem::replace(&mut *opened, replacement);
            former.readers.close().await;
            former.writer.close().await;
        }
        Ok(opened.clone())
    }

    async fn writer(&self) -> Result<Writer, StorageError> {
        Ok(self.opened().await?.writer)
    }

    async fn reader(&self) -> Result<SqlitePool, StorageError> {
        Ok(self.opened().await?.readers)
    }
}

impl Opened {
    async fn open(settings: &SqliteSettings, make: bool) -> Result<Self, StorageError> {
        if make {
            make_file(&settings.path)?;
        }
        check_mode(&settings.path)?;
        let options = SqliteConnectOptions::new()
            .filename(&settings.path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("secure_delete", "ON")
            .busy_timeout(settings.patience);
        let mut connection = connect(&options, settings.patience).await?;
        let file = FileIdentity::of(&settings.path)?;
        // The write lock is taken first, so that of two processes that start together one finds the work done.
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        // `run` takes a connection in a way that loses its `Send`; this is what it calls.
        MIGRATIONS.run_direct(None, &mut *transaction, false).await.map_err(StorageError::Migration)?;
        transaction.commit().await?;
        let readers = PoolOptions::new().max_connections(READERS).acquire_timeout(settings.patience);
        // A file needs no asking whether it is still there each time; see above.
        let readers = readers.test_before_acquire(false).connect_lazy_with(options);
        Ok(Self { file, writer: Writer::new(connection, settings.patience), readers })
    }
}

impl Storage for SqliteStorage {
    fn keep_challenge<'a>(&'a self, challenge: &'a KeptChallenge) -> Answer<'a, ()> {
        let challenge = challenge.clone();
        Box::pin(async move { self.writer().await?.keep(challenge).await })
    }

    fn take_challenge<'a>(
        &'a self,
        id: ChallengeId,
        browser: &'a TokenHash,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, NotTaken>> {
        let browser = *browser;
        Box::pin(async move { self.writer().await?.take(id, browser, now).await })
    }

    fn fetch_link<'a>(
        &'a self,
        request: &'a TokenHash,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, LinkSpent>> {
        let request = *request;
        Box::pin(async move {
            let writer = self.writer().await?;
            writer.write(move |to| Box::pin(async move { links::fetch(to, &request, now).await })).await
        })
    }

    fn take_link<'a>(
        &'a self,
        request: &'a TokenHash,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, LinkSpent>> {
        let request = *request;
        Box::pin(async move {
            let writer = self.writer().await?;
            writer.write(move |to| Box::pin(async move { links::take(to, &request, now).await })).await
        })
    }

    fn keep_completion<'a>(&'a self, completion: &'a KeptCompletion) -> Answer<'a, ()> {
        let completion = completion.clone();
        Box::pin(async move {
            let writer = self.writer().await?;
            writer.write(|to| Box::pin(async move { links::keep_completion(to, &completion).await })).await
        })
    }

    fn complete<'a>(
        &'a self,
        completing: &'a Completing,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<Session, NotCompleted>> {
        let completing = *completing;
        Box::pin(async move {
            let writer = self.writer().await?;
            writer.write(move |to| Box::pin(async move { links::complete(to, &completing, now).await })).await
        })
    }

    fn open_session<'a>(
        &'a self,
        token: &'a TokenHash,
        session: &'a Session,
        replaced: Option<&'a TokenHash>,
    ) -> Answer<'a, ()> {
        let (token, session, replaced) = (*token, session.clone(), replaced.copied());
        Box::pin(async move { self.writer().await?.open(token, session, replaced).await })
    }

    fn session<'a>(&'a self, token: &'a TokenHash, now: OffsetDateTime) -> Answer<'a, Option<Session>> {
        Box::pin(async move { statements::session(&self.reader().await?, token, now).await })
    }

    fn end_session<'a>(&'a self, token: &'a TokenHash) -> Answer<'a, bool> {
        let token = *token;
        Box::pin(async move {
            let writer = self.writer().await?;
            writer.write(move |to| Box::pin(async move { statements::end_session(to, &token).await })).await
        })
    }

    fn purge(&self, now: OffsetDateTime) -> Answer<'_, Purged> {
        Box::pin(async move {
            let writer = self.writer().await?;
            let purged = writer.write(move |to| Box::pin(statements::purge(to, now))).await?;
            // The log beside the database still has what was deleted.
            writer.alone(|to| Box::pin(statements::empty_log(to))).await?;
            Ok(purged)
        })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async move { self.writer().await?.write(|to| Box::pin(statements::change_nothing(to))).await })
    }
}

/// Connects for the first time. Of two processes that start together on a new file, SQLite refuses one at once when both
/// turn the write-ahead log on, however patient the connection is: it tries again.
async fn connect(options: &SqliteConnectOptions, patience: Duration) -> Result<SqliteConnection, StorageError> {
    let started = Instant::now();
    loop {
        match options.connect().await {
            Err(error) if is_busy(&error) && started.elapsed() < patience => tokio::time::sleep(RETRY_AFTER).await,
            outcome => return Ok(outcome?),
        }
    }
}

/// SQLITE_BUSY, whatever the extended part of the code says.
fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xFF == SQLITE_BUSY)
}

/// Makes the file, if there is none, so that only this user can read it; SQLite gives the files beside it the same mode.
fn make_file(path: &Path) -> Result<(), StorageError> {
    // Never opens a file that is there: closing it would take away the locks that SQLite has on it in this process.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(StorageError::FileGone(error)),
        _ => Ok(()),
    }
}

/// A file that was there before, perhaps from a copy, holds personal data all the same.
fn check_mode(path: &Path) -> Result<(), StorageError> {
    let mode = std::fs::metadata(path).map_err(StorageError::FileGone)?.mode() & 0o777;
    if mode & EVERYBODY == 0 { Ok(()) } else { Err(StorageError::OpenToEverybody(mode)) }
}

/// What tells one file from another that took its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileIdentity {
    device: u64,
    node: u64,
}

impl FileIdentity {
    fn of(path: &Path) -> Result<Self, StorageError> {
        let metadata = std::fs::metadata(path).map_err(StorageError::FileGone)?;
        Ok(Self { device: metadata.dev(), node: metadata.ino() })
    }
}
