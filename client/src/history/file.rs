//! The encrypted file: `latchkey-history:1\n`, then 12 octets for this writing alone, then the entries as JSON under
//! AES-256 in Galois/counter mode, then its 16 octets of authentication. The first line is authenticated too.

use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use latchkey_crypto::assertion::Origin;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Code, ENTRIES_MAX, Entry, EntryKind, EntryResult, HistoryFailure, HistoryKey};

const FIRST_LINE: &[u8] = b"latchkey-history:1\n";
const NONCE_SIZE: usize = 12;
const TAG_SIZE: usize = 16;

/// Longest file that is read, in octets: more than the most entries need.
const MAX_SIZE: u64 = 512 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    at: String,
    origin: String,
    /// What for; absent if it was to sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    /// The code of a failure; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Documents,
    Terminal,
}

impl Written {
    fn of(entry: &Entry) -> Option<Self> {
        let failure = match &entry.result {
            EntryResult::Done => None,
            EntryResult::Failed(code) => Some(code.as_str().to_owned()),
        };
        let kind = match entry.kind {
            EntryKind::SignIn => None,
            EntryKind::Documents => Some(Kind::Documents),
            EntryKind::Terminal => Some(Kind::Terminal),
        };
        Some(Self { at: entry.at.format(&Rfc3339).ok()?, origin: entry.origin.as_str().to_owned(), kind, failure })
    }

    fn read(self) -> Option<Entry> {
        let result = match self.failure {
            None => EntryResult::Done,
            Some(code) => EntryResult::Failed(Code::parse(&code)?),
        };
        let kind = match self.kind {
            None => EntryKind::SignIn,
            Some(Kind::Documents) => EntryKind::Documents,
            Some(Kind::Terminal) => EntryKind::Terminal,
        };
        let at = OffsetDateTime::parse(&self.at, &Rfc3339).ok()?;
        // A developer's own page is remembered like every other site.
        let origin = Origin::parse(&self.origin).or_else(|_| Origin::parse_on_loopback(&self.origin));
        Some(Entry { at, origin: origin.ok()?, kind, result })
    }
}

pub(super) fn seal(
    entries: &[Entry],
    key: &HistoryKey,
    random: &mut impl CryptoRng,
) -> Result<Vec<u8>, HistoryFailure> {
    let written: Vec<_> = entries.iter().filter_map(Written::of).collect();
    let plain =
        serde_json::to_vec(&written).map_err(|error| HistoryFailure::Unwritable { reason: error.to_string() })?;
    let mut nonce = [0; NONCE_SIZE];
    random.fill_bytes(&mut nonce);
    let mut tag = [0; TAG_SIZE];
    let sealed = encrypt_aead(Cipher::aes_256_gcm(), key.octets(), Some(&nonce), FIRST_LINE, &plain, &mut tag)
        .map_err(|error| HistoryFailure::Unwritable { reason: error.to_string() })?;
    Ok([FIRST_LINE, &nonce, &sealed, &tag].concat())
}

pub(super) fn open(file: &[u8], key: &HistoryKey) -> Result<Vec<Entry>, HistoryFailure> {
    let parts = || {
        let (nonce, rest) = file.strip_prefix(FIRST_LINE)?.split_at_checked(NONCE_SIZE)?;
        let (sealed, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_SIZE)?)?;
        decrypt_aead(Cipher::aes_256_gcm(), key.octets(), Some(nonce), FIRST_LINE, sealed, tag).ok()
    };
    let plain = parts().ok_or(HistoryFailure::Damaged)?;
    let written: Vec<Written> = serde_json::from_slice(&plain).map_err(|_| HistoryFailure::Damaged)?;
    if written.len() > ENTRIES_MAX {
        return Err(HistoryFailure::Damaged);
    }
    written.into_iter().map(|entry| entry.read().ok_or(HistoryFailure::Damaged)).collect()
}

/// The file, if there is one.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, HistoryFailure> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut octets = Vec::new();
    file.take(MAX_SIZE + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > MAX_SIZE { Err(HistoryFailure::Damaged) } else { Ok(Some(octets)) }
}

/// Writes the whole file or nothing.
pub(super) fn write(path: &Path, octets: &[u8]) -> Result<(), HistoryFailure> {
    let folder = path.parent().unwrap_or(path);
    // Readable by the holder alone, which is how this crate makes files.
    let mut file = tempfile::Builder::new().prefix(".history-").tempfile_in(folder)?;
    file.write_all(octets)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

pub(super) fn remove(path: &Path) -> Result<(), HistoryFailure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => Ok(removed?),
    }
}

/// Waits until nobody else writes. It is free again when the value goes.
pub(super) fn lock(path: &Path) -> Result<File, HistoryFailure> {
    DirBuilder::new().recursive(true).mode(0o700).create(path.parent().unwrap_or(path))?;
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    file.lock()?;
    Ok(file)
}
