//! The holder's settings and the administrator's.

mod command;
mod file;
mod managed;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use latchkey_client::settings::{Managed, SettingsStore};
use latchkey_crypto::assertion::Origin;
use tempfile::TempDir;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// A folder of a holder's own, and a clock that stands still until it is moved.
struct Holder {
    folder: TempDir,
    seconds: Arc<AtomicI64>,
}

impl Holder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), seconds: Arc::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("latchkey/settings.toml")
    }

    fn writes(&self, text: &str) {
        fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        fs::write(self.path(), text).unwrap();
    }

    fn reads(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn store(&self) -> SettingsStore {
        self.store_under(Managed::default())
    }

    fn store_under(&self, managed: Managed) -> SettingsStore {
        let seconds = Arc::clone(&self.seconds);
        SettingsStore::new(self.path(), Arc::new(managed), move || {
            START + Duration::seconds(seconds.load(Ordering::Relaxed))
        })
    }

    fn later(&self, time: Duration) {
        self.seconds.fetch_add(time.whole_seconds(), Ordering::Relaxed);
    }
}

const START: OffsetDateTime = datetime!(2026-01-31 12:00 UTC);

/// An administrator's file with that text.
fn managed(text: &str) -> Managed {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("managed.toml");
    fs::write(&path, text).unwrap();
    Managed::of_file(&path).unwrap_or_else(|failure| panic!("{failure}"))
}

fn origin(text: &str) -> Origin {
    Origin::parse(text).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
