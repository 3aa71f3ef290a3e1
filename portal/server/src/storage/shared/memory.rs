//! What the service remembers, in the terms that all databases have in common.

use time::OffsetDateTime;

use super::database::Database;
use super::{Settings, engine, links, statements};
use crate::cabinet::{Barred, Entered};
use crate::challenge::ChallengeId;
use crate::session::Session;
use crate::storage::{
    Answer, Completed, Completing, KeptChallenge, KeptCompletion, LinkSpent, NotCompleted, NotTaken, Opening, Purged,
    Storage, StorageError,
};
use crate::token::TokenHash;

/// The service's memory in a database.
#[derive(Debug)]
pub struct SqlStorage(pub(super) Database);

impl SqlStorage {
    /// Opens the database and brings its tables to this version.
    ///
    /// # Errors
    /// [`StorageError`] if the database cannot be used or was written by a newer version.
    pub async fn open(settings: Settings) -> Result<Self, StorageError> {
        Database::open(settings, &engine::MIGRATIONS).await.map(Self)
    }
}

impl Storage for SqlStorage {
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
        Box::pin(async move { statements::session(&mut *self.0.reader().await?, token, now).await })
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
            engine::forget(&writer).await?;
            Ok(purged)
        })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async move { self.0.writer().await?.write(|to| Box::pin(statements::check(to))).await })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.0.close().await;
            Ok(())
        })
    }
}
