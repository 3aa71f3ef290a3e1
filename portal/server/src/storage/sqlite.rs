//! SQLite: the database in one file, the default.
//!
//! One connection writes, so that the writers of a process queue instead of colliding, and those that queue share a
//! commit; a few others read beside it (write-ahead log). Every commit reaches the disk before it is answered (`synchronous = FULL`): a challenge that was
//! taken stays taken after a power cut. What is deleted is overwritten (`secure_delete`), and with the next purge it is
//! gone from the log too.

mod backup;
#[path = "shared/cabinets.rs"]
mod cabinets;
#[path = "shared/codes.rs"]
mod codes;
mod database;
mod engine;
#[path = "shared/grants.rs"]
mod grants;
mod kinds;
#[path = "shared/links.rs"]
mod links;
#[path = "shared/logouts.rs"]
mod logouts;
#[path = "shared/memory.rs"]
mod memory;
#[path = "shared/organisations.rs"]
mod organisations;
mod readers;
#[path = "shared/row.rs"]
mod row;
#[path = "shared/sign_ins.rs"]
mod sign_ins;
#[path = "shared/statements.rs"]
mod statements;
#[path = "shared/steps.rs"]
mod steps;
mod together;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use SqliteSettings as Settings;
pub use backup::{BackedUp, BackupError, FORGOTTEN_TABLES, KEPT_TABLES, back_up, restore};
pub use memory::SqlStorage as SqliteStorage;
pub use steps::SqlSteps as SqliteSteps;

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
