//! Belt: STB 34.101.31-2020. Thin, typed faces of the RustCrypto crates, and belt-keyrep, which they lack.

use belt_block::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use belt_block::{BeltBlock, belt_wblock_enc};
use belt_hash::block_api::belt_compress;
use belt_hash::{BeltHash, Digest};
use belt_kwp::BeltKwp;
use belt_mac::{BeltMac, Mac};
use cfb_mode::cipher::KeyIvInit;
use cfb_mode::{BufDecryptor, BufEncryptor};
use hmac::Hmac;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secret::{BeltKey, SecretOctets};

/// Octets of a belt-hash value (clause 7.8).
pub const HASH_SIZE: usize = 32;
/// Octets of a belt-mac value: the first half of the last block (clause 7.5).
pub const MAC_SIZE: usize = 8;
/// Octets of a block and of an initial value.
pub const BLOCK_SIZE: usize = 16;
/// Octets that belt-keywrap adds to a key: its header (clause 7.7).
pub const KEYWRAP_HEADER_SIZE: usize = 16;

/// belt-hash of the concatenated parts (clause 7.8).
#[must_use]
pub fn hash(parts: &[&[u8]]) -> [u8; HASH_SIZE] {
    let mut hasher = BeltHash::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// belt-mac256 of the concatenated parts: 8 octets (clause 7.5).
#[must_use]
pub fn mac(key: &BeltKey, parts: &[&[u8]]) -> [u8; MAC_SIZE] {
    let mut mac = <BeltMac as belt_mac::KeyInit>::new(&(*key.expose()).into());
    for part in parts {
        mac.update(part);
    }
    let full = mac.finalize().into_bytes();
    let mut first_half = [0; MAC_SIZE];
    for (to, from) in first_half.iter_mut().zip(full) {
        *to = from;
    }
    first_half
}

/// Compares a received belt-mac with the computed one, in constant time.
#[must_use]
pub fn mac_is(key: &BeltKey, parts: &[&[u8]], received: &[u8]) -> bool {
    mac(key, parts).as_slice().ct_eq(received).into()
}

/// belt-cfb256 encryption in place (clause 7.3); any length, a last short block uses the leading gamma octets.
pub fn cfb_encrypt(key: &BeltKey, initial_value: &[u8; BLOCK_SIZE], data: &mut [u8]) {
    BufEncryptor::<BeltBlock>::new(&(*key.expose()).into(), &(*initial_value).into()).encrypt(data);
}

/// belt-cfb256 decryption in place (clause 7.3).
pub fn cfb_decrypt(key: &BeltKey, initial_value: &[u8; BLOCK_SIZE], data: &mut [u8]) {
    BufDecryptor::<BeltBlock>::new(&(*key.expose()).into(), &(*initial_value).into()).decrypt(data);
}

/// belt-block encryption of one block (clause 6.1), which is belt-ecb of exactly one block.
#[must_use]
pub fn encrypt_block(key: &BeltKey, block: &[u8; BLOCK_SIZE]) -> [u8; BLOCK_SIZE] {
    let mut block = (*block).into();
    BeltBlock::new(&(*key.expose()).into()).encrypt_block(&mut block);
    block.into()
}

/// belt-block decryption of one block (clause 6.1).
#[must_use]
pub fn decrypt_block(key: &BeltKey, block: &[u8; BLOCK_SIZE]) -> [u8; BLOCK_SIZE] {
    let mut block = (*block).into();
    BeltBlock::new(&(*key.expose()).into()).decrypt_block(&mut block);
    block.into()
}

/// belt-wblock encryption in place (clause 6.2.3) of a wide block of `N` octets, 32 at least.
pub fn wide_block_encrypt<const N: usize>(key: &BeltKey, block: &mut [u8; N]) {
    const { assert!(N >= 2 * BLOCK_SIZE, "a wide block has two blocks at least") };
    let words = Zeroizing::new(words(key.expose()));
    // Its only refusal is of a shorter block, which does not compile.
    let _refused = belt_wblock_enc(block, &words);
}

/// hmac-hbelt of the concatenated parts (STB 34.101.47-2017): 32 octets.
#[must_use]
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; HASH_SIZE] {
    let mut hmac = hmac_keyed_with(key);
    for part in parts {
        hmac.update(part);
    }
    hmac.finalize().into_bytes().into()
}

/// PBKDF2 with hmac-hbelt (STB 34.101.45-2013, annex E): the first 256-bit block. No iterations count as one.
#[must_use]
pub fn pbkdf2(password: &[u8], salt: &[u8], iterations: u32) -> BeltKey {
    let keyed = hmac_keyed_with(password);
    let first = keyed.clone().chain_update(salt).chain_update(1_u32.to_be_bytes()).finalize().into_bytes();
    let mut last = Zeroizing::new(<[u8; HASH_SIZE]>::from(first));
    let mut key = last.clone();
    for _ in 1..iterations {
        *last = keyed.clone().chain_update(*last).finalize().into_bytes().into();
        for (to, from) in key.iter_mut().zip(last.iter()) {
            *to ^= from;
        }
    }
    BeltKey::new(*key)
}

/// A key of any length fills one block of 32 octets: zeros follow a short one, a long one is hashed.
fn hmac_keyed_with(key: &[u8]) -> Hmac<BeltHash> {
    let mut block = Zeroizing::new([0; HASH_SIZE]);
    if key.len() > block.len() {
        *block = hash(&[key]);
    } else {
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
    }
    <Hmac<BeltHash> as belt_mac::KeyInit>::new(&(*block).into())
}

/// Why belt-keywrap gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeywrapError {
    /// A key to protect has at least 16 octets, a token at least 32.
    #[error("the key or token is too short for belt-keywrap")]
    TooShort,
    /// The header inside the token is not the expected one: a wrong key or an altered token.
    #[error("belt-keywrap: the token does not open with this key and header")]
    Integrity,
}

/// belt-keywrap256 (clause 7.7): `key` with `header`, protected by `protection_key`.
///
/// # Errors
/// [`KeywrapError::TooShort`] if `key` has fewer than 16 octets.
pub fn keywrap(
    key: &[u8],
    header: &[u8; KEYWRAP_HEADER_SIZE],
    protection_key: &BeltKey,
) -> Result<Vec<u8>, KeywrapError> {
    let mut token = vec![0; key.len().saturating_add(KEYWRAP_HEADER_SIZE)];
    BeltKwp::new(&(*protection_key.expose()).into())
        .wrap_key(key, header, &mut token)
        .map_err(|_| KeywrapError::TooShort)?;
    Ok(token)
}

/// Opens a belt-keywrap256 token (clause 7.7).
///
/// # Errors
/// [`KeywrapError::Integrity`] if the header inside differs from `header`.
pub fn keyunwrap(
    token: &[u8],
    header: &[u8; KEYWRAP_HEADER_SIZE],
    protection_key: &BeltKey,
) -> Result<Zeroizing<Vec<u8>>, KeywrapError> {
    let mut opened = Zeroizing::new(vec![0; token.len()]);
    let length = BeltKwp::new(&(*protection_key.expose()).into())
        .unwrap_key(token, header, &mut opened)
        .map_err(|error| match error {
            belt_kwp::Error::IntegrityCheckFailed => KeywrapError::Integrity,
            _ => KeywrapError::TooShort,
        })?
        .len();
    opened.truncate(length);
    Ok(opened)
}

/// belt-keyrep of a 256-bit key to another 256-bit key (clause 8.2.2): key `K`, level `D` and header `I`.
#[must_use]
pub fn keyrep(key: &BeltKey, level: &[u8; 12], header: &[u8; BLOCK_SIZE]) -> BeltKey {
    SecretOctets::new(keyrep_octets::<32>(key, level, header, KEYREP_256_TO_256))
}

/// belt-keyrep of a 256-bit key to a 128-bit key.
#[must_use]
pub fn keyrep_128(key: &BeltKey, level: &[u8; 12], header: &[u8; BLOCK_SIZE]) -> SecretOctets<16> {
    SecretOctets::new(keyrep_octets::<16>(key, level, header, KEYREP_256_TO_128))
}

/// belt-keyrep of a 256-bit key to a 192-bit key.
#[must_use]
pub fn keyrep_192(key: &BeltKey, level: &[u8; 12], header: &[u8; BLOCK_SIZE]) -> SecretOctets<24> {
    SecretOctets::new(keyrep_octets::<24>(key, level, header, KEYREP_256_TO_192))
}

/// Words `r` of clause 8.2.2, from the substitution table H at 4(n − 16) + 2(m − 16), n = 32.
const KEYREP_256_TO_128: [u8; 4] = [0xE1, 0x2B, 0xDC, 0x1A];
const KEYREP_256_TO_192: [u8; 4] = [0xC1, 0xAB, 0x76, 0x38];
const KEYREP_256_TO_256: [u8; 4] = [0xF3, 0x3C, 0x65, 0x7B];

fn keyrep_octets<const M: usize>(key: &BeltKey, level: &[u8; 12], header: &[u8; 16], r: [u8; 4]) -> [u8; M] {
    let [a, b, c] = words(level);
    let x1 = [u32::from_le_bytes(r), a, b, c];
    let (_, y) = belt_compress(x1, words(header), words(key.expose()));
    let octets = Zeroizing::new(y.map(u32::to_le_bytes));
    let mut output = [0; M];
    for (to, from) in output.iter_mut().zip(octets.as_flattened()) {
        *to = *from;
    }
    output
}

/// Little-endian words; the callers' types keep the octets and words in step.
fn words<const WORDS: usize>(octets: &[u8]) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    let (chunks, _) = octets.as_chunks::<4>();
    for (word, chunk) in words.iter_mut().zip(chunks) {
        *word = u32::from_le_bytes(*chunk);
    }
    words
}
