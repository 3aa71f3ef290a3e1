//! What the statements that all databases have in common are told of this one.

use sqlx::migrate::Migrator;

use super::writer::Writer;
use crate::cabinet::Knock;
use crate::organisation::BindingId;
use crate::storage::{PresentedCode, StorageError};
use crate::token::TokenHash;

pub(super) type Engine = sqlx::Postgres;
pub(super) type Connection = sqlx::PgConnection;
pub(super) type Row = sqlx::postgres::PgRow;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations_postgres");
pub(super) static STEPS_MIGRATIONS: Migrator = sqlx::migrate!("./migrations_terminal_postgres");

/// Keeps a row that a statement looks at from being changed until the statement's transaction ends, and waits for whoever
/// changes it.
macro_rules! hold_row {
    () => {
        " FOR SHARE"
    };
}
pub(super) use hold_row;

/// What was deleted goes from the tables when the database cleans them up, by itself; when it goes from its log and from
/// copies is its administrator's affair.
#[expect(clippy::unused_async, reason = "other databases are asked for something here")]
pub(super) async fn forget(_: &Writer) -> Result<(), StorageError> {
    Ok(())
}

/// Keeps anybody from blocking the cabinet until the session is open, and waits for whoever is about to: otherwise a
/// session could begin unseen beside the end of all others. The lock is that of a change from the start, because of two
/// who shared one neither could go on to change anything.
pub(super) async fn hold_door(to: &mut Connection, knock: Option<&Knock>) -> Result<(), StorageError> {
    if let Some(knock) = knock {
        sqlx::query("SELECT 1 FROM cabinets WHERE name = $1 FOR NO KEY UPDATE")
            .bind(knock.named.name.octets().as_slice())
            .fetch_optional(to)
            .await?;
    }
    Ok(())
}

/// Keeps anybody from being granted anything in a session that is about to end, and waits for whoever is about to: sites
/// that get their tickets at that moment are told of the end too. Sessions are locked before their grants, and grants
/// before their tokens, by everybody.
pub(super) async fn hold_session(to: &mut Connection, session: Option<&TokenHash>) -> Result<(), StorageError> {
    let Some(session) = session else { return Ok(()) };
    for text in [
        "SELECT 1 FROM sessions WHERE token = $1 FOR UPDATE",
        "SELECT 1 FROM grants WHERE session = $1 ORDER BY id FOR UPDATE",
    ] {
        sqlx::query(text).bind(session.octets().as_slice()).fetch_all(&mut *to).await?;
    }
    Ok(())
}

/// Keeps anybody from acting for an organisation that is about to be taken away, and from being granted anything by that, and
/// waits for whoever is about to: sites that get their tickets at that moment are told of the end too. Everybody locks cabinets
/// before sessions, those before organisations, and all of them before grants.
pub(super) async fn hold_binding(to: &mut Connection, binding: &BindingId) -> Result<(), StorageError> {
    for text in [
        "SELECT 1 FROM cabinets WHERE id = (SELECT cabinet FROM bindings WHERE id = $1) FOR NO KEY UPDATE",
        "SELECT 1 FROM sessions WHERE binding = $1 ORDER BY token FOR UPDATE",
        "SELECT 1 FROM bindings WHERE id = $1 FOR UPDATE",
    ] {
        sqlx::query(text).bind(binding.octets().as_slice()).fetch_all(&mut *to).await?;
    }
    Ok(())
}

/// Keeps anybody from taking a code, and its grant from ending, until it is taken; waits for whoever does.
pub(super) async fn hold_code(to: &mut Connection, presented: &PresentedCode) -> Result<(), StorageError> {
    sqlx::query("SELECT 1 FROM grants WHERE code = $1 AND client = $2 FOR UPDATE")
        .bind(presented.code.octets().as_slice())
        .bind(presented.client.as_str())
        .fetch_optional(to)
        .await?;
    Ok(())
}

/// Keeps a token's grant from ending until the token is replaced, and waits for whoever ends it.
pub(super) async fn hold_grant_of(to: &mut Connection, token: &TokenHash) -> Result<(), StorageError> {
    sqlx::query("SELECT 1 FROM grants WHERE id = (SELECT grant_id FROM tokens WHERE token = $1) FOR UPDATE")
        .bind(token.octets().as_slice())
        .fetch_optional(to)
        .await?;
    Ok(())
}
