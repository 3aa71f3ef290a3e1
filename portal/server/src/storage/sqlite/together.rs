//! What every sign-in writes, for many at once: one message to the database's thread runs the whole transaction. Sent one
//! by one, the statements would cost more in messages than in work.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{Either, Executor as _, SqliteConnection};
use time::OffsetDateTime;
use tokio::sync::oneshot;

use super::statements::{OPENING, OPENS_CABINET, Statement};
use super::{cabinets, row, statements};
use crate::cabinet::{Barred, Entered};
use crate::challenge::ChallengeId;
use crate::storage::{KeptChallenge, NotTaken, Opening, StorageError};
use crate::token::TokenHash;

/// Most of each kind in one transaction.
const LANES_MAX: usize = 16;

type Told<T> = oneshot::Sender<Result<T, StorageError>>;

/// A challenge to be kept.
pub(super) struct Keep {
    pub(super) challenge: KeptChallenge,
    pub(super) told: Told<()>,
}

/// A challenge to be taken.
pub(super) struct Take {
    pub(super) id: ChallengeId,
    pub(super) browser: TokenHash,
    pub(super) now: OffsetDateTime,
    pub(super) told: Told<Result<KeptChallenge, NotTaken>>,
}

/// A session to be opened in place of another.
pub(super) struct Open {
    pub(super) opening: Opening,
    pub(super) told: Told<Result<Entered, Barred>>,
}

/// What the statements gave, lane by lane.
struct Rows {
    taken: Vec<Option<Result<KeptChallenge, StorageError>>>,
    opened_cabinets: Vec<bool>,
    opened_sessions: Vec<Option<Result<Entered, StorageError>>>,
}

/// One of the three writes of a sign-in.
pub(super) enum Write {
    Keep(Keep),
    Take(Take),
    Open(Box<Open>),
}

/// Writes that become one transaction.
#[derive(Default)]
pub(super) struct Together {
    keeps: Vec<Keep>,
    takes: Vec<Take>,
    opens: Vec<Open>,
}

impl Together {
    pub(super) fn add(&mut self, write: Write) {
        match write {
            Write::Keep(keep) => self.keeps.push(keep),
            Write::Take(take) => self.takes.push(take),
            Write::Open(open) => self.opens.push(*open),
        }
    }

    /// Whether one more might not find room.
    pub(super) fn is_full(&self) -> bool {
        self.lanes() >= LANES_MAX
    }

    fn lanes(&self) -> usize {
        self.keeps.len().max(self.takes.len()).max(self.opens.len())
    }

    /// Runs the transaction and tells everybody.
    pub(super) async fn run(self, connection: &mut SqliteConnection) {
        let mut rows = Rows {
            taken: self.takes.iter().map(|_| None).collect(),
            opened_cabinets: vec![false; self.opens.len()],
            opened_sessions: self.opens.iter().map(|_| None).collect(),
        };
        let outcome = self.transact(connection, &mut rows).await.map_err(Arc::new);
        if outcome.is_err() {
            // Fails if the database has taken everything back by itself.
            let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
        }
        let outcome = || outcome.clone().map_err(StorageError::Unavailable);
        // Whoever asked may have gone.
        for keep in self.keeps {
            let _ = keep.told.send(outcome());
        }
        for (open, opened) in self.opens.into_iter().zip(rows.opened_sessions) {
            let answer = match (outcome(), opened) {
                (Err(error), _) => Err(error),
                (Ok(()), Some(entered)) => entered.map(Ok),
                (Ok(()), None) => cabinets::why_barred(connection, open.opening.knock.as_ref()).await.map(Err),
            };
            let _ = open.told.send(answer);
        }
        for (take, taken) in self.takes.into_iter().zip(rows.taken) {
            let answer = match (outcome(), taken) {
                (Err(error), _) => Err(error),
                (Ok(()), Some(taken)) => taken.map(Ok),
                (Ok(()), None) => statements::why_not_taken(connection, take.id, &take.browser).await.map(Err),
            };
            let _ = take.told.send(answer);
        }
    }

    async fn transact(&self, connection: &mut SqliteConnection, rows: &mut Rows) -> Result<(), sqlx::Error> {
        let lanes = self.lanes().next_power_of_two();
        let text = TEXTS.get(lanes.trailing_zeros() as usize).map_or("", String::as_str);
        let mut results = connection.fetch_many(self.bound(sqlx::query(text), lanes));
        // Of the statements so far, BEGIN and those that keep give no rows.
        let mut finished = 0;
        while let Some(result) = results.try_next().await? {
            match result {
                Either::Left(_) => finished += 1,
                Either::Right(found) => {
                    if let Some(place) = usize::checked_sub(finished, 1 + lanes) {
                        rows.note(lanes, place, &found);
                    }
                }
            }
        }
        Ok(())
    }

    /// Values for every lane; those of an empty one lead to no row.
    fn bound<'q>(&'q self, text: Statement<'q>, lanes: usize) -> Statement<'q> {
        let mut text = text;
        for lane in 0..lanes {
            let keep = self.keeps.get(lane).map(|keep| &keep.challenge);
            text = statements::bind_challenge(text, keep).bind(keep.is_some());
        }
        for lane in 0..lanes {
            let take = self.takes.get(lane);
            text = text
                .bind(take.map(|take| row::milliseconds(take.now)))
                .bind(take.map(|take| take.id.octets().as_slice()))
                .bind(take.map(|take| take.browser.octets().as_slice()));
        }
        for lane in 0..lanes {
            let opening = self.opens.get(lane).map(|open| &open.opening);
            for place in 0..OPENING.len() {
                text = statements::bind_opening(text, place, opening);
            }
        }
        text
    }
}

impl Rows {
    /// A row of a statement at this place, counted from the first of those that take.
    fn note(&mut self, lanes: usize, place: usize, row: &SqliteRow) {
        let Some(place) = place.checked_sub(lanes) else {
            if let Some(taken) = self.taken.get_mut(place) {
                *taken = Some(row::challenge(row));
            }
            return;
        };
        let (lane, statement) = (place / OPENING.len(), place % OPENING.len());
        let opened = self.opened_cabinets.get_mut(lane);
        if statement == OPENS_CABINET {
            opened.into_iter().for_each(|opened| *opened = true);
        } else if let (Some(opened), Some(session)) = (opened, self.opened_sessions.get_mut(lane)) {
            *session = Some(cabinets::entered(*opened, row));
        }
    }
}

/// The transaction with one lane, with two, with four, and so on.
static TEXTS: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..=LANES_MAX.trailing_zeros()).map(|power| text(1 << power)).collect());

fn text(lanes: usize) -> String {
    let mut text = "BEGIN IMMEDIATE;".to_owned();
    let lines = [statements::KEEP_CHALLENGE_IF, statements::TAKE_CHALLENGE, &OPENING.join(";")];
    for line in lines {
        for _ in 0..lanes {
            // A string has room.
            let _ = write!(text, "{};", unnumbered(line));
        }
    }
    text + "COMMIT"
}

/// A statement whose values go by their order: a number would be that of a value of the whole text.
fn unnumbered(statement: &str) -> String {
    let mut parts = statement.split('$');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "?" + part.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}
