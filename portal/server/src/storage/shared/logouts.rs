//! Ends of grants, and whom to tell of them.

use time::OffsetDateTime;

use super::engine::{Connection, Row};
use super::memory::SqlStorage;
use super::{grants, row};
use crate::storage::{Answer, DueLogout, GrantId, LOGOUTS_OF_SITE_MAX, Logouts, StorageError};

/// Keeps that sites are to be told of the end of a session: its token. What a site has not come for it need not know.
pub(super) const TELL_OF_SESSION: &str = "INSERT INTO logouts (grant_id, client, next_at, tries) \
     SELECT id, client, 0, 0 FROM grants WHERE session = $1 AND code_taken_at IS NOT NULL";

impl Logouts for SqlStorage {
    fn due_logouts(&self, limit: u32, now: OffsetDateTime) -> Answer<'_, Vec<DueLogout>> {
        Box::pin(async move {
            let due = due(&mut *self.0.reader().await?, limit, now).await?;
            if due.is_empty() {
                return Ok(due);
            }
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { take(to, due, now).await })).await
        })
    }

    fn forget_logout<'a>(&'a self, grant: &'a GrantId) -> Answer<'a, bool> {
        let grant = *grant;
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { forget(to, &grant).await })).await
        })
    }
}

/// Keeps that sites are to be told of these grants, which were deleted.
pub(super) async fn tell(to: &mut Connection, ended: &[Row]) -> Result<(), StorageError> {
    for grant in ended {
        if row::value::<Option<i64>>(grant, "code_taken_at")?.is_some() {
            sqlx::query("INSERT INTO logouts (grant_id, client, next_at, tries) VALUES ($1, $2, 0, 0)")
                .bind(row::value::<&[u8]>(grant, "id")?)
                .bind(row::value::<&str>(grant, "client")?)
                .execute(&mut *to)
                .await?;
        }
    }
    Ok(())
}

async fn due(from: &mut Connection, limit: u32, now: OffsetDateTime) -> Result<Vec<DueLogout>, StorageError> {
    let found = sqlx::query(
        "SELECT grant_id, client, tries FROM (SELECT grant_id, client, tries, next_at, \
         row_number() OVER (PARTITION BY client ORDER BY next_at, grant_id) AS place FROM logouts WHERE next_at <= $1) \
         AS due WHERE place <= $2 ORDER BY next_at, grant_id LIMIT $3",
    )
    .bind(row::milliseconds(now))
    .bind(i64::from(LOGOUTS_OF_SITE_MAX))
    .bind(i64::from(limit))
    .fetch_all(from)
    .await?;
    found.iter().map(logout).collect()
}

/// Takes those that nobody else has taken meanwhile.
async fn take(to: &mut Connection, due: Vec<DueLogout>, now: OffsetDateTime) -> Result<Vec<DueLogout>, StorageError> {
    let mut taken = Vec::new();
    for logout in due {
        let next_at = now.saturating_add(logout.wait());
        let updated =
            sqlx::query("UPDATE logouts SET next_at = $1, tries = tries + 1 WHERE grant_id = $2 AND tries = $3")
                .bind(row::milliseconds(next_at))
                .bind(logout.grant.octets().as_slice())
                .bind(i64::from(logout.tries))
                .execute(&mut *to)
                .await?;
        if updated.rows_affected() == 1 {
            taken.push(logout);
        }
    }
    Ok(taken)
}

async fn forget(to: &mut Connection, grant: &GrantId) -> Result<bool, StorageError> {
    let forgotten =
        sqlx::query("DELETE FROM logouts WHERE grant_id = $1").bind(grant.octets().as_slice()).execute(to).await?;
    Ok(forgotten.rows_affected() > 0)
}

fn logout(row: &Row) -> Result<DueLogout, StorageError> {
    let tries: i64 = row::value(row, "tries")?;
    Ok(DueLogout {
        grant: GrantId::from(row::octets(row, "grant_id")?),
        client: grants::client(row)?,
        tries: u32::try_from(tries).map_err(|_| StorageError::Damaged("tries"))?,
    })
}
