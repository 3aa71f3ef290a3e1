//! Backups of a database file, made while the service works, and what they are made a database of again.
//!
//! A backup has what must outlive an accident, and nothing else: sessions, challenges, grants and whatever else is over within
//! a day is left out. It would be of no use, could come back after it was ended or used up, and has people's names.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

use super::{SqliteSettings, engine};
use crate::storage::StorageError;

/// The tables that a backup has, each after those that it refers to.
pub const KEPT_TABLES: [&str; 6] = ["cabinet_keys", "cabinets", "sign_ins", "consents", "bindings", "consents_to_act"];
/// The tables that a backup leaves empty.
pub const FORGOTTEN_TABLES: [&str; 8] =
    ["logouts", "tokens", "grants", "sessions", "completions", "challenges", "statements_seen", "pushed_requests"];
/// What a file is called until it is whole.
const UNFINISHED: &str = "part";

/// What a backup has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// How many rows of each table, in the order of [`KEPT_TABLES`].
    pub rows: [u64; KEPT_TABLES.len()],
}

/// Why there is no backup, or no database of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A database gives no answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file cannot be read or written; that there is one already, among others.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database has the tables of another version of this program.
    #[error("the database has the tables of another version: start the service of this version first")]
    OtherVersion,
    /// The database is damaged.
    #[error("{}: is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        problem: String,
    },
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        StorageError::from(error).into()
    }
}

/// Makes a backup of a database, which others may use meanwhile: as it is at one moment. The file `to` is there when it is
/// whole, on the disk and verified, or not at all; one that is there is left as it is.
///
/// # Errors
/// [`BackupError`].
pub async fn back_up(database: &SqliteSettings, to: &Path) -> Result<BackedUp, BackupError> {
    let source =
        database.path.to_str().ok_or_else(|| file_error(&database.path)(io::ErrorKind::InvalidFilename.into()))?;
    fs::metadata(&database.path).map_err(file_error(&database.path))?;
    let unfinished = begin(to)?;
    let mut backup = connect(&unfinished, database).await?;
    migrate(&mut backup).await?;
    sqlx::query("ATTACH DATABASE $1 AS source").bind(source).execute(&mut backup).await?;
    let versions =
        "SELECT (SELECT max(version) FROM main._sqlx_migrations) = (SELECT max(version) FROM source._sqlx_migrations)";
    // A database without that table was never this service's.
    if !sqlx::query_scalar::<_, bool>(versions).fetch_one(&mut backup).await.unwrap_or(false) {
        return Err(BackupError::OtherVersion);
    }
    let mut rows = [0; KEPT_TABLES.len()];
    let mut transaction = backup.begin().await?;
    for (count, table) in rows.iter_mut().zip(KEPT_TABLES) {
        let copy = AssertSqlSafe(format!("INSERT INTO main.{table} SELECT * FROM source.{table}"));
        *count = sqlx::query(copy).execute(&mut *transaction).await?.rows_affected();
    }
    transaction.commit().await?;
    sqlx::query("DETACH DATABASE source").execute(&mut backup).await?;
    check(&mut backup, &unfinished).await?;
    backup.close().await?;
    finish(&unfinished, to)?;
    Ok(BackedUp { rows })
}

/// Makes a database of a backup, or of a copy of a database, perhaps of an older version. The database is there when it is
/// whole, on the disk and verified, or not at all; one that is there is left as it is.
///
/// # Errors
/// [`BackupError`].
pub async fn restore(from: &Path, database: &SqliteSettings) -> Result<BackedUp, BackupError> {
    let to = &database.path;
    let mut backup = File::open(from).map_err(file_error(from))?;
    let unfinished = begin(to)?;
    let mut copy = OpenOptions::new().write(true).open(&unfinished).map_err(file_error(&unfinished))?;
    io::copy(&mut backup, &mut copy).map_err(file_error(&unfinished))?;
    drop(copy);
    let mut restored = connect(&unfinished, database).await.map_err(|error| damaged(from, &error))?;
    check(&mut restored, from).await?;
    migrate(&mut restored).await?;
    let mut transaction = restored.begin().await?;
    for table in FORGOTTEN_TABLES {
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    let mut rows = [0; KEPT_TABLES.len()];
    for (count, table) in rows.iter_mut().zip(KEPT_TABLES) {
        let counted = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let counted: i64 = sqlx::query_scalar(counted).fetch_one(&mut restored).await?;
        *count = u64::try_from(counted).unwrap_or_default();
    }
    check(&mut restored, &unfinished).await?;
    restored.close().await?;
    finish(&unfinished, to)?;
    Ok(BackedUp { rows })
}

/// An empty file of its owner's alone, beside the one that is to be. What a former attempt has left of one is removed.
fn begin(to: &Path) -> Result<PathBuf, BackupError> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(file_error(to)(io::ErrorKind::AlreadyExists.into()));
    }
    let unfinished = beside(to, UNFINISHED);
    for left in
        [unfinished.clone(), beside(&unfinished, "journal"), beside(&unfinished, "wal"), beside(&unfinished, "shm")]
    {
        match fs::remove_file(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file_error(&left)(error)),
            _ => {}
        }
    }
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished);
    made.map_err(file_error(&unfinished))?;
    Ok(unfinished)
}

/// In place of nothing: whatever has that name meanwhile stays.
fn finish(unfinished: &Path, to: &Path) -> Result<(), BackupError> {
    File::open(unfinished).and_then(|file| file.sync_all()).map_err(file_error(unfinished))?;
    fs::hard_link(unfinished, to).and_then(|()| fs::remove_file(unfinished)).map_err(file_error(to))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(file_error(folder))
}

/// Without a log beside it: one file is the whole.
async fn connect(path: &Path, settings: &SqliteSettings) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Delete)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .busy_timeout(settings.patience);
    options.connect().await
}

async fn migrate(to: &mut SqliteConnection) -> Result<(), BackupError> {
    // `run` takes a connection in a way that loses its `Send`; this is what it calls.
    let migrated = engine::MIGRATIONS.run_direct(None, to, false).await;
    migrated.map_err(|error| StorageError::Migration(error).into())
}

/// Whether the file holds together: its pages and indexes, and whatever refers to something else.
async fn check(database: &mut SqliteConnection, path: &Path) -> Result<(), BackupError> {
    let said: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut *database)
        .await
        .map_err(|error| damaged(path, &error))?;
    if said != "ok" {
        return Err(damaged(path, &said));
    }
    let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    let size: i64 = sqlx::query_scalar(size).fetch_one(&mut *database).await?;
    let length = fs::metadata(path).map_err(file_error(path))?.len();
    if u64::try_from(size).ok() != Some(length) {
        return Err(damaged(path, &"is not as long as it says"));
    }
    let astray = sqlx::query("PRAGMA foreign_key_check").fetch_optional(database).await?;
    if astray.is_some() { Err(damaged(path, &"a row refers to one that is not there")) } else { Ok(()) }
}

fn damaged(path: &Path, problem: &dyn std::fmt::Display) -> BackupError {
    BackupError::Damaged { path: path.to_owned(), problem: problem.to_string() }
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    |source| BackupError::File { path: path.to_owned(), source }
}

/// The file of that name with something behind it. SQLite joins with a hyphen, and so is the whole beside the part.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-");
    name.push(what);
    PathBuf::from(name)
}
