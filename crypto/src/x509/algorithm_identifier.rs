//! Algorithm identifiers: exactly the encodings that the standards prescribe, compared octet by octet.

use rustls_pki_types::{AlgorithmIdentifier, alg_id};

use super::public_key::Curve;
use crate::bign::Level;
use crate::hash::HashAlgorithm;
use crate::sha2::Sha2;
use crate::signature::SignatureAlgorithm;

/// The algorithm of a public key, curve included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    Bign(Level),
    EllipticCurve(Curve),
    Rsa,
}

impl KeyKind {
    const ALL: [Self; 7] = [
        Self::Bign(Level::L128),
        Self::Bign(Level::L192),
        Self::Bign(Level::L256),
        Self::EllipticCurve(Curve::P256),
        Self::EllipticCurve(Curve::P384),
        Self::EllipticCurve(Curve::P521),
        Self::Rsa,
    ];

    /// The kind that these contents of an AlgorithmIdentifier stand for.
    pub(super) fn of_identifier(contents: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.identifier().as_ref() == contents)
    }

    /// The contents of the AlgorithmIdentifier. Bign: OID bign-pubkey and the curve's OID (STB 34.101.45-2013, annex D).
    pub(super) const fn identifier(self) -> AlgorithmIdentifier {
        match self {
            Self::Bign(Level::L128) => BIGN_CURVE_256,
            Self::Bign(Level::L192) => BIGN_CURVE_384,
            Self::Bign(Level::L256) => BIGN_CURVE_512,
            Self::EllipticCurve(Curve::P256) => alg_id::ECDSA_P256,
            Self::EllipticCurve(Curve::P384) => alg_id::ECDSA_P384,
            Self::EllipticCurve(Curve::P521) => alg_id::ECDSA_P521,
            Self::Rsa => alg_id::RSA_ENCRYPTION,
        }
    }
}

/// The signature algorithm that these contents of an AlgorithmIdentifier stand for.
pub(crate) fn signature_algorithm(contents: &[u8]) -> Option<SignatureAlgorithm> {
    SignatureAlgorithm::ALL.into_iter().find(|algorithm| signature_identifier(*algorithm).as_ref() == contents)
}

/// The contents of the AlgorithmIdentifier.
pub(crate) const fn signature_identifier(algorithm: SignatureAlgorithm) -> AlgorithmIdentifier {
    match algorithm {
        SignatureAlgorithm::Bign(HashAlgorithm::BeltHash) => BIGN_WITH_HBELT,
        SignatureAlgorithm::Bign(HashAlgorithm::Bash384) => BIGN_WITH_BASH384,
        SignatureAlgorithm::Bign(HashAlgorithm::Bash512) => BIGN_WITH_BASH512,
        SignatureAlgorithm::Ecdsa(Sha2::Sha256) => alg_id::ECDSA_SHA256,
        SignatureAlgorithm::Ecdsa(Sha2::Sha384) => alg_id::ECDSA_SHA384,
        SignatureAlgorithm::Ecdsa(Sha2::Sha512) => alg_id::ECDSA_SHA512,
        SignatureAlgorithm::RsaPkcs1(Sha2::Sha256) => alg_id::RSA_PKCS1_SHA256,
        SignatureAlgorithm::RsaPkcs1(Sha2::Sha384) => alg_id::RSA_PKCS1_SHA384,
        SignatureAlgorithm::RsaPkcs1(Sha2::Sha512) => alg_id::RSA_PKCS1_SHA512,
        SignatureAlgorithm::RsaPss(Sha2::Sha256) => alg_id::RSA_PSS_SHA256,
        SignatureAlgorithm::RsaPss(Sha2::Sha384) => alg_id::RSA_PSS_SHA384,
        SignatureAlgorithm::RsaPss(Sha2::Sha512) => alg_id::RSA_PSS_SHA512,
    }
}

/// 1.2.112.0.2.0.34.101.45.2.1 with 1.2.112.0.2.0.34.101.45.3.1.
const BIGN_CURVE_256: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(
    b"\x06\x0A\x2A\x70\x00\x02\x00\x22\x65\x2D\x02\x01\x06\x0A\x2A\x70\x00\x02\x00\x22\x65\x2D\x03\x01",
);
/// 1.2.112.0.2.0.34.101.45.2.1 with 1.2.112.0.2.0.34.101.45.3.2.
const BIGN_CURVE_384: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(
    b"\x06\x0A\x2A\x70\x00\x02\x00\x22\x65\x2D\x02\x01\x06\x0A\x2A\x70\x00\x02\x00\x22\x65\x2D\x03\x02",
);
/// 1.2.112.0.2.0.34.101.45.2.1 with 1.2.112.0.2.0.34.101.45.3.3.
const BIGN_CURVE_512: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(
    b"\x06\x0A\x2A\x70\x00\x02\x00\x22\x65\x2D\x02\x01\x06\x0A\x2A\x70\x00\x02\x00\x22\x65\x2D\x03\x03",
);
/// 1.2.112.0.2.0.34.101.45.12 with NULL.
const BIGN_WITH_HBELT: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(b"\x06\x09\x2A\x70\x00\x02\x00\x22\x65\x2D\x0C\x05\x00");
/// 1.2.112.0.2.0.34.101.45.14 with NULL.
const BIGN_WITH_BASH384: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(b"\x06\x09\x2A\x70\x00\x02\x00\x22\x65\x2D\x0E\x05\x00");
/// 1.2.112.0.2.0.34.101.45.15 with NULL.
const BIGN_WITH_BASH512: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(b"\x06\x09\x2A\x70\x00\x02\x00\x22\x65\x2D\x0F\x05\x00");
