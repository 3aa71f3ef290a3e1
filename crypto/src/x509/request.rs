//! Requests for certificates with keys of level 128: PKCS #10 (RFC 2986) as STB 34.101.78-2019 profiles it, without
//! attributes.

use super::algorithm_identifier::{KeyKind, signature_identifier};
use super::der_walk::{self, DerError};
use super::name::{NameError, read_name};
use super::tag;
use crate::belt;
use crate::bign::{InvalidPublicKey, Level, PUBLIC_KEY_SIZE, PublicKey, SIGNATURE_SIZE, SignatureError};
use crate::hash::HashAlgorithm;
use crate::signature::SignatureAlgorithm;
use crate::tlv::{Tag, Writer};

/// What a request says, before it is signed with the key that is to be certified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    info: Vec<u8>,
    key: PublicKey,
}

/// Why there is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateRequestError {
    /// The name is not DER.
    #[error("the name is malformed: {0}")]
    Der(#[from] DerError),
    /// The name is none that certificates can carry.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The key is none.
    #[error(transparent)]
    Key(#[from] InvalidPublicKey),
    /// The signature was not made with the key that is to be certified.
    #[error("the request is not signed with its own key: {0}")]
    Signature(#[from] SignatureError),
}

impl CertificateRequest {
    /// A request in this name, DER, as a card keeps it, for this key, x ‖ y.
    ///
    /// # Errors
    /// [`CertificateRequestError`] if name or key is none.
    pub fn new(name: &[u8], public_key: &[u8; PUBLIC_KEY_SIZE]) -> Result<Self, CertificateRequestError> {
        der_walk::check(name)?;
        let mut cursor = der_walk::Cursor::new(name);
        read_name(&mut cursor)?;
        let key = PublicKey::from_octets(public_key)?;
        let key_algorithm = KeyKind::Bign(Level::L128).identifier();
        let key_info = Writer::new()
            .object(SEQUENCE, &[key_algorithm.as_ref()])
            .object(BIT_STRING, &[&[NO_UNUSED_BITS], public_key])
            .finish();
        let info = Writer::new()
            .object(INTEGER, &[&[V1]])
            .octets(name)
            .object(SEQUENCE, &[&key_info])
            .object(ATTRIBUTES, &[])
            .finish();
        Ok(Self { info: Writer::new().object(SEQUENCE, &[&info]).finish(), key })
    }

    /// The belt-hash value that the key has to sign.
    #[must_use]
    pub fn hash(&self) -> [u8; belt::HASH_SIZE] {
        belt::hash(&[&self.info])
    }

    /// The request, DER, with its signature s0 ‖ s1, which is verified.
    ///
    /// # Errors
    /// [`CertificateRequestError::Signature`].
    pub fn signed(&self, signature: &[u8; SIGNATURE_SIZE]) -> Result<Vec<u8>, CertificateRequestError> {
        self.key.verify(HashAlgorithm::BeltHash, &self.hash(), signature)?;
        let algorithm = signature_identifier(SignatureAlgorithm::Bign(HashAlgorithm::BeltHash));
        let parts = Writer::new()
            .octets(&self.info)
            .object(SEQUENCE, &[algorithm.as_ref()])
            .object(BIT_STRING, &[&[NO_UNUSED_BITS], signature])
            .finish();
        Ok(Writer::new().object(SEQUENCE, &[&parts]).finish())
    }
}

const V1: u8 = 0;
const NO_UNUSED_BITS: u8 = 0;
const SEQUENCE: Tag = Tag::new(tag::SEQUENCE as u32);
const INTEGER: Tag = Tag::new(tag::INTEGER as u32);
const BIT_STRING: Tag = Tag::new(tag::BIT_STRING as u32);
const ATTRIBUTES: Tag = Tag::new(tag::context_constructed(0) as u32);
