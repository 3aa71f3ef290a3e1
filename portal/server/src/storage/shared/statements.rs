//! Statements for challenges given to pages, and for sessions.

use sqlx::Database;
use sqlx::query::Query;
use time::OffsetDateTime;

use super::cabinets::{self, KEEP_CABINET_IF, OPEN_CABINET};
use super::engine::{self, Connection, Engine};
use super::logouts::TELL_OF_SESSION;
use super::row;
use super::sign_ins::KEEP_SIGN_IN;
use crate::cabinet::{Barred, Entered};
use crate::challenge::ChallengeId;
use crate::session::{Assurance, Session};
use crate::storage::{KeptChallenge, NotTaken, Opening, Purged, StorageError, TOMBSTONE};
use crate::token::TokenHash;

pub(super) type Statement<'q> = Query<'q, Engine, <Engine as Database>::Arguments>;

/// Keeps a challenge, if the last value says so.
pub(super) const KEEP_CHALLENGE_IF: &str = "INSERT INTO challenges (id, browser, challenge, purpose, issued_at, expires_at, link, short_code) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE $9";
/// Takes a challenge: time, number, browser.
pub(super) const TAKE_CHALLENGE: &str = "UPDATE challenges SET taken_at = $1 \
     WHERE id = $2 AND browser = $3 AND link IS NULL AND taken_at IS NULL RETURNING *";
/// Ends the session with a token.
pub(super) const END_SESSION: &str = "DELETE FROM sessions WHERE token = $1";
/// Gives what sites were granted in a session over to the one that takes its place, if it is the same person's and no less
/// sure than what was granted: the new one's token, the former one's, and both again. What is left ends with the former one;
/// so does what was granted with an outside account, which has no number.
pub(super) const CARRY_GRANTS: &str = "UPDATE grants SET session = $1 WHERE session = $2 \
     AND EXISTS (SELECT 1 FROM sessions AS next JOIN sessions AS former ON former.personal_number = next.personal_number \
     WHERE next.token = $3 AND former.token = $4 AND next.personal_number <> '' \
     AND (next.assurance = 'high' OR granted_level IN ('low', next.assurance)))";
/// Opens a session, if its cabinet, if it has one, is there and not blocked: token, the values of [`bind_session`], what the
/// card said of its holder's age, the outside account, the cabinet's name, whether to, the name twice. The session's cabinet
/// comes back.
pub(super) const OPEN_SESSION_IF: &str = "INSERT INTO sessions (token, signed_in_at, expires_at, assurance, \
     personal_number, family_name, given_name, patronymic, belarusian_family_name, belarusian_given_name, \
     belarusian_patronymic, latin_name, way, age_over_18, outside_issuer, outside_subject, outside_name, cabinet) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
     (SELECT id FROM cabinets WHERE name = $18) \
     WHERE $19 AND ($20 IS NULL OR EXISTS (SELECT 1 FROM cabinets WHERE name = $21 AND blocked_at IS NULL)) \
     RETURNING cabinet";

/// Binds what is kept of a challenge, or so many times nothing.
pub(super) fn bind_challenge<'q>(statement: Statement<'q>, challenge: Option<&KeptChallenge>) -> Statement<'q> {
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
    to: &mut Connection,
    id: ChallengeId,
    browser: &TokenHash,
) -> Result<NotTaken, StorageError> {
    let present = sqlx::query("SELECT * FROM challenges WHERE id = $1 AND link IS NULL")
        .bind(id.octets().as_slice())
        .fetch_optional(to)
        .await?;
    Ok(match present {
        None => NotTaken::Unknown,
        Some(present) if row::challenge(&present)?.browser == *browser => NotTaken::Replayed,
        Some(_) => NotTaken::OtherSession,
    })
}

/// The statements that open a session in place of another, in their order: [`bind_opening`] has their values.
pub(super) const OPENING: [&str; 7] =
    [KEEP_CABINET_IF, OPEN_CABINET, OPEN_SESSION_IF, KEEP_SIGN_IN, CARRY_GRANTS, TELL_OF_SESSION, END_SESSION];
/// Which of [`OPENING`] gives a row if the cabinet was opened.
pub(super) const OPENS_CABINET: usize = 1;
/// Which of [`OPENING`] gives a row if the session was opened.
pub(super) const OPENS_SESSION: usize = 2;
/// Which of [`OPENING`] is the first that changes what belongs to the former session.
const CARRIES_GRANTS: usize = 4;

/// Binds what one of the statements of [`OPENING`] needs, or so many times nothing.
pub(super) fn bind_opening<'q>(statement: Statement<'q>, place: usize, opening: Option<&Opening>) -> Statement<'q> {
    let knock = opening.and_then(|opening| opening.knock.as_ref());
    let name = knock.map(|knock| knock.named.name.octets().as_slice());
    let session = opening.map(|opening| &opening.session);
    let token = opening.map(|opening| opening.token.octets().as_slice());
    let replaced = opening.and_then(|opening| opening.replaced.as_ref()).map(|token| token.octets().as_slice());
    match place {
        0 => statement
            .bind(knock.map(|knock| knock.id.octets().as_slice()))
            .bind(name)
            .bind(knock.map(|knock| i64::from(knock.named.key)))
            .bind(knock.is_some())
            .bind(knock.map(|knock| i64::from(knock.named.key))),
        OPENS_CABINET => statement
            .bind(session.map(|session| row::milliseconds(session.signed_in_at)))
            .bind(name.filter(|_| session.is_some_and(|session| session.assurance == Assurance::High))),
        OPENS_SESSION => {
            let statement = bind_session(statement.bind(token), session);
            let age = session.and_then(|session| row::answered(session.age_over_18));
            let account = session.and_then(Session::outside_account);
            statement
                .bind(age)
                .bind(account.map(|account| account.issuer.as_str()))
                .bind(account.map(|account| account.subject.as_str()))
                .bind(account.and_then(|account| account.name.as_deref()))
                .bind(name)
                .bind(opening.is_some())
                .bind(name)
                .bind(name)
        }
        3 => statement.bind(opening.map(|opening| opening.browser.name())).bind(token),
        CARRIES_GRANTS => statement.bind(token).bind(replaced).bind(token).bind(replaced),
        _ => statement.bind(replaced),
    }
}

pub(super) async fn open_session(
    to: &mut Connection,
    opening: &Opening,
) -> Result<Result<Entered, Barred>, StorageError> {
    let mut opened = false;
    let mut entered = None;
    for (place, text) in OPENING.into_iter().enumerate() {
        if place == OPENS_CABINET {
            engine::hold_door(to, opening.knock.as_ref()).await?;
        }
        if place == CARRIES_GRANTS {
            engine::hold_session(to, opening.replaced.as_ref()).await?;
        }
        let row = bind_opening(sqlx::query(text), place, Some(opening)).fetch_optional(&mut *to).await?;
        match row {
            Some(row) if place == OPENS_SESSION => entered = Some(cabinets::entered(opened, &row)?),
            row => opened |= row.is_some(),
        }
    }
    match entered {
        Some(entered) => Ok(Ok(entered)),
        None => cabinets::why_barred(to, opening.knock.as_ref()).await.map(Err),
    }
}

/// Binds what is kept of a session, in the order of its columns, or so many times nothing.
pub(super) fn bind_session<'q>(statement: Statement<'q>, session: Option<&Session>) -> Statement<'q> {
    let holder = session.and_then(Session::holder);
    let name = holder.map(|holder| &holder.name);
    let belarusian = holder.and_then(|holder| holder.belarusian_name.as_ref());
    statement
        .bind(session.map(|session| row::milliseconds(session.signed_in_at)))
        .bind(session.map(|session| row::milliseconds(session.expires_at)))
        .bind(session.map(|session| session.assurance.name()))
        .bind(session.map(|_| holder.map_or("", |holder| holder.personal_number.as_str())))
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
    from: &mut Connection,
    token: &TokenHash,
    now: OffsetDateTime,
) -> Result<Option<Session>, StorageError> {
    let found = sqlx::query("SELECT * FROM sessions WHERE token = $1 AND expires_at > $2")
        .bind(token.octets().as_slice())
        .bind(row::milliseconds(now))
        .fetch_optional(from)
        .await?;
    found.as_ref().map(row::session).transpose()
}

/// Ends a session before its time: sites are told.
pub(super) async fn end_session(to: &mut Connection, token: &TokenHash) -> Result<bool, StorageError> {
    engine::hold_session(to, Some(token)).await?;
    sqlx::query(TELL_OF_SESSION).bind(token.octets().as_slice()).execute(&mut *to).await?;
    let ended = sqlx::query(END_SESSION).bind(token.octets().as_slice()).execute(to).await?;
    Ok(ended.rows_affected() > 0)
}

pub(super) async fn purge(to: &mut Connection, now: OffsetDateTime) -> Result<Purged, StorageError> {
    let challenges = sqlx::query("DELETE FROM challenges WHERE expires_at <= $1")
        .bind(row::milliseconds(now.saturating_sub(TOMBSTONE)))
        .execute(&mut *to)
        .await?;
    let now = row::milliseconds(now);
    let sessions = sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(&mut *to).await?;
    sqlx::query("DELETE FROM completions WHERE ends_at <= $1").bind(now).execute(&mut *to).await?;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM challenges").fetch_one(to).await?;
    Ok(Purged {
        challenges: challenges.rows_affected(),
        sessions: sessions.rows_affected(),
        challenges_left: u64::try_from(left).unwrap_or(0),
    })
}

/// A write that says nothing: it needs the lock and a place on the disk.
pub(super) async fn check(to: &mut Connection) -> Result<(), StorageError> {
    sqlx::query("UPDATE checks SET times = times + 1").execute(to).await?;
    Ok(())
}
