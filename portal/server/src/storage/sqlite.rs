//! SQLite: the database in one file, the default.
//!
//! One connection writes, so that the writers of a process queue instead of colliding; a few others read beside it
//! (write-ahead log). Every commit reaches the disk before it is answered (`synchronous = FULL`): a challenge that was
//! taken stays taken after a power cut. What is deleted is overwritten (`secure_delete`), and with the next purge it is
//! gone from the log too.

mod links;
mod row;

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolOptions;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Database, Sqlite, SqlitePool, Transaction};
use time::OffsetDateTime;
use tokio::sync::RwLock;

use super::{
    Answer, Completing, KeptChallenge, KeptCompletion, LinkSpent, NotCompleted, NotTaken, Purged, Storage,
    StorageError, TOMBSTONE,
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
    writer: SqlitePool,
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

    async fn writer(&self) -> Result<SqlitePool, StorageError> {
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
        let pool = |connections| PoolOptions::new().max_connections(connections).acquire_timeout(settings.patience);
        let writer = connect(pool(1), &options, settings.patience).await?;
        let file = FileIdentity::of(&settings.path)?;
        // The write lock is taken first, so that of two processes that start together one finds the work done.
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        // `run` takes a connection in a way that loses its `Send`; this is what it calls.
        MIGRATIONS.run_direct(None, &mut *transaction, false).await.map_err(StorageError::Migration)?;
        transaction.commit().await?;
        Ok(Self { file, writer, readers: pool(READERS).connect_lazy_with(options) })
    }
}

impl Storage for SqliteStorage {
    fn keep_challenge<'a>(&'a self, challenge: &'a KeptChallenge) -> Answer<'a, ()> {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO challenges (id, browser, challenge, purpose, issued_at, expires_at, link, short_code) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(challenge.id.octets().as_slice())
            .bind(challenge.browser.octets().as_slice())
            .bind(challenge.text.as_str())
            .bind(challenge.purpose.name())
            .bind(row::milliseconds(challenge.issued_at))
            .bind(row::milliseconds(challenge.expires_at))
            .bind(challenge.link.as_ref().map(|link| link.request.octets().as_slice()))
            .bind(challenge.link.map(|link| link.short_code.to_string()))
            .execute(&self.writer().await?)
            .await?;
            Ok(())
        })
    }

    fn take_challenge<'a>(
        &'a self,
        id: ChallengeId,
        browser: &'a TokenHash,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, NotTaken>> {
        Box::pin(async move {
            let writer = self.writer().await?;
            let taken = sqlx::query(
                "UPDATE challenges SET taken_at = ? \
                 WHERE id = ? AND browser = ? AND link IS NULL AND taken_at IS NULL RETURNING *",
            )
            .bind(row::milliseconds(now))
            .bind(id.octets().as_slice())
            .bind(browser.octets().as_slice())
            .fetch_optional(&writer)
            .await?;
            if let Some(taken) = taken {
                return row::challenge(&taken).map(Ok);
            }
            // Only a name for the refusal; whatever happens meanwhile, nothing is handed out here.
            let present = sqlx::query("SELECT * FROM challenges WHERE id = ? AND link IS NULL")
                .bind(id.octets().as_slice())
                .fetch_optional(&writer)
                .await?;
            Ok(Err(match present {
                None => NotTaken::Unknown,
                Some(present) if row::challenge(&present)?.browser == *browser => NotTaken::Replayed,
                Some(_) => NotTaken::OtherSession,
            }))
        })
    }

    fn fetch_link<'a>(
        &'a self,
        request: &'a TokenHash,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, LinkSpent>> {
        Box::pin(async move { links::fetch(&self.writer().await?, request, now).await })
    }

    fn take_link<'a>(
        &'a self,
        request: &'a TokenHash,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, LinkSpent>> {
        Box::pin(async move { links::take(&self.writer().await?, request, now).await })
    }

    fn keep_completion<'a>(&'a self, completion: &'a KeptCompletion) -> Answer<'a, ()> {
        Box::pin(async move { links::keep_completion(&self.writer().await?, completion).await })
    }

    fn complete<'a>(
        &'a self,
        completing: &'a Completing,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<Session, NotCompleted>> {
        Box::pin(async move { links::complete(&self.writer().await?, completing, now).await })
    }

    fn open_session<'a>(
        &'a self,
        token: &'a TokenHash,
        session: &'a Session,
        replaced: Option<&'a TokenHash>,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut transaction = self.writer().await?.begin_with("BEGIN IMMEDIATE").await?;
            start_session(&mut transaction, token, session, replaced).await?;
            transaction.commit().await?;
            Ok(())
        })
    }

    fn session<'a>(&'a self, token: &'a TokenHash, now: OffsetDateTime) -> Answer<'a, Option<Session>> {
        Box::pin(async move {
            let found = sqlx::query("SELECT * FROM sessions WHERE token = ? AND expires_at > ?")
                .bind(token.octets().as_slice())
                .bind(row::milliseconds(now))
                .fetch_optional(&self.reader().await?)
                .await?;
            found.as_ref().map(row::session).transpose()
        })
    }

    fn end_session<'a>(&'a self, token: &'a TokenHash) -> Answer<'a, bool> {
        Box::pin(async move {
            let ended = sqlx::query("DELETE FROM sessions WHERE token = ?")
                .bind(token.octets().as_slice())
                .execute(&self.writer().await?)
                .await?;
            Ok(ended.rows_affected() > 0)
        })
    }

    fn purge(&self, now: OffsetDateTime) -> Answer<'_, Purged> {
        Box::pin(async move {
            let writer = self.writer().await?;
            let challenges = sqlx::query("DELETE FROM challenges WHERE expires_at <= ?")
                .bind(row::milliseconds(now.saturating_sub(TOMBSTONE)))
                .execute(&writer)
                .await?;
            let sessions = sqlx::query("DELETE FROM sessions WHERE expires_at <= ?")
                .bind(row::milliseconds(now))
                .execute(&writer)
                .await?;
            sqlx::query("DELETE FROM completions WHERE ends_at <= ?")
                .bind(row::milliseconds(now))
                .execute(&writer)
                .await?;
            // The log beside the database still has what was deleted.
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&writer).await?;
            let left: i64 =
                sqlx::query_scalar("SELECT count(*) FROM challenges").fetch_one(&self.reader().await?).await?;
            Ok(Purged {
                challenges: challenges.rows_affected(),
                sessions: sessions.rows_affected(),
                challenges_left: u64::try_from(left).unwrap_or(0),
            })
        })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            // A write that changes nothing: it needs the tables, the lock and a place to write.
            let mut transaction = self.writer().await?.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query("DELETE FROM challenges WHERE expires_at < 0").execute(&mut *transaction).await?;
            transaction.rollback().await?;
            Ok(())
        })
    }
}

type Statement<'q> = Query<'q, Sqlite, <Sqlite as Database>::Arguments>;

async fn start_session(
    transaction: &mut Transaction<'_, Sqlite>,
    token: &TokenHash,
    session: &Session,
    replaced: Option<&TokenHash>,
) -> Result<(), StorageError> {
    if let Some(replaced) = replaced {
        sqlx::query("DELETE FROM sessions WHERE token = ?")
            .bind(replaced.octets().as_slice())
            .execute(&mut **transaction)
            .await?;
    }
    let statement = sqlx::query(
        "INSERT INTO sessions (token, signed_in_at, expires_at, assurance, personal_number, family_name, \
         given_name, patronymic, belarusian_family_name, belarusian_given_name, belarusian_patronymic, \
         latin_name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(token.octets().as_slice());
    bind_session(statement, session).execute(&mut **transaction).await?;
    Ok(())
}

/// Binds what is kept of a session, in the order of its columns.
fn bind_session<'q>(statement: Statement<'q>, session: &'q Session) -> Statement<'q> {
    let belarusian = session.holder.belarusian_name.as_ref();
    statement
        .bind(row::milliseconds(session.signed_in_at))
        .bind(row::milliseconds(session.expires_at))
        .bind(session.assurance.name())
        .bind(session.holder.personal_number.as_str())
        .bind(session.holder.name.family.as_deref())
        .bind(session.holder.name.given.as_deref())
        .bind(session.holder.name.patronymic.as_deref())
        .bind(belarusian.and_then(|name| name.family.as_deref()))
        .bind(belarusian.and_then(|name| name.given.as_deref()))
        .bind(belarusian.and_then(|name| name.patronymic.as_deref()))
        .bind(session.holder.latin_name.as_deref())
}

/// Connects for the first time. Of two processes that start together on a new file, SQLite refuses one at once when both
/// turn the write-ahead log on, however patient the connection is: it tries again.
async fn connect(
    pool: PoolOptions<Sqlite>,
    options: &SqliteConnectOptions,
    patience: Duration,
) -> Result<SqlitePool, StorageError> {
    let started = Instant::now();
    loop {
        match pool.clone().connect_with(options.clone()).await {
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
