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

/// Keeps a challenge, if the last value says so.
pub(super) const KEEP_CHALLENGE_IF: &str = "INSERT INTO challenges (id, browser, challenge, purpose, issued_at, expires_at, link, short_code) \
     SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE ?";
/// Takes a challenge: time, number, browser.
pub(super) const TAKE_CHALLENGE: &str = "UPDATE challenges SET taken_at = ? \
     WHERE id = ? AND browser = ? AND link IS NULL AND taken_at IS NULL RETURNING *";
/// Ends the session with a token.
pub(super) const END_SESSION: &str = "DELETE FROM sessions WHERE token = ?";
/// Gives what sites were granted in a session over to the one that takes its place, if it is the same person's: the new
/// one's token, the former one's, and both again. What is left ends with the former one.
pub(super) const CARRY_GRANTS: &str = "UPDATE grants SET session = ? WHERE session = ? \
     AND (SELECT personal_number FROM sessions WHERE token = ?) = (SELECT personal_number FROM sessions WHERE token = ?)";
/// Opens a session, if the last value says so: token, then the values of [`bind_session`].
pub(super) const OPEN_SESSION_IF: &str = "INSERT INTO sessions (token, signed_in_at, expires_at, assurance, \
     personal_number, family_name, given_name, patronymic, belarusian_family_name, belarusian_given_name, \
     belarusian_patronymic, latin_name, way) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE ?";

/// Binds what is kept of a challenge, or so many times nothing.
pub(super) fn bind_challenge<'q>(statement: Statement<'q>, challenge: Option<&'q KeptChallenge>) -> Statement<'q> {
    statement
        .bind(challenge.map(|challenge| challenge.id.octets().as_slice()))
        .bind(challenge.map(|challenge| challenge.browser.octets().as_slice()))
        .bind(challenge.map(|challenge| challenge.text.as_str()))
        .bind(challenge.map(|challenge| challenge.purpose.name()))
        .bind(challenge.map(|challenge| row::milliseconds(challenge.issued_at)))
        .bind(challenge.map(|challenge| row::milliseconds(challenge.expires_at)))
        .bind(challenge.and_then(|challenge| challenge.link.as_ref()).map(|link| link.request.octets().as_slice()))
        .bind(challenge.and_then(|challenge| challenge.link.as_ref()).map(|link| link.short_code.to_string()))
}

/// Why a challenge was not taken. Only a name for the refusal; whatever happens meanwhile, nothing is handed out here.
pub(super) async fn why_not_taken(
    to: &mut SqliteConnection,
    id: ChallengeId,
    browser: &TokenHash,
) -> Result<NotTaken, StorageError> {
    let present = sqlx::query("SELECT * FROM challenges WHERE id = ? AND link IS NULL")
        .bind(id.octets().as_slice())
        .fetch_optional(to)
        .await?;
    Ok(match present {
        None => NotTaken::Unknown,
        Some(present) if row::challenge(&present)?.browser == *browser => NotTaken::Replayed,
        Some(_) => NotTaken::OtherSession,
    })
}

pub(super) async fn open_session(
    to: &mut SqliteConnection,
    token: &TokenHash,
    session: &Session,
    replaced: Option<&TokenHash>,
) -> Result<(), StorageError> {
    let statement = sqlx::query(OPEN_SESSION_IF).bind(token.octets().as_slice());
    bind_session(statement, Some(session)).bind(true).execute(&mut *to).await?;
    if let Some(replaced) = replaced {
        bind_carrying(sqlx::query(CARRY_GRANTS), Some(token), Some(replaced)).execute(&mut *to).await?;
        end_session(to, replaced).await?;
    }
    Ok(())
}

/// Binds the values of [`CARRY_GRANTS`].
pub(super) fn bind_carrying<'q>(
    statement: Statement<'q>,
    token: Option<&'q TokenHash>,
    replaced: Option<&'q TokenHash>,
) -> Statement<'q> {
    let [token, replaced] = [token, replaced].map(|token| token.map(|token| token.octets().as_slice()));
    statement.bind(token).bind(replaced).bind(token).bind(replaced)
}

/// Binds what is kept of a session, in the order of its columns, or so many times nothing.
pub(super) fn bind_session<'q>(statement: Statement<'q>, session: Option<&'q Session>) -> Statement<'q> {
    let holder = session.map(|session| &session.holder);
    let name = holder.map(|holder| &holder.name);
    let belarusian = holder.and_then(|holder| holder.belarusian_name.as_ref());
    statement
        .bind(session.map(|session| row::milliseconds(session.signed_in_at)))
        .bind(session.map(|session| row::milliseconds(session.expires_at)))
        .bind(session.map(|session| session.assurance.name()))
        .bind(holder.map(|holder| holder.personal_number.as_str()))
        .bind(name.and_then(|name| name.family.as_deref()))
        .bind(name.and_then(|name| name.given.as_deref()))
        .bind(name.and_then(|name| name.patronymic.as_deref()))
        .bind(belarusian.and_then(|name| name.family.as_deref()))
        .bind(belarusian.and_then(|name| name.given.as_deref()))
        .bind(belarusian.and_then(|name| name.patronymic.as_deref()))
        .bind(holder.and_then(|holder| holder.latin_name.as_deref()))
        .bind(session.map(|session| session.way.name()))
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
    let ended = sqlx::query(END_SESSION).bind(token.octets().as_slice()).execute(to).await?;
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
