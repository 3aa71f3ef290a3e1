//! A database file and the connections to it.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::RwLock;

use super::SqliteSettings;
use super::readers::{Reader, Readers};
use super::writer::Writer;
use crate::files::EVERYBODY;
use crate::storage::StorageError;

const RETRY_AFTER: Duration = Duration::from_millis(20);

/// A database file that is open.
#[derive(Debug)]
pub(super) struct Database {
    settings: SqliteSettings,
    migrations: &'static Migrator,
    opened: RwLock<Opened>,
}

/// The file that was opened. A file that is removed or replaced while connections are open would go on being written
/// without a name; so its identity is compared before every use.
#[derive(Debug, Clone)]
struct Opened {
    file: FileIdentity,
    writer: Writer,
    readers: Readers,
}

impl Database {
    /// Opens the database, makes it if there is none, and brings its tables to this version.
    pub(super) async fn open(settings: SqliteSettings, migrations: &'static Migrator) -> Result<Self, StorageError> {
        let opened = Opened::open(&settings, migrations, true).await?;
        Ok(Self { settings, migrations, opened: RwLock::new(opened) })
    }

    /// Ends all connections, so that the log beside the database is folded into it.
    pub(super) async fn close(&self) {
        let opened = self.opened.read().await;
        opened.readers.close().await;
        opened.writer.close().await;
    }

    pub(super) async fn writer(&self) -> Result<Writer, StorageError> {
        Ok(self.opened().await?.writer)
    }

    pub(super) async fn reader(&self) -> Result<Reader, StorageError> {
        self.opened().await?.readers.take().await
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
            let replacement = Opened::open(&self.settings, self.migrations, false).await?;
            let former = std::mem::replace(&mut *opened, replacement);
            former.readers.close().await;
            former.writer.close().await;
        }
        Ok(opened.clone())
    }
}

impl Opened {
    async fn open(settings: &SqliteSettings, migrations: &Migrator, make: bool) -> Result<Self, StorageError> {
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
        migrations.run_direct(None, &mut *transaction, false).await.map_err(StorageError::Migration)?;
        transaction.commit().await?;
        let readers = Readers::new(options, settings.patience);
        Ok(Self { file, writer: Writer::new(connection, settings.patience), readers })
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
