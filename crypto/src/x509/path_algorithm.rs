//! Signatures along paths: the algorithms, as path finding takes them, and the signatures that need no second check.
//!
//! Authorities are configuration and their certificates stay the same. Whether one of them signed another is computed
//! once, when the [`super::TrustStore`] is made, so that a sign-in costs two verifications however long the path is.

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use super::algorithm_identifier::{KeyKind, signature_identifier};
use super::certificate::Certificate;
use super::public_key::{Curve, PublicKey};
use crate::bign::Level;
use crate::hash::HashAlgorithm;
use crate::sha2::Sha2;
use crate::signature::SignatureAlgorithm;

/// Signatures that were verified and are recognised octet for octet: message, signature, key and algorithm.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownSignatures(Vec<KnownSignature>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct KnownSignature {
    algorithm: PathAlgorithm,
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

/// An algorithm that computes nothing for a known signature.
#[derive(Debug)]
pub(super) struct RememberingAlgorithm<'a> {
    algorithm: PathAlgorithm,
    known: &'a KnownSignatures,
}

impl KnownSignatures {
    /// Checks whether one of `authorities` signed another, and keeps the signatures that are right. Those that are wrong
    /// are computed, and refused, each time.
    pub(super) fn among(authorities: &[&Certificate]) -> Self {
        let mut known = Vec::new();
        for issued in authorities {
            for issuer in authorities.iter().filter(|issuer| issuer.subject() == issued.issuer()) {
                known.extend(KnownSignature::of(issued, issuer));
            }
        }
        Self(known)
    }

    /// Every algorithm that may occur in a path.
    pub(super) fn algorithms(&self) -> [RememberingAlgorithm<'_>; PATH_ALGORITHMS.len()] {
        PATH_ALGORITHMS.map(|algorithm| RememberingAlgorithm { algorithm, known: self })
    }

    fn has(&self, algorithm: PathAlgorithm, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        self.0.iter().any(|known| {
            known.signature == signature && known.algorithm == algorithm && known.key == key && known.message == message
        })
    }
}

impl KnownSignature {
    fn of(issued: &Certificate, issuer: &Certificate) -> Option<Self> {
        let (kind, key) = issuer.key_octets()?;
        let (message, signature) = (issued.signed_octets(), issued.signature());
        let is_of_both =
            |algorithm: &&PathAlgorithm| algorithm.key == kind && algorithm.signature == issued.signature_algorithm();
        let algorithm = *PATH_ALGORITHMS.iter().find(is_of_both)?;
        algorithm.verify(key, message, signature).ok()?;
        Some(Self { algorithm, key: key.to_vec(), message: message.to_vec(), signature: signature.to_vec() })
    }
}

impl SignatureVerificationAlgorithm for RememberingAlgorithm<'_> {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        if self.known.has(self.algorithm, public_key, message, signature) {
            return Ok(());
        }
        self.algorithm.verify(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.key.identifier()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        signature_identifier(self.algorithm.signature)
    }
}

/// One pair of key kind and signature algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PathAlgorithm {
    key: KeyKind,
    signature: SignatureAlgorithm,
}

impl PathAlgorithm {
    fn verify(self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        PublicKey::from_octets(self.key, public_key)
            .map_err(|_| InvalidSignature)?
            .verify_message(self.signature, message, signature)
            .map_err(|_| InvalidSignature)
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
static PATH_ALGORITHMS: [PathAlgorithm; 18] = [
    bign(Level::L128, HashAlgorithm::BeltHash),
    bign(Level::L192, HashAlgorithm::Bash384),
    bign(Level::L256, HashAlgorithm::Bash512),
    ecdsa(Curve::P256, Sha2::Sha256),
    ecdsa(Curve::P256, Sha2::Sha384),
    ecdsa(Curve::P256, Sha2::Sha512),
    ecdsa(Curve::P384, Sha2::Sha256),
    ecdsa(Curve::P384, Sha2::Sha384),
    ecdsa(Curve::P384, Sha2::Sha512),
    ecdsa(Curve::P521, Sha2::Sha256),
    ecdsa(Curve::P521, Sha2::Sha384),
    ecdsa(Curve::P521, Sha2::Sha512),
    rsa(SignatureAlgorithm::RsaPkcs1(Sha2::Sha256)),
    rsa(SignatureAlgorithm::RsaPkcs1(Sha2::Sha384)),
    rsa(SignatureAlgorithm::RsaPkcs1(Sha2::Sha512)),
    rsa(SignatureAlgorithm::RsaPss(Sha2::Sha256)),
    rsa(SignatureAlgorithm::RsaPss(Sha2::Sha384)),
    rsa(SignatureAlgorithm::RsaPss(Sha2::Sha512)),
];
