//! Private keys at level 128: constant time, by the arithmetic of `bignp256`.

use std::fmt;

use bignp256::elliptic_curve::PrimeField;
use bignp256::elliptic_curve::ops::Reduce;
use bignp256::{FieldBytes, NonZeroScalar, ProjectivePoint, Scalar};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::belt;
use crate::hash::HashAlgorithm;
use crate::octets::{join, split};
use crate::secret::BeltKey;

/// Octets of a private key at level 128.
pub const PRIVATE_KEY_SIZE: usize = 32;
/// Octets of a public key at level 128: x ‖ y.
pub const PUBLIC_KEY_SIZE: usize = 64;
/// Octets of a signature at level 128: s0 ‖ s1.
pub const SIGNATURE_SIZE: usize = 48;

/// A private key of bign-curve256v1. Wiped on drop, unprintable, not cloneable.
pub struct PrivateKey {
    d: Zeroizing<NonZeroScalar>,
    public_key: [u8; PUBLIC_KEY_SIZE],
}

impl PrivateKey {
    /// Draws a private key: 1 ≤ d < q (clause 6.2.2).
    #[must_use]
    pub fn generate(random: &mut dyn CryptoRng) -> Self {
        Self::new(random_scalar(random))
    }

    /// Reads a private key of 32 octets, little-endian. `None` unless 1 ≤ d < q.
    #[must_use]
    pub fn from_octets(octets: &[u8; PRIVATE_KEY_SIZE]) -> Option<Self> {
        scalar(octets).map(Self::new)
    }

    fn new(d: Zeroizing<NonZeroScalar>) -> Self {
        let public_key = point_of(&d);
        Self { d, public_key }
    }

    /// The private key, little-endian, for storage in a protected container.
    #[must_use]
    pub fn expose_octets(&self) -> Zeroizing<[u8; PRIVATE_KEY_SIZE]> {
        Zeroizing::new(self.d.to_repr().into())
    }

    /// The public key Q = dG: x ‖ y, each 32 octets little-endian.
    #[must_use]
    pub const fn public_key(&self) -> [u8; PUBLIC_KEY_SIZE] {
        self.public_key
    }

    /// Signs a belt-hash value (bign-sign, clause 7.1.3) with the one-time k that bign-genk makes of the key and the
    /// hash value (clause 6.3.3).
    #[must_use]
    pub fn sign_hash(&self, hash: &[u8; belt::HASH_SIZE]) -> [u8; SIGNATURE_SIZE] {
        self.sign_hash_with(hash, &[])
    }

    /// The same with additional octets t of clause 6.3.3, so that one hash value may have many signatures.
    #[must_use]
    pub fn sign_hash_with(&self, hash: &[u8; belt::HASH_SIZE], additional: &[u8]) -> [u8; SIGNATURE_SIZE] {
        let k = self.one_time_key(hash, additional);
        let oid = HashAlgorithm::BeltHash.oid_der();
        let r = point_of(&k);
        let (x, _) = r.split_at(r.len() / 2);
        let (s0, _) = split::<16, 16>(&belt::hash(&[oid, x, hash]));
        let s1 = self.response(&k, &s0) - Scalar::reduce(&FieldBytes::from(*hash));
        join(&s0, &s1.to_repr())
    }

    /// bign-genk (clause 6.3.3): belt-wblock of the hash value under a key made of d, until the result is below q.
    fn one_time_key(&self, hash: &[u8; belt::HASH_SIZE], additional: &[u8]) -> Zeroizing<NonZeroScalar> {
        let oid = HashAlgorithm::BeltHash.oid_der();
        let theta = BeltKey::new(belt::hash(&[oid, &*self.expose_octets(), additional]));
        let mut k = Zeroizing::new(*hash);
        loop {
            belt::wide_block_encrypt(&theta, &mut k);
            if let Some(k) = scalar(&k) {
                return k;
            }
        }
    }

    /// (k − (2^ℓ + t)·d) mod q: shows who knows kG and Q that the key is here, for a one-time k and a challenge t.
    pub(crate) fn response(&self, k: &NonZeroScalar, challenge: &[u8; 16]) -> Scalar {
        let mut number = FieldBytes::default();
        for (to, from) in number.iter_mut().zip(challenge.iter().chain(&[1])) {
            *to = *from;
        }
        **k - Scalar::reduce(&number) * **self.d
    }

    /// d, for the secret-key computations of this crate.
    pub(crate) fn expose_scalar(&self) -> &NonZeroScalar {
        &self.d
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("hidden")
    }
}

/// Draws 1 ≤ u < q by rejection, 32 octets little-endian at a time.
pub(crate) fn random_scalar(random: &mut dyn CryptoRng) -> Zeroizing<NonZeroScalar> {
    loop {
        let mut octets = Zeroizing::new([0; 32]);
        random.fill_bytes(octets.as_mut_slice());
        if let Some(scalar) = scalar(&octets) {
            return scalar;
        }
    }
}

fn scalar(octets: &[u8; 32]) -> Option<Zeroizing<NonZeroScalar>> {
    let repr = Zeroizing::new(FieldBytes::from(*octets));
    let scalar = Zeroizing::new(Scalar::from_repr(*repr).into_option()?);
    NonZeroScalar::new(*scalar).into_option().map(Zeroizing::new)
}

/// The point that a secret multiple of G is: x ‖ y.
pub(crate) fn point_of(scalar: &NonZeroScalar) -> [u8; PUBLIC_KEY_SIZE] {
    encoded(&bignp256::PublicKey::from_secret_scalar(scalar))
}

/// The x of a secret multiple of a public point. Such a multiple is never O, since the curve's order is prime.
pub(crate) fn x_of_multiple(scalar: &NonZeroScalar, point: &ProjectivePoint) -> Option<BeltKey> {
    let multiple = Zeroizing::new(*point * **scalar);
    let multiple = bignp256::PublicKey::from_affine(multiple.to_affine()).ok()?;
    let octets = Zeroizing::new(encoded(&multiple));
    let (x, _) = split::<32, 32>(&*octets);
    Some(BeltKey::new(x))
}

/// x ‖ y of a point.
pub(crate) fn encoded(point: &bignp256::PublicKey) -> [u8; PUBLIC_KEY_SIZE] {
    let mut octets = point.to_bytes().into_iter();
    std::array::from_fn(|_| octets.next().unwrap_or_default())
}
