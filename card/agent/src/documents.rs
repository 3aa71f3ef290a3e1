//! Signing documents: contents come in, their digests are made here, and one decision of the holder covers them all.
//!
//! A file is named by its path and opened by the agent itself, so that the name that the holder reads is the one under
//! which the signed octets were found, and nothing of a file of any size passes through the pipe; contents that never
//! were a file come as octets. The other ways were weighed: an open descriptor cannot pass through the pipe, and pieces
//! of a file in frames would make the name a claim of whoever sends them. The agent runs as the same person, so a path
//! opens nothing that its sender could not open. A hash value is no kind of document.
//!
//! Where the contents end up, inside the message or beside it, is not asked: the signature covers the signed attributes,
//! which are the same for both ([`latchkey_crypto::cms::DetachedSignature::attached_to`]).

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};

use latchkey_card::dialogue::{ByPin, DialogueError, HolderVerified, Secured};
use latchkey_card::key::KeyId;
use latchkey_card::rights::Authority;
use latchkey_crypto::cms::{
    BuildError, ContentDigest, ContentHasher, DetachedSignature, DigestAlgorithm, SignedAttributes,
};
use rustix::fs::{Mode, OFlags};

use crate::pin_care::Ask;
use crate::session::Session;
use crate::sign_in::{ALGORITHM, read_certificate};
use crate::{Answer, Asker, Cancellation, Failure, Purpose, ReaderChoice, ShownDocument, Step};

/// Most documents of one decision: the card counts signatures in one octet.
pub const DOCUMENTS_MAX: usize = 255;
/// Most octets of all documents of one request that are no files.
pub const CONTENTS_MAX_SIZE: usize = 8 * 1024 * 1024;
/// Most characters of a document's name.
pub const DOCUMENT_NAME_MAX_SIZE: usize = 255;

/// Contents to sign, on whose behalf.
#[derive(Debug, Clone)]
pub struct SignDocuments {
    /// Who wants them signed. Shown to the holder.
    pub asker: Asker,
    /// The documents.
    pub documents: Documents,
}

/// One to [`DOCUMENTS_MAX`] documents.
#[derive(Debug, Clone)]
pub struct Documents(Vec<Document>);

/// Something to sign.
#[derive(Clone)]
pub enum Document {
    /// The file at this absolute path, which the agent opens.
    File(PathBuf),
    /// Octets that somebody calls by a name.
    Contents {
        /// The name.
        name: String,
        /// The octets.
        octets: Vec<u8>,
    },
}

/// What became of each document, in their order: a signature over it, checked to be the card's, or why there is none.
pub type DocumentResults = Vec<Result<DetachedSignature, Failure>>;

impl Documents {
    /// These documents.
    ///
    /// # Errors
    /// [`Failure::NoDocuments`], or [`Failure::TooManyDocuments`] for more than [`DOCUMENTS_MAX`], or for octets beyond
    /// [`CONTENTS_MAX_SIZE`].
    pub fn new(documents: Vec<Document>) -> Result<Self, Failure> {
        let octets: u64 = documents.iter().map(Document::size_at_hand).sum();
        match documents.len() {
            0 => Err(Failure::NoDocuments),
            1..=DOCUMENTS_MAX if octets <= CONTENTS_MAX_SIZE as u64 => Ok(Self(documents)),
            _ => Err(Failure::TooManyDocuments),
        }
    }

    /// The documents in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[Document] {
        &self.0
    }
}

impl Document {
    /// What the holder reads: a file's own name without its folder.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            Self::Contents { name, .. } => name.chars().take(DOCUMENT_NAME_MAX_SIZE).collect(),
        }
    }

    /// Octets of contents that are no file.
    #[must_use]
    pub fn size_at_hand(&self) -> u64 {
        match self {
            Self::File(_) => 0,
            Self::Contents { octets, .. } => octets.len() as u64,
        }
    }

    fn digest(&self, cancellation: &Cancellation) -> Result<ContentDigest, Failure> {
        match self {
            Self::File(path) => hash(open(path)?, cancellation),
            Self::Contents { octets, .. } => hash(octets.as_slice(), cancellation),
        }
    }
}

/// Without contents.
impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(_) => formatter.write_str("Document(a file)"),
            Self::Contents { octets, .. } => write!(formatter, "Document({} octets)", octets.len()),
        }
    }
}

impl Session<'_> {
    /// Hashes what can be read, asks once, and signs. What could not be read or signed does not keep the rest back.
    pub(crate) fn sign_documents(
        &mut self,
        reader: &ReaderChoice,
        patience: std::time::Duration,
        order: &SignDocuments,
    ) -> Result<Answer, Failure> {
        // Before anybody is asked: what is shown is what was hashed.
        self.tell(Step::ReadingDocuments);
        let mut digests = Vec::new();
        for document in order.documents.as_slice() {
            digests.push(document.digest(self.cancellation));
            if self.cancellation.is_cancelled() {
                return Err(Failure::Cancelled);
            }
        }
        let shown = |(document, digest): (&Document, &Result<ContentDigest, Failure>)| {
            let size = digest.as_ref().ok()?.size();
            Some(ShownDocument { name: document.name(), size })
        };
        let shown: Vec<_> = order.documents.as_slice().iter().zip(&digests).filter_map(shown).collect();
        let Some(count) = u8::try_from(shown.len()).ok().and_then(NonZeroU8::new) else {
            let failed = |digest: Result<ContentDigest, Failure>| Err(digest.err().unwrap_or(Failure::AgentFault));
            return Ok(Answer::DocumentsSigned(digests.into_iter().map(failed).collect()));
        };
        let mut card = self.connect(reader, patience)?;
        let ask =
            Ask { asker: order.asker.clone(), purpose: Purpose::SignDocuments, documents: shown, disclosure: None };
        self.with_pin(&mut card, &ask, &Authority::signing(count), |secured, session| {
            sign_all(secured, &digests, session)
        })
        .map(Answer::DocumentsSigned)
    }
}

/// Reads the certificate, refuses one that is not for documents before the card signs anything, and has the card sign.
fn sign_all(
    secured: Secured<'_, ByPin>,
    digests: &[Result<ContentDigest, Failure>],
    session: &Session<'_>,
) -> Result<DocumentResults, Failure> {
    let mut holder = secured.select_esign()?;
    let certificate = read_certificate(&holder.read_certificate(KeyId::BASE_128)?)?;
    session.tell(Step::CertificateRead);
    let now = (session.surroundings.clock)();
    let mut attributes = Vec::new();
    for digest in digests {
        attributes.push(match digest {
            Ok(digest) => Ok(SignedAttributes::new(digest.clone(), certificate.clone(), ALGORITHM, now)?),
            Err(failure) => Err(failure.clone()),
        });
    }
    let mut stopped = None;
    let mut results = Vec::new();
    for attributes in attributes {
        results.push(match (attributes, &stopped) {
            (Err(failure), _) => Err(failure),
            (Ok(_), Some(failure)) => Err(Failure::clone(failure)),
            (Ok(attributes), None) => {
                session.tell(Step::Signing);
                let signed = sign(&mut holder, attributes, session);
                match signed {
                    Err(Refused { failure, ends_session: true }) => {
                        stopped = Some(failure.clone());
                        Err(failure)
                    }
                    signed => signed.map_err(|refused| refused.failure),
                }
            }
        });
    }
    // If the card signed none at all, the request failed; what could not be read is not the card's affair.
    let nothing_signed = results.iter().all(Result::is_err);
    let of_card =
        results.iter().zip(digests).find_map(|(result, digest)| result.as_ref().err().filter(|_| digest.is_ok()));
    match of_card {
        Some(failure) if nothing_signed => Err(failure.clone()),
        _ => Ok(results),
    }
}

/// Why one document was not signed, and whether the card can go on with the next.
struct Refused {
    failure: Failure,
    ends_session: bool,
}

fn sign(
    holder: &mut HolderVerified<'_>,
    attributes: SignedAttributes,
    session: &Session<'_>,
) -> Result<DetachedSignature, Refused> {
    if session.cancellation.is_cancelled() {
        return Err(Refused { failure: Failure::Cancelled, ends_session: true });
    }
    let hash = attributes.hash().try_into();
    let hash = hash.map_err(|_| Refused { failure: Failure::AgentFault, ends_session: true })?;
    let signature = holder.sign_belt_hash(&hash).map_err(|error| {
        // A refusal of the card in its channel leaves the channel as it is.
        let ends_session = !matches!(error, DialogueError::CardRefused { .. });
        Refused { failure: error.into(), ends_session }
    })?;
    attributes.signed(&signature).map_err(|error| Refused { failure: error.into(), ends_session: false })
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::KeyUsage => Self::CertificateNotForDocuments,
            BuildError::NotYetValid => Self::CertificateNotYetValid,
            BuildError::Expired => Self::CertificateExpired,
            BuildError::WrongSignature => Self::SignatureFaulty,
            BuildError::AlgorithmMismatch | BuildError::NotOurs => Self::AgentFault,
        }
    }
}

/// Opens a file and nothing else: neither waits for whoever holds the other end of a pipe, nor reads a device for ever.
fn open(path: &Path) -> Result<File, Failure> {
    let unreadable = |error: io::Error| Failure::DocumentUnreadable { reason: error.to_string() };
    if !path.is_absolute() {
        return Err(unreadable(io::ErrorKind::InvalidFilename.into()));
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(|error| unreadable(error.into()))?);
    if file.metadata().map_err(unreadable)?.is_file() { Ok(file) } else { Err(Failure::DocumentNotAFile) }
}

fn hash(mut contents: impl Read, cancellation: &Cancellation) -> Result<ContentDigest, Failure> {
    let mut hasher = ContentHasher::new(DigestAlgorithm::of_signature(ALGORITHM));
    let mut buffer = vec![0; BUFFER_SIZE];
    loop {
        if cancellation.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        match contents.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::DocumentUnreadable { reason: error.to_string() }),
        }
    }
}

/// Octets of a file that are in memory at a time.
const BUFFER_SIZE: usize = 64 * 1024;
