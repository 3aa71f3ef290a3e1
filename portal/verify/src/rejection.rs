//! Why a sign-in is refused.

use latchkey_crypto::assertion::AssertionError;
use latchkey_crypto::x509::{CertificateError, HolderIdentityError, PathError, Revocation, RevocationFault};
use time::OffsetDateTime;

use crate::{Assurance, Purpose};

/// Why a sign-in is refused: one cause each, and the first one found. The list is exhaustive, so that whoever words the
/// codes notices a new one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The assertion is not the JSON that it should be.
    #[error("malformed assertion: {0}")]
    MalformedAssertion(AssertionError),
    /// The assertion is in another format.
    #[error("the assertion's format is not supported")]
    UnsupportedFormat,
    /// The assertion names an unknown signature algorithm.
    #[error("the assertion's algorithm is not supported")]
    UnsupportedAlgorithm,
    /// The challenge was made for something else than signing in.
    #[error("the challenge was made for {made_for}")]
    ChallengeOfOtherPurpose {
        /// For what.
        made_for: Purpose,
    },
    /// The challenge is too old.
    #[error("the challenge has expired")]
    ChallengeExpired,
    /// The challenge was made after now: one of two clocks is wrong.
    #[error("the challenge is from the future")]
    ChallengeFromTheFuture,
    /// The certificate is not one, or could be read in two ways.
    #[error("malformed certificate: {0}")]
    CertificateMalformed(CertificateError),
    /// The certificate has a critical extension that is not known here, or a restriction that cannot be judged.
    #[error("{0}")]
    CertificateExtensionUnknown(CertificateError),
    /// The certificate's key or signature is of a kind that is not supported, or too weak.
    #[error("{0}")]
    CertificateKeyUnsupported(CertificateError),
    /// The certificate is an authority's own.
    #[error("the certificate is an authority's own")]
    CertificateOfAuthority,
    /// The certificate is not valid yet.
    #[error("the certificate is valid from {not_before}")]
    CertificateNotYetValid {
        /// From when it is.
        not_before: OffsetDateTime,
    },
    /// The certificate is no longer valid.
    #[error("the certificate was valid until {not_after}")]
    CertificateExpired {
        /// Until when it was.
        not_after: OffsetDateTime,
    },
    /// The certificate's key may not make signatures.
    #[error("the certificate's key may not be used to sign in")]
    WrongKeyUsage,
    /// The certificate, or an authority above it, is limited to other purposes.
    #[error("the certificate is limited to other purposes than signing in")]
    WrongExtendedKeyUsage,
    /// No trusted or known authority has the issuer's name.
    #[error("the certificate's issuer is not known")]
    UnknownIssuer,
    /// A signature on the path from the certificate to the anchor is wrong.
    #[error("the certificate's signature is wrong")]
    CertificateSignatureInvalid,
    /// The certificate was issued by somebody who is no authority.
    #[error("the certificate's issuer is no authority")]
    IssuerNotAuthority,
    /// An authority on the path is expired or not yet valid.
    #[error("an issuing authority is not valid now")]
    IssuerNotValidNow,
    /// The path from the certificate to the anchor is longer than its authorities allow.
    #[error("the certificate's path is too long")]
    PathTooLong,
    /// The assertion names another algorithm than the certificate's key prescribes.
    #[error("the assertion's algorithm is not that of the certificate's key")]
    AlgorithmMismatch,
    /// The signature is not by the certificate's key over this origin and this challenge: another site, another
    /// challenge, another card.
    #[error("the signature is not over this origin and challenge by the certificate's key")]
    SignatureInvalid,
    /// The certificate is revoked.
    #[error("the certificate is revoked since {}", .0.since)]
    CertificateRevoked(Revocation),
    /// An authority on the path is revoked.
    #[error("an issuing authority is revoked since {}", .0.since)]
    IssuerRevoked(Revocation),
    /// There is no revocation data for a certificate on the path.
    #[error("there is no revocation data for the certificate or an authority above it")]
    RevocationUnknown,
    /// The revocation data for a certificate on the path was to be renewed before now.
    #[error("the revocation data was current until {next_update}")]
    RevocationStale {
        /// Until when it was current.
        next_update: OffsetDateTime,
    },
    /// The revocation data for a certificate on the path was made after now: one of two clocks is wrong.
    #[error("the revocation data is from the future")]
    RevocationFromTheFuture,
    /// The certificate's policies do not give the assurance that the portal asks for.
    #[error("the certificate's policies give assurance {reached}, required is {required}")]
    WrongPolicy {
        /// What they give.
        reached: Assurance,
        /// What the portal asks for.
        required: Assurance,
    },
    /// The certificate does not say which person it speaks of.
    #[error("{0}")]
    HolderUnidentified(HolderIdentityError),
    /// The personal number is one of another country than the anchor's: a trusted authority vouches for the persons of
    /// its own country only, and records are kept under the number.
    #[error("an authority of another country vouches for a personal number of {country}")]
    NumberOfOtherCountry {
        /// The country that the number claims.
        country: String,
    },
}

impl Rejection {
    /// Every code that [`Rejection::code`] can give.
    pub const CODES: [&'static str; 29] = [
        "malformed-assertion",
        "unsupported-format",
        "unsupported-algorithm",
        "challenge-of-other-purpose",
        "challenge-expired",
        "challenge-from-the-future",
        "certificate-malformed",
        "certificate-extension-unknown",
        "certificate-key-unsupported",
        "certificate-of-authority",
        "certificate-not-yet-valid",
        "certificate-expired",
        "wrong-key-usage",
        "wrong-extended-key-usage",
        "unknown-issuer",
        "certificate-signature-invalid",
        "issuer-not-authority",
        "issuer-not-valid-now",
        "path-too-long",
        "algorithm-mismatch",
        "signature-invalid",
        "certificate-revoked",
        "issuer-revoked",
        "revocation-unknown",
        "revocation-stale",
        "revocation-from-the-future",
        "wrong-policy",
        "holder-unidentified",
        "number-of-other-country",
    ];

    /// The stable code, for answers and wording.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MalformedAssertion(_) => "malformed-assertion",
            Self::UnsupportedFormat => "unsupported-format",
            Self::UnsupportedAlgorithm => "unsupported-algorithm",
            Self::ChallengeOfOtherPurpose { .. } => "challenge-of-other-purpose",
            Self::ChallengeExpired => "challenge-expired",
            Self::ChallengeFromTheFuture => "challenge-from-the-future",
            Self::CertificateMalformed(_) => "certificate-malformed",
            Self::CertificateExtensionUnknown(_) => "certificate-extension-unknown",
            Self::CertificateKeyUnsupported(_) => "certificate-key-unsupported",
            Self::CertificateOfAuthority => "certificate-of-authority",
            Self::CertificateNotYetValid { .. } => "certificate-not-yet-valid",
            Self::CertificateExpired { .. } => "certificate-expired",
            Self::WrongKeyUsage => "wrong-key-usage",
            Self::WrongExtendedKeyUsage => "wrong-extended-key-usage",
            Self::UnknownIssuer => "unknown-issuer",
            Self::CertificateSignatureInvalid => "certificate-signature-invalid",
            Self::IssuerNotAuthority => "issuer-not-authority",
            Self::IssuerNotValidNow => "issuer-not-valid-now",
            Self::PathTooLong => "path-too-long",
            Self::AlgorithmMismatch => "algorithm-mismatch",
            Self::SignatureInvalid => "signature-invalid",
            Self::CertificateRevoked(_) => "certificate-revoked",
            Self::IssuerRevoked(_) => "issuer-revoked",
            Self::RevocationUnknown => "revocation-unknown",
            Self::RevocationStale { .. } => "revocation-stale",
            Self::RevocationFromTheFuture => "revocation-from-the-future",
            Self::WrongPolicy { .. } => "wrong-policy",
            Self::HolderUnidentified(_) => "holder-unidentified",
            Self::NumberOfOtherCountry { .. } => "number-of-other-country",
        }
    }
}

impl From<AssertionError> for Rejection {
    fn from(error: AssertionError) -> Self {
        match error {
            AssertionError::Format => Self::UnsupportedFormat,
            AssertionError::Algorithm => Self::UnsupportedAlgorithm,
            other => Self::MalformedAssertion(other),
        }
    }
}

impl From<CertificateError> for Rejection {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::UnknownCriticalExtension(_) => Self::CertificateExtensionUnknown(error),
            CertificateError::PublicKey(_) | CertificateError::UnsupportedAlgorithm => {
                Self::CertificateKeyUnsupported(error)
            }
            other => Self::CertificateMalformed(other),
        }
    }
}

impl Rejection {
    /// The dates come from the certificate that has no path.
    pub(crate) fn of_path(error: PathError, not_before: OffsetDateTime, not_after: OffsetDateTime) -> Self {
        match error {
            PathError::AuthorityAsHolder => Self::CertificateOfAuthority,
            PathError::NotYetValid => Self::CertificateNotYetValid { not_before },
            PathError::Expired => Self::CertificateExpired { not_after },
            PathError::WrongKeyUsage => Self::WrongKeyUsage,
            PathError::WrongExtendedKeyUsage => Self::WrongExtendedKeyUsage,
            PathError::UnknownIssuer => Self::UnknownIssuer,
            PathError::SignatureInvalid => Self::CertificateSignatureInvalid,
            PathError::IssuerNotAuthority => Self::IssuerNotAuthority,
            PathError::IssuerNotValidNow => Self::IssuerNotValidNow,
            PathError::TooLong => Self::PathTooLong,
        }
    }

    pub(crate) fn of_revocation(fault: RevocationFault, is_holder: bool) -> Self {
        match fault {
            RevocationFault::Revoked(revocation) if is_holder => Self::CertificateRevoked(revocation),
            RevocationFault::Revoked(revocation) => Self::IssuerRevoked(revocation),
            RevocationFault::Unknown => Self::RevocationUnknown,
            RevocationFault::Stale { next_update } => Self::RevocationStale { next_update },
            RevocationFault::FromTheFuture { .. } => Self::RevocationFromTheFuture,
        }
    }
}
