//! The folder of key files.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use latchkey_crypto::container::{self, Content, Password, Share};
use latchkey_crypto::secret::BeltKey;
use openssl::symm::Cipher;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{KEY_SIZE, KeptKeys, Key, KeyId, KeySecret, KeyUse};
use crate::configuration::{Fault, KeySettings};
use crate::files::{FileError, FileState, OTHERS, read_own_secret, write_new};
use crate::provider::jws::FileKey;
use crate::terminal::credentials::read_password;

const EXTENSION: &str = "key";
/// What a key's file is called after the key was retired.
const RETIRED: &str = "retired";
/// PBKDF2 iterations of new containers.
pub const CONTAINER_ITERATIONS: u32 = 100_000;
/// What stands before the octets in a container: a share's number, though nothing is shared.
const SHARE_NUMBER: u8 = 1;

/// Why the folder was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFolderError {
    /// The folder or a key in it is not usable.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// There is no such key.
    #[error("there is no key {0}")]
    NoSuchKey(KeyId),
    /// It is the newest of its use.
    #[error("{0} is the newest key of its use: make another one first")]
    InUse(KeyId),
    /// There is one already, and another would make everybody somebody else.
    #[error("there is a key for subjects already: under another one every site would take everybody for somebody else")]
    OnlyOne,
    /// It is none of its use.
    #[error("that is no key for {}: {problem}", of.name())]
    NotForUse {
        /// The use.
        of: KeyUse,
        /// What is wrong.
        problem: String,
    },
    /// There are as many keys as numbers.
    #[error("there is no number left for a key")]
    NoNumber,
    /// A file cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The names of all keys in the folder, the newest of each use first.
///
/// # Errors
/// The [`Fault`] of the folder.
pub fn stored(settings: &KeySettings) -> Result<Vec<KeyId>, Fault> {
    let folder = &settings.folder;
    let faulty = |problem: FileError| folder.file_fault(problem);
    let mode = fs::metadata(&folder.value).map_err(|error| faulty(error.into()))?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(faulty(FileError::OpenToOthers(mode)));
    }
    let mut ids = Vec::new();
    for entry in fs::read_dir(&folder.value).map_err(|error| faulty(error.into()))? {
        let name = PathBuf::from(entry.map_err(|error| faulty(error.into()))?.file_name());
        if name.extension().is_none_or(|extension| extension != EXTENSION) {
            continue;
        }
        let id = name.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        ids.push(id.ok_or_else(|| folder.file_fault(format!("{}: is no name of a key", name.display())))?);
    }
    ids.sort_by_key(|id: &KeyId| (id.key_use(), std::cmp::Reverse(id.number())));
    for (one, next) in ids.iter().zip(ids.iter().skip(1)) {
        if (one.key_use(), one.number()) == (next.key_use(), next.number()) {
            return Err(folder.file_fault(format!("{one} and {next} have the same number")));
        }
    }
    Ok(ids)
}

/// Reads the keys for these uses; at least one of each, but that tickets may be signed by one algorithm only.
///
/// # Errors
/// The [`Fault`] of the folder, or of the password, with the name of the file that is to blame.
pub fn load(settings: &KeySettings, uses: &[KeyUse]) -> Result<KeptKeys, Fault> {
    let folder = &settings.folder;
    let password = settings.password.as_ref().map(read_password).transpose()?;
    let ids: Vec<_> = stored(settings)?.into_iter().filter(|id| uses.contains(&id.key_use())).collect();
    let is_there = |of: KeyUse| ids.iter().any(|id| id.key_use() == of || are_for_tickets(of, id.key_use()));
    if let Some(missing) = uses.iter().find(|of| !is_there(**of)) {
        let problem = format!("has no key for it; make one with `latchkey-portal keys new {}`", missing.name());
        return Err(folder.file_fault(problem));
    }
    let keys = ids.into_iter().map(|id| {
        let path = file(&folder.value, &id, EXTENSION);
        let fault = |problem: &dyn std::fmt::Display| folder.fault(format!("{}: {problem}", path.display()));
        let octets = read_own_secret(&path).map_err(|error| fault(&error))?;
        let secret = opened(&octets, id.key_use(), password.as_ref()).map_err(|problem| fault(&problem))?;
        let key = Key::new(id.key_use(), id.number(), secret);
        if key.id == id { Ok(key) } else { Err(fault(&"holds another key than its name says")) }
    });
    keys.collect()
}

fn are_for_tickets(one: KeyUse, other: KeyUse) -> bool {
    matches!((one, other), (KeyUse::Ticket(_), KeyUse::Ticket(_)))
}

/// What tells that keys for these uses have come, gone or changed.
///
/// # Errors
/// The [`Fault`] of the folder.
pub fn states(settings: &KeySettings, uses: &[KeyUse]) -> Result<Vec<(PathBuf, FileState)>, Fault> {
    let ids = stored(settings)?.into_iter().filter(|id| uses.contains(&id.key_use()));
    let states = ids.map(|id| {
        let path = file(&settings.folder.value, &id, EXTENSION);
        FileState::of(&path).map(|state| (path, state)).map_err(|error| settings.folder.file_fault(error))
    });
    states.collect()
}

/// Draws a key, which is the newest of its use from then on, and writes it into the folder, which is made if there is none.
///
/// # Errors
/// [`KeyFolderError`].
pub fn make(settings: &KeySettings, of: KeyUse, random: &mut dyn CryptoRng) -> Result<KeyId, KeyFolderError> {
    let secret = match of {
        KeyUse::Ticket(algorithm) => {
            let drawn = FileKey::draw(algorithm);
            let problem =
                |error: openssl::error::ErrorStack| KeyFolderError::NotForUse { of, problem: error.to_string() };
            KeySecret::Signing(Box::new(drawn.map_err(problem)?))
        }
        KeyUse::Cabinet | KeyUse::Subject | KeyUse::Seal | KeyUse::Record => {
            let mut octets = Zeroizing::new([0; KEY_SIZE]);
            random.fill_bytes(octets.as_mut_slice());
            KeySecret::Mac(BeltKey::new(*octets))
        }
    };
    keep(settings, of, secret, random)
}

/// Takes a key over from a file that something else has made, or an earlier version: 64 hexadecimal digits, or a private
/// key in PEM for tickets. The file stays as it is.
///
/// # Errors
/// [`KeyFolderError`].
pub fn take(
    settings: &KeySettings,
    of: KeyUse,
    from: &Path,
    random: &mut dyn CryptoRng,
) -> Result<KeyId, KeyFolderError> {
    let not_for_use = |problem| KeyFolderError::NotForUse { of, problem };
    let password = settings.password.as_ref().map(read_password).transpose()?;
    let octets = read_own_secret(from).map_err(|error| not_for_use(format!("{}: {error}", from.display())))?;
    let secret = opened(&octets, of, password.as_ref()).map_err(not_for_use)?;
    keep(settings, of, secret, random)
}

fn keep(
    settings: &KeySettings,
    of: KeyUse,
    secret: KeySecret,
    random: &mut dyn CryptoRng,
) -> Result<KeyId, KeyFolderError> {
    let folder = &settings.folder.value;
    let unwritable = |path: &Path, source| KeyFolderError::Unwritable { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|source| unwritable(folder, source))?;
    let password = settings.password.as_ref().map(read_password).transpose()?;
    let used = numbers(folder, of).map_err(|source| unwritable(folder, source))?;
    let before = stored(settings)?.into_iter().filter(|id| id.key_use() == of).map(|id| id.number());
    let newest = before.chain(used).max().unwrap_or(0);
    if of == KeyUse::Subject && newest > 0 {
        return Err(KeyFolderError::OnlyOne);
    }
    let number = newest.checked_add(1).ok_or(KeyFolderError::NoNumber)?;
    let id = KeyId::of(of, number, &secret);
    let path = file(folder, &id, EXTENSION);
    // Whole under another name first: a running service may look at any moment.
    let beside = file(folder, &id, "new");
    let written = sealed(&secret, password.as_ref(), random).and_then(|octets| {
        write_new(&beside, &octets, 0o600)?;
        fs::rename(&beside, &path)
    });
    written.map_err(|source| unwritable(&path, source))?;
    Ok(id)
}

/// Takes a key out of use: its file is called `….retired` from then on, and is the operator's to delete. The newest of a
/// use stays.
///
/// # Errors
/// [`KeyFolderError`].
pub fn retire(settings: &KeySettings, id: KeyId) -> Result<(), KeyFolderError> {
    let folder = &settings.folder.value;
    let ids = stored(settings)?;
    if !ids.contains(&id) {
        return Err(KeyFolderError::NoSuchKey(id));
    }
    if ids.iter().find(|other| other.key_use() == id.key_use()) == Some(&id) {
        return Err(KeyFolderError::InUse(id));
    }
    let path = file(folder, &id, EXTENSION);
    fs::rename(&path, file(folder, &id, RETIRED)).map_err(|source| KeyFolderError::Unwritable { path, source })
}

/// Numbers of keys that were retired: never given again, so that a name stands for one key for ever.
fn numbers(folder: &Path, of: KeyUse) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = PathBuf::from(entry?.file_name());
        let id = name.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<KeyId>().ok());
        numbers.extend(id.filter(|id| id.key_use() == of).map(|id| id.number()));
    }
    Ok(numbers)
}

fn file(folder: &Path, id: &KeyId, extension: &str) -> PathBuf {
    folder.join(format!("{id}.{extension}"))
}

/// A private key in PEM for tickets; else 64 hexadecimal digits, or a container of STB 34.101.78.
fn opened(octets: &[u8], of: KeyUse, password: Option<&Password>) -> Result<KeySecret, String> {
    match of {
        KeyUse::Ticket(algorithm) => {
            let key = FileKey::from_pem_with(octets, password.map(Password::expose_for_container));
            let key = key.map_err(|error| error.to_string())?;
            if key.is_for(algorithm) {
                Ok(KeySecret::Signing(Box::new(key)))
            } else {
                Err(format!("is not for {}", algorithm.name()))
            }
        }
        KeyUse::Cabinet | KeyUse::Subject | KeyUse::Seal | KeyUse::Record => {
            opened_digits(octets, password).map(KeySecret::Mac)
        }
    }
}

fn opened_digits(octets: &[u8], password: Option<&Password>) -> Result<BeltKey, String> {
    let mut secret = Zeroizing::new([0; KEY_SIZE]);
    if hex::decode_to_slice(octets.trim_ascii(), secret.as_mut_slice()).is_ok() {
        return Ok(BeltKey::new(*secret));
    }
    let Some(password) = password else {
        return Err("is not 64 hexadecimal digits, and there is no keys.password for a container".to_owned());
    };
    let content = container::open(octets, password).map_err(|error| error.to_string())?;
    let key = match &content {
        Content::Share(share) => share.expose().strip_prefix(&[SHARE_NUMBER]).and_then(|key| key.try_into().ok()),
        _ => None,
    };
    key.map(BeltKey::new).ok_or_else(|| "holds another kind of key".to_owned())
}

fn sealed(
    secret: &KeySecret,
    password: Option<&Password>,
    random: &mut dyn CryptoRng,
) -> io::Result<Zeroizing<Vec<u8>>> {
    match secret {
        KeySecret::Mac(secret) => sealed_digits(secret, password, random),
        KeySecret::Signing(key) => {
            let cipher = password.map(|password| (Cipher::aes_256_cbc(), password.expose_for_container()));
            key.to_pem(cipher).map_err(io::Error::other)
        }
    }
}

fn sealed_digits(
    secret: &BeltKey,
    password: Option<&Password>,
    random: &mut dyn CryptoRng,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let Some(password) = password else {
        return Ok(Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(secret.expose()))).into_bytes()));
    };
    let numbered = Zeroizing::new([[SHARE_NUMBER].as_slice(), secret.expose()].concat());
    let share = Share::from_octets(&numbered).ok_or(io::ErrorKind::InvalidData)?;
    let sealed = container::seal(&Content::Share(share), password, CONTAINER_ITERATIONS, random);
    sealed.map(Zeroizing::new).map_err(io::Error::other)
}
