//! Requests for certificates.

use super::body::CertificateBody;
use super::certificate::Certificate;
use super::error::CertificateError;
use crate::bign::SignatureError;

/// A request: what the holder would like a certificate to say, in the form of a certificate signed with the holder's own
/// key. It proves that the holder has the key, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request(Certificate);

/// Why octets are no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// They have not the form of a certificate.
    #[error("no request: {0}")]
    Malformed(#[from] CertificateError),
    /// The signature was not made with the key that is to be certified.
    #[error("the request is not signed with its own key: {0}")]
    Signature(#[from] SignatureError),
}

impl Request {
    /// Reads a request and verifies that its maker has the key.
    ///
    /// # Errors
    /// [`RequestError`] for anything else.
    pub fn parse(octets: &[u8]) -> Result<Self, RequestError> {
        let certificate = Certificate::parse(octets)?;
        certificate.verify_signature(&certificate.body().key)?;
        Ok(Self(certificate))
    }

    /// What was asked for. What is granted is for the issuer to decide.
    #[must_use]
    pub const fn body(&self) -> &CertificateBody {
        self.0.body()
    }
}
