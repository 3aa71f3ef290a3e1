//! What is wrong with octets that should be a certificate.

use super::date::DateError;
use super::name::NameError;
use crate::bign::InvalidPublicKey;
use crate::tlv::{Cursor, TlvError, TlvErrorKind};

/// Why octets are no certificate, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at octet {offset}")]
pub struct CertificateError {
    /// What is wrong.
    pub fault: CertificateFault,
    /// Where, counted in octets from the first that was given.
    pub offset: usize,
}

/// What can be wrong with a certificate's octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// The data objects are malformed, or others than those of a certificate in their order.
    #[error(transparent)]
    Objects(TlvErrorKind),
    /// Another version than v1, which is 0.
    #[error("another version than v1")]
    Version,
    /// A name is none.
    #[error(transparent)]
    Name(NameError),
    /// The key is for another algorithm than bign-pubkey.
    #[error("a key of another algorithm")]
    KeyAlgorithm,
    /// The key's bits are not whole octets.
    #[error("a key that is not whole octets")]
    KeyBits,
    /// The key is no point of a curve of the standard.
    #[error(transparent)]
    Key(InvalidPublicKey),
    /// A date is none.
    #[error(transparent)]
    Date(DateError),
    /// The first day is later than the last.
    #[error("in force until a day before it begins")]
    EndsBeforeItBegins,
    /// Rights in eSign stand where those in eID belong, or the other way round.
    #[error("rights in another application than belongs here")]
    RightsApplication,
    /// The extension is another than the one with rights in eSign.
    #[error("an unknown extension")]
    Extension,
    /// No signature of any level has so many octets.
    #[error("a signature of {0} octets")]
    SignatureLength(usize),
}

impl From<TlvError> for CertificateError {
    fn from(error: TlvError) -> Self {
        Self { fault: CertificateFault::Objects(error.kind), offset: error.offset }
    }
}

impl CertificateFault {
    /// This fault in the value that the cursor is at.
    pub(super) const fn at(self, value: &Cursor<'_>) -> CertificateError {
        CertificateError { fault: self, offset: value.offset() }
    }
}
