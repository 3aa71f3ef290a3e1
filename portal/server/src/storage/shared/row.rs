//! Rows and times of the database, read with suspicion.

use std::str::FromStr;

use latchkey_crypto::assertion::ChallengeText;
use latchkey_crypto::x509::{PersonName, PersonalNumber};
use sqlx::{Decode, Row as _, Type};
use time::OffsetDateTime;

use super::engine::{Engine, Row};
use crate::cabinet::{CABINET_ID_SIZE, CabinetId};
use crate::challenge::ChallengeId;
use crate::link::ShortCode;
use crate::organisation::{BINDING_ID_SIZE, BindingId};
use crate::session::{Holder, OutsideAccount, Person, Session};
use crate::storage::{KeptChallenge, KeptCompletion, KeptLink, StorageError};
use crate::token::{TOKEN_SIZE, TokenHash};

/// Milliseconds since 1970, as the database writes times.
pub(super) fn milliseconds(time: OffsetDateTime) -> i64 {
    time.unix_timestamp().saturating_mul(1000).saturating_add(i64::from(time.millisecond()))
}

pub(super) fn challenge(row: &Row) -> Result<KeptChallenge, StorageError> {
    Ok(KeptChallenge {
        id: ChallengeId::from(octets(row, "id")?),
        browser: TokenHash::from(octets(row, "browser")?),
        text: parse(row, "challenge", ChallengeText::parse)?,
        purpose: parsed(row, "purpose")?,
        issued_at: time(row, "issued_at")?,
        expires_at: time(row, "expires_at")?,
        link: link(row)?,
    })
}

fn link(row: &Row) -> Result<Option<KeptLink>, StorageError> {
    let Some(request) = value::<Option<&[u8]>>(row, "link")? else { return Ok(None) };
    let request: [u8; TOKEN_SIZE] = request.try_into().map_err(|_| StorageError::Damaged("link"))?;
    let short_code = parse(row, "short_code", |text| ShortCode::parse(text).ok_or(()))?;
    Ok(Some(KeptLink { request: TokenHash::from(request), short_code }))
}

pub(super) fn completion(row: &Row) -> Result<KeptCompletion, StorageError> {
    Ok(KeptCompletion {
        token: TokenHash::from(octets(row, "token")?),
        browser: TokenHash::from(octets(row, "browser")?),
        ends_at: time(row, "ends_at")?,
        session: Session { cabinet: None, ..begun(row, Person::Holder(holder(row)?))? },
        knock: super::cabinets::knock(row)?,
        stale_since: time_if_any(row, "stale_since")?,
    })
}

pub(super) fn session(row: &Row) -> Result<Session, StorageError> {
    let person = match outside_account(row)? {
        Some(account) => Person::OutsideAccount(account),
        None => Person::Holder(holder(row)?),
    };
    Ok(Session { acting: binding(row, "binding")?, age_over_18: answer(row, "age_over_18")?, ..begun(row, person)? })
}

/// A session as it begins.
fn begun(row: &Row, person: Person) -> Result<Session, StorageError> {
    Ok(Session {
        signed_in_at: time(row, "signed_in_at")?,
        expires_at: time(row, "expires_at")?,
        assurance: parsed(row, "assurance")?,
        way: parsed(row, "way")?,
        cabinet: cabinet(row)?,
        acting: None,
        age_over_18: None,
        person,
    })
}

fn holder(row: &Row) -> Result<Holder, StorageError> {
    Ok(Holder {
        personal_number: parse(row, "personal_number", PersonalNumber::parse)?,
        name: name(row, ["family_name", "given_name", "patronymic"])?.ok_or(StorageError::Damaged("family_name"))?,
        belarusian_name: name(row, ["belarusian_family_name", "belarusian_given_name", "belarusian_patronymic"])?,
        latin_name: value(row, "latin_name")?,
    })
}

fn outside_account(row: &Row) -> Result<Option<OutsideAccount>, StorageError> {
    let Some(issuer) = value(row, "outside_issuer")? else { return Ok(None) };
    let subject = value::<Option<String>>(row, "outside_subject")?.ok_or(StorageError::Damaged("outside_subject"))?;
    Ok(Some(OutsideAccount { issuer, subject, name: value(row, "outside_name")? }))
}

pub(super) fn cabinet(row: &Row) -> Result<Option<CabinetId>, StorageError> {
    let Some(octets) = value::<Option<&[u8]>>(row, "cabinet")? else { return Ok(None) };
    let octets: [u8; CABINET_ID_SIZE] = octets.try_into().map_err(|_| StorageError::Damaged("cabinet"))?;
    Ok(Some(CabinetId::from(octets)))
}

pub(super) fn binding(row: &Row, column: &'static str) -> Result<Option<BindingId>, StorageError> {
    let Some(octets) = value::<Option<&[u8]>>(row, column)? else { return Ok(None) };
    let octets: [u8; BINDING_ID_SIZE] = octets.try_into().map_err(|_| StorageError::Damaged(column))?;
    Ok(Some(BindingId::from(octets)))
}

/// What a card has answered, if it was asked.
pub(super) fn answer(row: &Row, column: &'static str) -> Result<Option<bool>, StorageError> {
    match value::<Option<&str>>(row, column)? {
        None => Ok(None),
        Some("yes") => Ok(Some(true)),
        Some("no") => Ok(Some(false)),
        Some(_) => Err(StorageError::Damaged(column)),
    }
}

/// As [`answer`] reads it.
pub(super) const fn answered(answer: Option<bool>) -> Option<&'static str> {
    match answer {
        None => None,
        Some(true) => Some("yes"),
        Some(false) => Some("no"),
    }
}

pub(super) fn parsed<T: FromStr>(row: &Row, column: &'static str) -> Result<T, StorageError> {
    parse(row, column, str::parse)
}

fn parse<T, E>(row: &Row, column: &'static str, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, StorageError> {
    parse(value(row, column)?).map_err(|_| StorageError::Damaged(column))
}

/// `None` if there is neither a family name nor a given name.
fn name(row: &Row, [family, given, patronymic]: [&'static str; 3]) -> Result<Option<PersonName>, StorageError> {
    let name =
        PersonName { family: value(row, family)?, given: value(row, given)?, patronymic: value(row, patronymic)? };
    Ok((name.family.is_some() || name.given.is_some()).then_some(name))
}

pub(super) fn value<'r, T: Decode<'r, Engine> + Type<Engine>>(
    row: &'r Row,
    column: &'static str,
) -> Result<T, StorageError> {
    row.try_get(column).map_err(|_| StorageError::Damaged(column))
}

pub(super) fn octets<const N: usize>(row: &Row, column: &'static str) -> Result<[u8; N], StorageError> {
    value::<&[u8]>(row, column)?.try_into().map_err(|_| StorageError::Damaged(column))
}

pub(super) fn time(row: &Row, column: &'static str) -> Result<OffsetDateTime, StorageError> {
    time_if_any(row, column)?.ok_or(StorageError::Damaged(column))
}

fn time_if_any(row: &Row, column: &'static str) -> Result<Option<OffsetDateTime>, StorageError> {
    let Some(milliseconds) = value::<Option<i64>>(row, column)? else { return Ok(None) };
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .map(Some)
        .map_err(|_| StorageError::Damaged(column))
}
