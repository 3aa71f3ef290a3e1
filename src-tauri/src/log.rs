//! The program's log, in the person's own state folder: what the program did, never who did it or where.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Mutex;

use latchkey_client::settings::Places;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Above this size the log is put aside and begun anew; of those put aside only the last is kept.
const MAX_SIZE: u64 = 1024 * 1024;

/// Only this program's own words are logged, and of those only what names no site: libraries would write down what passes
/// through them.
pub(crate) fn begin() {
    let Some(file) = Places::of_this_process().and_then(|places| open(&places.state_folder()).ok()) else { return };
    let written = tracing_subscriber::fmt::layer().with_writer(Mutex::new(file)).with_ansi(false);
    let ours = Targets::new().with_target("latchkey", LevelFilter::INFO);
    if let Err(error) = tracing_subscriber::registry().with(written).with(ours).try_init() {
        tracing::debug!(%error, "the log was set up before");
    }
}

fn open(folder: &Path) -> std::io::Result<File> {
    fs::create_dir_all(folder)?;
    let path = folder.join("desktop.log");
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MAX_SIZE) {
        fs::rename(&path, folder.join("desktop.old.log"))?;
    }
    File::options().create(true).append(true).open(path)
}
