//! The keys that tickets are signed with: files in a folder, of which the newest of each algorithm signs. The others are
//! published as long as their files are there, so that tickets that they signed can still be checked.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::jws::{Algorithm, FileKey, KeyError, TicketKey, VerificationKey};
use crate::files::{FileError, read_own_secret};

/// Bits of an RSA key that is made here.
const RSA_SIZE: u32 = 3072;
/// Most keys in the folder: each is part of what every site fetches.
const KEYS_MAX_COUNT: usize = 32;
const ENDING: &str = "pem";

/// The keys of a folder.
pub struct TicketKeys {
    /// In the order of their files' names: the oldest first.
    keys: Vec<FileKey>,
    /// The place in `keys` of the one that signs.
    signing: BTreeMap<Algorithm, usize>,
    published: Value,
}

/// Why keys cannot be used or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TicketKeysError {
    /// A file cannot be used.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        error: FileError,
    },
    /// A file holds no key for tickets.
    #[error("{}: {error}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        error: KeyError,
    },
    /// There is no key, or there are too many.
    #[error("{}: must hold 1 to {KEYS_MAX_COUNT} keys, not {count}; latchkey-portal keys new-ticket makes one", path.display())]
    Count {
        /// The folder.
        path: PathBuf,
        /// How many there are.
        count: usize,
    },
    /// A key cannot be made.
    #[error("a key cannot be made: {0}")]
    Making(#[from] ErrorStack),
}

/// A key that was made.
#[derive(Debug)]
pub struct MadeKey {
    /// Its file.
    pub path: PathBuf,
    /// Its name in tickets.
    pub id: String,
    /// What it is for.
    pub algorithm: Algorithm,
}

impl TicketKeys {
    /// Reads the keys of a folder. Each file must be its owner's alone.
    ///
    /// # Errors
    /// [`TicketKeysError`].
    pub fn read(folder: &Path) -> Result<Self, TicketKeysError> {
        let files = Self::files(folder).map_err(|error| TicketKeysError::File { path: folder.to_owned(), error })?;
        if !(1..=KEYS_MAX_COUNT).contains(&files.len()) {
            return Err(TicketKeysError::Count { path: folder.to_owned(), count: files.len() });
        }
        let keys = files.into_iter().map(read_key).collect::<Result<Vec<_>, _>>()?;
        let places = keys.iter().enumerate().map(|(place, key)| (key.public().algorithm(), place));
        let published: Vec<_> = keys.iter().map(|key| key.public().jwk()).collect();
        Ok(Self { signing: places.collect(), published: json!({"keys": published}), keys })
    }

    /// The files of a folder that hold keys, the oldest first.
    pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Makes a key. It signs from when the service takes it, within ten seconds.
    ///
    /// # Errors
    /// [`TicketKeysError`].
    pub fn make(folder: &Path, algorithm: Algorithm, now: OffsetDateTime) -> Result<MadeKey, TicketKeysError> {
        let key = match algorithm {
            Algorithm::Es256 => {
                PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?)?
            }
            Algorithm::Rs256 => PKey::from_rsa(Rsa::generate(RSA_SIZE)?)?,
        };
        let pem = zeroize::Zeroizing::new(key.private_key_to_pem_pkcs8()?);
        let form = format_description!("[year][month][day]T[hour][minute][second]Z");
        let moment = now.format(form).unwrap_or_default();
        let path = folder.join(format!("{moment}-{}.{ENDING}", algorithm.name()));
        let failed = |error: std::io::Error| TicketKeysError::File { path: path.clone(), error: error.into() };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        // Written whole under another name first: the service may look at any moment.
        let beside = path.with_extension("new");
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&beside).map_err(failed)?;
        file.write_all(&pem).and_then(|()| file.sync_all()).map_err(failed)?;
        // In place of nothing: whatever has that name stays.
        fs::hard_link(&beside, &path).and_then(|()| fs::remove_file(&beside)).map_err(failed)?;
        let id = read_key(path.clone())?.public().id().to_owned();
        Ok(MadeKey { path, id, algorithm })
    }

    /// The key that signs tickets by that algorithm.
    #[must_use]
    pub fn signing(&self, algorithm: Algorithm) -> Option<&dyn TicketKey> {
        let key = self.keys.get(*self.signing.get(&algorithm)?)?;
        Some(key)
    }

    /// The public halves, by which tickets of this service are known.
    pub fn public(&self) -> impl Iterator<Item = &VerificationKey> {
        self.keys.iter().map(TicketKey::public)
    }

    /// What sites fetch (RFC 7517, clause 5).
    #[must_use]
    pub const fn published(&self) -> &Value {
        &self.published
    }
}

impl std::fmt::Debug for TicketKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.public()).finish()
    }
}

fn read_key(path: PathBuf) -> Result<FileKey, TicketKeysError> {
    let pem = match read_own_secret(&path) {
        Ok(pem) => pem,
        Err(error) => return Err(TicketKeysError::File { path, error }),
    };
    FileKey::from_pem(&pem).map_err(|error| TicketKeysError::Key { path, error })
}
