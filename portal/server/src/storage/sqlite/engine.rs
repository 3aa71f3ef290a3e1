//! What the statements that all databases have in common are told of this one.

use sqlx::migrate::Migrator;

use super::writer::Writer;
use crate::cabinet::Knock;
use crate::organisation::BindingId;
use crate::storage::StorageError;
use crate::token::TokenHash;

pub(super) type Engine = sqlx::Sqlite;
pub(super) type Connection = sqlx::SqliteConnection;
pub(super) type Row = sqlx::sqlite::SqliteRow;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
pub(super) static STEPS_MIGRATIONS: Migrator = sqlx::migrate!("./migrations_terminal");

/// Keeps a row that a statement looks at from being changed until the statement's transaction ends: nobody else writes
/// meanwhile anyway.
macro_rules! hold_row {
    () => {
        ""
    };
}
pub(super) use hold_row;

/// Leaves nothing of what was deleted: the log beside the database still has it, until it is folded into the database and
/// cut to nothing.
pub(super) async fn forget(writer: &Writer) -> Result<(), StorageError> {
    writer.alone(|to| Box::pin(empty_log(to))).await
}

/// Keeps anybody from blocking the cabinet until the session is open: nobody else writes meanwhile anyway.
#[expect(clippy::unused_async, reason = "other databases are asked for something here")]
pub(super) async fn hold_door(_: &mut Connection, _: Option<&Knock>) -> Result<(), StorageError> {
    Ok(())
}

/// Keeps anybody from being granted anything in a session that is about to end: nobody else writes meanwhile anyway.
#[expect(clippy::unused_async, reason = "other databases are asked for something here")]
pub(super) async fn hold_session(_: &mut Connection, _: Option<&TokenHash>) -> Result<(), StorageError> {
    Ok(())
}

/// Keeps anybody from being granted anything for an organisation that is about to be taken away: nobody else writes meanwhile
/// anyway.
#[expect(clippy::unused_async, reason = "other databases are asked for something here")]
pub(super) async fn hold_binding(_: &mut Connection, _: &BindingId) -> Result<(), StorageError> {
    Ok(())
}

/// Keeps a token's grant from ending until the token is replaced: nobody else writes meanwhile anyway.
#[expect(clippy::unused_async, reason = "other databases are asked for something here")]
pub(super) async fn hold_grant_of(_: &mut Connection, _: &TokenHash) -> Result<(), StorageError> {
    Ok(())
}

async fn empty_log(to: &mut Connection) -> Result<(), StorageError> {
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(to).await?;
    Ok(())
}
