//! PostgreSQL: the database of a service that has several nodes.
//!
//! The statements are those of SQLite. Of two that want the same row, one waits for the other and then sees what it left
//! (`READ COMMITTED`); whatever must be had by one only is read and changed by one statement. A commit is on the disk
//! before it is answered, unless the database's administrator has decided otherwise.

#[path = "shared/cabinets.rs"]
mod cabinets;
#[path = "shared/codes.rs"]
mod codes;
mod database;
mod engine;
#[path = "shared/grants.rs"]
mod grants;
#[path = "shared/links.rs"]
mod links;
#[path = "shared/logouts.rs"]
mod logouts;
#[path = "shared/memory.rs"]
mod memory;
#[path = "shared/organisations.rs"]
mod organisations;
#[path = "shared/row.rs"]
mod row;
#[path = "shared/sign_ins.rs"]
mod sign_ins;
#[path = "shared/statements.rs"]
mod statements;
#[path = "shared/steps.rs"]
mod steps;
mod writer;

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use PostgresSettings as Settings;
pub use memory::SqlStorage as PostgresStorage;
pub use steps::SqlSteps as PostgresSteps;

/// Where the database is and how long it may make others wait.
#[derive(Clone)]
pub struct PostgresSettings {
    options: PgConnectOptions,
    /// How long to wait for a connection to become free.
    pub patience: Duration,
}

/// An address that leads to no database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a PostgreSQL address such as postgresql://latchkey@db.example/latchkey")]
pub struct InvalidDatabaseAddress;

impl PostgresSettings {
    /// Whether a text is meant as an address of this kind and not as the name of a file.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        text.starts_with("postgresql://") || text.starts_with("postgres://")
    }
}

/// With the patience of five seconds. What the address does not say is taken from the variables that PostgreSQL's own
/// programs read, a password from their file `.pgpass`.
impl FromStr for PostgresSettings {
    type Err = InvalidDatabaseAddress;

    fn from_str(address: &str) -> Result<Self, InvalidDatabaseAddress> {
        let options = if Self::is_address(address) { address.parse().ok() } else { None };
        let options: PgConnectOptions = options.ok_or(InvalidDatabaseAddress)?;
        Ok(Self { options: options.application_name("latchkey-portal"), patience: Duration::from_secs(5) })
    }
}

/// An address may carry a password.
impl std::fmt::Debug for PostgresSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (host, database) = (self.options.get_host(), self.options.get_database());
        write!(formatter, "{} at {host}", database.unwrap_or_default())
    }
}
