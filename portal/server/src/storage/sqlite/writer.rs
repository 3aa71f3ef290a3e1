//! The one connection that writes. What several requests want to write at the same time is committed together: one wait
//! for the disk serves them all, and none of them is answered before it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::storage::StorageError;

/// Most jobs in one transaction.
const TOGETHER_AT_MOST: usize = 64;
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
    Together(Job),
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

    /// Runs statements in a transaction, perhaps together with others', and gives what they gave when it is on the disk.
    /// If a statement fails, nothing of the transaction is written, and everybody in it is told so.
    pub(super) async fn write<T, W>(&self, statements: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> Statements<'c, T> + Send + 'static,
    {
        self.run(Message::Together, statements).await
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
        let job = Box::new(AskedBy { statements, told });
        let turn = tokio::time::timeout(self.patience, self.messages.reserve()).await;
        turn.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?.send(kind(job));
        telling.await.map_err(|_| sqlx::Error::PoolClosed)?
    }
}

async fn serve(mut connection: SqliteConnection, mut messages: mpsc::Receiver<Message>) {
    let mut next = messages.recv().await;
    while let Some(message) = next.take() {
        match message {
            Message::Together(first) => {
                let mut jobs = vec![first];
                while jobs.len() < TOGETHER_AT_MOST {
                    match messages.try_recv() {
                        Ok(Message::Together(job)) => jobs.push(job),
                        Ok(other) => {
                            next = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                transact(&mut connection, jobs).await;
            }
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

async fn transact(connection: &mut SqliteConnection, jobs: Vec<Job>) {
    let mut done = Vec::with_capacity(jobs.len());
    let mut jobs = jobs.into_iter();
    let outcome = commit(connection, &mut jobs, &mut done).await;
    if outcome.is_err() {
        // Fails if the database has taken everything back by itself.
        let _ = sqlx::query("ROLLBACK").execute(connection).await;
    }
    for tell in done {
        tell(outcome.clone());
    }
    if let Err(error) = outcome {
        jobs.for_each(|job| job.refuse(Arc::clone(&error)));
    }
}

async fn commit(
    connection: &mut SqliteConnection,
    jobs: &mut (impl Iterator<Item = Job> + Send),
    done: &mut Vec<Tell>,
) -> Result<(), Arc<sqlx::Error>> {
    // The write lock first: a transaction that begins by reading could not always go on to write.
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    for job in jobs {
        let Done { tell, failure } = job.run(connection).await;
        done.push(tell);
        failure.map_or(Ok(()), Err)?;
    }
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}
