//! The service's own keys, for tests: in a folder, or in memory.

use std::path::Path;
use std::sync::Arc;

use latchkey_crypto::secret::BeltKey;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::configuration::{Configuration, KeySettings};
use latchkey_portal::keys::{self, KeptKeys, Key, KeyId, KeySecret, KeyUse, OwnKeys};

const EXAMPLE: &str = include_str!("../../portal.example.toml");

/// A configuration like the example with its section `[keys]` in force.
pub(crate) fn with_folder(example: &str) -> String {
    example.replace("#[keys]", "[keys]").replace("#folder = ", "folder = ")
}

/// Keys in `keys` below the directory; encrypted if there is a file `keys.password`.
pub(crate) fn settings(directory: &Path) -> KeySettings {
    let mut text = with_folder(EXAMPLE);
    if directory.join("keys.password").exists() {
        text = text.replace("#password = \"keys.password\"", "password = \"keys.password\"");
    }
    Configuration::parse(&text, directory).unwrap().keys.unwrap()
}

/// Makes a key for each of these uses.
pub(crate) fn make(directory: &Path, uses: &[KeyUse]) -> Vec<KeyId> {
    let settings = settings(directory);
    let make = |of: &KeyUse| {
        let seed = keys::stored(&settings).map_or(0, |keys| keys.len());
        keys::make(&settings, *of, &mut Seeded::new(&format!("key {seed}"))).unwrap()
    };
    uses.iter().map(make).collect()
}

/// The keys of the folder for a use.
pub(crate) fn loaded(directory: &Path, uses: &[KeyUse]) -> Arc<dyn OwnKeys> {
    Arc::new(keys::load(&settings(directory), uses).unwrap())
}

/// One key for one use, of this octet only.
pub(crate) fn of_octet(of: KeyUse, octet: u8) -> Arc<dyn OwnKeys> {
    Arc::new([Key::new(of, 1, KeySecret::Mac(BeltKey::new([octet; 32])))].into_iter().collect::<KeptKeys>())
}
