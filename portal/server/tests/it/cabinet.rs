//! Cabinets, and the service's own keys.

mod commands;
mod door;
mod key_files;
mod killed;
mod pages;

use std::path::Path;

use latchkey_fixtures::random::Seeded;
use latchkey_portal::configuration::{Configuration, KeySettings};
use latchkey_portal::keys::{self, CabinetKeys, KeyUse};

const EXAMPLE: &str = include_str!("../../portal.example.toml");

/// The example with the sections `[keys]` and `[cabinet]`.
fn configured(example: &str) -> String {
    example.replace("#[keys]", "[keys]").replace("#folder = ", "folder = ").replace("#[cabinet]", "[cabinet]")
}

/// Keys in `keys` below the directory; encrypted if there is a file `keys.password`.
pub(crate) fn settings(directory: &Path) -> KeySettings {
    let mut text = configured(EXAMPLE);
    if directory.join("keys.password").exists() {
        text = text.replace("#password = \"keys.password\"", "password = \"keys.password\"");
    }
    Configuration::parse(&text, directory).unwrap().keys.unwrap()
}

/// The keys that cabinets are named with, after `new` more were made.
pub(crate) fn cabinet_keys(directory: &Path, new: usize) -> CabinetKeys {
    let settings = settings(directory);
    for _ in 0..new {
        let seed = keys::stored(&settings).map_or(0, |keys| keys.len());
        keys::make(&settings, KeyUse::Cabinet, &mut Seeded::new(&format!("key {seed}"))).unwrap();
    }
    CabinetKeys::new(keys::load(&settings, KeyUse::Cabinet).unwrap()).unwrap()
}
