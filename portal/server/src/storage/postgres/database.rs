//! A database and the connections to it.

use sqlx::migrate::Migrator;
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{PgPool, Postgres};

use super::PostgresSettings;
use super::writer::Writer;
use crate::storage::StorageError;

/// Most connections of a node.
const CONNECTIONS: u32 = 16;

/// A database that is open.
#[derive(Debug)]
pub(super) struct Database {
    pool: PgPool,
}

impl Database {
    /// Connects, and brings the tables to this version. Of several nodes that start together one does it, and the others
    /// wait.
    pub(super) async fn open(settings: PostgresSettings, migrations: &'static Migrator) -> Result<Self, StorageError> {
        let pool = PoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(settings.patience);
        let pool = pool.connect_with(settings.options).await?;
        let mut connection = pool.acquire().await?;
        migrations.run_direct(None, &mut *connection, false).await.map_err(StorageError::Migration)?;
        drop(connection);
        Ok(Self { pool })
    }

    /// Ends all connections.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    #[expect(clippy::unused_async, reason = "other databases are looked for first")]
    pub(super) async fn writer(&self) -> Result<Writer, StorageError> {
        Ok(Writer::new(self.pool.clone()))
    }

    pub(super) async fn reader(&self) -> Result<PoolConnection<Postgres>, StorageError> {
        Ok(self.pool.acquire().await?)
    }
}
