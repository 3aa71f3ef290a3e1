//! Files that the configuration names.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

const KEY_MAX_SIZE: usize = 64 * 1024;
/// The bits of a file's mode that let every user of the machine read, write or execute it.
pub(crate) const EVERYBODY: u32 = 0o007;
/// The bits of a file's mode that let anybody but its owner read, write or execute it.
pub(crate) const OTHERS: u32 = 0o077;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system does not let it be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is longer than such a file can be.
    #[error("is longer than {0} octets")]
    TooLong(usize),
    /// Every user of the machine can read or change a private key.
    #[error("is open to every user of this machine (mode {0:03o}); take that away with chmod o= and make a new key")]
    OpenToEverybody(u32),
    /// Others than its owner can read or change a secret.
    #[error("is open to others than its owner (mode {0:03o}); take that away with chmod go= and make a new one")]
    OpenToOthers(u32),
}

/// What looking at files for changes led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// No file has changed.
    Unchanged,
    /// What has changed is in use.
    Taken,
}

/// What tells that a file has changed: device, node, size, and the time of the last change with its nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState([u64; 3], [i64; 2]);

impl FileState {
    /// The state of the file at present.
    ///
    /// # Errors
    /// [`FileError::Unreadable`].
    pub fn of(path: &Path) -> Result<Self, FileError> {
        let data = std::fs::metadata(path)?;
        Ok(Self([data.dev(), data.ino(), data.size()], [data.mtime(), data.mtime_nsec()]))
    }
}

/// Reads a file of at most `limit` octets.
///
/// # Errors
/// [`FileError`] if it cannot be read or is longer.
pub fn read_limited(path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
    let mut octets = Vec::new();
    read_into(&mut File::open(path)?, limit, &mut octets)?;
    Ok(octets)
}

/// Reads a private key's file, which must not be open to everybody.
///
/// # Errors
/// [`FileError`].
pub fn read_private_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    read_secret(path, |mode| if mode & EVERYBODY == 0 { Ok(()) } else { Err(FileError::OpenToEverybody(mode)) })
}

/// Reads a secret's file, which must be its owner's alone.
///
/// # Errors
/// [`FileError`].
pub fn read_own_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    read_secret(path, |mode| if mode & OTHERS == 0 { Ok(()) } else { Err(FileError::OpenToOthers(mode)) })
}

/// Writes a file that is not there yet, with this mode, and waits until it is on the disk.
///
/// # Errors
/// What the system says; that there is such a file already, among others.
pub fn write_new(path: &Path, octets: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(octets)?;
    file.sync_all()
}

fn read_secret(path: &Path, check: impl FnOnce(u32) -> Result<(), FileError>) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let mut file = File::open(path)?;
    check(file.metadata()?.permissions().mode() & 0o777)?;
    // Room for the whole at once: growing would leave copies behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(KEY_MAX_SIZE + 1));
    read_into(&mut file, KEY_MAX_SIZE, &mut octets)?;
    Ok(octets)
}

fn read_into(file: &mut File, limit: usize, octets: &mut Vec<u8>) -> Result<(), FileError> {
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(one_more).read_to_end(octets)?;
    if octets.len() > limit { Err(FileError::TooLong(limit)) } else { Ok(()) }
}
