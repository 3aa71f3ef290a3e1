//! Arithmetic of BAUTH: STB 34.101.79-2019, clause on BAUTH, with its errata of 2020, at level 128.
//!
//! The terminal proves that it has the private key of its certificate; in the bilateral mode the card does so too. Each
//! role is a chain of values consumed step by step, so that a one-time value can be used once only. The two roles share
//! the equations of the standard (keys, challenge), not their sequences; each is checked against transcripts made
//! elsewhere. The card's hello is always empty, so that only the terminal's enters the keys.

use bignp256::NonZeroScalar;
use bignp256::elliptic_curve::PrimeField;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::bign::{self, PUBLIC_KEY_SIZE, PrivateKey, PublicKey};
use crate::octets::{join, split};
use crate::secret::{BeltKey, SecretOctets};
use crate::{bake, belt};

/// Octets of message M1: ⟨V⟩ ‖ Y.
pub const M1_SIZE: usize = 96;
/// Octets of message M2 in the unilateral mode: T_T.
pub const M2_UNILATERAL_SIZE: usize = 8;
/// Octets of message M2 in the bilateral mode: T_T ‖ R_T.
pub const M2_BILATERAL_SIZE: usize = 24;
/// Octets by which message M3 of the bilateral mode, Z ‖ T_CT, is longer than the card's certificate.
pub const M3_OVERHEAD: usize = RESPONSE_SIZE + belt::MAC_SIZE;
/// Octets of what a terminal keeps between M2 and M3.
pub const TERMINAL_CONFIRMING_SIZE: usize = 3 * 32 + PUBLIC_KEY_SIZE + CHALLENGE_SIZE;

const RESPONSE_SIZE: usize = 32;
const CHALLENGE_SIZE: usize = 16;
const T_T_INPUT: [u8; 16] = [0x00; 16];
const Z_INITIAL_VALUE: [u8; belt::BLOCK_SIZE] = [0x00; belt::BLOCK_SIZE];
const Y_HEADER: [u8; belt::KEYWRAP_HEADER_SIZE] = [0x00; belt::KEYWRAP_HEADER_SIZE];

/// Who proves himself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The terminal to the card.
    Unilateral,
    /// Terminal and card to each other.
    Bilateral,
}

/// Why a BAUTH run ended without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BauthError {
    /// A point, the peer's in a message or the one of its key, is not on the curve.
    #[error("the point is not on bign-curve256v1")]
    InvalidPoint,
    /// Y of M1 does not open: it was altered, or the card used the key of another terminal.
    #[error("the card's token is not for this terminal")]
    Token,
    /// The peer's key confirmation differs: another key or another hello on one of the sides, or an altered message.
    #[error("the peer's key confirmation is wrong")]
    KeyConfirmation,
    /// The card's certificate is not accepted.
    #[error("the card's certificate is not accepted")]
    Certificate,
    /// The card has not the private key of its certificate.
    #[error("the card does not prove the key of its certificate")]
    Signature,
    /// A message of a length that it cannot have.
    #[error("a message of an impossible length")]
    Malformed,
    /// The terminal's own key cannot be used now: what holds it does not answer.
    #[error("the terminal's key cannot be used")]
    KeyUnavailable,
}

/// The session key K0 that both parties hold after BAUTH.
pub type SessionKey = BeltKey;

/// Card, between M1 and M2.
pub struct CardWaiting {
    r: SecretOctets<16>,
    u: Zeroizing<NonZeroScalar>,
    v: [u8; PUBLIC_KEY_SIZE],
}

impl CardWaiting {
    /// Draws R and u for the terminal whose certificate, with this key, was accepted, and gives
    /// M1 = ⟨uG⟩ ‖ belt-keywrap(R, 0, ⟨u·Q_T⟩).
    ///
    /// # Errors
    /// [`BauthError::InvalidPoint`] if the key is no point of the curve.
    pub fn start(
        terminal_key: &[u8; PUBLIC_KEY_SIZE],
        random: &mut dyn CryptoRng,
    ) -> Result<(Self, [u8; M1_SIZE]), BauthError> {
        let q_t = bignp256::PublicKey::from_bytes(terminal_key).map_err(|_| BauthError::InvalidPoint)?;
        let mut r = Zeroizing::new([0; 16]);
        random.fill_bytes(r.as_mut_slice());
        let u = bign::random_scalar(random);
        let v = bign::point_of(&u);
        let k = bign::x_of_multiple(&u, &q_t.to_projective()).ok_or(BauthError::InvalidPoint)?;
        let y = belt::keywrap(r.as_slice(), &Y_HEADER, &k).map_err(|_| BauthError::Token)?;
        Ok((Self { r: SecretOctets::new(*r), u, v }, join(&v, &y)))
    }

    /// Checks M2 = T_T of the unilateral mode and gives the session key. `hello_t` is the terminal's hello of the
    /// card's edition.
    ///
    /// # Errors
    /// [`BauthError::KeyConfirmation`] if the terminal does not hold the same key.
    pub fn receive_unilateral_m2(
        self,
        m2: &[u8; M2_UNILATERAL_SIZE],
        hello_t: &[u8],
    ) -> Result<SessionKey, BauthError> {
        Keys::derive(&self.r, &[hello_t]).confirmed_by_terminal(m2).map(|keys| keys.k0)
    }

    /// Checks M2 = T_T ‖ R_T of the bilateral mode and gives M3 = Z ‖ T_CT and the session key. `key` and `certificate`
    /// are the card's own.
    ///
    /// # Errors
    /// [`BauthError::KeyConfirmation`] if the terminal does not hold the same key.
    pub fn receive_bilateral_m2(
        self,
        m2: &[u8; M2_BILATERAL_SIZE],
        hello_t: &[u8],
        key: &PrivateKey,
        certificate: &[u8],
    ) -> Result<(Vec<u8>, SessionKey), BauthError> {
        let (t_t, r_t) = split::<8, CHALLENGE_SIZE>(m2);
        let keys = Keys::derive(&self.r, &[&r_t, hello_t]).confirmed_by_terminal(&t_t)?;
        let k2 = hiding_key(&self.r, &[&r_t, hello_t]);
        let response: [u8; RESPONSE_SIZE] = key.response(&self.u, &challenge(&self.v, &r_t)).to_repr().into();
        let mut m3 = [response.as_slice(), certificate].concat();
        belt::cfb_encrypt(&k2, &Z_INITIAL_VALUE, &mut m3);
        let t_ct = belt::mac(&keys.k1, &[&m3]);
        m3.extend_from_slice(&t_ct);
        Ok((m3, keys.k0))
    }
}

/// What a terminal's private key does in BAUTH, so that it can stay in a security module.
pub trait TerminalKey: Send + Sync {
    /// The x of d_T·V for a point V of the curve, x ‖ y. Computed in constant time.
    ///
    /// # Errors
    /// [`BauthError::InvalidPoint`] if V is not on the curve, [`BauthError::KeyUnavailable`] if the key cannot be used.
    fn shared_x(&self, point: &[u8; PUBLIC_KEY_SIZE]) -> Result<SecretOctets<32>, BauthError>;

    /// The public key, as the terminal's certificate has it.
    fn public_key(&self) -> [u8; PUBLIC_KEY_SIZE];
}

impl TerminalKey for PrivateKey {
    fn shared_x(&self, point: &[u8; PUBLIC_KEY_SIZE]) -> Result<SecretOctets<32>, BauthError> {
        let v = bignp256::PublicKey::from_bytes(point).map_err(|_| BauthError::InvalidPoint)?;
        bign::x_of_multiple(self.expose_scalar(), &v.to_projective()).ok_or(BauthError::InvalidPoint)
    }

    fn public_key(&self) -> [u8; PUBLIC_KEY_SIZE] {
        self.public_key()
    }
}

/// What a terminal has after M1.
pub enum TerminalStepAfterM1 {
    /// Unilateral: the session key. Who the card is was not asked.
    Established(SessionKey),
    /// Bilateral: nothing before the card has proved itself.
    Confirming(TerminalConfirming),
}

/// Takes M1 as the terminal and gives M2 = T_T \[‖ R_T\]. `hello_t` is the terminal's hello of the card's edition; only
/// the bilateral mode draws something at random.
///
/// # Errors
/// [`BauthError::InvalidPoint`] if V is not on the curve, [`BauthError::Token`] if R does not open, or what the key says.
pub fn terminal_receive_m1(
    key: &dyn TerminalKey,
    m1: &[u8; M1_SIZE],
    hello_t: &[u8],
    mode: Mode,
    random: &mut dyn CryptoRng,
) -> Result<(TerminalStepAfterM1, Vec<u8>), BauthError> {
    let (v, y) = split::<PUBLIC_KEY_SIZE, 32>(m1);
    let opened = belt::keyunwrap(&y, &Y_HEADER, &key.shared_x(&v)?).map_err(|_| BauthError::Token)?;
    let r = Zeroizing::new(<[u8; 16]>::try_from(opened.as_slice()).map_err(|_| BauthError::Token)?);
    let r = SecretOctets::new(*r);
    match mode {
        Mode::Unilateral => {
            let keys = Keys::derive(&r, &[hello_t]);
            let t_t = belt::mac(&keys.k1, &[&T_T_INPUT]);
            Ok((TerminalStepAfterM1::Established(keys.k0), t_t.to_vec()))
        }
        Mode::Bilateral => {
            let mut r_t = [0; CHALLENGE_SIZE];
            random.fill_bytes(&mut r_t);
            let keys = Keys::derive(&r, &[&r_t, hello_t]);
            let k2 = hiding_key(&r, &[&r_t, hello_t]);
            let m2 = [belt::mac(&keys.k1, &[&T_T_INPUT]).as_slice(), &r_t].concat();
            let confirming = TerminalConfirming { keys, k2, v, challenge: challenge(&v, &r_t) };
            Ok((TerminalStepAfterM1::Confirming(confirming), m2))
        }
    }
}

/// Terminal, between M2 and M3 of the bilateral mode.
pub struct TerminalConfirming {
    keys: Keys,
    k2: BeltKey,
    v: [u8; PUBLIC_KEY_SIZE],
    challenge: [u8; CHALLENGE_SIZE],
}

impl TerminalConfirming {
    /// Checks M3 = Z ‖ T_CT and gives the session key with what `trust` made of the card's certificate. First T_CT,
    /// then the certificate through `trust`, which answers with the public key in it, then the card's proof of that
    /// key: there is no key without all three.
    ///
    /// # Errors
    /// [`BauthError::Malformed`], [`BauthError::KeyConfirmation`], [`BauthError::Certificate`] if `trust` gives nothing,
    /// [`BauthError::InvalidPoint`] if its key is none, or [`BauthError::Signature`].
    pub fn receive_m3<C>(
        self,
        m3: &[u8],
        trust: impl FnOnce(&[u8]) -> Option<(C, [u8; PUBLIC_KEY_SIZE])>,
    ) -> Result<(SessionKey, C), BauthError> {
        let (z, t_ct) = m3.split_last_chunk::<{ belt::MAC_SIZE }>().ok_or(BauthError::Malformed)?;
        if z.len() < RESPONSE_SIZE {
            return Err(BauthError::Malformed);
        }
        if !belt::mac_is(&self.keys.k1, &[z], t_ct) {
            return Err(BauthError::KeyConfirmation);
        }
        let mut opened = Zeroizing::new(z.to_vec());
        belt::cfb_decrypt(&self.k2, &Z_INITIAL_VALUE, &mut opened);
        let (response, certificate) = opened.split_first_chunk::<RESPONSE_SIZE>().ok_or(BauthError::Malformed)?;
        let (trusted, key) = trust(certificate).ok_or(BauthError::Certificate)?;
        let key = PublicKey::from_octets(&key).map_err(|_| BauthError::InvalidPoint)?;
        key.verify_response(&self.challenge, response, &self.v).map_err(|_| BauthError::Signature)?;
        Ok((self.keys.k0, trusted))
    }

    /// What the terminal has to keep until M3 arrives, for a sealed record: K0 ‖ K1 ‖ K2 ‖ ⟨V⟩ ‖ t.
    #[must_use]
    pub fn to_secret_octets(&self) -> SecretOctets<TERMINAL_CONFIRMING_SIZE> {
        let secret = Zeroizing::new(join::<96>(
            &*Zeroizing::new(join::<64>(self.keys.k0.expose(), self.keys.k1.expose())),
            self.k2.expose(),
        ));
        SecretOctets::new(join(&*secret, &join::<80>(&self.v, &self.challenge)))
    }

    /// The step that was kept. Octets that were not kept by [`TerminalConfirming::to_secret_octets`] confirm no card.
    #[must_use]
    pub fn from_secret_octets(octets: &SecretOctets<TERMINAL_CONFIRMING_SIZE>) -> Self {
        let (secret, public) = split::<96, 80>(octets.expose());
        let secret = Zeroizing::new(secret);
        let (k0, rest) = split::<32, 64>(&*secret);
        let rest = Zeroizing::new(rest);
        let (k1, k2) = split::<32, 32>(&*rest);
        let (v, challenge) = split::<PUBLIC_KEY_SIZE, CHALLENGE_SIZE>(&public);
        let keys = Keys { k0: BeltKey::new(k0), k1: BeltKey::new(k1) };
        Self { keys, k2: BeltKey::new(k2), v, challenge }
    }
}

/// K0 (the session key) and K1 (key confirmation).
struct Keys {
    k0: SessionKey,
    k1: BeltKey,
}

impl Keys {
    /// K_i = bake-kdf(R, S, i) with S = \[R_T ‖\] hello_T ‖ hello_CT and an empty hello_CT.
    fn derive(r: &SecretOctets<16>, salt: &[&[u8]]) -> Self {
        Self { k0: bake::kdf(r.expose(), salt, 0), k1: bake::kdf(r.expose(), salt, 1) }
    }

    fn confirmed_by_terminal(self, t_t: &[u8; belt::MAC_SIZE]) -> Result<Self, BauthError> {
        if belt::mac_is(&self.k1, &[&T_T_INPUT], t_t) { Ok(self) } else { Err(BauthError::KeyConfirmation) }
    }
}

/// K2, which hides the card's certificate.
fn hiding_key(r: &SecretOctets<16>, salt: &[&[u8]]) -> BeltKey {
    bake::kdf(r.expose(), salt, 2)
}

/// t: the first ℓ bits of belt-hash(⟨V⟩_2ℓ ‖ R_T).
fn challenge(v: &[u8; PUBLIC_KEY_SIZE], r_t: &[u8; CHALLENGE_SIZE]) -> [u8; CHALLENGE_SIZE] {
    let (x, _) = split::<32, 32>(v);
    split::<CHALLENGE_SIZE, 16>(&belt::hash(&[&x, r_t])).0
}
