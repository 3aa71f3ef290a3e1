//! The program's log, in the person's own state folder: what the program did, never who did it or where.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Above this size the log is put aside and begun anew; of those put aside only the last is kept.
const MAX_SIZE: u64 = 1024 * 1024;

/// Only this program's own words are logged, and of those only what names no site: libraries would write down what passes
/// through them.
pub(crate) fn begin() {
    let Some(file) = folder().and_then(|folder| open(&folder).ok()) else { return };
    let written = tracing_subscriber::fmt::layer().with_writer(Mutex::new(file)).with_ansi(false);
    let ours = Targets::new().with_target("latchkey", LevelFilter::INFO);
    if let Err(error) = tracing_subscriber::registry().with(written).with(ours).try_init() {
        tracing::debug!(%error, "the log was set up before");
    }
}

fn folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("latchkey"))
}

fn open(folder: &Path) -> std::io::Result<File> {
    fs::create_dir_all(folder)?;
    let path = folder.join("desktop.log");
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MAX_SIZE) {
        fs::rename(&path, folder.join("desktop.old.log"))?;
    }
    File::options().create(true).append(true).open(path)
}
