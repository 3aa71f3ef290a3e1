//! Cabinets, and the service's own keys.

mod acting;
pub(crate) mod commands;
mod door;
mod key_files;
mod killed;
mod pages;

use std::path::Path;

use latchkey_crypto::x509::PersonalNumber;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::cabinet::{CabinetId, Knock};
use latchkey_portal::keys::{CabinetKeys, KeyUse};
use latchkey_portal::storage::Blocking;
use time::OffsetDateTime;

use crate::own_keys;
use crate::support::{World, open};

/// The example with the sections `[keys]` and `[cabinet]`.
pub(crate) fn configured(example: &str) -> String {
    own_keys::with_folder(example).replace("#[cabinet]", "[cabinet]")
}

/// The keys that cabinets are named with, after `new` more were made.
pub(crate) fn cabinet_keys(directory: &Path, new: usize) -> CabinetKeys {
    own_keys::make(directory, &vec![KeyUse::Cabinet; new]);
    CabinetKeys::new(own_keys::loaded(directory, &[KeyUse::Cabinet])).unwrap()
}

/// Blocks the cabinet of the person with that number, as the operator's command does.
pub(crate) async fn block(world: &World, number: &str, now: OffsetDateTime) -> Blocking {
    let number = PersonalNumber::parse(number).unwrap();
    let names = cabinet_keys(world.directory(), 0).names(&number).unwrap();
    let knock = Knock { named: names.newest, id: CabinetId::draw(&mut Seeded::new("block")) };
    open(&world.database()).await.block_cabinet(&knock, now).await.unwrap()
}
