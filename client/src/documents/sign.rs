//! Signatures on disk: beside a document, or around it.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use latchkey_crypto::cms::{ContentDigests, DetachedSignature, SignedMessage};
use tempfile::NamedTempFile;

use super::failure::DocumentFailure;

/// Where the contents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placement {
    /// The signature is a file of its own, `NAME.p7s`, and the document stays what it is.
    Detached,
    /// One file, `NAME.p7m`, holds document and signature.
    Attached,
}

/// Where the signature of a document goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignaturePlace {
    document: PathBuf,
    output: PathBuf,
    placement: Placement,
}

impl Placement {
    /// What a file's name gets at its end (RFC 8551, clause 3.2.1).
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Detached => ".p7s",
            Self::Attached => ".p7m",
        }
    }
}

impl SignaturePlace {
    /// The place of the signature of the document at this absolute path: beside it, or in the folder.
    ///
    /// # Errors
    /// [`DocumentFailure::OutputExists`]: nothing is ever replaced.
    pub fn find(document: &Path, placement: Placement, folder: Option<&Path>) -> Result<Self, DocumentFailure> {
        let mut name = document.file_name().unwrap_or_default().to_owned();
        name.push(placement.extension());
        let output = folder.map_or_else(|| document.with_file_name(&name), |folder| folder.join(&name));
        if output.symlink_metadata().is_ok() {
            return Err(DocumentFailure::OutputExists { file: output });
        }
        Ok(Self { document: document.to_owned(), output, placement })
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &Path {
        &self.document
    }

    /// Where the signature goes.
    #[must_use]
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// Writes the signature, and reads and checks what was written before it gets its name: a document that was changed
    /// since the card signed it leaves no file.
    ///
    /// # Errors
    /// [`DocumentFailure::FileUnreadable`], [`DocumentFailure::OutputExists`], [`DocumentFailure::OutputUnwritable`] or
    /// [`DocumentFailure::Changed`].
    pub fn write(&self, signature: &DetachedSignature) -> Result<(), DocumentFailure> {
        let unwritable = |error: io::Error| DocumentFailure::OutputUnwritable {
            file: self.output.clone(),
            reason: error.to_string(),
        };
        let folder = self.output.parent().unwrap_or_else(|| Path::new("/"));
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        let temporary = tempfile::Builder::new().prefix(".latchkey-").permissions(readable).tempfile_in(folder);
        let mut temporary = temporary.map_err(unwritable)?;
        self.fill(&mut temporary, signature)?;
        temporary.as_file().sync_all().map_err(unwritable)?;
        if !self.is_right(temporary.path())? {
            return Err(DocumentFailure::Changed { file: self.document.clone() });
        }
        temporary.persist_noclobber(&self.output).map(|_| ()).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => DocumentFailure::OutputExists { file: self.output.clone() },
            _ => unwritable(error.error),
        })
    }

    fn fill(&self, file: &mut NamedTempFile, signature: &DetachedSignature) -> Result<(), DocumentFailure> {
        let unwritable = |error: io::Error| DocumentFailure::OutputUnwritable {
            file: self.output.clone(),
            reason: error.to_string(),
        };
        if self.placement == Placement::Detached {
            return file.write_all(&signature.to_der()).map_err(unwritable);
        }
        let document = self.open()?;
        let size = document.metadata().map_err(|error| self.unreadable(&error))?.len();
        let mut writer = BufWriter::with_capacity(BUFFER_SIZE, file);
        let parts = signature.attached_to(size);
        writer.write_all(&parts.head).map_err(unwritable)?;
        // A document that grew meanwhile is found out when the result is read.
        io::copy(&mut document.take(size), &mut writer).map_err(unwritable)?;
        writer.write_all(&parts.tail).and_then(|()| writer.flush()).map_err(unwritable)
    }

    /// Whether what was written is a signature over the document as it is now.
    fn is_right(&self, written: &Path) -> Result<bool, DocumentFailure> {
        let unreadable =
            |error: io::Error| DocumentFailure::FileUnreadable { file: self.output.clone(), reason: error.to_string() };
        let Ok(message) = SignedMessage::read(File::open(written).map_err(unreadable)?, |_| Ok(())) else {
            return Ok(false);
        };
        let elsewhere = if message.is_detached() {
            let digests = ContentDigests::read(&mut self.open()?, &message.digest_algorithms());
            Some(digests.map_err(|error| self.unreadable(&error))?)
        } else {
            None
        };
        Ok(message.check_signatures(elsewhere.as_ref()).iter().all(Result::is_ok))
    }

    fn open(&self) -> Result<File, DocumentFailure> {
        File::open(&self.document).map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &io::Error) -> DocumentFailure {
        DocumentFailure::FileUnreadable { file: self.document.clone(), reason: error.to_string() }
    }
}

/// The message with contents that are at hand inside.
#[must_use]
pub fn attach(signature: &DetachedSignature, contents: &[u8]) -> Vec<u8> {
    let parts = signature.attached_to(contents.len() as u64);
    [parts.head.as_slice(), contents, &parts.tail].concat()
}

/// Octets of a document that are in memory at a time.
const BUFFER_SIZE: usize = 64 * 1024;
