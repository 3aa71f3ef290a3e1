//! The program's log, in the person's own state folder: what the program did, never who did it or where.

use std::fs::{self, DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
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
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join("desktop.log");
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MAX_SIZE) {
        fs::rename(&path, folder.join("desktop.old.log"))?;
    }
    let file = File::options().create(true).append(true).mode(0o600).open(path)?;
    // One that was there before may be readable by others.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_log_is_its_owners_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("state/latchkey");
        let file = folder.join("desktop.log");
        open(&folder).unwrap();
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        open(&folder).unwrap();
        assert_eq!(mode(&file), 0o600);
    }
}
