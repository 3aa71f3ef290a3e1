//! Whether the signatures in a file count.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use latchkey_crypto::cms::{
    CmsError, ContentDigests, SignatureFault, SignaturePolicy, SignedMessage, VerifiedSignature,
};
use latchkey_crypto::x509::{Certificate, REVOCATION_LIST_MAX_SIZE, RevocationList, RevocationLists, TrustStore};
use tempfile::NamedTempFile;
use time::OffsetDateTime;

use super::failure::DocumentFailure;
use super::sign::Placement;

/// What to judge, and whom to believe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// The file with the signature.
    pub file: PathBuf,
    /// The document, where the signature is beside it; without it, the file's name without `.p7s`.
    pub content: Option<PathBuf>,
    /// Certificates of authorities, DER or PEM: those that issued themselves are trusted, the others are steps on the way.
    pub trust: Vec<PathBuf>,
    /// Revocation lists of those authorities, DER or PEM.
    pub revocation_lists: Vec<PathBuf>,
    /// Where the document inside the message goes, if every signature counts.
    pub save: Option<PathBuf>,
}

/// What became of it.
#[derive(Debug)]
pub struct VerifiedFile {
    /// The document beside the signature; nothing if it is inside.
    pub content: Option<PathBuf>,
    /// Octets of the document.
    pub size: u64,
    /// Each signer in the message's order: the certificate that is named, if it is there, and the verdict.
    pub signers: Vec<(Option<Certificate>, Result<VerifiedSignature, SignatureFault>)>,
}

/// Judges a file at `now`. Files of any size pass through little memory.
///
/// # Errors
/// [`DocumentFailure`] if there is nothing that could be judged. Signatures that do not count are no failure here.
pub fn verify(order: &Verification, now: OffsetDateTime) -> Result<VerifiedFile, DocumentFailure> {
    let (trust, revocation) = trust_and_lists(&order.trust, &order.revocation_lists)?;
    let mut saved = order.save.as_deref().map(begin_saving).transpose()?;
    let file = open(&order.file)?;
    let message = SignedMessage::read(file, |octets| match &mut saved {
        Some(saved) => saved.write_all(octets),
        None => Ok(()),
    });
    let message = message.map_err(|error| of_message(&order.file, &error))?;
    let (content, elsewhere) = if message.is_detached() {
        let path = order.content.clone().or_else(|| beside(&order.file));
        let path = path.ok_or_else(|| DocumentFailure::ContentNeeded { file: order.file.clone() })?;
        let digests = ContentDigests::read(&mut open(&path)?, &message.digest_algorithms());
        let digests = digests.map_err(|error| unreadable(&path, &error))?;
        (Some(path), Some(digests))
    } else {
        (None, None)
    };
    let policy = SignaturePolicy { trust: &trust, revocation: &revocation };
    let verdicts = message.judge(elsewhere.as_ref(), &policy, now);
    if let (Some(saved), Some(path), true) = (saved, &order.save, verdicts.iter().all(Result::is_ok)) {
        finish_saving(saved, path)?;
    }
    let named = |position| message.claimed_certificate(position).cloned();
    let size = elsewhere.as_ref().map_or_else(|| message.content_size(), ContentDigests::size);
    let signers = verdicts.into_iter().enumerate().map(|(position, verdict)| (named(position), verdict)).collect();
    Ok(VerifiedFile { content, size, signers })
}

/// The document that a file's name says it signs, if it is there.
fn beside(file: &Path) -> Option<PathBuf> {
    let name = file.file_name().and_then(OsStr::to_str)?.strip_suffix(Placement::Detached.extension())?;
    Some(file.with_file_name(name)).filter(|path| path.is_file())
}

fn open(path: &Path) -> Result<File, DocumentFailure> {
    File::open(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> DocumentFailure {
    DocumentFailure::FileUnreadable { file: path.to_owned(), reason: error.to_string() }
}

fn of_message(file: &Path, error: &CmsError) -> DocumentFailure {
    match error {
        CmsError::Read(error) => unreadable(file, error),
        error => DocumentFailure::NotSigned { file: file.to_owned(), reason: error.to_string() },
    }
}

fn begin_saving(path: &Path) -> Result<NamedTempFile, DocumentFailure> {
    if path.symlink_metadata().is_ok() {
        return Err(DocumentFailure::OutputExists { file: path.to_owned() });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    tempfile::Builder::new()
        .prefix(".latchkey-")
        .tempfile_in(folder)
        .map_err(|error| DocumentFailure::OutputUnwritable { file: path.to_owned(), reason: error.to_string() })
}

fn finish_saving(saved: NamedTempFile, path: &Path) -> Result<(), DocumentFailure> {
    saved.persist_noclobber(path).map(|_| ()).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => DocumentFailure::OutputExists { file: path.to_owned() },
        _ => DocumentFailure::OutputUnwritable { file: path.to_owned(), reason: error.error.to_string() },
    })
}

/// The authorities of these files, and what these lists of theirs say.
///
/// # Errors
/// [`DocumentFailure`] about the first file that cannot be used.
pub fn trust_and_lists(
    trust: &[PathBuf],
    revocation_lists: &[PathBuf],
) -> Result<(TrustStore, RevocationLists), DocumentFailure> {
    let trust = read_trust(trust)?;
    let mut lists = RevocationLists::new();
    read_lists(revocation_lists, &trust, &mut lists)?;
    Ok((trust, lists))
}

fn read_trust(files: &[PathBuf]) -> Result<TrustStore, DocumentFailure> {
    let (mut anchors, mut intermediates) = (Vec::new(), Vec::new());
    for file in files {
        let unusable = |reason: String| DocumentFailure::TrustUnusable { file: file.clone(), reason };
        for der in read_blocks(file, TRUST_FILE_MAX_SIZE, "CERTIFICATE")? {
            let certificate = Certificate::from_der(&der).map_err(|error| unusable(error.to_string()))?;
            if !certificate.is_authority() {
                return Err(unusable("not of an authority".to_owned()));
            }
            if certificate.issuer() == certificate.subject() {
                TrustStore::new(vec![certificate.clone()], Vec::new()).map_err(|error| unusable(error.to_string()))?;
                anchors.push(certificate);
            } else {
                intermediates.push(certificate);
            }
        }
    }
    TrustStore::new(anchors, intermediates).map_err(|error| DocumentFailure::TrustUnusable {
        file: files.first().cloned().unwrap_or_default(),
        reason: error.to_string(),
    })
}

/// Takes in what these files of the authorities in `trust` say.
pub(crate) fn read_lists(
    files: &[PathBuf],
    trust: &TrustStore,
    lists: &mut RevocationLists,
) -> Result<(), DocumentFailure> {
    for file in files {
        let unusable = |reason: String| DocumentFailure::ListUnusable { file: file.clone(), reason };
        for der in read_blocks(file, REVOCATION_LIST_MAX_SIZE, "X509 CRL")? {
            let mut authorities = trust.anchors().iter().chain(trust.intermediates());
            let list = || RevocationList::from_der(&der).map_err(|error| unusable(error.to_string()));
            let issuer = list()?.issuer().clone();
            let verified = authorities
                .by_ref()
                .filter(|authority| *authority.subject() == issuer)
                .find_map(|authority| list().ok()?.verified_by(authority).ok());
            lists.insert(verified.ok_or_else(|| unusable("by no authority that is known".to_owned()))?);
        }
    }
    Ok(())
}

/// The DER in a file: the whole of it, or each PEM block of this label.
fn read_blocks(file: &Path, limit: usize, label: &str) -> Result<Vec<Vec<u8>>, DocumentFailure> {
    let mut octets = Vec::new();
    // PEM is a third longer.
    let limit = (limit as u64).saturating_mul(3) / 2;
    open(file)?.take(limit).read_to_end(&mut octets).map_err(|error| unreadable(file, &error))?;
    match std::str::from_utf8(&octets).ok().filter(|text| text.contains(&format!("-----BEGIN {label}-----"))) {
        None => Ok(vec![octets]),
        Some(text) => blocks_of(text, label).ok_or_else(|| unreadable(file, &io::ErrorKind::InvalidData.into())),
    }
}

/// The DER of each certificate in a PEM text. `None` if there is none, or one that is broken.
pub(crate) fn pem_blocks(text: &str) -> Option<Vec<Vec<u8>>> {
    blocks_of(text, "CERTIFICATE").filter(|blocks| !blocks.is_empty())
}

fn blocks_of(text: &str, label: &str) -> Option<Vec<Vec<u8>>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let block = |after: &str| {
        let (block, _) = after.split_once(&end)?;
        let digits: String = block.split_ascii_whitespace().collect();
        base64::engine::general_purpose::STANDARD.decode(digits).ok()
    };
    text.split(&begin).skip(1).map(block).collect()
}

/// Most octets of certificates in a file.
const TRUST_FILE_MAX_SIZE: usize = 1024 * 1024;
