//! The one connection that writes. What several requests want to write at the same time is committed together: one wait
//! for the disk serves them all, and none of them is answered before it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection as _, SqliteConnection};
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};

use super::codes::Exchange;
use super::kinds::{Keep, KeepGrant, Open, Take, TakeCode};
use super::together::{Asked as AskedTogether, Kind, Together, Write};
use crate::cabinet::{Barred, Entered};
use crate::challenge::ChallengeId;
use crate::storage::{Basis, FoundToken, KeptChallenge, KeptCode, KeptGrant, NotTaken, Opening, StorageError};
use crate::token::TokenHash;

/// Most jobs that wait for the transaction before theirs.
const WAITING_AT_MOST: usize = 1024;

/// Statements of one job, and what they give.
pub(super) type Statements<'c, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'c>>;

/// The way to the connection that writes.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    messages: mpsc::Sender<Message>,
    patience: Duration,
}

enum Message {
    Together(Box<Write>),
    InTransaction(Job),
    Alone(Job),
    Close(oneshot::Sender<()>),
}

type Job = Box<dyn Asked>;

/// What somebody asked to have written.
trait Asked: Send {
    /// Runs the statements.
    fn run<'c>(
        self: Box<Self>,
        connection: &'c mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = Done> + Send + 'c>>;

    /// Tells whoever asked that the statements will not be run.
    fn refuse(self: Box<Self>, error: Arc<sqlx::Error>);
}

struct AskedBy<W, T> {
    statements: W,
    told: oneshot::Sender<Result<T, StorageError>>,
}

/// Tells whoever asked how it went, once it is known whether what was written lasts.
type Tell = Box<dyn FnOnce(Result<(), Arc<sqlx::Error>>) + Send>;

/// A job whose statements ran.
struct Done {
    tell: Tell,
    failure: Option<Arc<sqlx::Error>>,
}

impl<T, W> Asked for AskedBy<W, T>
where
    T: Send + 'static,
    W: for<'c> FnOnce(&'c mut SqliteConnection) -> Statements<'c, T> + Send + 'static,
{
    fn run<'c>(
        self: Box<Self>,
        connection: &'c mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = Done> + Send + 'c>> {
        let Self { statements, told } = *self;
        Box::pin(async move {
            let outcome = statements(connection).await;
            let failure = match &outcome {
                Err(StorageError::Unavailable(error)) => Some(Arc::clone(error)),
                _ => None,
            };
            let tell = |lasts: Result<(), _>| {
                // Whoever asked may have gone.
                let _ = told.send(lasts.map_err(StorageError::Unavailable).and(outcome));
            };
            Done { tell: Box::new(tell), failure }
        })
    }

    fn refuse(self: Box<Self>, error: Arc<sqlx::Error>) {
        let _ = self.told.send(Err(StorageError::Unavailable(error)));
    }
}

impl Writer {
    /// Has this connection write, until [`Writer::close`]. A job waits for its turn as long as `patience`.
    pub(super) fn new(connection: SqliteConnection, patience: Duration) -> Self {
        let (messages, waiting) = mpsc::channel(WAITING_AT_MOST);
        tokio::spawn(serve(connection, waiting));
        Self { messages, patience }
    }

    /// Keeps a challenge, together with what others write at the same time.
    pub(super) async fn keep(&self, challenge: KeptChallenge) -> Result<(), StorageError> {
        self.together(Keep(challenge), Write::Keep).await
    }

    /// Takes a challenge, together with what others write at the same time.
    pub(super) async fn take(
        &self,
        id: ChallengeId,
        browser: TokenHash,
        now: OffsetDateTime,
    ) -> Result<Result<KeptChallenge, NotTaken>, StorageError> {
        self.together(Take { id, browser, now }, Write::Take).await
    }

    /// Opens a session, together with what others write at the same time.
    pub(super) async fn open(&self, opening: Opening) -> Result<Result<Entered, Barred>, StorageError> {
        self.together(Open(opening), Write::Open).await
    }

    /// Keeps a grant and its code, together with what others write at the same time.
    pub(super) async fn keep_grant(
        &self,
        grant: KeptGrant,
        code: KeptCode,
        basis: Basis,
    ) -> Result<bool, StorageError> {
        self.together(KeepGrant(grant, code, basis), Write::KeepGrant).await
    }

    /// Exchanges a code, together with what others write at the same time. None if it gives nothing.
    pub(super) async fn take_code(&self, exchange: Exchange) -> Result<Option<FoundToken>, StorageError> {
        self.together(TakeCode(exchange), Write::TakeCode).await
    }

    /// Runs statements in a transaction of their own, and gives what they gave when it is on the disk.
    pub(super) async fn write<T, W>(&self, statements: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> Statements<'c, T> + Send + 'static,
    {
        self.run(Message::InTransaction, statements).await
    }

    /// Runs statements outside of any transaction.
    pub(super) async fn alone<T, W>(&self, statements: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> Statements<'c, T> + Send + 'static,
    {
        self.run(Message::Alone, statements).await
    }

    /// Ends the connection after the jobs that came before.
    pub(super) async fn close(&self) {
        let (closed, closing) = oneshot::channel();
        if self.messages.send(Message::Close(closed)).await.is_ok() {
            // An error says that it has ended already.
            let _ = closing.await;
        }
    }

    async fn run<T, W>(&self, kind: fn(Job) -> Message, statements: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> Statements<'c, T> + Send + 'static,
    {
        let (told, telling) = oneshot::channel();
        self.send(kind(Box::new(AskedBy { statements, told }))).await?;
        telling.await.map_err(|_| sqlx::Error::PoolClosed)?
    }

    async fn together<K: Kind>(
        &self,
        kind: K,
        write: fn(AskedTogether<K>) -> Write,
    ) -> Result<K::Answer, StorageError> {
        let (told, telling) = oneshot::channel();
        self.send(Message::Together(Box::new(write(AskedTogether { kind, told })))).await?;
        telling.await.map_err(|_| sqlx::Error::PoolClosed)?
    }

    async fn send(&self, message: Message) -> Result<(), StorageError> {
        let turn = tokio::time::timeout(self.patience, self.messages.reserve()).await;
        turn.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?.send(message);
        Ok(())
    }
}

async fn serve(mut connection: SqliteConnection, mut messages: mpsc::Receiver<Message>) {
    let mut next = messages.recv().await;
    while let Some(message) = next.take() {
        match message {
            Message::Together(first) => next = together(&mut connection, first, &mut messages).await,
            Message::InTransaction(job) => transact(&mut connection, job).await,
            Message::Alone(job) => {
                let Done { tell, .. } = job.run(&mut connection).await;
                tell(Ok(()));
            }
            Message::Close(closed) => {
                // Fails if the file is gone; then there is nothing to fold the log into.
                let _ = connection.close().await;
                let _ = closed.send(());
                return;
            }
        }
        if next.is_none() {
            next = messages.recv().await;
        }
    }
}

/// Writes `first` and whatever waits already; gives the first message that is of another kind.
async fn together(
    connection: &mut SqliteConnection,
    first: Box<Write>,
    messages: &mut mpsc::Receiver<Message>,
) -> Option<Message> {
    let (mut together, mut other) = (Together::default(), None);
    together.add(*first);
    while !together.is_full()
        && let Ok(message) = messages.try_recv()
    {
        match message {
            Message::Together(write) => together.add(*write),
            message => {
                other = Some(message);
                break;
            }
        }
    }
    together.run(connection).await;
    other
}

async fn transact(connection: &mut SqliteConnection, job: Job) {
    // The write lock first: a transaction that begins by reading could not always go on to write.
    if let Err(error) = sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await {
        return job.refuse(Arc::new(error));
    }
    let Done { tell, failure } = job.run(connection).await;
    let outcome = match failure {
        None => sqlx::query("COMMIT").execute(&mut *connection).await.map_err(Arc::new),
        Some(error) => Err(error),
    };
    if outcome.is_err() {
        // Fails if the database has taken everything back by itself.
        let _ = sqlx::query("ROLLBACK").execute(connection).await;
    }
    tell(outcome.map(|_| ()));
}
