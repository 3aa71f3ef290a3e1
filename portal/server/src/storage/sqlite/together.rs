//! What every sign-in and every ticket writes, for many at once: one message to the database's thread runs statements for all
//! of them, in one transaction. Sent one by one, the statements would cost more in messages than in work.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{Either, Executor as _, SqliteConnection};
use tokio::sync::oneshot;

use super::kinds::{Keep, KeepGrant, Open, Take, TakeCode};
use super::statements::Statement;
use crate::storage::StorageError;

/// Most of each kind in one transaction.
const LANES_MAX: usize = 16;

/// One kind of write: the statements that it runs, and what their rows say.
pub(super) trait Kind: Sized {
    /// What whoever asked is told.
    type Answer;
    /// What the rows say so far.
    type Found: Default;
    /// The statements, in their order. They find out by themselves whether they apply, and change nothing if what was bound
    /// is nothing.
    const STATEMENTS: &'static [&'static str];

    /// Binds what the statement in this place needs, or so many times nothing.
    fn bind<'q>(statement: Statement<'q>, place: usize, asked: Option<&Self>) -> Statement<'q>;

    /// Takes note of a row that the statement in this place gave.
    fn note(found: &mut Self::Found, place: usize, row: &SqliteRow);

    /// What is told once all of it is on the disk.
    fn answer(
        self,
        found: Self::Found,
        connection: &mut SqliteConnection,
    ) -> impl Future<Output = Result<Self::Answer, StorageError>> + Send;
}

/// A write that somebody waits for.
pub(super) struct Asked<K: Kind> {
    pub(super) kind: K,
    pub(super) told: oneshot::Sender<Result<K::Answer, StorageError>>,
}

/// One of the writes of a sign-in or of a ticket.
pub(super) enum Write {
    Keep(Asked<Keep>),
    Take(Asked<Take>),
    Open(Asked<Open>),
    KeepGrant(Asked<KeepGrant>),
    TakeCode(Asked<TakeCode>),
}

/// Writes that become one transaction.
#[derive(Default)]
pub(super) struct Together {
    sign_ins: SignIns,
    tickets: Tickets,
}

#[derive(Default)]
struct SignIns {
    keeps: Lanes<Keep>,
    takes: Lanes<Take>,
    opens: Lanes<Open>,
}

#[derive(Default)]
struct Tickets {
    grants: Lanes<KeepGrant>,
    codes: Lanes<TakeCode>,
}

impl Together {
    pub(super) fn add(&mut self, write: Write) {
        match write {
            Write::Keep(asked) => self.sign_ins.keeps.add(asked),
            Write::Take(asked) => self.sign_ins.takes.add(asked),
            Write::Open(asked) => self.sign_ins.opens.add(asked),
            Write::KeepGrant(asked) => self.tickets.grants.add(asked),
            Write::TakeCode(asked) => self.tickets.codes.add(asked),
        }
    }

    /// Whether one more might not find room.
    pub(super) fn is_full(&self) -> bool {
        self.sign_ins.filled().max(self.tickets.filled()) >= LANES_MAX
    }

    /// Runs the transaction and tells everybody.
    pub(super) async fn run(mut self, connection: &mut SqliteConnection) {
        let outcome = self.transact(connection).await.map_err(Arc::new);
        if outcome.is_err() {
            // Fails if the database has taken everything back by itself.
            let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
        }
        let Self { sign_ins: SignIns { keeps, takes, opens }, tickets: Tickets { grants, codes } } = self;
        keeps.tell(&outcome, connection).await;
        takes.tell(&outcome, connection).await;
        opens.tell(&outcome, connection).await;
        grants.tell(&outcome, connection).await;
        codes.tell(&outcome, connection).await;
    }

    async fn transact(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        match (self.sign_ins.filled(), self.tickets.filled()) {
            (_, 0) => run(connection, &mut self.sign_ins, Part::Whole).await,
            (0, _) => run(connection, &mut self.tickets, Part::Whole).await,
            _ => {
                run(connection, &mut self.sign_ins, Part::First).await?;
                run(connection, &mut self.tickets, Part::Last).await
            }
        }
    }
}

/// Kinds of writes that go into one text.
trait Section {
    /// How many of one kind there are at most.
    fn filled(&self) -> usize;
    fn texts() -> &'static Texts;
    /// Binds values for every lane; those of an empty one lead to no row.
    fn bind<'q>(&self, text: Statement<'q>, lanes: usize) -> Statement<'q>;
    /// Takes note of a row of a statement at this place, counted from the first that is not BEGIN.
    fn note(&mut self, lanes: usize, place: usize, row: &SqliteRow);
}

impl Section for SignIns {
    fn filled(&self) -> usize {
        self.keeps.filled().max(self.takes.filled()).max(self.opens.filled())
    }

    fn texts() -> &'static Texts {
        static TEXTS: LazyLock<Texts> =
            LazyLock::new(|| Texts::new(&[Keep::STATEMENTS, Take::STATEMENTS, Open::STATEMENTS]));
        &TEXTS
    }

    fn bind<'q>(&self, text: Statement<'q>, lanes: usize) -> Statement<'q> {
        self.opens.bind(self.takes.bind(self.keeps.bind(text, lanes), lanes), lanes)
    }

    fn note(&mut self, lanes: usize, place: usize, row: &SqliteRow) {
        let place = self.keeps.note(lanes, place, row);
        let place = place.and_then(|place| self.takes.note(lanes, place, row));
        place.and_then(|place| self.opens.note(lanes, place, row));
    }
}

impl Section for Tickets {
    fn filled(&self) -> usize {
        self.grants.filled().max(self.codes.filled())
    }

    fn texts() -> &'static Texts {
        static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::new(&[KeepGrant::STATEMENTS, TakeCode::STATEMENTS]));
        &TEXTS
    }

    fn bind<'q>(&self, text: Statement<'q>, lanes: usize) -> Statement<'q> {
        self.codes.bind(self.grants.bind(text, lanes), lanes)
    }

    fn note(&mut self, lanes: usize, place: usize, row: &SqliteRow) {
        let place = self.grants.note(lanes, place, row);
        place.and_then(|place| self.codes.note(lanes, place, row));
    }
}

/// Writes of one kind, each in a lane of its own, and what was found for it.
struct Lanes<K: Kind>(Vec<(Asked<K>, K::Found)>);

impl<K: Kind> Default for Lanes<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Kind> Lanes<K> {
    fn add(&mut self, asked: Asked<K>) {
        self.0.push((asked, K::Found::default()));
    }

    fn filled(&self) -> usize {
        self.0.len()
    }

    fn bind<'q>(&self, text: Statement<'q>, lanes: usize) -> Statement<'q> {
        (0..lanes).fold(text, |text, lane| {
            let asked = self.0.get(lane).map(|(asked, _)| &asked.kind);
            (0..K::STATEMENTS.len()).fold(text, |text, place| K::bind(text, place, asked))
        })
    }

    /// The place counted from the first statement of the next kind, if it is not of this one.
    fn note(&mut self, lanes: usize, place: usize, row: &SqliteRow) -> Option<usize> {
        let statements = K::STATEMENTS.len();
        if let Some(further) = place.checked_sub(lanes * statements) {
            return Some(further);
        }
        if let Some((_, found)) = self.0.get_mut(place / statements) {
            K::note(found, place % statements, row);
        }
        None
    }

    async fn tell(self, outcome: &Result<(), Arc<sqlx::Error>>, connection: &mut SqliteConnection) {
        for (Asked { kind, told }, found) in self.0 {
            let answer = match outcome {
                Ok(()) => kind.answer(found, connection).await,
                Err(error) => Err(StorageError::Unavailable(Arc::clone(error))),
            };
            // Whoever asked may have gone.
            let _ = told.send(answer);
        }
    }
}

/// Which part of a transaction a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    First,
    Last,
}

impl Part {
    const ALL: [Self; 3] = [Self::Whole, Self::First, Self::Last];

    const fn begins(self) -> bool {
        matches!(self, Self::Whole | Self::First)
    }

    const fn ends(self) -> bool {
        matches!(self, Self::Whole | Self::Last)
    }
}

async fn run<S: Section>(connection: &mut SqliteConnection, section: &mut S, part: Part) -> Result<(), sqlx::Error> {
    let lanes = section.filled().next_power_of_two();
    let text = section.bind(sqlx::query(S::texts().text(lanes, part)), lanes);
    let mut results = connection.fetch_many(text);
    let mut finished = 0;
    while let Some(result) = results.try_next().await? {
        match result {
            Either::Left(_) => finished += 1,
            Either::Right(row) => {
                // BEGIN gives no rows.
                if let Some(place) = usize::checked_sub(finished, usize::from(part.begins())) {
                    section.note(lanes, place, &row);
                }
            }
        }
    }
    Ok(())
}

/// The texts of a section with one lane, with two, with four, and so on; each as every part of a transaction.
struct Texts(Vec<[String; Part::ALL.len()]>);

impl Texts {
    fn new(kinds: &[&[&str]]) -> Self {
        let powers = 0..=LANES_MAX.trailing_zeros();
        Self(powers.map(|power| Part::ALL.map(|part| text(kinds, 1 << power, part))).collect())
    }

    fn text(&self, lanes: usize, part: Part) -> &str {
        let texts = self.0.get(lanes.trailing_zeros() as usize);
        texts.and_then(|texts| texts.get(part as usize)).map_or("", String::as_str)
    }
}

fn text(kinds: &[&[&str]], lanes: usize, part: Part) -> String {
    let mut text = String::new();
    if part.begins() {
        text.push_str("BEGIN IMMEDIATE;");
    }
    for statements in kinds {
        for statement in std::iter::repeat_n(statements, lanes).copied().flatten() {
            // A string has room.
            let _ = write!(text, "{};", unnumbered(statement));
        }
    }
    if part.ends() {
        text.push_str("COMMIT");
    }
    text
}

/// A statement whose values go by their order: a number would be that of a value of the whole text.
fn unnumbered(statement: &str) -> String {
    let mut parts = statement.split('$');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "?" + part.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}
