//! Organisations, the cabinets that they are bound to, and the sessions that act for them.

use super::engine::{self, Connection, Row};
use super::memory::SqlStorage;
use super::{cabinets, logouts, row};
use crate::cabinet::{Barred, CabinetId, CabinetName, Knock};
use crate::organisation::{Binding, BindingId, Organisation, OrganisationNumber};
use crate::storage::{Answer, Organisations, StorageError};
use crate::token::TokenHash;

impl Organisations for SqlStorage {
    fn bind<'a>(&'a self, knock: &'a Knock, binding: &'a Binding) -> Answer<'a, Result<bool, Barred>> {
        let (knock, binding) = (*knock, binding.clone());
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { bind(to, &knock, &binding).await })).await
        })
    }

    fn unbind<'a>(&'a self, cabinet: &'a CabinetName, organisation: &'a OrganisationNumber) -> Answer<'a, bool> {
        let (cabinet, organisation) = (*cabinet, organisation.clone());
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { unbind(to, &cabinet, &organisation).await })).await
        })
    }

    fn bindings(&self, cabinet: CabinetId) -> Answer<'_, Vec<Binding>> {
        Box::pin(async move {
            let found = sqlx::query("SELECT * FROM bindings WHERE cabinet = $1 ORDER BY organisation")
                .bind(cabinet.octets().as_slice())
                .fetch_all(&mut *self.0.reader().await?)
                .await?;
            found.iter().map(|row| binding(BindingId::from(row::octets(row, "id")?), row)).collect()
        })
    }

    fn binding(&self, binding: BindingId) -> Answer<'_, Option<Binding>> {
        Box::pin(async move { binding_of(&mut *self.0.reader().await?, &binding).await })
    }

    fn act_for<'a>(
        &'a self,
        session: &'a TokenHash,
        cabinet: CabinetId,
        organisation: Option<&'a OrganisationNumber>,
    ) -> Answer<'a, bool> {
        let (session, organisation) = (*session, organisation.cloned());
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer
                .write(move |to| Box::pin(async move { act_for(to, &session, cabinet, organisation.as_ref()).await }))
                .await
        })
    }
}

/// The binding with that name.
pub(super) async fn binding_of(to: &mut Connection, id: &BindingId) -> Result<Option<Binding>, StorageError> {
    let found = sqlx::query("SELECT * FROM bindings WHERE id = $1").bind(id.octets().as_slice());
    found.fetch_optional(to).await?.as_ref().map(|row| binding(*id, row)).transpose()
}

async fn bind(to: &mut Connection, knock: &Knock, binding: &Binding) -> Result<Result<bool, Barred>, StorageError> {
    let cabinet = cabinets::kept(to, knock).await?;
    engine::hold_door(to, Some(knock)).await?;
    let blocked = sqlx::query("SELECT 1 FROM cabinets WHERE id = $1 AND blocked_at IS NOT NULL")
        .bind(cabinet.octets().as_slice())
        .fetch_optional(&mut *to)
        .await?;
    if blocked.is_some() {
        return Ok(Err(Barred::Blocked));
    }
    let Organisation { number, names: [belarusian, russian, english] } = &binding.organisation;
    let renamed = sqlx::query(
        "UPDATE bindings SET belarusian_name = $1, russian_name = $2, english_name = $3 \
         WHERE cabinet = $4 AND organisation = $5",
    )
    .bind(belarusian.as_str())
    .bind(russian.as_str())
    .bind(english.as_str())
    .bind(cabinet.octets().as_slice())
    .bind(number.as_str())
    .execute(&mut *to)
    .await?;
    if renamed.rows_affected() > 0 {
        return Ok(Ok(false));
    }
    sqlx::query(
        "INSERT INTO bindings (id, cabinet, organisation, belarusian_name, russian_name, english_name, bound_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(binding.id.octets().as_slice())
    .bind(cabinet.octets().as_slice())
    .bind(number.as_str())
    .bind(belarusian.as_str())
    .bind(russian.as_str())
    .bind(english.as_str())
    .bind(row::milliseconds(binding.bound_at))
    .execute(to)
    .await?;
    Ok(Ok(true))
}

async fn unbind(
    to: &mut Connection,
    cabinet: &CabinetName,
    organisation: &OrganisationNumber,
) -> Result<bool, StorageError> {
    let statement = "SELECT bindings.id FROM bindings JOIN cabinets ON cabinets.id = bindings.cabinet \
         WHERE organisation = $1 AND cabinets.name = $2";
    let found = sqlx::query(statement).bind(organisation.as_str()).bind(cabinet.octets().as_slice());
    let Some(found) = found.fetch_optional(&mut *to).await? else { return Ok(false) };
    let id = BindingId::from(row::octets(&found, "id")?);
    engine::hold_binding(to, &id).await?;
    // Sites that came for what they were granted of it are told that it has ended.
    let ended = sqlx::query("DELETE FROM grants WHERE granted_binding = $1 RETURNING id, client, code_taken_at")
        .bind(id.octets().as_slice())
        .fetch_all(&mut *to)
        .await?;
    logouts::tell(to, &ended).await?;
    let ended = sqlx::query("DELETE FROM bindings WHERE id = $1").bind(id.octets().as_slice()).execute(to).await?;
    Ok(ended.rows_affected() > 0)
}

/// Takes all organisations away from a cabinet whose sessions have ended.
pub(super) async fn end(to: &mut Connection, cabinet: CabinetId) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM bindings WHERE cabinet = $1").bind(cabinet.octets().as_slice()).execute(to).await?;
    Ok(())
}

async fn act_for(
    to: &mut Connection,
    session: &TokenHash,
    cabinet: CabinetId,
    organisation: Option<&OrganisationNumber>,
) -> Result<bool, StorageError> {
    let statement = match organisation {
        None => sqlx::query("UPDATE sessions SET binding = NULL WHERE token = $1 AND cabinet = $2")
            .bind(session.octets().as_slice())
            .bind(cabinet.octets().as_slice()),
        // The binding's row is named twice, so that one that is not there changes nothing.
        Some(organisation) => sqlx::query(
            "UPDATE sessions SET binding = (SELECT id FROM bindings WHERE cabinet = $1 AND organisation = $2) \
             WHERE token = $3 AND cabinet = $4 \
             AND EXISTS (SELECT 1 FROM bindings WHERE cabinet = $5 AND organisation = $6)",
        )
        .bind(cabinet.octets().as_slice())
        .bind(organisation.as_str())
        .bind(session.octets().as_slice())
        .bind(cabinet.octets().as_slice())
        .bind(cabinet.octets().as_slice())
        .bind(organisation.as_str()),
    };
    Ok(statement.execute(to).await?.rows_affected() > 0)
}

/// What a row says of the binding with that name.
pub(super) fn binding(id: BindingId, found: &Row) -> Result<Binding, StorageError> {
    let names = [
        row::parsed(found, "belarusian_name")?,
        row::parsed(found, "russian_name")?,
        row::parsed(found, "english_name")?,
    ];
    Ok(Binding {
        id,
        organisation: Organisation { number: row::parsed(found, "organisation")?, names },
        bound_at: row::time(found, "bound_at")?,
    })
}
