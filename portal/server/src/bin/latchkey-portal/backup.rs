//! `latchkey-portal backup` and `restore`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command};
use latchkey_portal::configuration::Configuration;
use latchkey_portal::storage::{
    BackedUp, BackupError, DatabasePlace, FORGOTTEN_TABLES, KEPT_TABLES, SqliteSettings, back_up, restore,
};

use super::keys::open_log;
use super::{FILE, Failure, configuration_file, file, now, run_async};

pub(super) fn arguments(config: impl Fn() -> Arg) -> [Command; 2] {
    let backup = Command::new("backup")
        .about(
            "Copy what must outlive an accident from the database into a file that is not there yet, while the service runs; of \
             a PostgreSQL database say how",
        )
        .arg(config())
        .arg(file("The backup"));
    let restore = Command::new("restore")
        .about("Make the database, which must not be there, of a backup; everybody is signed out then")
        .arg(config())
        .arg(file("The backup"));
    [backup, restore]
}

pub(super) fn run(found: &ArgMatches, command: &'static str) -> Result<(), Failure> {
    let configuration = Configuration::load(&configuration_file(found))?;
    let backup = found.get_one::<PathBuf>(FILE).cloned().unwrap_or_default();
    let DatabasePlace::File(database) = &configuration.database.value else {
        return Err(Failure::Refused(by_other_means(command, &backup)));
    };
    let mut log = open_log(found, &configuration, command)?;
    let done = run_async(async { done(command, database, &backup).await.map_err(failure) });
    let outcome = done.as_ref().map_or_else(ToString::to_string, |_| "done".to_owned());
    log.note(now(), &outcome, &[("file", backup.display().to_string())]).map_err(Failure::system)?;
    let BackedUp { rows } = done?;
    let told = KEPT_TABLES.iter().zip(rows).map(|(table, rows)| format!("{table}: {rows}"));
    writeln!(io::stdout(), "{}", told.collect::<Vec<_>>().join("\n")).map_err(Failure::system)
}

async fn done(command: &str, database: &SqliteSettings, backup: &Path) -> Result<BackedUp, BackupError> {
    if command == "restore" { restore(backup, database).await } else { back_up(database, backup).await }
}

/// PostgreSQL has programs of its own for that.
fn by_other_means(command: &str, backup: &Path) -> String {
    let left_out: Vec<_> = FORGOTTEN_TABLES.iter().map(|table| format!("--exclude-table-data={table}")).collect();
    let (file, left_out) = (backup.display(), left_out.join(" "));
    match command {
        "restore" => format!(
            "the database is PostgreSQL's: make an empty one and run\n  pg_restore --exit-on-error --single-transaction \
             --dbname=DATABASE {file}"
        ),
        _ => format!(
            "the database is PostgreSQL's: run\n  (umask 077 && pg_dump --format=custom {left_out} --file={file} DATABASE)"
        ),
    }
}

fn failure(error: BackupError) -> Failure {
    match error {
        BackupError::Storage(error) => error.into(),
        other => Failure::Refused(other.to_string()),
    }
}
