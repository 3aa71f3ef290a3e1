//! Digests of contents: made here, by hashing, and nowhere else.

use std::io::{self, Read};

use bash_hash::{BashHash384, BashHash512};
use belt_hash::{BeltHash, Digest as _};
use openssl::sha::{Sha256, Sha384, Sha512};

use super::der;
use crate::hash::HashAlgorithm;
use crate::sha2::Sha2;
use crate::signature::SignatureAlgorithm;
use crate::x509::tag;

/// A hash function for contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestAlgorithm {
    /// belt-hash, bash384 or bash512.
    Bign(HashAlgorithm),
    /// SHA-2.
    Sha2(Sha2),
}

/// The digest of contents that passed through a [`ContentHasher`]. There is no other way to have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentDigest {
    algorithm: DigestAlgorithm,
    value: Vec<u8>,
    size: u64,
}

/// Hashes contents as they pass by.
pub struct ContentHasher {
    hasher: Hasher,
    size: u64,
}

enum Hasher {
    Belt(BeltHash),
    Bash384(Box<BashHash384>),
    Bash512(Box<BashHash512>),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

/// Digests of the same contents by several algorithms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentDigests {
    digests: Vec<ContentDigest>,
    size: u64,
}

impl DigestAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 6] = [
        Self::Bign(HashAlgorithm::BeltHash),
        Self::Bign(HashAlgorithm::Bash384),
        Self::Bign(HashAlgorithm::Bash512),
        Self::Sha2(Sha2::Sha256),
        Self::Sha2(Sha2::Sha384),
        Self::Sha2(Sha2::Sha512),
    ];

    /// The hash function that signatures by this algorithm are made over.
    #[must_use]
    pub const fn of_signature(algorithm: SignatureAlgorithm) -> Self {
        match algorithm {
            SignatureAlgorithm::Bign(hash) => Self::Bign(hash),
            SignatureAlgorithm::Ecdsa(sha) | SignatureAlgorithm::RsaPss(sha) | SignatureAlgorithm::RsaPkcs1(sha) => {
                Self::Sha2(sha)
            }
        }
    }

    /// The algorithm that these contents of an AlgorithmIdentifier stand for. NULL as parameters and none are the same
    /// (RFC 5754, clause 2; the standard's own examples have NULL).
    pub(super) fn of_identifier(contents: &[u8]) -> Option<Self> {
        const NULL: &[u8] = &[tag::NULL, 0];
        let identifier = contents.strip_suffix(NULL).unwrap_or(contents);
        Self::ALL.into_iter().find(|algorithm| algorithm.object_identifier() == identifier)
    }

    /// The AlgorithmIdentifier, DER: with NULL for the Belarusian functions, without parameters for SHA-2.
    pub(super) fn identifier(self) -> Vec<u8> {
        let null: &[u8] = match self {
            Self::Bign(_) => &[tag::NULL, 0],
            Self::Sha2(_) => &[],
        };
        der(tag::SEQUENCE, &[self.object_identifier(), null])
    }

    /// The object identifier, DER with tag and length.
    const fn object_identifier(self) -> &'static [u8] {
        match self {
            Self::Bign(hash) => hash.oid_der(),
            Self::Sha2(Sha2::Sha256) => b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01",
            Self::Sha2(Sha2::Sha384) => b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02",
            Self::Sha2(Sha2::Sha512) => b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03",
        }
    }

    /// The hash value of octets at hand.
    pub(super) fn hash(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Bign(hash) => hash.hash(&[octets]),
            Self::Sha2(sha) => sha.hash(&[octets]),
        }
    }
}

impl ContentDigest {
    /// The hash function.
    #[must_use]
    pub const fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The hash value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Octets of the contents.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

impl ContentHasher {
    /// A hasher that has seen nothing yet.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        let hasher = match algorithm {
            DigestAlgorithm::Bign(HashAlgorithm::BeltHash) => Hasher::Belt(BeltHash::new()),
            DigestAlgorithm::Bign(HashAlgorithm::Bash384) => Hasher::Bash384(Box::new(BashHash384::new())),
            DigestAlgorithm::Bign(HashAlgorithm::Bash512) => Hasher::Bash512(Box::new(BashHash512::new())),
            DigestAlgorithm::Sha2(Sha2::Sha256) => Hasher::Sha256(Sha256::new()),
            DigestAlgorithm::Sha2(Sha2::Sha384) => Hasher::Sha384(Sha384::new()),
            DigestAlgorithm::Sha2(Sha2::Sha512) => Hasher::Sha512(Sha512::new()),
        };
        Self { hasher, size: 0 }
    }

    /// Takes the next octets of the contents.
    pub fn update(&mut self, octets: &[u8]) {
        self.size = self.size.saturating_add(octets.len() as u64);
        match &mut self.hasher {
            Hasher::Belt(hasher) => hasher.update(octets),
            Hasher::Bash384(hasher) => hasher.update(octets),
            Hasher::Bash512(hasher) => hasher.update(octets),
            Hasher::Sha256(hasher) => hasher.update(octets),
            Hasher::Sha384(hasher) => hasher.update(octets),
            Hasher::Sha512(hasher) => hasher.update(octets),
        }
    }

    /// The digest of what was taken.
    #[must_use]
    pub fn finish(self) -> ContentDigest {
        let (algorithm, value) = match self.hasher {
            Hasher::Belt(hasher) => (DigestAlgorithm::Bign(HashAlgorithm::BeltHash), hasher.finalize().to_vec()),
            Hasher::Bash384(hasher) => (DigestAlgorithm::Bign(HashAlgorithm::Bash384), hasher.finalize().to_vec()),
            Hasher::Bash512(hasher) => (DigestAlgorithm::Bign(HashAlgorithm::Bash512), hasher.finalize().to_vec()),
            Hasher::Sha256(hasher) => (DigestAlgorithm::Sha2(Sha2::Sha256), hasher.finish().to_vec()),
            Hasher::Sha384(hasher) => (DigestAlgorithm::Sha2(Sha2::Sha384), hasher.finish().to_vec()),
            Hasher::Sha512(hasher) => (DigestAlgorithm::Sha2(Sha2::Sha512), hasher.finish().to_vec()),
        };
        ContentDigest { algorithm, value, size: self.size }
    }
}

impl ContentDigests {
    /// Reads contents to their end and hashes them by each algorithm. Memory does not grow with the contents.
    ///
    /// # Errors
    /// The source's.
    pub fn read(source: &mut impl Read, algorithms: &[DigestAlgorithm]) -> io::Result<Self> {
        let mut hashers = Hashers::new(algorithms);
        let mut buffer = vec![0; BUFFER_SIZE];
        loop {
            match source.read(&mut buffer) {
                Ok(0) => return Ok(hashers.finish()),
                Ok(count) => hashers.update(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The digest by this algorithm, if it was made.
    #[must_use]
    pub fn of(&self, algorithm: DigestAlgorithm) -> Option<&ContentDigest> {
        self.digests.iter().find(|digest| digest.algorithm == algorithm)
    }

    /// Octets of the contents.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

/// Octets of contents that are in memory at a time.
pub(super) const BUFFER_SIZE: usize = 64 * 1024;

/// Several hashers over the same contents.
pub(super) struct Hashers {
    hashers: Vec<ContentHasher>,
    size: u64,
}

impl Hashers {
    pub(super) fn new(algorithms: &[DigestAlgorithm]) -> Self {
        Self { hashers: algorithms.iter().map(|algorithm| ContentHasher::new(*algorithm)).collect(), size: 0 }
    }

    pub(super) fn update(&mut self, octets: &[u8]) {
        self.size = self.size.saturating_add(octets.len() as u64);
        self.hashers.iter_mut().for_each(|hasher| hasher.update(octets));
    }

    pub(super) fn finish(self) -> ContentDigests {
        let digests = self.hashers.into_iter().map(ContentHasher::finish).collect();
        ContentDigests { digests, size: self.size }
    }
}
