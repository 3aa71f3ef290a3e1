//! SQLite: the database in one file, the default.
//!
//! One connection writes, so that the writers of a process queue instead of colliding, and those that queue share a
//! commit; a few others read beside it (write-ahead log). Every commit reaches the disk before it is answered (`synchronous = FULL`): a challenge that was
//! taken stays taken after a power cut. What is deleted is overwritten (`secure_delete`), and with the next purge it is
//! gone from the log too.

mod cabinets;
mod database;
mod grants;
mod links;
mod row;
mod sign_ins;
mod statements;
mod steps;
mod together;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use sqlx::migrate::Migrator;
use time::OffsetDateTime;

pub use steps::SqliteSteps;

use database::Database;

use super::{
    Answer, Completed, Completing, KeptChallenge, KeptCompletion, LinkSpent, NotCompleted, NotTaken, Opening, Purged,
    Storage, StorageError,
};
use crate::cabinet::{Barred, Entered};
use crate::challenge::ChallengeId;
use crate::session::Session;
use crate::token::TokenHash;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Where the database is and how long it may make others wait.
#[derive(Debug, Clone)]
pub struct SqliteSettings {
    /// The database file. SQLite keeps two more files beside it, with `-wal` and `-shm` at the end of their names.
    pub path: PathBuf,
    /// How long to wait for another process' write to end, and for a connection to become free.
    pub patience: Duration,
}

impl SqliteSettings {
    /// The database in `path`, with the patience of five seconds.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, patience: Duration::from_secs(5) }
    }
}

/// The service's memory in an SQLite file.
#[derive(Debug)]
pub struct SqliteStorage(Database);

impl SqliteStorage {
    /// Opens the database, makes it if there is none, and brings its tables to this version.
    ///
    /// # Errors
    /// [`StorageError`] if the file cannot be used or was written by a newer version.
    pub async fn open(settings: SqliteSettings) -> Result<Self, StorageError> {
        Database::open(settings, &MIGRATIONS).await.map(Self)
    }

    /// Ends all connections, so that the log beside the database is folded into it.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

impl Storage for SqliteStorage {
    fn keep_challenge<'a>(&'a self, challenge: &'a KeptChallenge) -> Answer<'a, ()> {
        let challenge = challenge.clone();
        Box::pin(async move { self.0.writer().await?.keep(challenge).await })
    }

    fn take_challenge<'a>(
        &'a self,
        id: ChallengeId,
        browser: &'a TokenHash,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, NotTaken>> {
        let browser = *browser;
        Box::pin(async move { self.0.writer().await?.take(id, browser, now).await })
    }

    fn fetch_link<'a>(
        &'a self,
        request: &'a TokenHash,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, LinkSpent>> {
        let request = *request;
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { links::fetch(to, &request, now).await })).await
        })
    }

    fn take_link<'a>(
        &'a self,
        request: &'a TokenHash,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, LinkSpent>> {
        let request = *request;
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { links::take(to, &request, now).await })).await
        })
    }

    fn keep_completion<'a>(&'a self, completion: &'a KeptCompletion) -> Answer<'a, ()> {
        let completion = completion.clone();
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(|to| Box::pin(async move { links::keep_completion(to, &completion).await })).await
        })
    }

    fn complete<'a>(
        &'a self,
        completing: &'a Completing,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<Completed, NotCompleted>> {
        let completing = *completing;
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { links::complete(to, &completing, now).await })).await
        })
    }

    fn open_session<'a>(&'a self, opening: &'a Opening) -> Answer<'a, Result<Entered, Barred>> {
        let opening = opening.clone();
        Box::pin(async move { self.0.writer().await?.open(opening).await })
    }

    fn session<'a>(&'a self, token: &'a TokenHash, now: OffsetDateTime) -> Answer<'a, Option<Session>> {
        Box::pin(async move { statements::session(&self.0.reader().await?, token, now).await })
    }

    fn end_session<'a>(&'a self, token: &'a TokenHash) -> Answer<'a, bool> {
        let token = *token;
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { statements::end_session(to, &token).await })).await
        })
    }

    fn purge(&self, now: OffsetDateTime) -> Answer<'_, Purged> {
        Box::pin(async move {
            let writer = self.0.writer().await?;
            let purged = writer.write(move |to| Box::pin(statements::purge(to, now))).await?;
            // The log beside the database still has what was deleted.
            writer.alone(|to| Box::pin(statements::empty_log(to))).await?;
            Ok(purged)
        })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async move { self.0.writer().await?.write(|to| Box::pin(statements::change_nothing(to))).await })
    }
}
