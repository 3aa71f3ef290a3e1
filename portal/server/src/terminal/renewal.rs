//! Another certificate in place of the terminal's short-lived one: the request for it, and taking it.
//!
//! The service itself is not involved: it sees that files have changed, and takes them into use.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use latchkey_crypto::belt;
use latchkey_crypto::bign::{PrivateKey, PublicKey};
use latchkey_crypto::container::{self, Content};
use latchkey_crypto::cv::{Certificate, CertificateBody, Date, Period};
use rand_core::CryptoRng;

use super::credentials::{UnfitCertificate, anchors, authorities, certificate, judge, private_key, read_password};
use crate::configuration::{CredentialFiles, Fault};
use crate::files::{FileError, read_limited};

/// PBKDF2 iterations of new containers.
const ITERATIONS: u32 = 100_000;
const CERTIFICATE_MAX_SIZE: usize = 1024;

/// Which key is to be certified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestedKey {
    /// A new one, which waits beside the present one until its certificate is taken.
    New,
    /// The present one.
    Present,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// The request: a CV certificate in form, signed with the key that is to be certified.
    pub request: PathBuf,
    /// The present key's signature over the belt-hash of the request's octets: it shows the authority that the terminal
    /// asks, and nobody else.
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
    #[error("{}: {problem}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The present certificate's successor would be after the year 2099, or a key could not be sealed.
    #[error("{0}")]
    Request(&'static str),
}

/// Writes a request for a certificate like the present one, for as many days, from `today`.
///
/// # Errors
/// [`RenewalError`].
pub fn request(
    files: &CredentialFiles,
    which: RequestedKey,
    today: Date,
    random: &mut dyn CryptoRng,
) -> Result<Requested, RenewalError> {
    let present = certificate(&files.certificate)?;
    let present_key = private_key(&files.key, &files.password)?;
    let request = match which {
        RequestedKey::Present => body(&present, &present_key, today)?.sign(&present_key),
        RequestedKey::New => {
            let key = PrivateKey::generate(random);
            let request = body(&present, &key, today)?.sign(&key);
            let password = read_password(&files.password)?;
            let sealed = container::seal(&Content::PrivateKey(key), &password, ITERATIONS, random)
                .map_err(|_| RenewalError::Request("the new key could not be sealed"))?;
            replace(&beside(&files.key.value, "next"), &sealed, 0o600)?;
            request
        }
    };
    let octets = request.to_octets();
    let requested = Requested {
        request: beside(&files.certificate.value, "request"),
        signature: beside(&files.certificate.value, "request.sig"),
    };
    replace(&requested.request, &octets, 0o644)?;
    replace(&requested.signature, &present_key.sign_hash(&belt::hash(&[&octets])), 0o644)?;
    Ok(requested)
}

/// Takes the certificate in `file` into use: it must be this terminal's, for the new key that was asked for or for the
/// present one, and in force on `today`. Gives its last day.
///
/// # Errors
/// [`RenewalError`]. Nothing has changed then, unless a file could not be written.
pub fn take(files: &CredentialFiles, file: &Path, today: Date) -> Result<Date, RenewalError> {
    let unfit = |problem: String| RenewalError::Unfit { path: file.to_owned(), problem };
    let octets = read_limited(file, CERTIFICATE_MAX_SIZE)
        .map_err(|source| RenewalError::Unreadable { path: file.to_owned(), source })?;
    let taken = Certificate::parse(&octets).map_err(|error| unfit(error.to_string()))?;
    let present = certificate(&files.certificate)?;
    if taken.body().holder != present.body().holder {
        return Err(unfit(format!("names {}, not {}", taken.body().holder, present.body().holder)));
    }
    let mut path = authorities(files)?;
    path.push(taken.clone());
    let anchors = anchors(files, today)?;
    let next = beside(&files.key.value, "next");
    let waiting = if next.exists() {
        let mut waiting = files.key.clone();
        waiting.value.clone_from(&next);
        Some(private_key(&waiting, &files.password)?)
    } else {
        None
    };
    let is_for = |key: &PrivateKey| taken.body().key.octets() == key.public_key();
    match waiting.filter(is_for) {
        Some(key) => {
            judge(&path, &key.public_key(), &anchors, today).map_err(|error| unfit(error.to_string()))?;
            let former = beside(&files.key.value, "former");
            let moved = |from: &Path, to: &Path| {
                std::fs::rename(from, to).map_err(|source| RenewalError::Unwritable { path: to.to_owned(), source })
            };
            // Until all are in place the running service goes on with what it has.
            moved(&files.key.value, &former)?;
            moved(&next, &files.key.value)?;
            replace(&files.certificate.value, &octets, 0o644)?;
            std::fs::remove_file(&former).map_err(|source| RenewalError::Unwritable { path: former, source })?;
        }
        None => {
            let key = private_key(&files.key, &files.password)?;
            judge(&path, &key.public_key(), &anchors, today)
                .map_err(|error: UnfitCertificate| unfit(error.to_string()))?;
            replace(&files.certificate.value, &octets, 0o644)?;
        }
    }
    Ok(taken.body().period.until())
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
    let unwritable = |source| RenewalError::Unwritable { path: path.to_owned(), source };
    let temporary = beside(path, "new");
    let write = || {
        // What another run has left must not lend its mode.
        match std::fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(octets)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(unwritable)
}
