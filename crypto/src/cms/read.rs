//! Messages as they are received: read once from a stream, judged afterwards.

use std::io::{self, BufReader, Read};

use super::digest::{BUFFER_SIZE, ContentDigests, DigestAlgorithm, Hashers};
use super::signer::Signer;
use super::stream::{Head, Stream};
use super::{ID_DATA, ID_SIGNED_DATA};
use crate::x509::der_walk::{self, Cursor};
use crate::x509::{Certificate, DerError, DerFault, tag};

/// Most octets of a message besides its contents: certificates, revocation lists and signers.
pub const MESSAGE_PARTS_MAX_SIZE: usize = 4 * 1024 * 1024;
/// Most signers of a message.
pub const SIGNERS_MAX: usize = 64;
/// Most certificates in a message.
const CERTIFICATES_MAX: usize = 256;

/// A signed message whose contents passed by. Nothing in it has been judged: that is [`SignedMessage::judge`].
#[derive(Debug)]
pub struct SignedMessage {
    pub(super) content: Option<ContentDigests>,
    pub(super) certificates: Vec<Certificate>,
    pub(super) signers: Vec<Signer>,
}

/// Why octets are no signed message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CmsError {
    /// The source could not be read, or the contents not be passed on.
    #[error("the message could not be read: {0}")]
    Read(#[from] io::Error),
    /// Not DER, or BER elsewhere than around the contents, or not the structure of a signed message.
    #[error("the message is malformed: {0}")]
    Der(#[from] DerError),
    /// Well formed, but a field has not the form that RFC 5652 prescribes.
    #[error("the message's {0} is malformed")]
    Field(&'static str),
    /// A message of another kind: enveloped data, for example.
    #[error("the message is not a signed one")]
    NotSigned,
    /// What is signed is not a document but another structure, such as a time stamp.
    #[error("what the message signs is no document")]
    NoDocument,
    /// More than [`MESSAGE_PARTS_MAX_SIZE`] octets besides the contents, or more certificates than anyone needs.
    #[error("the message has more than {MESSAGE_PARTS_MAX_SIZE} octets besides its contents")]
    TooLong,
    /// No signer: a bag of certificates.
    #[error("nobody signed the message")]
    NoSigner,
    /// More than [`SIGNERS_MAX`].
    #[error("the message has more than {SIGNERS_MAX} signers")]
    TooManySigners,
}

impl SignedMessage {
    /// Reads a message to the source's end and passes its contents on, if it has them inside. Memory does not grow with
    /// the contents.
    ///
    /// # Errors
    /// [`CmsError`]: for the source's and `content`'s own errors, and whatever is not exactly one signed message.
    pub fn read(source: impl Read, mut content: impl FnMut(&[u8]) -> io::Result<()>) -> Result<Self, CmsError> {
        let mut stream = Stream::new(BufReader::with_capacity(BUFFER_SIZE, source));
        let mut limit = MESSAGE_PARTS_MAX_SIZE;
        stream.enter(tag::SEQUENCE)?;
        if stream.value(&mut limit)? != super::der(tag::OBJECT_IDENTIFIER, &[ID_SIGNED_DATA]) {
            return Err(CmsError::NotSigned);
        }
        stream.enter(CONTENT)?;
        stream.enter(tag::SEQUENCE)?;
        read_version(&stream.value(&mut limit)?)?;
        let algorithms = read_digest_algorithms(&stream.value(&mut limit)?)?;
        let digests = read_contents(&mut stream, &algorithms, &mut limit, &mut content)?;
        let certificates = read_certificates(&mut stream, &mut limit)?;
        if stream.next_tag()? == Some(REVOCATION_LISTS) {
            stream.value(&mut limit)?;
        }
        let signers = read_signers(&stream.value(&mut limit)?)?;
        for _ in 0..ENCLOSING {
            stream.leave()?;
        }
        stream.end()?;
        Ok(Self { content: digests, certificates, signers })
    }

    /// Whether the contents are elsewhere: a detached signature.
    #[must_use]
    pub const fn is_detached(&self) -> bool {
        self.content.is_none()
    }

    /// Octets of the contents inside; none for a detached signature.
    #[must_use]
    pub fn content_size(&self) -> u64 {
        self.content.as_ref().map_or(0, ContentDigests::size)
    }

    /// The certificates that came with the message and could be read. Nothing vouches for them.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// How many signers there are: one at least.
    #[must_use]
    pub const fn signer_count(&self) -> usize {
        self.signers.len()
    }

    /// The algorithms that the signers digested the contents by, each once: what [`ContentDigests::read`] needs for
    /// contents that are elsewhere.
    #[must_use]
    pub fn digest_algorithms(&self) -> Vec<DigestAlgorithm> {
        let mut algorithms: Vec<_> = self.signers.iter().filter_map(Signer::digest_algorithm).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        algorithms
    }
}

const CONTENT: u8 = tag::context_constructed(0);
const CERTIFICATES: u8 = tag::context_constructed(0);
const REVOCATION_LISTS: u8 = tag::context_constructed(1);
const OCTETS_IN_PIECES: u8 = tag::OCTET_STRING | tag::CONSTRUCTED;
/// ContentInfo, its content, SignedData.
const ENCLOSING: usize = 3;

/// CMSVersion: 1 to 5 (RFC 5652, clause 5.1). It follows from what else is there and decides nothing.
fn read_version(value: &[u8]) -> Result<(), CmsError> {
    match value {
        [tag::INTEGER, 1, 1..=5] => Ok(()),
        _ => Err(CmsError::Field("version")),
    }
}

/// The contents of the AlgorithmIdentifier that the cursor is at: an object identifier and, perhaps, parameters.
pub(super) fn read_algorithm<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], CmsError> {
    let identifier = cursor.expect(tag::SEQUENCE)?;
    let mut fields = identifier.inside();
    fields.expect(tag::OBJECT_IDENTIFIER)?;
    if !fields.is_empty() {
        fields.value()?;
    }
    fields.end()?;
    Ok(identifier.contents)
}

/// The algorithms that contents inside are digested by, as far as they are known here.
fn read_digest_algorithms(value: &[u8]) -> Result<Vec<DigestAlgorithm>, CmsError> {
    let set = Cursor::new(value).expect(tag::SET)?;
    let mut members = set.inside();
    let mut algorithms = Vec::new();
    while !members.is_empty() {
        der_walk::check(members.peek()?.whole)?;
        algorithms.extend(DigestAlgorithm::of_identifier(read_algorithm(&mut members)?));
    }
    algorithms.sort_unstable();
    algorithms.dedup();
    Ok(algorithms)
}

/// EncapsulatedContentInfo (RFC 5652, clause 5.2): digests of the contents, if they are inside.
fn read_contents<R: Read>(
    stream: &mut Stream<R>,
    algorithms: &[DigestAlgorithm],
    limit: &mut usize,
    content: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<Option<ContentDigests>, CmsError> {
    stream.enter(tag::SEQUENCE)?;
    if stream.value(limit)? != super::der(tag::OBJECT_IDENTIFIER, &[ID_DATA]) {
        return Err(CmsError::NoDocument);
    }
    if stream.next_tag()?.is_none() {
        stream.leave()?;
        return Ok(None);
    }
    let mut hashers = Hashers::new(algorithms);
    let mut pass = |octets: &[u8]| {
        hashers.update(octets);
        content(octets)
    };
    stream.enter(CONTENT)?;
    let head = stream.head()?;
    match (head.tag, head.size) {
        (tag::OCTET_STRING, Some(_)) => read_piece(stream, head, &mut pass)?,
        (OCTETS_IN_PIECES, None) => {
            stream.enter_value(head)?;
            while stream.next_tag()?.is_some() {
                let piece = stream.head()?;
                if piece.tag != tag::OCTET_STRING {
                    return Err(stream.fault(DerFault::Form));
                }
                read_piece(stream, piece, &mut pass)?;
            }
            stream.leave()?;
        }
        _ => return Err(stream.fault(DerFault::Form)),
    }
    stream.leave()?;
    stream.leave()?;
    Ok(Some(hashers.finish()))
}

fn read_piece<R: Read>(
    stream: &mut Stream<R>,
    head: Head,
    pass: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), CmsError> {
    let mut left = head.size.ok_or_else(|| stream.fault(DerFault::Length))?;
    stream.enter_value(head)?;
    let mut buffer = vec![0; BUFFER_SIZE.min(left)];
    while left > 0 {
        let count = stream.contents(&mut buffer, left)?;
        left = left.saturating_sub(count);
        pass(buffer.get(..count).unwrap_or_default())?;
    }
    stream.leave()
}

/// The certificates, if there are any. One that cannot be read here is passed over: it may be another signer's.
fn read_certificates<R: Read>(stream: &mut Stream<R>, limit: &mut usize) -> Result<Vec<Certificate>, CmsError> {
    if stream.next_tag()? != Some(CERTIFICATES) {
        return Ok(Vec::new());
    }
    let value = stream.value(limit)?;
    let mut members = Cursor::new(&value).expect(CERTIFICATES)?.inside();
    let mut certificates = Vec::new();
    for _ in 0..CERTIFICATES_MAX {
        if members.is_empty() {
            return Ok(certificates);
        }
        certificates.extend(Certificate::from_der(members.value()?.whole));
    }
    Err(CmsError::TooLong)
}

fn read_signers(value: &[u8]) -> Result<Vec<Signer>, CmsError> {
    let mut members = Cursor::new(value).expect(tag::SET)?.inside();
    let mut signers = Vec::new();
    while !members.is_empty() {
        if signers.len() == SIGNERS_MAX {
            return Err(CmsError::TooManySigners);
        }
        signers.push(Signer::read(members.value()?.whole)?);
    }
    if signers.is_empty() { Err(CmsError::NoSigner) } else { Ok(signers) }
}
