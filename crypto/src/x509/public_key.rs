//! Public keys of certificates, and which signatures they check.

use std::fmt;

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::RsaPssSaltlen;

use super::algorithm_identifier::KeyKind;
use super::der_walk::{Cursor, DerError, Value};
use super::tag;
use crate::bign::{self, Level};
use crate::hash::HashAlgorithm;
use crate::sha2::Sha2;
use crate::signature::SignatureAlgorithm;

/// Fewest bits of an RSA modulus.
pub const RSA_MIN_BITS: u32 = 2048;
/// Most bits of an RSA modulus.
pub const RSA_MAX_BITS: u32 = 8192;

/// A public key from a certificate, checked to be one.
#[derive(Debug, Clone)]
pub enum PublicKey {
    /// A Bign key (STB 34.101.45-2013) of any level.
    Bign(bign::PublicKey),
    /// A key on a NIST curve.
    EllipticCurve(EllipticCurveKey),
    /// An RSA key.
    Rsa(RsaKey),
}

/// A curve of NIST SP 800-186.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    /// P-256.
    P256,
    /// P-384.
    P384,
    /// P-521.
    P521,
}

/// A public key on a NIST curve.
#[derive(Debug, Clone)]
pub struct EllipticCurveKey {
    curve: Curve,
    key: EcKey<Public>,
}

/// An RSA public key of [`RSA_MIN_BITS`] to [`RSA_MAX_BITS`] with an odd exponent above 2.
#[derive(Debug, Clone)]
pub struct RsaKey {
    key: PKey<Public>,
    bits: u32,
}

/// Why a SubjectPublicKeyInfo is not usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Not the structure of a SubjectPublicKeyInfo.
    #[error("the public key is malformed: {0}")]
    Der(#[from] DerError),
    /// An algorithm or curve other than those of [`PublicKey`].
    #[error("the public key's algorithm is not supported")]
    UnsupportedAlgorithm,
    /// The octets are no point of the curve, or no acceptable RSA key.
    #[error("the octets are no public key of their algorithm")]
    NotAKey,
}

/// A signature that this key did not make over these octets with this algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerificationError {
    /// Keys of this kind, level or curve do not sign with this algorithm.
    #[error("the algorithm does not fit the key")]
    AlgorithmMismatch,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    WrongSignature,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo that passed the strictness walk.
    pub(super) fn read(info: &Value<'_>) -> Result<Self, PublicKeyError> {
        let mut fields = info.inside();
        let algorithm = fields.expect(tag::SEQUENCE)?;
        let octets = bit_string_octets(&fields.expect(tag::BIT_STRING)?).ok_or(PublicKeyError::NotAKey)?;
        fields.end()?;
        let kind = KeyKind::of_identifier(algorithm.contents).ok_or(PublicKeyError::UnsupportedAlgorithm)?;
        Self::from_octets(kind, octets)
    }

    /// Reads the octets of the BIT STRING in a SubjectPublicKeyInfo.
    pub(super) fn from_octets(kind: KeyKind, octets: &[u8]) -> Result<Self, PublicKeyError> {
        match kind {
            KeyKind::Bign(level) => bign::PublicKey::from_octets(octets)
                .ok()
                .filter(|key| key.level() == level)
                .map(Self::Bign)
                .ok_or(PublicKeyError::NotAKey),
            KeyKind::EllipticCurve(curve) => EllipticCurveKey::read(curve, octets).map(Self::EllipticCurve),
            KeyKind::Rsa => RsaKey::read(octets).map(Self::Rsa),
        }
    }

    /// The one algorithm that this key signs assertions with, where the key fixes it: RSA keys do not.
    #[must_use]
    pub fn assertion_algorithm(&self) -> Option<SignatureAlgorithm> {
        match self {
            Self::Bign(key) => Some(SignatureAlgorithm::Bign(HashAlgorithm::of_level(key.level()))),
            Self::EllipticCurve(key) => Some(SignatureAlgorithm::Ecdsa(key.curve.hash_function())),
            Self::Rsa(_) => None,
        }
    }

    /// Checks a signature over a message as X.509 writes it: raw for Bign and RSA, `ECDSA-Sig-Value` for ECDSA
    /// (RFC 3279, clause 2.2.3).
    ///
    /// # Errors
    /// [`VerificationError`].
    pub fn verify_message(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerificationError> {
        self.verify_message_hash(algorithm, &algorithm.hash(&[message]), signature)
    }

    /// The same for whoever has hashed the message already, with the algorithm's hash function.
    pub(crate) fn verify_message_hash(
        &self,
        algorithm: SignatureAlgorithm,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), VerificationError> {
        match (self, algorithm) {
            (Self::EllipticCurve(key), SignatureAlgorithm::Ecdsa(_)) => {
                let parsed = EcdsaSig::from_der(signature).map_err(|_| VerificationError::WrongSignature)?;
                // OpenSSL reads BER; the octets it would write are the only ones accepted.
                if parsed.to_der().is_ok_and(|der| der == signature) { key.verify(hash, &parsed) } else { wrong() }
            }
            _ => self.verify_hash(algorithm, hash, signature),
        }
    }

    /// The signature of a card in the form that X.509 and CMS write: ECDSA's r ‖ s becomes `ECDSA-Sig-Value`.
    pub(crate) fn signature_to_der(&self, signature: &[u8]) -> Result<Vec<u8>, VerificationError> {
        match self {
            Self::EllipticCurve(key) => key.split(signature)?.to_der().map_err(|_| VerificationError::WrongSignature),
            Self::Bign(_) | Self::Rsa(_) => Ok(signature.to_vec()),
        }
    }

    /// Checks a signature over a hash value as assertions write it: raw for Bign and RSA, r ‖ s of the curve's size
    /// for ECDSA (RFC 7518, clause 3.4).
    ///
    /// # Errors
    /// [`VerificationError`].
    pub fn verify_hash(
        &self,
        algorithm: SignatureAlgorithm,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), VerificationError> {
        match (self, algorithm) {
            (Self::Bign(key), SignatureAlgorithm::Bign(with)) if key.level() == with.level() => {
                key.verify(with, hash, signature).map_err(|_| VerificationError::WrongSignature)
            }
            (Self::EllipticCurve(key), SignatureAlgorithm::Ecdsa(_)) => key.verify(hash, &key.split(signature)?),
            (Self::Rsa(key), SignatureAlgorithm::RsaPkcs1(sha)) => key.verify(Padding::PKCS1, sha, hash, signature),
            (Self::Rsa(key), SignatureAlgorithm::RsaPss(sha)) => key.verify(Padding::PKCS1_PSS, sha, hash, signature),
            _ => Err(VerificationError::AlgorithmMismatch),
        }
    }
}

/// For people and reports: `bign-curve256v1`, `P-256`, `RSA 2048 bits`.
impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bign(key) => formatter.write_str(match key.level() {
                Level::L128 => "bign-curve256v1",
                Level::L192 => "bign-curve384v1",
                Level::L256 => "bign-curve512v1",
            }),
            Self::EllipticCurve(key) => formatter.write_str(match key.curve {
                Curve::P256 => "P-256",
                Curve::P384 => "P-384",
                Curve::P521 => "P-521",
            }),
            Self::Rsa(key) => write!(formatter, "RSA {} bits", key.bits),
        }
    }
}

impl Curve {
    /// The hash function that RFC 7518 pairs with the curve.
    #[must_use]
    pub const fn hash_function(self) -> Sha2 {
        match self {
            Self::P256 => Sha2::Sha256,
            Self::P384 => Sha2::Sha384,
            Self::P521 => Sha2::Sha512,
        }
    }

    /// Octets of a coordinate and of each half of a signature.
    const fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn group(self) -> Result<EcGroup, ErrorStack> {
        EcGroup::from_curve_name(match self {
            Self::P256 => Nid::X9_62_PRIME256V1,
            Self::P384 => Nid::SECP384R1,
            Self::P521 => Nid::SECP521R1,
        })
    }
}

impl EllipticCurveKey {
    /// The curve.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// An uncompressed point (SEC 1, clause 2.3.4), checked to be on the curve.
    fn read(curve: Curve, octets: &[u8]) -> Result<Self, PublicKeyError> {
        const UNCOMPRESSED: u8 = 0x04;
        if octets.len() != 1 + 2 * curve.size() || octets.first() != Some(&UNCOMPRESSED) {
            return Err(PublicKeyError::NotAKey);
        }
        let read = || -> Result<EcKey<Public>, ErrorStack> {
            let group = curve.group()?;
            let mut context = BigNumContext::new()?;
            let point = EcPoint::from_bytes(&group, octets, &mut context)?;
            let key = EcKey::from_public_key(&group, &point)?;
            key.check_key()?;
            Ok(key)
        };
        read().map(|key| Self { curve, key }).map_err(|_| PublicKeyError::NotAKey)
    }

    /// r ‖ s, each as long as a coordinate.
    fn split(&self, signature: &[u8]) -> Result<EcdsaSig, VerificationError> {
        let (r, s) = signature
            .split_at_checked(self.curve.size())
            .filter(|(_, s)| s.len() == self.curve.size())
            .ok_or(VerificationError::WrongSignature)?;
        BigNum::from_slice(r)
            .and_then(|r| EcdsaSig::from_private_components(r, BigNum::from_slice(s)?))
            .map_err(|_| VerificationError::WrongSignature)
    }

    fn verify(&self, hash: &[u8], signature: &EcdsaSig) -> Result<(), VerificationError> {
        if signature.verify(hash, &self.key).unwrap_or(false) { Ok(()) } else { wrong() }
    }
}

impl RsaKey {
    /// Bits of the modulus.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// An RSAPublicKey (RFC 8017, appendix A.1.1).
    fn read(octets: &[u8]) -> Result<Self, PublicKeyError> {
        let mut numbers = Cursor::new(octets).expect(tag::SEQUENCE)?.inside();
        let modulus = positive_number(&numbers.expect(tag::INTEGER)?)?;
        let exponent = positive_number(&numbers.expect(tag::INTEGER)?)?;
        numbers.end()?;
        super::der_walk::check(octets)?;
        let bits = u32::try_from(modulus.num_bits()).map_err(|_| PublicKeyError::NotAKey)?;
        let is_acceptable = (RSA_MIN_BITS..=RSA_MAX_BITS).contains(&bits)
            && modulus.is_bit_set(0)
            && exponent.is_bit_set(0)
            && (2..=64).contains(&exponent.num_bits());
        if !is_acceptable {
            return Err(PublicKeyError::NotAKey);
        }
        Rsa::from_public_components(modulus, exponent)
            .and_then(PKey::from_rsa)
            .map(|key| Self { key, bits })
            .map_err(|_| PublicKeyError::NotAKey)
    }

    fn verify(&self, padding: Padding, sha: Sha2, hash: &[u8], signature: &[u8]) -> Result<(), VerificationError> {
        let verified = || -> Result<bool, ErrorStack> {
            let mut context = PkeyCtx::new(&self.key)?;
            context.verify_init()?;
            context.set_rsa_padding(padding)?;
            context.set_signature_md(sha.message_digest())?;
            if padding == Padding::PKCS1_PSS {
                context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
            }
            context.verify(hash, signature)
        };
        if verified().unwrap_or(false) { Ok(()) } else { wrong() }
    }
}

const fn wrong() -> Result<(), VerificationError> {
    Err(VerificationError::WrongSignature)
}

/// The octets of a BIT STRING whose bits are whole octets.
pub(super) fn bit_string_octets<'a>(value: &Value<'a>) -> Option<&'a [u8]> {
    value.contents.split_first().and_then(|(unused, octets)| (*unused == 0).then_some(octets))
}

fn positive_number(value: &Value<'_>) -> Result<BigNum, PublicKeyError> {
    if value.contents.first().is_none_or(|first| first & 0x80 != 0) {
        return Err(PublicKeyError::NotAKey);
    }
    BigNum::from_slice(value.contents).map_err(|_| PublicKeyError::NotAKey)
}
