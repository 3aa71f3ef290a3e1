//! Writing: each job in a transaction of its own.

use std::pin::Pin;

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::codes::{self, Exchange, GIVES_TOKEN, KEEP_GRANT, TAKING};
use super::{engine, grants, row, statements};
use crate::cabinet::{Barred, Entered};
use crate::challenge::ChallengeId;
use crate::storage::{Basis, FoundToken, KeptChallenge, KeptCode, KeptGrant, NotTaken, Opening, StorageError};
use crate::token::TokenHash;

/// Statements of one job, and what they give.
pub(super) type Statements<'c, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'c>>;

/// The way to the connections.
#[derive(Debug, Clone)]
pub(super) struct Writer(PgPool);

impl Writer {
    pub(super) const fn new(pool: PgPool) -> Self {
        Self(pool)
    }

    /// Keeps a challenge.
    pub(super) async fn keep(&self, challenge: KeptChallenge) -> Result<(), StorageError> {
        let mut connection = self.0.acquire().await?;
        let statement = sqlx::query(statements::KEEP_CHALLENGE_IF);
        statements::bind_challenge(statement, Some(&challenge)).bind(true).execute(&mut *connection).await?;
        Ok(())
    }

    /// Takes a challenge.
    pub(super) async fn take(
        &self,
        id: ChallengeId,
        browser: TokenHash,
        now: OffsetDateTime,
    ) -> Result<Result<KeptChallenge, NotTaken>, StorageError> {
        let mut connection = self.0.acquire().await?;
        let taken = sqlx::query(statements::TAKE_CHALLENGE)
            .bind(row::milliseconds(now))
            .bind(id.octets().as_slice())
            .bind(browser.octets().as_slice())
            .fetch_optional(&mut *connection)
            .await?;
        match taken {
            Some(taken) => row::challenge(&taken).map(Ok),
            None => statements::why_not_taken(&mut connection, id, &browser).await.map(Err),
        }
    }

    /// Opens a session.
    pub(super) async fn open(&self, opening: Opening) -> Result<Result<Entered, Barred>, StorageError> {
        self.write(move |to| Box::pin(async move { statements::open_session(to, &opening).await })).await
    }

    /// Keeps a grant and its code.
    pub(super) async fn keep_grant(
        &self,
        grant: KeptGrant,
        code: KeptCode,
        basis: Basis,
    ) -> Result<bool, StorageError> {
        let statement = codes::bind_grant(sqlx::query(KEEP_GRANT), Some((&grant, &code, basis)));
        match statement.fetch_optional(&mut *self.0.acquire().await?).await {
            // The session has ended, or the organisation was taken away, while the grant was being kept, at another node.
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(false),
            kept => Ok(kept?.is_some()),
        }
    }

    /// Exchanges a code. None if it gives nothing.
    pub(super) async fn take_code(&self, exchange: Exchange) -> Result<Option<FoundToken>, StorageError> {
        self.write(move |to| Box::pin(async move { take_code(to, &exchange).await })).await
    }

    /// Runs statements in a transaction of their own, and gives what they gave when it is committed. What they find
    /// damaged is no reason to take back what they changed.
    pub(super) async fn write<T, W>(&self, statements: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut PgConnection) -> Statements<'c, T> + Send + 'static,
    {
        let mut transaction = self.0.begin().await?;
        let outcome = statements(&mut transaction).await;
        if let Err(StorageError::Unavailable(error)) = outcome {
            // Dropped, the transaction is taken back.
            return Err(StorageError::Unavailable(error));
        }
        transaction.commit().await?;
        outcome
    }
}

async fn take_code(to: &mut PgConnection, exchange: &Exchange) -> Result<Option<FoundToken>, StorageError> {
    engine::hold_code(to, &exchange.presented).await?;
    let mut found = None;
    for (place, text) in TAKING.into_iter().enumerate() {
        let row = codes::bind_taking(sqlx::query(text), place, Some(exchange)).fetch_optional(&mut *to).await?;
        if place == GIVES_TOKEN {
            found = row.as_ref().map(grants::found_token).transpose()?;
        }
    }
    Ok(found)
}
