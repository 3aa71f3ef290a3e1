//! What the service remembers: challenges and sessions, and what the provider grants in them. Every SQL statement of the portal is below this module.
//!
//! Nodes hold no state of their own: several processes on one database are one service. Times and random values come
//! from the caller.

mod cabinets;
mod grants;
mod logouts;
mod organisations;
#[allow(clippy::duplicate_mod, reason = "the statements that both databases have in common are compiled for each")]
mod postgres;
mod sqlite;
mod steps;

use std::pin::Pin;
use std::sync::Arc;

use latchkey_crypto::assertion::ChallengeText;
use latchkey_verify::Purpose;
use time::{Duration, OffsetDateTime};

pub use cabinets::{Blocking, Cabinets, Ending, ListedSession, SignIn, SignIns};
pub use grants::{
    Basis, ConnectedSite, FoundToken, GRANT_ID_SIZE, GrantId, Grants, KeptCode, KeptGrant, KeptToken, NewToken,
    NewTokens, PresentedCode, PresentedRefresh, PushedRequest, REPEAT_LIFETIME, Repeat, Spent, TokenKind,
};
pub use logouts::{DueLogout, LOGOUTS_OF_SITE_MAX, Logouts};
pub use organisations::Organisations;
pub use postgres::{InvalidDatabaseAddress, PostgresSettings, PostgresSteps, PostgresStorage};
pub use sqlite::{BackedUp, BackupError, FORGOTTEN_TABLES, KEPT_TABLES, back_up, restore};
pub use sqlite::{SqliteSettings, SqliteSteps, SqliteStorage};
pub use steps::{CALLER_TAG_SIZE, KeptStep, Steps};

use crate::cabinet::{Barred, BrowserFamily, Entered, Knock};
use crate::challenge::ChallengeId;
use crate::link::ShortCode;
use crate::session::Session;
use crate::token::TokenHash;

/// How long an expired challenge is remembered, so that a late presentation is told `challenge-expired` or
/// `challenge-replayed` instead of `challenge-unknown`.
pub const TOMBSTONE: Duration = Duration::minutes(10);

/// An answer that the database will give.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'a>>;

/// Where a database is.
#[derive(Debug, Clone)]
pub enum DatabasePlace {
    /// In a file on this machine.
    File(SqliteSettings),
    /// With a server, which several nodes share.
    Server(Box<PostgresSettings>),
}

impl DatabasePlace {
    /// Whether there is a database, as far as that can be told without opening it: a server's is taken to be there.
    #[must_use]
    pub fn is_there(&self) -> bool {
        match self {
            Self::File(settings) => settings.path.exists(),
            Self::Server(_) => true,
        }
    }

    /// Opens the database of the service, and brings its tables to this version.
    ///
    /// # Errors
    /// [`StorageError`] if the database cannot be used or was written by a newer version.
    pub async fn open(&self) -> Result<Arc<dyn Memory>, StorageError> {
        Ok(match self {
            Self::File(settings) => Arc::new(SqliteStorage::open(settings.clone()).await?),
            Self::Server(settings) => Arc::new(PostgresStorage::open(settings.as_ref().clone()).await?),
        })
    }

    /// Opens the database of the terminal, and brings its table to this version.
    ///
    /// # Errors
    /// As [`DatabasePlace::open`].
    pub async fn open_steps(&self) -> Result<Arc<dyn Steps>, StorageError> {
        Ok(match self {
            Self::File(settings) => Arc::new(SqliteSteps::open(settings.clone()).await?),
            Self::Server(settings) => Arc::new(PostgresSteps::open(settings.as_ref().clone()).await?),
        })
    }
}

/// Everything that one database remembers for the service.
pub trait Memory: Storage + Cabinets + Grants {}

impl<T: Storage + Cabinets + Grants> Memory for T {}

/// What the service remembers of sign-ins.
pub trait Storage: Send + Sync {
    /// Keeps a challenge until it is taken or forgotten.
    fn keep_challenge<'a>(&'a self, challenge: &'a KeptChallenge) -> Answer<'a, ()>;

    /// Takes a challenge for the browser it was issued to. Of any number of calls, in any number of processes, at most
    /// one gets it: it is read and marked as taken by one statement.
    fn take_challenge<'a>(
        &'a self,
        id: ChallengeId,
        browser: &'a TokenHash,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, NotTaken>>;

    /// Marks a link's challenge as given to a client program, and gives it: to the first who asks, and to nobody else.
    fn fetch_link<'a>(
        &'a self,
        request: &'a TokenHash,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, LinkSpent>>;

    /// Takes a link's challenge that was given to a client program, as [`Storage::take_challenge`] takes others. Neither
    /// takes a challenge of the other kind.
    fn take_link<'a>(
        &'a self,
        request: &'a TokenHash,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, LinkSpent>>;

    /// Keeps an accepted sign-in by link until its browser comes for it.
    fn keep_completion<'a>(&'a self, completion: &'a KeptCompletion) -> Answer<'a, ()>;

    /// Removes what waits for a browser and, if it waits for this one, opens the session, in one transaction. Of any
    /// number of calls, in any number of processes, at most one gets it.
    fn complete<'a>(
        &'a self,
        completing: &'a Completing,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<Completed, NotCompleted>>;

    /// Opens a session, ends the one that it replaces, and opens the cabinet's door if it is dormant and the assurance is
    /// `high`, in one transaction. If the door lets nobody through, nothing but the end of the former session has
    /// happened.
    fn open_session<'a>(&'a self, opening: &'a Opening) -> Answer<'a, Result<Entered, Barred>>;

    /// The session of a browser, if it has one that is not over at `now`.
    fn session<'a>(&'a self, token: &'a TokenHash, now: OffsetDateTime) -> Answer<'a, Option<Session>>;

    /// Ends a session; whether there was one.
    fn end_session<'a>(&'a self, token: &'a TokenHash) -> Answer<'a, bool>;

    /// Forgets sessions that are over, sign-ins that no browser came for, and challenges that expired more than [`TOMBSTONE`] ago. Of sessions that ended
    /// before this nothing is left in the database's files, unless somebody else is reading there at that moment; then
    /// the next purge sees to it.
    fn purge(&self, now: OffsetDateTime) -> Answer<'_, Purged>;

    /// Whether the database answers and has the tables of this version.
    fn check(&self) -> Answer<'_, ()>;

    /// Ends all connections. Whatever is asked afterwards is not answered.
    fn close(&self) -> Answer<'_, ()>;
}

/// A challenge as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptChallenge {
    /// Names the challenge in addresses. Not a secret.
    pub id: ChallengeId,
    /// The browser that asked.
    pub browser: TokenHash,
    /// The text that the card signs over.
    pub text: ChallengeText,
    /// What an assertion over it may be used for.
    pub purpose: Purpose,
    /// When it was issued, in whole milliseconds.
    pub issued_at: OffsetDateTime,
    /// From when on it is refused, in whole milliseconds.
    pub expires_at: OffsetDateTime,
    /// The link that carries it, if it was not given to the browser itself.
    pub link: Option<KeptLink>,
}

/// What is kept of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptLink {
    /// The link's token.
    pub request: TokenHash,
    /// The digits that browser and client program show.
    pub short_code: ShortCode,
}

/// A session to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The token of the session.
    pub token: TokenHash,
    /// What is to be remembered; its cabinet is that of the door.
    pub session: Session,
    /// The session that the browser had before.
    pub replaced: Option<TokenHash>,
    /// The cabinet's door, where there are cabinets.
    pub knock: Option<Knock>,
    /// By which kind of browser.
    pub browser: BrowserFamily,
}

/// A sign-in by link that was accepted and waits for the browser that asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCompletion {
    /// The token of the address where it waits.
    pub token: TokenHash,
    /// The browser that asked.
    pub browser: TokenHash,
    /// From when on it is refused, in whole milliseconds.
    pub ends_at: OffsetDateTime,
    /// The session that it opens.
    pub session: Session,
    /// The cabinet's door that it comes to, where there are cabinets.
    pub knock: Option<Knock>,
    /// Until when the revocation data was current by which it was accepted, if that was out of date.
    pub stale_since: Option<OffsetDateTime>,
}

/// A browser that comes for what waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completing {
    /// The token of the address that it came to.
    pub completion: TokenHash,
    /// Which browser it is, if it says so.
    pub browser: Option<TokenHash>,
    /// The token of the session that it is to have.
    pub session: TokenHash,
    /// The session that it has now.
    pub replaced: Option<TokenHash>,
    /// Of which kind it is.
    pub family: BrowserFamily,
}

/// A browser that came for its sign-in: what waited for it, and whether the cabinet's door let it through.
pub type Completed = (Session, Result<Entered, Barred>);

/// Why a challenge could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It never existed or is forgotten.
    #[error("there is no such challenge")]
    Unknown,
    /// Another browser asked for it. It stays available to that browser.
    #[error("the challenge belongs to another browser")]
    OtherSession,
    /// It was taken before.
    #[error("the challenge has been used")]
    Replayed,
}

/// Why a link could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkSpent {
    /// It never existed, is forgotten, or was not fetched before an assertion was presented for it.
    #[error("there is no such link")]
    Unknown,
    /// It was used before.
    #[error("the link has been used")]
    Replayed,
}

/// Why a sign-in by link did not end in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCompleted {
    /// Nothing waits there, or nothing any more.
    #[error("nothing waits at this address")]
    Unknown,
    /// The browser came too late.
    #[error("the browser came too late")]
    Expired,
    /// Another browser asked for the link.
    #[error("another browser asked for the link")]
    OtherBrowser,
    /// It would make the browser's session surer, by revocation data that was current until then.
    #[error("the session would become surer by revocation data that was current until {0}")]
    Stale(OffsetDateTime),
}

/// How much [`Storage::purge`] removed, and what it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purged {
    /// Challenges that were forgotten.
    pub challenges: u64,
    /// Sessions that were over.
    pub sessions: u64,
    /// Challenges that are still kept, expired ones among them.
    pub challenges_left: u64,
}

/// Why the database gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The database cannot be reached, is locked for too long, is full or is gone.
    #[error("the database does not answer: {0}")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// The database file was removed, or the place where it lies is gone.
    #[error("the database file cannot be reached: {0}")]
    FileGone(#[source] std::io::Error),
    /// Every user of the machine can read or change the database file.
    #[error("the database file is open to every user of this machine (mode {0:03o}); take that away with chmod o=")]
    OpenToEverybody(u32),
    /// The tables could not be brought to this version.
    #[error("the database has other tables than this version needs: {0}")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// A value in the database is none that this service writes.
    #[error("the column {0} of the database has a value that was not written by this service")]
    Damaged(&'static str),
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(Arc::new(error))
    }
}
