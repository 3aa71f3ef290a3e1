//! Arithmetic of BPACE: STB 34.101.66-2014, clause 7.6, at level 128, as profiled by STB 34.101.79.
//!
//! Party A is the card, party B the client program. Each role is a chain of values consumed step by step, so that a
//! one-time value can be used once only. The two roles share the equations of the standard (masking, point W, keys),
//! not their sequences; each is checked against transcripts made elsewhere.

use bignp256::elliptic_curve::group::Group;
use bignp256::{NonZeroScalar, ProjectivePoint, PublicKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::octets::{join, split};
use crate::secret::{BeltKey, SecretOctets};
use crate::{bake, belt, bign};

/// Octets of message M1: Y_B.
pub const M1_SIZE: usize = 16;
/// Octets of message M2: Y_A ‖ ⟨V_A⟩.
pub const M2_SIZE: usize = 80;
/// Octets of message M3: ⟨V_B⟩ ‖ T_B.
pub const M3_SIZE: usize = 72;
/// Octets of message M4: T_A.
pub const M4_SIZE: usize = 8;

const POINT_SIZE: usize = 64;
const T_A_INPUT: [u8; 16] = [0x00; 16];
const T_B_INPUT: [u8; 16] = [0xFF; 16];

/// Why a BPACE run ended without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BpaceError {
    /// The peer's point is not on the curve.
    #[error("the peer's point is not on bign-curve256v1")]
    InvalidPoint,
    /// The peer's key confirmation differs: another password or another hello on the card's side, a protocol fault
    /// on the client's.
    #[error("the peer's key confirmation is wrong")]
    KeyConfirmation,
}

/// The password key K2 = belt-hash(password digits as ASCII): no salt, no padding.
#[must_use]
pub fn password_key(digits: &[u8]) -> BeltKey {
    BeltKey::new(belt::hash(&[digits]))
}

/// The session key K0 that both parties hold after BPACE.
pub type SessionKey = BeltKey;

/// Client program, before M1.
pub struct ClientStart {
    password_key: BeltKey,
    r_b: SecretOctets<16>,
}

impl ClientStart {
    /// Draws R_B and gives M1 = belt-ecb(R_B, K2).
    #[must_use]
    pub fn new(password_key: BeltKey, random: &mut dyn CryptoRng) -> (Self, [u8; M1_SIZE]) {
        let r_b = random_octets(random);
        let m1 = belt::encrypt_block(&password_key, r_b.expose());
        (Self { password_key, r_b }, m1)
    }

    /// Takes M2 and gives M3. `hello_b` is the client's hello of the card's edition.
    ///
    /// # Errors
    /// [`BpaceError::InvalidPoint`] if V_A is not on the curve.
    pub fn receive_m2(
        self,
        m2: &[u8; M2_SIZE],
        hello_b: &[u8],
        random: &mut dyn CryptoRng,
    ) -> Result<(ClientConfirming, [u8; M3_SIZE]), BpaceError> {
        let (y_a, v_a) = split::<16, POINT_SIZE>(m2);
        let v_a = point(&v_a)?;
        let r_a = SecretOctets::new(belt::decrypt_block(&self.password_key, &y_a));
        let w = masked_generator(&r_a, &self.r_b)?;
        let u_b = bign::random_scalar(random);
        let v_b = times(&u_b, &w)?;
        let shared = times(&u_b, &v_a.to_projective())?;
        let keys = Keys::derive(&shared, &v_a, &v_b, hello_b);
        let t_b = belt::mac(&keys.k1, &[&T_B_INPUT]);
        let m3 = join::<M3_SIZE>(&bign::encoded(&v_b), &t_b);
        Ok((ClientConfirming { keys }, m3))
    }
}

/// Client program, between M3 and M4.
pub struct ClientConfirming {
    keys: Keys,
}

impl ClientConfirming {
    /// Checks M4 = T_A and gives the session key.
    ///
    /// # Errors
    /// [`BpaceError::KeyConfirmation`] if the card does not hold the same key.
    pub fn receive_m4(self, m4: &[u8; M4_SIZE]) -> Result<SessionKey, BpaceError> {
        if belt::mac_is(&self.keys.k1, &[&T_A_INPUT], m4) { Ok(self.keys.k0) } else { Err(BpaceError::KeyConfirmation) }
    }
}

/// Card, between M2 and M3.
pub struct CardWaiting {
    u_a: Zeroizing<NonZeroScalar>,
    w: Zeroizing<ProjectivePoint>,
    v_a: PublicKey,
}

impl CardWaiting {
    /// Takes M1 and gives M2 = belt-ecb(R_A, K2) ‖ ⟨V_A⟩.
    ///
    /// # Errors
    /// [`BpaceError::InvalidPoint`] if W is the point at infinity (probability about 2^-255).
    pub fn receive_m1(
        password_key: &BeltKey,
        m1: &[u8; M1_SIZE],
        random: &mut dyn CryptoRng,
    ) -> Result<(Self, [u8; M2_SIZE]), BpaceError> {
        let r_b = SecretOctets::new(belt::decrypt_block(password_key, m1));
        let r_a = random_octets(random);
        let y_a = belt::encrypt_block(password_key, r_a.expose());
        let w = masked_generator(&r_a, &r_b)?;
        let u_a = bign::random_scalar(random);
        let v_a = times(&u_a, &w)?;
        let m2 = join::<M2_SIZE>(&y_a, &bign::encoded(&v_a));
        Ok((Self { u_a, w, v_a }, m2))
    }

    /// Checks M3 and gives M4 and the session key. `hello_b` is what this card's edition takes from MSE:Set AT.
    ///
    /// # Errors
    /// Either error is a failed password presentation.
    pub fn receive_m3(self, m3: &[u8; M3_SIZE], hello_b: &[u8]) -> Result<([u8; M4_SIZE], SessionKey), BpaceError> {
        let (v_b, t_b) = split::<POINT_SIZE, 8>(m3);
        let v_b = point(&v_b)?;
        let shared = times(&self.u_a, &v_b.to_projective())?;
        let keys = Keys::derive(&shared, &self.v_a, &v_b, hello_b);
        if !belt::mac_is(&keys.k1, &[&T_B_INPUT], &t_b) {
            return Err(BpaceError::KeyConfirmation);
        }
        Ok((belt::mac(&keys.k1, &[&T_A_INPUT]), keys.k0))
    }

    /// The point W, for tests against published intermediate values.
    #[doc(hidden)]
    #[must_use]
    pub fn w(&self) -> Option<[u8; POINT_SIZE]> {
        PublicKey::from_affine(self.w.to_affine()).ok().map(|w| bign::encoded(&w))
    }
}

/// K0 (the session key) and K1 (key confirmation).
struct Keys {
    k0: SessionKey,
    k1: BeltKey,
}

impl Keys {
    /// S = ⟨V_A⟩_2ℓ ‖ ⟨V_B⟩_2ℓ ‖ hello_A ‖ hello_B with an empty hello_A; K_i = bake-kdf(⟨K⟩_2ℓ, S, i).
    fn derive(shared: &PublicKey, v_a: &PublicKey, v_b: &PublicKey, hello_b: &[u8]) -> Self {
        let secret = Zeroizing::new(x_of(shared));
        let (x_a, x_b) = (x_of(v_a), x_of(v_b));
        let salt: [&[u8]; 3] = [&x_a, &x_b, hello_b];
        Self { k0: bake::kdf(&*secret, &salt, 0), k1: bake::kdf(&*secret, &salt, 1) }
    }
}

/// W = bake-swu(R_A ‖ R_B).
fn masked_generator(r_a: &SecretOctets<16>, r_b: &SecretOctets<16>) -> Result<Zeroizing<ProjectivePoint>, BpaceError> {
    let secret = SecretOctets::new(join::<32>(r_a.expose(), r_b.expose()));
    let w = bake::swu(secret.expose()).map(Zeroizing::new).ok_or(BpaceError::InvalidPoint)?;
    if w.is_identity().into() { Err(BpaceError::InvalidPoint) } else { Ok(w) }
}

fn times(scalar: &NonZeroScalar, base: &ProjectivePoint) -> Result<PublicKey, BpaceError> {
    PublicKey::from_affine((*base * **scalar).to_affine()).map_err(|_| BpaceError::InvalidPoint)
}

fn point(octets: &[u8; POINT_SIZE]) -> Result<PublicKey, BpaceError> {
    PublicKey::from_bytes(octets).map_err(|_| BpaceError::InvalidPoint)
}

fn x_of(point: &PublicKey) -> [u8; 32] {
    split::<32, 32>(&bign::encoded(point)).0
}

fn random_octets(random: &mut dyn CryptoRng) -> SecretOctets<16> {
    let mut octets = Zeroizing::new([0; 16]);
    random.fill_bytes(octets.as_mut_slice());
    SecretOctets::new(*octets)
}
