//! Records of sessions, sealed: who has the database alone learns nothing from it and can alter nothing in it unseen.
//!
//! AES-256-GCM. Each session has a key of its own, made of the service's record key and of `hreq`, so that the record key
//! opens nothing without the caller's handle. What must not be exchanged unseen is associated data: the session, the
//! step's number, who began it, and its end.

use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use latchkey_crypto::belt;
use latchkey_crypto::secret::BeltKey;

use super::caller::Caller;
use crate::storage::{CALLER_TAG_SIZE, KeptStep};
use crate::token::Token;

const NONCE_SIZE: usize = 12;
const TAG_SIZE: usize = 16;
/// Octets of the key: 256 bits.
pub const RECORD_KEY_SIZE: usize = 32;

/// The service's record key, the same on every node. From a file outside the database.
pub struct RecordKey(BeltKey);

/// A record that this service did not seal for this session, step, caller and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record was not sealed for this session and step")]
pub struct NotSealedHere;

impl RecordKey {
    /// Reads 64 hexadecimal digits; spaces and line ends around them are left out. `None` for everything else.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut octets = Zeroizing::new([0; RECORD_KEY_SIZE]);
        hex::decode_to_slice(text.trim_ascii(), octets.as_mut_slice()).ok()?;
        Some(Self(BeltKey::new(*octets)))
    }

    /// What the database is told of a caller: as a keyed hash, since addresses are few enough to be tried.
    #[must_use]
    pub fn caller_tag(&self, caller: &Caller) -> [u8; CALLER_TAG_SIZE] {
        belt::hmac(self.0.expose(), &[b"latchkey-portal terminal caller", &caller.identity()])
    }

    /// Seals `contents` as the record of `step`, whose own record is left out.
    #[must_use]
    pub fn seal(&self, hreq: &Token, step: &KeptStep, contents: &[u8], random: &mut dyn CryptoRng) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_SIZE];
        random.fill_bytes(&mut nonce);
        let mut tag = [0; TAG_SIZE];
        let key = self.key_of(hreq);
        let sealed =
            encrypt_aead(Cipher::aes_256_gcm(), key.expose(), Some(&nonce), &associated(step), contents, &mut tag);
        Some([nonce.as_slice(), &tag, &sealed.ok()?].concat())
    }

    /// Opens the record of `step`.
    ///
    /// # Errors
    /// [`NotSealedHere`].
    pub fn open(&self, hreq: &Token, step: &KeptStep) -> Result<Zeroizing<Vec<u8>>, NotSealedHere> {
        let (nonce, rest) = step.record.split_at_checked(NONCE_SIZE).ok_or(NotSealedHere)?;
        let (tag, sealed) = rest.split_at_checked(TAG_SIZE).ok_or(NotSealedHere)?;
        let key = self.key_of(hreq);
        decrypt_aead(Cipher::aes_256_gcm(), key.expose(), Some(nonce), &associated(step), sealed, tag)
            .map(Zeroizing::new)
            .map_err(|_| NotSealedHere)
    }

    fn key_of(&self, hreq: &Token) -> BeltKey {
        hreq.key_under(&self.0, b"latchkey-portal terminal record")
    }
}

impl std::fmt::Debug for RecordKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("hidden")
    }
}

/// Every field has one length, so that no two steps have the same.
fn associated(step: &KeptStep) -> Vec<u8> {
    let expires_at = step.expires_at.unix_timestamp_nanos();
    [
        b"latchkey-portal terminal step 1".as_slice(),
        step.session.octets(),
        &step.step.to_be_bytes(),
        &step.caller,
        &expires_at.to_be_bytes(),
    ]
    .concat()
}
