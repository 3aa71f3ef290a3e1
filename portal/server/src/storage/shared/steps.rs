//! Steps of terminal sessions, in a database of their own.

use time::OffsetDateTime;

use super::database::Database;
use super::engine::{self, Connection, Row};
use super::{Settings, row, statements};
use crate::storage::{Answer, KeptStep, Steps, StorageError};
use crate::token::TokenHash;

/// The terminal's memory in a database. No backup needs it: what it holds is over within minutes.
#[derive(Debug)]
pub struct SqlSteps(Database);

impl SqlSteps {
    /// Opens the database, and brings its table to this version.
    ///
    /// # Errors
    /// [`StorageError`] if the database cannot be used or was written by a newer version.
    pub async fn open(settings: Settings) -> Result<Self, StorageError> {
        Database::open(settings, &engine::STEPS_MIGRATIONS).await.map(Self)
    }
}

impl Steps for SqlSteps {
    fn begin<'a>(&'a self, first: &'a KeptStep, limit: u64) -> Answer<'a, bool> {
        let first = first.clone();
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { begin(to, &first, limit).await })).await
        })
    }

    fn step<'a>(&'a self, session: &'a TokenHash, now: OffsetDateTime) -> Answer<'a, Option<KeptStep>> {
        Box::pin(async move { step(&mut *self.0.reader().await?, session, now).await })
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
            engine::forget(&writer).await?;
            Ok(purged)
        })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async move { self.0.writer().await?.write(|to| Box::pin(statements::check(to))).await })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.0.close().await;
            Ok(())
        })
    }
}

async fn begin(to: &mut Connection, first: &KeptStep, limit: u64) -> Result<bool, StorageError> {
    let kept = sqlx::query(
        "INSERT INTO steps (session, caller, step, expires_at, record) \
         SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM steps) < $6",
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
    from: &mut Connection,
    session: &TokenHash,
    now: OffsetDateTime,
) -> Result<Option<KeptStep>, StorageError> {
    let found = sqlx::query("SELECT * FROM steps WHERE session = $1 AND expires_at > $2")
        .bind(session.octets().as_slice())
        .bind(row::milliseconds(now))
        .fetch_optional(from)
        .await?;
    found.as_ref().map(kept).transpose()
}

fn kept(row: &Row) -> Result<KeptStep, StorageError> {
    let step: i64 = row::value(row, "step")?;
    Ok(KeptStep {
        session: TokenHash::from(row::octets(row, "session")?),
        caller: row::octets(row, "caller")?,
        step: u32::try_from(step).map_err(|_| StorageError::Damaged("step"))?,
        expires_at: row::time(row, "expires_at")?,
        record: row::value(row, "record")?,
    })
}

async fn advance(to: &mut Connection, next: &KeptStep, now: OffsetDateTime) -> Result<bool, StorageError> {
    let advanced = sqlx::query(
        "UPDATE steps SET step = $1, expires_at = $2, record = $3 \
         WHERE session = $4 AND caller = $5 AND step = $6 AND expires_at > $7 RETURNING step",
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

async fn end(to: &mut Connection, session: &TokenHash) -> Result<bool, StorageError> {
    let ended =
        sqlx::query("DELETE FROM steps WHERE session = $1").bind(session.octets().as_slice()).execute(to).await?;
    Ok(ended.rows_affected() > 0)
}

async fn purge(to: &mut Connection, now: OffsetDateTime) -> Result<u64, StorageError> {
    let purged =
        sqlx::query("DELETE FROM steps WHERE expires_at <= $1").bind(row::milliseconds(now)).execute(to).await?;
    Ok(purged.rows_affected())
}
