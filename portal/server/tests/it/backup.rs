//! Backups: what they have and what they leave out, and that there is a whole one or none.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use latchkey_portal::storage::{BackupError, FORGOTTEN_TABLES, KEPT_TABLES, SqliteSettings, back_up, restore};
use sqlx::{Connection as _, PgConnection, SqlitePool};

use crate::cabinet::commands::sign_in;
use crate::process::Installation;
use crate::support::{DATABASE_SERVER, open_file};

const CABINETS: &str = "WITH RECURSIVE some(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM some WHERE number < 20000) \
    INSERT INTO cabinets (id, name, key, opened_at) SELECT randomblob(16), randomblob(32), 1, number FROM some";

/// An installation whose database has somebody's cabinet and session, and cabinets of many others.
struct Busy {
    installation: Installation,
    number: String,
}

impl Busy {
    async fn new() -> Self {
        let installation = Installation::in_a_file().and_cabinets();
        installation.new_key();
        let service = installation.start();
        let accepted = sign_in(&installation, &installation.client(), &service.url("")).await;
        let number = accepted["holder"]["personalNumber"].as_str().unwrap().to_owned();
        service.signal("TERM");
        service.end();
        let it = Self { installation, number };
        let database = SqlitePool::connect(it.path("portal.sqlite").to_str().unwrap()).await.unwrap();
        sqlx::query(CABINETS).execute(&database).await.unwrap();
        database.close().await;
        it
    }

    fn path(&self, name: &str) -> PathBuf {
        self.installation.directory.path().join(name)
    }

    fn command(&self, subcommand: &str, file: &str) -> Command {
        let mut command = self.installation.command(subcommand);
        command.arg(self.path(file));
        command
    }

    fn run(&self, subcommand: &str, file: &str) -> Output {
        self.command(subcommand, file).output().unwrap()
    }
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap()
}

async fn count(path: &Path, table: &str) -> i64 {
    let database = SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    let counted = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    let counted = sqlx::query_scalar(counted).fetch_one(&database).await.unwrap();
    database.close().await;
    counted
}

/// From a service at work to another machine: the holder finds his cabinet again, and nobody is signed in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_backed_up_is_restored_and_nobody_is_signed_in() {
    let busy = Busy::new().await;
    let service = busy.installation.start();
    let client = busy.installation.client();
    sign_in(&busy.installation, &client, &service.url("")).await;
    let made = busy.run("backup", "backup");
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    assert_eq!(
        text(&made.stdout),
        "cabinet_keys: 1\ncabinets: 20001\nsign_ins: 2\nconsents: 0\nbindings: 0\nconsents_to_act: 0\n"
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(busy.path("backup")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let octets = fs::read(busy.path("backup")).unwrap();
    let number = busy.number.as_bytes();
    assert!(!octets.windows(number.len()).any(|window| window == number), "a backup has nobody's number");
    for table in FORGOTTEN_TABLES {
        assert_eq!(count(&busy.path("backup"), table).await, 0, "{table}");
    }
    let again = busy.run("backup", "backup");
    assert_eq!(again.status.code(), Some(7), "no backup is written over");
    let refused = busy.run("restore", "backup");
    assert_eq!(refused.status.code(), Some(7), "no database is written over");

    service.signal("TERM");
    service.end();
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(busy.path(&format!("portal.sqlite{suffix}")));
    }
    let restored = busy.run("restore", "backup");
    assert_eq!(restored.status.code(), Some(0), "{}", text(&restored.stderr));
    assert_eq!(text(&restored.stdout), text(&made.stdout));
    let service = busy.installation.start();
    let session = client.get(service.url("/api/v1/session")).send().await.unwrap();
    assert_eq!(session.status(), 404, "who was signed in is not any more");
    sign_in(&busy.installation, &client, &service.url("")).await;
    service.signal("TERM");
    service.end();
    assert_eq!(count(&busy.path("portal.sqlite"), "cabinets").await, 20001, "it is the same cabinet");
    let noted = fs::read_to_string(busy.path("commands.log")).unwrap();
    assert_eq!(noted.matches("\"command\":\"backup\"").count(), 2);
    assert_eq!(noted.matches("\"command\":\"restore\"").count(), 2);
}

/// Killed as soon as the unfinished file is there, and a little later each time: there is no file or a whole one, and the next
/// attempt does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_killed_leaves_a_whole_file_or_none() {
    let busy = Busy::new().await;
    assert_eq!(busy.run("backup", "whole").status.code(), Some(0));
    fs::rename(busy.path("portal.sqlite"), busy.path("aside.sqlite")).unwrap();
    for (subcommand, from, made) in [("restore", "whole", "portal.sqlite"), ("backup", "backup", "backup")] {
        for looks in [0, 4, 16, 64, 256] {
            let mut child = busy.command(subcommand, from).spawn().unwrap();
            let unfinished = busy.path(&format!("{made}-part"));
            let has_ended = |child: &mut std::process::Child| child.try_wait().unwrap().is_some();
            while !unfinished.exists() && !has_ended(&mut child) {}
            for _ in 0..looks {
                let _ = unfinished.exists();
            }
            let _ = child.kill();
            child.wait().unwrap();
            if busy.path(made).exists() {
                assert_eq!(count(&busy.path(made), "cabinets").await, 20001);
                fs::remove_file(busy.path(made)).unwrap();
            }
        }
        let done = busy.run(subcommand, from);
        assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
        assert_eq!(count(&busy.path(made), "cabinets").await, 20001);
        assert!(!busy.path(&format!("{made}-part")).exists());
    }
}

#[tokio::test]
async fn what_is_damaged_cut_or_no_backup_is_refused_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let settings = SqliteSettings::new(path("portal.sqlite"));
    drop(open_file(&settings.path).await);
    back_up(&settings, &path("backup")).await.unwrap();
    let sound = fs::read(path("backup")).unwrap();
    let to = SqliteSettings::new(path("restored.sqlite"));
    let mut scrambled = sound.clone();
    // All pages but the first.
    scrambled[4096..].fill(0xA5);
    let rows: [(&str, Vec<u8>); 4] = [
        ("nothing that is a database", b"no database at all, however long it is".repeat(300)),
        ("half", sound[..sound.len() / 2].to_vec()),
        ("scrambled", scrambled),
        ("cut within a page", sound[..sound.len() - 100].to_vec()),
    ];
    for (name, octets) in rows {
        fs::write(path("faulty"), octets).unwrap();
        let refused = restore(&path("faulty"), &to).await;
        assert!(matches!(refused, Err(BackupError::Damaged { .. })), "{name}: {refused:?}");
        assert!(!to.path.exists(), "{name}");
    }
    let refused = restore(&path("nowhere"), &to).await;
    assert!(matches!(refused, Err(BackupError::File { .. })), "{refused:?}");
    fs::write(path("other.sqlite"), "").unwrap();
    let refused = back_up(&SqliteSettings::new(path("other.sqlite")), &path("of other")).await;
    assert!(matches!(refused, Err(BackupError::OtherVersion)), "{refused:?}");
    restore(&path("backup"), &to).await.unwrap();
}

/// Whoever adds a table says whether it must outlive an accident.
#[tokio::test]
async fn every_table_is_kept_or_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("portal.sqlite");
    drop(open_file(&path).await);
    let database = SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&database).await.unwrap();
    // What every database has from the beginning says nothing of anybody.
    let known = KEPT_TABLES.into_iter().chain(FORGOTTEN_TABLES).chain(["checks"]);
    let known: BTreeSet<_> = known.map(str::to_owned).collect();
    assert_eq!(tables.into_iter().collect::<BTreeSet<_>>(), known);
}

/// With a database server its own programs do it; the command says how, and what to leave out.
#[test]
fn of_a_database_server_the_command_says_how() {
    let installation = Installation::in_a_file();
    let file = installation.directory.path().join("portal.toml");
    let configuration = fs::read_to_string(&file).unwrap();
    let address = "\"postgresql://latchkey:secret@db.example/latchkey\"";
    fs::write(&file, configuration.replace("\"portal.sqlite\"", address)).unwrap();
    for (subcommand, program) in
        [("backup", "umask 077 && pg_dump --format=custom"), ("restore", "pg_restore --exit-on-error")]
    {
        let told = installation.command(subcommand).arg("file").output().unwrap();
        assert_eq!(told.status.code(), Some(7));
        let told = text(&told.stderr);
        assert!(told.contains(program) && !told.contains("secret"), "{told}");
        let left_out = FORGOTTEN_TABLES.iter().filter(|table| told.contains(&format!("--exclude-table-data={table}")));
        assert_eq!(left_out.count(), if subcommand == "backup" { FORGOTTEN_TABLES.len() } else { 0 });
    }
}

/// A database of its own at the server of this run, and its address.
async fn new_database(server: &str, name: &str) -> String {
    let mut connection = PgConnection::connect(server).await.unwrap();
    let name = format!("{name}_{}", std::process::id());
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    server.replacen("/postgres?", &format!("/{name}?"), 1)
}

/// Runs what the command says, with the database put in.
fn as_told(installation: &Installation, subcommand: &str, file: &Path, address: &str) {
    let told = installation.command(subcommand).arg(file).output().unwrap();
    assert_eq!(told.status.code(), Some(7));
    let told = text(&told.stderr);
    let line = told.lines().find_map(|line| line.strip_prefix("  ")).unwrap_or_else(|| panic!("{told}"));
    let line = line.replace("DATABASE", &format!("'{address}'"));
    let done = Command::new("sh").args(["-c", &line]).output().unwrap();
    assert!(done.status.success(), "{line}: {}", text(&done.stderr));
}

/// By the server's own programs, as the command says: the holder finds his cabinet again, and nobody is signed in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_database_servers_programs_backed_up_is_restored_and_nobody_is_signed_in() {
    let Ok(server) = std::env::var(DATABASE_SERVER) else { return };
    let first = new_database(&server, "at_work").await;
    let installation = Installation::on(&first).and_cabinets();
    installation.new_key();
    let service = installation.start();
    let client = installation.client();
    let accepted = sign_in(&installation, &client, &service.url("")).await;
    let number = accepted["holder"]["personalNumber"].as_str().unwrap().as_bytes();
    let file = installation.directory.path().join("backup");
    as_told(&installation, "backup", &file, &first);
    service.signal("TERM");
    service.end();
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let listed = Command::new("pg_restore").args(["--file=-"]).arg(&file).output().unwrap();
    assert!(!listed.stdout.windows(number.len()).any(|window| window == number), "a backup has nobody's number");

    let second = new_database(&server, "restored").await;
    as_told(&installation, "restore", &file, &second);
    let configuration = installation.directory.path().join("portal.toml");
    let text = fs::read_to_string(&configuration).unwrap();
    fs::write(&configuration, text.replace(&first, &second)).unwrap();
    let service = installation.start();
    let session = client.get(service.url("/api/v1/session")).send().await.unwrap();
    assert_eq!(session.status(), 404, "who was signed in is not any more");
    sign_in(&installation, &client, &service.url("")).await;
    service.signal("TERM");
    service.end();
    let mut restored = PgConnection::connect(&second).await.unwrap();
    for (counted, expected) in [("cabinets", 1), ("sign_ins", 2), ("sessions", 1)] {
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {counted}"));
        let count: i64 = sqlx::query_scalar(count).fetch_one(&mut restored).await.unwrap();
        assert_eq!(count, expected, "{counted}");
    }
}
