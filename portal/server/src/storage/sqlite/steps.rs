//! Steps of terminal sessions, in a database file of their own.

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};
use time::OffsetDateTime;

use super::database::Database;
use super::{SqliteSettings, row, statements};
use crate::storage::{Answer, KeptStep, Steps, StorageError};
use crate::token::TokenHash;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations_terminal");

/// The terminal's memory in an SQLite file. No backup needs it: what it holds is over within minutes.
#[derive(Debug)]
pub struct SqliteSteps(Database);

impl SqliteSteps {
    /// Opens the database, makes it if there is none, and brings its table to this version.
    ///
    /// # Errors
    /// [`StorageError`] if the file cannot be used or was written by a newer version.
    pub async fn open(settings: SqliteSettings) -> Result<Self, StorageError> {
        Database::open(settings, &MIGRATIONS).await.map(Self)
    }

    /// Ends all connections, so that the log beside the database is folded into it.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

impl Steps for SqliteSteps {
    fn begin<'a>(&'a self, first: &'a KeptStep, limit: u64) -> Answer<'a, bool> {
        let first = first.clone();
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { begin(to, &first, limit).await })).await
        })
    }

    fn step<'a>(&'a self, session: &'a TokenHash, now: OffsetDateTime) -> Answer<'a, Option<KeptStep>> {
        Box::pin(async move { step(&self.0.reader().await?, session, now).await })
    }

    fn advance<'a>(&'a self, next: &'a KeptStep, now: OffsetDateTime) -> Answer<'a, bool> {
        let next = next.clone();
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { advance(to, &next, now).await })).await
        })
    }

    fn end<'a>(&'a self, session: &'a TokenHash) -> Answer<'a, bool> {
        let session = *session;
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { end(to, &session).await })).await
        })
    }

    fn purge(&self, now: OffsetDateTime) -> Answer<'_, u64> {
        Box::pin(async move {
            let writer = self.0.writer().await?;
            let purged = writer.write(move |to| Box::pin(purge(to, now))).await?;
            // The log beside the database still has what was replaced and deleted.
            writer.alone(|to| Box::pin(statements::empty_log(to))).await?;
            Ok(purged)
        })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async move { self.0.writer().await?.write(|to| Box::pin(change_nothing(to))).await })
    }
}

async fn begin(to: &mut SqliteConnection, first: &KeptStep, limit: u64) -> Result<bool, StorageError> {
    let kept = sqlx::query(
        "INSERT INTO steps (session, caller, step, expires_at, record) \
         SELECT ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM steps) < ?",
    )
    .bind(first.session.octets().as_slice())
    .bind(first.caller.as_slice())
    .bind(i64::from(first.step))
    .bind(row::milliseconds(first.expires_at))
    .bind(first.record.as_slice())
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .execute(to)
    .await?;
    Ok(kept.rows_affected() == 1)
}

async fn step(
    readers: &SqlitePool,
    session: &TokenHash,
    now: OffsetDateTime,
) -> Result<Option<KeptStep>, StorageError> {
    let found = sqlx::query("SELECT * FROM steps WHERE session = ? AND expires_at > ?")
        .bind(session.octets().as_slice())
        .bind(row::milliseconds(now))
        .fetch_optional(readers)
        .await?;
    found.as_ref().map(kept).transpose()
}

fn kept(row: &SqliteRow) -> Result<KeptStep, StorageError> {
    let step: i64 = row::value(row, "step")?;
    Ok(KeptStep {
        session: TokenHash::from(row::octets(row, "session")?),
        caller: row::octets(row, "caller")?,
        step: u32::try_from(step).map_err(|_| StorageError::Damaged("step"))?,
        expires_at: row::time(row, "expires_at")?,
        record: row::value(row, "record")?,
    })
}

async fn advance(to: &mut SqliteConnection, next: &KeptStep, now: OffsetDateTime) -> Result<bool, StorageError> {
    let advanced = sqlx::query(
        "UPDATE steps SET step = ?, expires_at = ?, record = ? \
         WHERE session = ? AND caller = ? AND step = ? AND expires_at > ? RETURNING step",
    )
    .bind(i64::from(next.step))
    .bind(row::milliseconds(next.expires_at))
    .bind(next.record.as_slice())
    .bind(next.session.octets().as_slice())
    .bind(next.caller.as_slice())
    .bind(i64::from(next.step) - 1)
    .bind(row::milliseconds(now))
    .fetch_optional(to)
    .await?;
    Ok(advanced.is_some())
}

async fn end(to: &mut SqliteConnection, session: &TokenHash) -> Result<bool, StorageError> {
    let ended =
        sqlx::query("DELETE FROM steps WHERE session = ?").bind(session.octets().as_slice()).execute(to).await?;
    Ok(ended.rows_affected() > 0)
}

async fn purge(to: &mut SqliteConnection, now: OffsetDateTime) -> Result<u64, StorageError> {
    let purged =
        sqlx::query("DELETE FROM steps WHERE expires_at <= ?").bind(row::milliseconds(now)).execute(to).await?;
    Ok(purged.rows_affected())
}

/// A write that changes nothing: it needs the table, the lock and a place to write.
async fn change_nothing(to: &mut SqliteConnection) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM steps WHERE expires_at < 0").execute(to).await?;
    Ok(())
}
