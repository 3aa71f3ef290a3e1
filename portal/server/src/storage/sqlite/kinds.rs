//! The writes that are done together, each kind with its statements.

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;

use super::codes::{Exchange, GIVES_TOKEN, KEEP_GRANT, TAKING};
use super::statements::{OPENING, OPENS_CABINET, OPENS_SESSION, Statement};
use super::together::Kind;
use super::{cabinets, codes, grants, row, statements};
use crate::cabinet::{Barred, Entered};
use crate::challenge::ChallengeId;
use crate::storage::{Basis, FoundToken, KeptChallenge, KeptCode, KeptGrant, NotTaken, Opening, StorageError};
use crate::token::TokenHash;

/// A challenge to be kept.
pub(super) struct Keep(pub(super) KeptChallenge);

/// A challenge to be taken.
pub(super) struct Take {
    pub(super) id: ChallengeId,
    pub(super) browser: TokenHash,
    pub(super) now: OffsetDateTime,
}

/// A session to be opened in place of another.
pub(super) struct Open(pub(super) Opening);

/// A grant to be kept, its code, and what it rests on.
pub(super) struct KeepGrant(pub(super) KeptGrant, pub(super) KeptCode, pub(super) Basis);

/// A code to be taken.
pub(super) struct TakeCode(pub(super) Exchange);

impl Kind for Keep {
    type Answer = ();
    type Found = ();
    const STATEMENTS: &'static [&'static str] = &[statements::KEEP_CHALLENGE_IF];

    fn bind<'q>(statement: Statement<'q>, _: usize, asked: Option<&Self>) -> Statement<'q> {
        statements::bind_challenge(statement, asked.map(|Self(challenge)| challenge)).bind(asked.is_some())
    }

    fn note((): &mut (), _: usize, _: &SqliteRow) {}

    async fn answer(self, (): (), _: &mut SqliteConnection) -> Result<(), StorageError> {
        Ok(())
    }
}

impl Kind for Take {
    type Answer = Result<KeptChallenge, NotTaken>;
    type Found = Option<Result<KeptChallenge, StorageError>>;
    const STATEMENTS: &'static [&'static str] = &[statements::TAKE_CHALLENGE];

    fn bind<'q>(statement: Statement<'q>, _: usize, asked: Option<&Self>) -> Statement<'q> {
        statement
            .bind(asked.map(|take| row::milliseconds(take.now)))
            .bind(asked.map(|take| take.id.octets().as_slice()))
            .bind(asked.map(|take| take.browser.octets().as_slice()))
    }

    fn note(found: &mut Self::Found, _: usize, row: &SqliteRow) {
        *found = Some(row::challenge(row));
    }

    async fn answer(self, found: Self::Found, connection: &mut SqliteConnection) -> Result<Self::Answer, StorageError> {
        match found {
            Some(taken) => taken.map(Ok),
            None => statements::why_not_taken(connection, self.id, &self.browser).await.map(Err),
        }
    }
}

impl Kind for Open {
    type Answer = Result<Entered, Barred>;
    /// Whether the cabinet was opened, and what came of the session.
    type Found = (bool, Option<Result<Entered, StorageError>>);
    const STATEMENTS: &'static [&'static str] = &OPENING;

    fn bind<'q>(statement: Statement<'q>, place: usize, asked: Option<&Self>) -> Statement<'q> {
        statements::bind_opening(statement, place, asked.map(|Self(opening)| opening))
    }

    fn note((is_opened, entered): &mut Self::Found, place: usize, row: &SqliteRow) {
        match place {
            OPENS_CABINET => *is_opened = true,
            OPENS_SESSION => *entered = Some(cabinets::entered(*is_opened, row)),
            _ => {}
        }
    }

    async fn answer(
        self,
        (_, entered): Self::Found,
        connection: &mut SqliteConnection,
    ) -> Result<Self::Answer, StorageError> {
        match entered {
            Some(entered) => entered.map(Ok),
            None => cabinets::why_barred(connection, self.0.knock.as_ref()).await.map(Err),
        }
    }
}

impl Kind for KeepGrant {
    type Answer = bool;
    type Found = bool;
    const STATEMENTS: &'static [&'static str] = &[KEEP_GRANT];

    fn bind<'q>(statement: Statement<'q>, _: usize, asked: Option<&Self>) -> Statement<'q> {
        codes::bind_grant(statement, asked.map(|Self(grant, code, basis)| (grant, code, *basis)))
    }

    fn note(is_kept: &mut bool, _: usize, _: &SqliteRow) {
        *is_kept = true;
    }

    async fn answer(self, is_kept: bool, _: &mut SqliteConnection) -> Result<bool, StorageError> {
        Ok(is_kept)
    }
}

impl Kind for TakeCode {
    type Answer = Option<FoundToken>;
    type Found = Option<Result<FoundToken, StorageError>>;
    const STATEMENTS: &'static [&'static str] = &TAKING;

    fn bind<'q>(statement: Statement<'q>, place: usize, asked: Option<&Self>) -> Statement<'q> {
        codes::bind_taking(statement, place, asked.map(|Self(exchange)| exchange))
    }

    fn note(found: &mut Self::Found, place: usize, row: &SqliteRow) {
        if place == GIVES_TOKEN {
            *found = Some(grants::found_token(row));
        }
    }

    async fn answer(self, found: Self::Found, _: &mut SqliteConnection) -> Result<Self::Answer, StorageError> {
        found.transpose()
    }
}
