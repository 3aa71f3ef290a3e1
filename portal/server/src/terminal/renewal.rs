//! Another certificate in place of the terminal's short-lived one: the request for it, sending it, and taking what comes
//! back.
//!
//! The service itself is not involved: it sees that files have changed, and takes them into use. Whatever breaks off a
//! renewal leaves either the former key with its certificate, or the new one's certificate waiting, judged, beside its
//! key: [`finish`] then ends the replacement.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use latchkey_crypto::belt;
use latchkey_crypto::bign::{PrivateKey, PublicKey, SIGNATURE_SIZE};
use latchkey_crypto::container::{self, Content};
use latchkey_crypto::cv::{Certificate, CertificateBody, Date, Period};
use rand_core::CryptoRng;

use super::authority::{Authority, AuthorityError, IssuedToTerminal};
use super::credentials::{OWN_FILE_MAX_SIZE, UnfitCertificate, anchors, judge, own, private_key, read_password};
use crate::configuration::{CredentialFiles, Fault};
use crate::files::{FileError, read_limited, write_new};
use crate::keys::CONTAINER_ITERATIONS;

/// Where new keys are drawn from, for work that goes on beside.
pub type SharedRandom = Arc<Mutex<Box<dyn CryptoRng + Send>>>;

/// Which key is to be certified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestedKey {
    /// A new one, which waits beside the present one until its certificate is taken. One that waits already is asked for
    /// again: the authority may have certified it.
    New,
    /// The present one.
    Present,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// The request: a CV certificate in form, signed with the key that is to be certified.
    pub request: Vec<u8>,
    /// The present key's signature over the belt-hash of the request: it shows the authority that the terminal asks, and
    /// nobody else.
    pub signature: [u8; SIGNATURE_SIZE],
}

/// The files in which a request is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFiles {
    /// The request.
    pub request: PathBuf,
    /// The signature.
    pub signature: PathBuf,
}

/// Why no certificate was asked for, or taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenewalError {
    /// A file that the configuration names cannot be used.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The new certificate's file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: FileError,
    },
    /// The new certificate is not one of this terminal.
    #[error("the new certificate {0}")]
    Unfit(String),
    /// The authority gave none.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// Another process renews the same certificate at this moment.
    #[error("another process is renewing the certificate")]
    UnderWay,
    /// The present certificate's successor would be after the year 2099, or a key could not be sealed.
    #[error("{0}")]
    Request(&'static str),
}

impl RenewalError {
    /// The stable code, for counting.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Fault(_) | Self::Unwritable { .. } | Self::Unreadable { .. } => "files-unusable",
            Self::Unfit(_) => "certificate-unfit",
            Self::Authority(error) => error.code(),
            Self::UnderWay => "renewal-under-way",
            Self::Request(_) => "request-impossible",
        }
    }
}

/// Asks the authority for another certificate from `today` and takes it. Gives its last day.
///
/// # Errors
/// [`RenewalError`]. The former key and its certificate are in place then, or, if a file could not be written at the very
/// end, [`finish`] puts the new ones there.
pub async fn renew(
    files: &CredentialFiles,
    which: RequestedKey,
    authority: &Authority,
    today: Date,
    random: SharedRandom,
) -> Result<Date, RenewalError> {
    let lock = beside(&files.key.value, "lock");
    let unwritable = |source| RenewalError::Unwritable { path: lock.clone(), source };
    let locked = OpenOptions::new().create(true).append(true).mode(0o600).open(&lock).map_err(unwritable)?;
    locked.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => RenewalError::UnderWay,
        fs::TryLockError::Error(source) => unwritable(source),
    })?;
    let asking = files.clone();
    // Opening containers takes its time.
    let requested = blocking(move || {
        finish(&asking)?;
        let mut random = random.lock().unwrap_or_else(PoisonError::into_inner);
        request(&asking, which, today, &mut **random)
    });
    let Requested { request, signature } = requested.await?;
    let issued = authority.renew_terminal(&request, &signature).await?;
    let taking = files.clone();
    blocking(move || take_issued(&taking, &issued, today)).await
}

/// Makes a request for a certificate like the present one, for as many days, from `today`.
///
/// # Errors
/// [`RenewalError`].
pub fn request(
    files: &CredentialFiles,
    which: RequestedKey,
    today: Date,
    random: &mut dyn CryptoRng,
) -> Result<Requested, RenewalError> {
    let (_, present) = own(files)?;
    let present_key = private_key(&files.key, &files.password)?;
    let request = match which {
        RequestedKey::Present => body(&present, &present_key, today)?.sign(&present_key),
        RequestedKey::New => {
            let key = match waiting_key(files) {
                Some(waiting) => waiting,
                None => new_key(files, random)?,
            };
            body(&present, &key, today)?.sign(&key)
        }
    };
    let request = request.to_octets();
    let signature = present_key.sign_hash(&belt::hash(&[&request]));
    Ok(Requested { request, signature })
}

/// Writes a request down beside the certificate, for whoever carries it to the authority.
///
/// # Errors
/// [`RenewalError::Unwritable`].
pub fn write_down(files: &CredentialFiles, requested: &Requested) -> Result<RequestFiles, RenewalError> {
    let written = RequestFiles {
        request: beside(&files.certificate.value, "request"),
        signature: beside(&files.certificate.value, "request.sig"),
    };
    replace(&written.request, &requested.request, 0o644)?;
    replace(&written.signature, &requested.signature, 0o644)?;
    Ok(written)
}

/// Takes the certificate in `file` into use: it must be this terminal's, for the new key that was asked for or for the
/// present one, and in force on `today`. Gives its last day.
///
/// # Errors
/// [`RenewalError`], as [`take_issued`].
pub fn take(files: &CredentialFiles, file: &Path, today: Date) -> Result<Date, RenewalError> {
    let octets = read_limited(file, OWN_FILE_MAX_SIZE)
        .map_err(|source| RenewalError::Unreadable { path: file.to_owned(), source })?;
    let unfit = |problem: &dyn std::fmt::Display| RenewalError::Unfit(format!("{}: {problem}", file.display()));
    let certificate = Certificate::parse(&octets).map_err(|error| unfit(&error))?;
    finish(files)?;
    take_issued(files, &IssuedToTerminal { certificate, path: Vec::new() }, today)
}

/// Takes a certificate into use, as [`take`] does. If it is not one below the present path, the path that came with it
/// takes that one's place, provided that it leads to a trusted root.
///
/// # Errors
/// [`RenewalError`]. Nothing has changed then, unless a file could not be written.
pub fn take_issued(files: &CredentialFiles, issued: &IssuedToTerminal, today: Date) -> Result<Date, RenewalError> {
    let IssuedToTerminal { certificate, path } = issued;
    let (present_path, present) = own(files)?;
    let (body, holder) = (certificate.body(), &present.body().holder);
    if body.holder != *holder {
        return Err(RenewalError::Unfit(format!("names {}, not {holder}", body.holder)));
    }
    let is_for = |key: &PrivateKey| body.key.octets() == key.public_key();
    let key = match waiting_key(files).filter(is_for) {
        Some(waiting) => waiting,
        None => private_key(&files.key, &files.password)?,
    };
    let anchors = anchors(files, today)?;
    let fits = |path: &[Certificate]| {
        let whole = [path, std::slice::from_ref(certificate)].concat();
        judge(&whole, &key.public_key(), &anchors, today).map(|_| whole)
    };
    let unfit = |error: UnfitCertificate| RenewalError::Unfit(error.to_string());
    let (whole, is_present) = match fits(&present_path) {
        Ok(whole) => (whole, true),
        Err(error) if path.is_empty() => return Err(unfit(error)),
        Err(_) => (fits(path).map_err(unfit)?, false),
    };
    // With a path that its own settings name the file holds the certificate alone.
    let from = if is_present && !has_own_path(files)? { whole.len().saturating_sub(1) } else { 0 };
    let octets: Vec<u8> = whole.iter().skip(from).flat_map(Certificate::to_octets).collect();
    replace(&taken(files), &octets, 0o644)?;
    finish(files)?;
    Ok(body.period.until())
}

/// Ends a replacement that was broken off after the new certificate was judged: key, then certificate. Says whether there
/// was one.
///
/// # Errors
/// [`RenewalError`] if a file cannot be read or written; it can be tried again then.
pub fn finish(files: &CredentialFiles) -> Result<bool, RenewalError> {
    let taken = taken(files);
    let octets = match read_limited(&taken, OWN_FILE_MAX_SIZE) {
        Err(FileError::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        read => read.map_err(|source| RenewalError::Unreadable { path: taken.clone(), source })?,
    };
    let certificates = latchkey_card::bauth::terminal_certificates(&octets).ok();
    let Some(certificate) = certificates.as_ref().and_then(|certificates| certificates.last()) else {
        return Err(RenewalError::Unfit(format!("{}: is none", taken.display())));
    };
    let is_for = |key: &PrivateKey| certificate.body().key.octets() == key.public_key();
    if waiting_key(files).is_some_and(|key| is_for(&key)) {
        rename(&waiting(files), &files.key.value)?;
    } else if !is_for(&private_key(&files.key, &files.password)?) {
        return Err(RenewalError::Unfit(format!("{}: is for neither key", taken.display())));
    }
    rename(&taken, &files.certificate.value)?;
    Ok(true)
}

/// Where a new key waits for its certificate.
fn waiting(files: &CredentialFiles) -> PathBuf {
    beside(&files.key.value, "next")
}

/// Where a new certificate that was judged waits for its key.
fn taken(files: &CredentialFiles) -> PathBuf {
    beside(&files.certificate.value, "taken")
}

/// The new key that waits, if there is one that can be opened.
fn waiting_key(files: &CredentialFiles) -> Option<PrivateKey> {
    let mut file = files.key.clone();
    file.value = waiting(files);
    private_key(&file, &files.password).ok()
}

fn new_key(files: &CredentialFiles, random: &mut dyn CryptoRng) -> Result<PrivateKey, RenewalError> {
    const UNSEALED: RenewalError = RenewalError::Request("the new key could not be sealed");
    let password = read_password(&files.password)?;
    let content = Content::PrivateKey(PrivateKey::generate(random));
    let sealed = container::seal(&content, &password, CONTAINER_ITERATIONS, random).map_err(|_| UNSEALED)?;
    replace(&waiting(files), &sealed, 0o600)?;
    if let Content::PrivateKey(key) = content { Ok(key) } else { Err(UNSEALED) }
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, RenewalError> + Send + 'static,
) -> Result<T, RenewalError> {
    let done = tokio::task::spawn_blocking(act).await;
    done.unwrap_or(Err(RenewalError::Request("the work on the files ended without an outcome")))
}

fn has_own_path(files: &CredentialFiles) -> Result<bool, RenewalError> {
    Ok(super::credentials::own_certificates(files)?.len() > 1)
}

/// What the new certificate is to say.
fn body(present: &Certificate, key: &PrivateKey, today: Date) -> Result<CertificateBody, RenewalError> {
    let former = present.body();
    let length = time::Date::from(former.period.until()) - time::Date::from(former.period.from());
    let until = Date::try_from(time::Date::from(today).saturating_add(length)).ok();
    let period = until.and_then(|until| Period::new(today, until));
    let key = PublicKey::from_octets(&key.public_key()).map_err(|_| RenewalError::Request("the new key is none"))?;
    Ok(CertificateBody {
        key,
        period: period.ok_or(RenewalError::Request("certificates end with the year 2099"))?,
        ..former.clone()
    })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// Puts a file in place as a whole: nobody ever sees a part of it.
fn replace(path: &Path, octets: &[u8], mode: u32) -> Result<(), RenewalError> {
    let temporary = beside(path, "new");
    let write = || {
        // What another run has left must not lend its mode.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        write_new(&temporary, octets, mode)
    };
    write().map_err(|source| RenewalError::Unwritable { path: path.to_owned(), source })?;
    rename(&temporary, path)
}

/// Gives a file another name, so that it has that one after a power failure too.
fn rename(from: &Path, to: &Path) -> Result<(), RenewalError> {
    let moved = || {
        fs::rename(from, to)?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    };
    moved().map_err(|source| RenewalError::Unwritable { path: to.to_owned(), source })
}
