//! Algorithm identifiers: exactly the encodings that the standards prescribe, compared octet by octet.

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};

use super::public_key::{Curve, PublicKey};
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
    const fn identifier(self) -> AlgorithmIdentifier {
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

/// One pair of key kind and signature algorithm, as path finding takes them.
#[derive(Debug)]
pub(super) struct PathAlgorithm {
    key: KeyKind,
    signature: SignatureAlgorithm,
}

impl SignatureVerificationAlgorithm for PathAlgorithm {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        PublicKey::from_octets(self.key, public_key)
            .map_err(|_| InvalidSignature)?
            .verify_message(self.signature, message, signature)
            .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key.identifier()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        signature_identifier(self.signature)
    }
}

const fn bign(level: Level, hash: HashAlgorithm) -> PathAlgorithm {
    PathAlgorithm { key: KeyKind::Bign(level), signature: SignatureAlgorithm::Bign(hash) }
}

const fn ecdsa(curve: Curve, hash: Sha2) -> PathAlgorithm {
    PathAlgorithm { key: KeyKind::EllipticCurve(curve), signature: SignatureAlgorithm::Ecdsa(hash) }
}

const fn rsa(signature: SignatureAlgorithm) -> PathAlgorithm {
    PathAlgorithm { key: KeyKind::Rsa, signature }
}

/// Every pair that may occur in a path. A Bign level has one hash function; an ECDSA authority may use any of SHA-2.
pub(super) static PATH_ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    &bign(Level::L128, HashAlgorithm::BeltHash),
    &bign(Level::L192, HashAlgorithm::Bash384),
    &bign(Level::L256, HashAlgorithm::Bash512),
    &ecdsa(Curve::P256, Sha2::Sha256),
    &ecdsa(Curve::P256, Sha2::Sha384),
    &ecdsa(Curve::P256, Sha2::Sha512),
    &ecdsa(Curve::P384, Sha2::Sha256),
    &ecdsa(Curve::P384, Sha2::Sha384),
    &ecdsa(Curve::P384, Sha2::Sha512),
    &ecdsa(Curve::P521, Sha2::Sha256),
    &ecdsa(Curve::P521, Sha2::Sha384),
    &ecdsa(Curve::P521, Sha2::Sha512),
    &rsa(SignatureAlgorithm::RsaPkcs1(Sha2::Sha256)),
    &rsa(SignatureAlgorithm::RsaPkcs1(Sha2::Sha384)),
    &rsa(SignatureAlgorithm::RsaPkcs1(Sha2::Sha512)),
    &rsa(SignatureAlgorithm::RsaPss(Sha2::Sha256)),
    &rsa(SignatureAlgorithm::RsaPss(Sha2::Sha384)),
    &rsa(SignatureAlgorithm::RsaPss(Sha2::Sha512)),
];

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
