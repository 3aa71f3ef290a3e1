//! Cabinets and the keys of their names.

use time::OffsetDateTime;

use super::engine::{Connection, Row};
use super::memory::SqlStorage;
use super::{organisations, row, sign_ins};
use crate::cabinet::{Barred, CabinetId, CabinetName, CabinetState, Entered, Knock};
use crate::keys::{KeyId, NamedUnder, Names};
use crate::storage::{Answer, Blocking, Cabinets, Ending, ListedSession, SignIns, StorageError};

/// Makes a cabinet unless there is one, dormant: id, name, number of the key; if the next value says so; and not if there
/// is a newer key than the last.
pub(super) const KEEP_CABINET_IF: &str = "INSERT INTO cabinets (id, name, key) SELECT $1, $2, $3 \
     WHERE $4 AND NOT EXISTS (SELECT 1 FROM cabinet_keys WHERE number > $5) ON CONFLICT (name) DO NOTHING";
/// Opens a dormant cabinet: time, name. A row comes back if it was.
pub(super) const OPEN_CABINET: &str =
    "UPDATE cabinets SET opened_at = $1 WHERE name = $2 AND opened_at IS NULL AND blocked_at IS NULL RETURNING id";

impl Cabinets for SqlStorage {
    fn adopt_keys<'a>(&'a self, keys: &'a [KeyId]) -> Answer<'a, Result<(), String>> {
        let keys = keys.to_vec();
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { adopt_keys(to, &keys).await })).await
        })
    }

    fn forget_key(&self, key: KeyId) -> Answer<'_, Result<(), u64>> {
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { forget_key(to, key.number()).await })).await
        })
    }

    fn rename_cabinet<'a>(&'a self, names: &'a Names) -> Answer<'a, ()> {
        let names = names.clone();
        Box::pin(async move {
            if names.older.is_empty() || id_of(&mut *self.0.reader().await?, &names.newest.name).await?.is_some() {
                return Ok(());
            }
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { rename(to, &names).await })).await
        })
    }

    fn cabinet_state(&self, cabinet: CabinetId) -> Answer<'_, Option<CabinetState>> {
        Box::pin(async move {
            let found = sqlx::query("SELECT opened_at, blocked_at FROM cabinets WHERE id = $1")
                .bind(cabinet.octets().as_slice())
                .fetch_optional(&mut *self.0.reader().await?)
                .await?;
            found.as_ref().map(state).transpose()
        })
    }

    fn cabinet_sessions(&self, cabinet: CabinetId, now: OffsetDateTime) -> Answer<'_, Vec<ListedSession>> {
        Box::pin(async move { sign_ins::sessions(&mut *self.0.reader().await?, cabinet, now).await })
    }

    fn sign_ins(&self, cabinet: CabinetId) -> Answer<'_, SignIns> {
        Box::pin(async move { sign_ins::sign_ins(&mut *self.0.reader().await?, cabinet).await })
    }

    fn end_sessions<'a>(&'a self, cabinet: CabinetId, ending: &'a Ending) -> Answer<'a, u64> {
        let ending = *ending;
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { sign_ins::end(to, cabinet, &ending).await })).await
        })
    }

    fn see_sign_ins(&self, cabinet: CabinetId, until: OffsetDateTime) -> Answer<'_, ()> {
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(sign_ins::see(to, cabinet, until))).await
        })
    }

    fn forget_sign_ins(&self, before: OffsetDateTime) -> Answer<'_, u64> {
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(sign_ins::forget(to, before))).await
        })
    }

    fn block_cabinet<'a>(&'a self, knock: &'a Knock, now: OffsetDateTime) -> Answer<'a, Blocking> {
        let knock = *knock;
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { block(to, &knock, now).await })).await
        })
    }
}

/// What the rows of the statements that opened a session say.
pub(super) fn entered(opened: bool, session: &Row) -> Result<Entered, StorageError> {
    Ok(Entered { cabinet: row::cabinet(session)?, opened })
}

/// Why no session was opened. Only a name for the refusal.
pub(super) async fn why_barred(to: &mut Connection, knock: Option<&Knock>) -> Result<Barred, StorageError> {
    let blocked = sqlx::query("SELECT 1 FROM cabinets WHERE name = $1 AND blocked_at IS NOT NULL")
        .bind(knock.map(|knock| knock.named.name.octets().as_slice()))
        .fetch_optional(to)
        .await?;
    Ok(if blocked.is_some() { Barred::Blocked } else { Barred::KeyOutdated })
}

/// The door that a sign-in waits for.
pub(super) fn knock(row: &Row) -> Result<Option<Knock>, StorageError> {
    let Some(id) = row::cabinet(row)? else { return Ok(None) };
    let key: i64 = row::value(row, "cabinet_key")?;
    let named = NamedUnder {
        name: CabinetName::from(row::octets(row, "cabinet_name")?),
        key: u32::try_from(key).map_err(|_| StorageError::Damaged("cabinet_key"))?,
    };
    Ok(Some(Knock { named, id }))
}

async fn adopt_keys(to: &mut Connection, keys: &[KeyId]) -> Result<Result<(), String>, StorageError> {
    let known = sqlx::query("SELECT id FROM cabinet_keys ORDER BY number").fetch_all(&mut *to).await?;
    for row in &known {
        let id: &str = row::value(row, "id")?;
        if !keys.iter().any(|key| key.to_string() == id) {
            return Ok(Err(id.to_owned()));
        }
    }
    for key in keys {
        sqlx::query("INSERT INTO cabinet_keys (number, id) VALUES ($1, $2) ON CONFLICT (number) DO NOTHING")
            .bind(i64::from(key.number()))
            .bind(key.to_string())
            .execute(&mut *to)
            .await?;
    }
    Ok(Ok(()))
}

async fn forget_key(to: &mut Connection, number: u32) -> Result<Result<(), u64>, StorageError> {
    let count = sqlx::query_scalar("SELECT count(*) FROM cabinets WHERE key = $1");
    let left: i64 = count.bind(i64::from(number)).fetch_one(&mut *to).await?;
    if left > 0 {
        return Ok(Err(u64::try_from(left).unwrap_or(u64::MAX)));
    }
    sqlx::query("DELETE FROM cabinet_keys WHERE number = $1").bind(i64::from(number)).execute(to).await?;
    Ok(Ok(()))
}

async fn rename(to: &mut Connection, names: &Names) -> Result<(), StorageError> {
    for older in &names.older {
        // Not by a process whose keys are outdated, and never onto a name that is taken.
        sqlx::query(
            "UPDATE cabinets SET name = $1, key = $2 WHERE name = $3 \
             AND NOT EXISTS (SELECT 1 FROM cabinets WHERE name = $4) \
             AND NOT EXISTS (SELECT 1 FROM cabinet_keys WHERE number > $5)",
        )
        .bind(names.newest.name.octets().as_slice())
        .bind(i64::from(names.newest.key))
        .bind(older.octets().as_slice())
        .bind(names.newest.name.octets().as_slice())
        .bind(i64::from(names.newest.key))
        .execute(&mut *to)
        .await?;
    }
    Ok(())
}

async fn id_of(to: &mut Connection, name: &CabinetName) -> Result<Option<CabinetId>, StorageError> {
    let found = sqlx::query("SELECT id FROM cabinets WHERE name = $1")
        .bind(name.octets().as_slice())
        .fetch_optional(to)
        .await?;
    found.map(|row| row::octets(&row, "id").map(CabinetId::from)).transpose()
}

fn state(row: &Row) -> Result<CabinetState, StorageError> {
    let time = |column| row::value::<Option<i64>>(row, column)?.map(|_| row::time(row, column)).transpose();
    Ok(match (time("blocked_at")?, time("opened_at")?) {
        (Some(since), _) => CabinetState::Blocked { since },
        (None, Some(since)) => CabinetState::Open { since },
        (None, None) => CabinetState::Dormant,
    })
}

/// The cabinet with this door, made dormant if there was none.
pub(super) async fn kept(to: &mut Connection, knock: &Knock) -> Result<CabinetId, StorageError> {
    sqlx::query(KEEP_CABINET_IF)
        .bind(knock.id.octets().as_slice())
        .bind(knock.named.name.octets().as_slice())
        .bind(i64::from(knock.named.key))
        .bind(true)
        .bind(i64::from(knock.named.key))
        .execute(&mut *to)
        .await?;
    id_of(to, &knock.named.name).await?.ok_or(StorageError::Damaged("cabinet_keys"))
}

async fn block(to: &mut Connection, knock: &Knock, now: OffsetDateTime) -> Result<Blocking, StorageError> {
    let cabinet = kept(to, knock).await?;
    let blocked = sqlx::query("UPDATE cabinets SET blocked_at = $1 WHERE id = $2 AND blocked_at IS NULL")
        .bind(row::milliseconds(now))
        .bind(cabinet.octets().as_slice())
        .execute(&mut *to)
        .await?;
    let sessions = sign_ins::end(to, cabinet, &Ending::All).await?;
    organisations::end(to, cabinet).await?;
    Ok(Blocking { cabinet, was_blocked: blocked.rows_affected() == 0, sessions })
}
