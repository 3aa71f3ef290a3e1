//! Statements for challenges given to pages, and for sessions.

use sqlx::query::Query;
use sqlx::{Database, Sqlite, SqliteConnection, SqlitePool};
use time::OffsetDateTime;

use super::row;
use crate::challenge::ChallengeId;
use crate::session::Session;
use crate::storage::{KeptChallenge, NotTaken, Purged, StorageError, TOMBSTONE};
use crate::token::TokenHash;

pub(super) type Statement<'q> = Query<'q, Sqlite, <Sqlite as Database>::Arguments>;

pub(super) async fn keep_challenge(to: &mut SqliteConnection, challenge: &KeptChallenge) -> Result<(), StorageError> {
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
    .execute(to)
    .await?;
    Ok(())
}

pub(super) async fn take_challenge(
    to: &mut SqliteConnection,
    id: ChallengeId,
    browser: &TokenHash,
    now: OffsetDateTime,
) -> Result<Result<KeptChallenge, NotTaken>, StorageError> {
    let taken = sqlx::query(
        "UPDATE challenges SET taken_at = ? \
         WHERE id = ? AND browser = ? AND link IS NULL AND taken_at IS NULL RETURNING *",
    )
    .bind(row::milliseconds(now))
    .bind(id.octets().as_slice())
    .bind(browser.octets().as_slice())
    .fetch_optional(&mut *to)
    .await?;
    if let Some(taken) = taken {
        return row::challenge(&taken).map(Ok);
    }
    // Only a name for the refusal; whatever happens meanwhile, nothing is handed out here.
    let present = sqlx::query("SELECT * FROM challenges WHERE id = ? AND link IS NULL")
        .bind(id.octets().as_slice())
        .fetch_optional(to)
        .await?;
    Ok(Err(match present {
        None => NotTaken::Unknown,
        Some(present) if row::challenge(&present)?.browser == *browser => NotTaken::Replayed,
        Some(_) => NotTaken::OtherSession,
    }))
}

pub(super) async fn start_session(
    to: &mut SqliteConnection,
    token: &TokenHash,
    session: &Session,
    replaced: Option<&TokenHash>,
) -> Result<(), StorageError> {
    if let Some(replaced) = replaced {
        end_session(to, replaced).await?;
    }
    let statement = sqlx::query(
        "INSERT INTO sessions (token, signed_in_at, expires_at, assurance, personal_number, family_name, \
         given_name, patronymic, belarusian_family_name, belarusian_given_name, belarusian_patronymic, \
         latin_name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(token.octets().as_slice());
    bind_session(statement, session).execute(to).await?;
    Ok(())
}

/// Binds what is kept of a session, in the order of its columns.
pub(super) fn bind_session<'q>(statement: Statement<'q>, session: &'q Session) -> Statement<'q> {
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

pub(super) async fn session(
    readers: &SqlitePool,
    token: &TokenHash,
    now: OffsetDateTime,
) -> Result<Option<Session>, StorageError> {
    let found = sqlx::query("SELECT * FROM sessions WHERE token = ? AND expires_at > ?")
        .bind(token.octets().as_slice())
        .bind(row::milliseconds(now))
        .fetch_optional(readers)
        .await?;
    found.as_ref().map(row::session).transpose()
}

pub(super) async fn end_session(to: &mut SqliteConnection, token: &TokenHash) -> Result<bool, StorageError> {
    let ended = sqlx::query("DELETE FROM sessions WHERE token = ?").bind(token.octets().as_slice()).execute(to).await?;
    Ok(ended.rows_affected() > 0)
}

pub(super) async fn purge(to: &mut SqliteConnection, now: OffsetDateTime) -> Result<Purged, StorageError> {
    let challenges = sqlx::query("DELETE FROM challenges WHERE expires_at <= ?")
        .bind(row::milliseconds(now.saturating_sub(TOMBSTONE)))
        .execute(&mut *to)
        .await?;
    let now = row::milliseconds(now);
    let sessions = sqlx::query("DELETE FROM sessions WHERE expires_at <= ?").bind(now).execute(&mut *to).await?;
    sqlx::query("DELETE FROM completions WHERE ends_at <= ?").bind(now).execute(&mut *to).await?;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM challenges").fetch_one(to).await?;
    Ok(Purged {
        challenges: challenges.rows_affected(),
        sessions: sessions.rows_affected(),
        challenges_left: u64::try_from(left).unwrap_or(0),
    })
}

/// Folds the log into the database and cuts it to nothing.
pub(super) async fn empty_log(to: &mut SqliteConnection) -> Result<(), StorageError> {
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(to).await?;
    Ok(())
}

/// A write that changes nothing: it needs the tables, the lock and a place to write.
pub(super) async fn change_nothing(to: &mut SqliteConnection) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM challenges WHERE expires_at < 0").execute(to).await?;
    Ok(())
}
