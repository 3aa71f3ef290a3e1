//! Cabinets, and the service's own keys.

mod acting;
mod commands;
mod door;
mod key_files;
mod killed;
mod pages;

use std::path::Path;

use latchkey_crypto::x509::PersonalNumber;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::cabinet::{CabinetId, Knock};
use latchkey_portal::configuration::{Configuration, KeySettings};
use latchkey_portal::keys::{self, CabinetKeys, CabinetNaming as _, KeyUse};
use latchkey_portal::storage::Blocking;
use time::OffsetDateTime;

use crate::support::{World, open};

const EXAMPLE: &str = include_str!("../../portal.example.toml");

/// The example with the sections `[keys]` and `[cabinet]`.
pub(crate) fn configured(example: &str) -> String {
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

/// Blocks the cabinet of the person with that number, as the operator's command does.
pub(crate) async fn block(world: &World, number: &str, now: OffsetDateTime) -> Blocking {
    let number = PersonalNumber::parse(number).unwrap();
    let names = cabinet_keys(world.directory(), 0).names(&number).unwrap();
    let knock = Knock { named: names.newest, id: CabinetId::draw(&mut Seeded::new("block")) };
    open(&world.database()).await.block_cabinet(&knock, now).await.unwrap()
}
