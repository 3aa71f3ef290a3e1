//! Signed documents: CMS SignedData (RFC 5652; STB 34.101.23-2012) in the form CAdES B-B (ETSI EN 319 122-1 V1.3.1).
//!
//! A document is of any size, so nothing here holds one: contents pass through a [`ContentHasher`], and a message is
//! read from a stream by [`SignedMessage::read`]. What is signed is only ever a set of signed attributes that
//! [`SignedAttributes`] built over a [`ContentDigest`], and such a digest comes from hashing contents alone.
//!
//! Structures are read by the strict walk that certificates pass too, from the octets that were received: a signature is
//! checked over those, never over a re-encoding. `rasn-cms` was looked at for the structures: it decodes into values of
//! its own, so that the received octets of the attributes would be lost, and it wants a whole message in memory. Only the
//! lengths that enclose the contents may be indefinite, and only the contents may stand in pieces: so does a program
//! write a message whose size it does not know yet.
//!
//! Encrypted messages, time stamps and unsigned attributes are not interpreted.

mod attributes;
mod build;
mod digest;
mod read;
mod signer;
mod stream;
mod verify;

pub use build::{AttachedParts, BuildError, DetachedSignature, SIGNATURE_FILE_MAX_SIZE, SignedAttributes};
pub use digest::{ContentDigest, ContentDigests, ContentHasher, DigestAlgorithm};
pub use read::{CmsError, MESSAGE_PARTS_MAX_SIZE, SIGNERS_MAX, SignedMessage};
pub use verify::{SignatureFault, SignatureForm, SignaturePolicy, VerifiedSignature};

/// 1.2.840.113549.1.7.1, id-data.
const ID_DATA: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01";
/// 1.2.840.113549.1.7.2, id-signedData.
const ID_SIGNED_DATA: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02";

/// One DER value: tag, length in its shortest form, and the parts as contents.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let size: usize = parts.iter().map(|part| part.len()).sum();
    let mut octets = header(tag, size as u64);
    octets.reserve(size);
    parts.iter().for_each(|part| octets.extend_from_slice(part));
    octets
}

/// Tag and length of a DER value whose contents have `size` octets.
fn header(tag: u8, size: u64) -> Vec<u8> {
    let octets = size.to_be_bytes();
    let leading = size.leading_zeros() as usize / 8;
    let significant = octets.get(leading..).unwrap_or_default();
    match (significant, u8::try_from(significant.len())) {
        ([] | [0..0x80], _) => vec![tag, significant.first().copied().unwrap_or(0)],
        (_, Ok(count)) => [&[tag, 0x80 | count], significant].concat(),
        // A number of 64 bits has eight octets at most.
        (_, Err(_)) => Vec::new(),
    }
}
