//! Why a signature does not count, by code.

use latchkey_crypto::cms::SignatureFault;
use latchkey_crypto::x509::{PathError, RevocationFault};

/// Every code that [`fault_code`] can give.
pub const FAULT_CODES: [&str; 21] = [
    "signer-certificate-missing",
    "signer-algorithm-unsupported",
    "content-altered",
    "signature-wrong",
    "signer-certificate-differs",
    "signer-is-authority",
    "signer-certificate-not-yet-valid",
    "signer-certificate-expired",
    "signer-key-usage",
    "signer-other-purposes",
    "signer-issuer-unknown",
    "signer-path-signature-wrong",
    "signer-issuer-not-authority",
    "signer-issuer-not-valid",
    "signer-path-too-long",
    "signer-certificate-revoked",
    "signer-revocation-unknown",
    "signer-revocation-stale",
    "signer-revocation-from-the-future",
    "signing-time-impossible",
    "no-signed-attributes",
];

/// The stable code of a fault, kebab-case.
#[must_use]
pub const fn fault_code(fault: &SignatureFault) -> &'static str {
    match fault {
        SignatureFault::CertificateMissing => "signer-certificate-missing",
        SignatureFault::UnsupportedAlgorithm => "signer-algorithm-unsupported",
        SignatureFault::ContentAltered => "content-altered",
        SignatureFault::SignatureWrong => "signature-wrong",
        SignatureFault::OtherCertificate => "signer-certificate-differs",
        SignatureFault::Path(PathError::AuthorityAsHolder) => "signer-is-authority",
        SignatureFault::Path(PathError::NotYetValid) => "signer-certificate-not-yet-valid",
        SignatureFault::Path(PathError::Expired) => "signer-certificate-expired",
        SignatureFault::Path(PathError::WrongKeyUsage) => "signer-key-usage",
        SignatureFault::Path(PathError::WrongExtendedKeyUsage) => "signer-other-purposes",
        SignatureFault::Path(PathError::UnknownIssuer) => "signer-issuer-unknown",
        SignatureFault::Path(PathError::SignatureInvalid) => "signer-path-signature-wrong",
        SignatureFault::Path(PathError::IssuerNotAuthority) => "signer-issuer-not-authority",
        SignatureFault::Path(PathError::IssuerNotValidNow) => "signer-issuer-not-valid",
        SignatureFault::Path(PathError::TooLong) => "signer-path-too-long",
        SignatureFault::Revocation(RevocationFault::Revoked(_)) => "signer-certificate-revoked",
        SignatureFault::Revocation(RevocationFault::Unknown) => "signer-revocation-unknown",
        SignatureFault::Revocation(RevocationFault::Stale { .. }) => "signer-revocation-stale",
        SignatureFault::Revocation(RevocationFault::FromTheFuture { .. }) => "signer-revocation-from-the-future",
        SignatureFault::ImpossibleTime => "signing-time-impossible",
        SignatureFault::NoSignedAttributes => "no-signed-attributes",
    }
}
