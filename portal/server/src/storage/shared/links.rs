//! Links and what waits for the browsers that asked for them.

use time::OffsetDateTime;

use super::engine::Connection;
use super::row;
use super::statements::{bind_session, open_session};
use crate::session::Assurance;
use crate::storage::{
    Completed, Completing, KeptChallenge, KeptCompletion, LinkSpent, NotCompleted, Opening, StorageError,
};
use crate::token::TokenHash;

pub(super) async fn fetch(
    to: &mut Connection,
    request: &TokenHash,
    now: OffsetDateTime,
) -> Result<Result<KeptChallenge, LinkSpent>, StorageError> {
    let fetched =
        sqlx::query("UPDATE challenges SET fetched_at = $1 WHERE link = $2 AND fetched_at IS NULL RETURNING *")
            .bind(row::milliseconds(now))
            .bind(request.octets().as_slice())
            .fetch_optional(&mut *to)
            .await?;
    if let Some(fetched) = fetched {
        return row::challenge(&fetched).map(Ok);
    }
    let present = sqlx::query("SELECT 1 FROM challenges WHERE link = $1")
        .bind(request.octets().as_slice())
        .fetch_optional(&mut *to)
        .await?;
    Ok(Err(if present.is_some() { LinkSpent::Replayed } else { LinkSpent::Unknown }))
}

pub(super) async fn take(
    to: &mut Connection,
    request: &TokenHash,
    now: OffsetDateTime,
) -> Result<Result<KeptChallenge, LinkSpent>, StorageError> {
    let taken = sqlx::query(
        "UPDATE challenges SET taken_at = $1 \
         WHERE link = $2 AND fetched_at IS NOT NULL AND taken_at IS NULL RETURNING *",
    )
    .bind(row::milliseconds(now))
    .bind(request.octets().as_slice())
    .fetch_optional(&mut *to)
    .await?;
    if let Some(taken) = taken {
        return row::challenge(&taken).map(Ok);
    }
    let present = sqlx::query("SELECT 1 FROM challenges WHERE link = $1 AND taken_at IS NOT NULL")
        .bind(request.octets().as_slice())
        .fetch_optional(&mut *to)
        .await?;
    Ok(Err(if present.is_some() { LinkSpent::Replayed } else { LinkSpent::Unknown }))
}

pub(super) async fn keep_completion(to: &mut Connection, completion: &KeptCompletion) -> Result<(), StorageError> {
    let statement = sqlx::query(
        "INSERT INTO completions (token, browser, ends_at, signed_in_at, expires_at, assurance, personal_number, \
         family_name, given_name, patronymic, belarusian_family_name, belarusian_given_name, belarusian_patronymic, \
         latin_name, way, cabinet, cabinet_name, cabinet_key, stale_since) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
    )
    .bind(completion.token.octets().as_slice())
    .bind(completion.browser.octets().as_slice())
    .bind(row::milliseconds(completion.ends_at));
    let knock = completion.knock.as_ref();
    bind_session(statement, Some(&completion.session))
        .bind(knock.map(|knock| knock.id.octets().as_slice()))
        .bind(knock.map(|knock| knock.named.name.octets().as_slice()))
        .bind(knock.map(|knock| i64::from(knock.named.key)))
        .bind(completion.stale_since.map(row::milliseconds))
        .execute(to)
        .await?;
    Ok(())
}

pub(super) async fn complete(
    to: &mut Connection,
    completing: &Completing,
    now: OffsetDateTime,
) -> Result<Result<Completed, NotCompleted>, StorageError> {
    let removed = sqlx::query("DELETE FROM completions WHERE token = $1 RETURNING *")
        .bind(completing.completion.octets().as_slice())
        .fetch_optional(&mut *to)
        .await?;
    let Some(removed) = removed else { return Ok(Err(NotCompleted::Unknown)) };
    let waited = row::completion(&removed)?;
    let verdict = if completing.browser != Some(waited.browser) {
        Err(NotCompleted::OtherBrowser)
    } else if now >= waited.ends_at {
        Err(NotCompleted::Expired)
    } else if let Some(stale_since) = waited.stale_since
        && is_less_sure(to, completing.replaced.as_ref(), waited.session.assurance).await?
    {
        Err(NotCompleted::Stale(stale_since))
    } else {
        let KeptCompletion { session, knock, .. } = waited;
        let opening = Opening {
            token: completing.session,
            session,
            replaced: completing.replaced,
            knock,
            browser: completing.family,
        };
        let entered = open_session(to, &opening).await?;
        Ok((opening.session, entered))
    };
    Ok(verdict)
}

/// Whether there is such a session, and it is less sure.
async fn is_less_sure(
    to: &mut Connection,
    session: Option<&TokenHash>,
    assurance: Assurance,
) -> Result<bool, StorageError> {
    let Some(session) = session else { return Ok(false) };
    let found = sqlx::query("SELECT assurance FROM sessions WHERE token = $1")
        .bind(session.octets().as_slice())
        .fetch_optional(to)
        .await?;
    let found: Option<Assurance> = found.as_ref().map(|found| row::parsed(found, "assurance")).transpose()?;
    Ok(found.is_some_and(|found| found < assurance))
}
