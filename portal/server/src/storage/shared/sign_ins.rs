//! What holders see of their cabinets: sessions, and sign-ins of the last time.

use time::OffsetDateTime;

use super::engine::{Connection, Row};
use super::{row, statements};
use crate::cabinet::CabinetId;
use crate::storage::{Ending, ListedSession, SignIn, SignIns, StorageError};
use crate::token::TokenHash;

/// Keeps that somebody signed in to a cabinet, if the session has one: the browser's family, the session's token.
pub(super) const KEEP_SIGN_IN: &str = "INSERT INTO sign_ins (session, cabinet, signed_in_at, assurance, way, browser) \
     SELECT token, cabinet, signed_in_at, assurance, way, $1 FROM sessions WHERE token = $2 AND cabinet IS NOT NULL";
/// How many sign-ins are listed at most.
const LISTED_MAX: i64 = 100;

pub(super) async fn sessions(
    from: &mut Connection,
    cabinet: CabinetId,
    now: OffsetDateTime,
) -> Result<Vec<ListedSession>, StorageError> {
    let rows = sqlx::query(
        "SELECT sign_ins.*, sessions.expires_at FROM sessions JOIN sign_ins ON sign_ins.session = sessions.token \
         WHERE sessions.cabinet = $1 AND sessions.expires_at > $2 ORDER BY sessions.signed_in_at DESC",
    )
    .bind(cabinet.octets().as_slice())
    .bind(row::milliseconds(now))
    .fetch_all(from)
    .await?;
    let listed = |row| Ok(ListedSession { sign_in: sign_in(row)?, expires_at: row::time(row, "expires_at")? });
    rows.iter().map(listed).collect()
}

pub(super) async fn sign_ins(from: &mut Connection, cabinet: CabinetId) -> Result<SignIns, StorageError> {
    let seen = sqlx::query("SELECT seen_at FROM cabinets WHERE id = $1 AND seen_at IS NOT NULL")
        .bind(cabinet.octets().as_slice())
        .fetch_optional(&mut *from)
        .await?;
    let newest = sqlx::query("SELECT * FROM sign_ins WHERE cabinet = $1 ORDER BY signed_in_at DESC LIMIT $2")
        .bind(cabinet.octets().as_slice())
        .bind(LISTED_MAX)
        .fetch_all(from)
        .await?;
    Ok(SignIns {
        seen_until: seen.map(|row| row::time(&row, "seen_at")).transpose()?,
        newest: newest.iter().map(sign_in).collect::<Result<_, _>>()?,
    })
}

pub(super) async fn end(to: &mut Connection, cabinet: CabinetId, ending: &Ending) -> Result<u64, StorageError> {
    let is_meant = |token: &TokenHash| match ending {
        Ending::One(one) => token == one,
        Ending::AllBut(one) => token != one,
        Ending::All => true,
    };
    let found = sqlx::query("SELECT token FROM sessions WHERE cabinet = $1 ORDER BY token")
        .bind(cabinet.octets().as_slice())
        .fetch_all(&mut *to)
        .await?;
    let mut ended = 0;
    for found in &found {
        let token = TokenHash::from(row::octets(found, "token")?);
        if is_meant(&token) && statements::end_session(to, &token).await? {
            ended += 1;
        }
    }
    Ok(ended)
}

pub(super) async fn see(to: &mut Connection, cabinet: CabinetId, until: OffsetDateTime) -> Result<(), StorageError> {
    sqlx::query("UPDATE cabinets SET seen_at = $1 WHERE id = $2 AND (seen_at IS NULL OR seen_at < $3)")
        .bind(row::milliseconds(until))
        .bind(cabinet.octets().as_slice())
        .bind(row::milliseconds(until))
        .execute(to)
        .await?;
    Ok(())
}

pub(super) async fn forget(to: &mut Connection, before: OffsetDateTime) -> Result<u64, StorageError> {
    let statement = sqlx::query("DELETE FROM sign_ins WHERE signed_in_at < $1");
    Ok(statement.bind(row::milliseconds(before)).execute(to).await?.rows_affected())
}

fn sign_in(row: &Row) -> Result<SignIn, StorageError> {
    Ok(SignIn {
        session: TokenHash::from(row::octets(row, "session")?),
        signed_in_at: row::time(row, "signed_in_at")?,
        assurance: row::parsed(row, "assurance")?,
        way: row::parsed(row, "way")?,
        browser: row::parsed(row, "browser")?,
    })
}
