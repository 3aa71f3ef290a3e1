//! Records of sessions, sealed: who has the database alone learns nothing from it and can alter nothing in it unseen.
//!
//! AES-256-GCM. Each session has a key of its own, made of the service's record key and of `hreq`, so that the record key
//! opens nothing without the caller's handle. What must not be exchanged unseen is associated data: the session, the
//! step's number, who began it, and its end.

use std::sync::Arc;

use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use latchkey_crypto::secret::BeltKey;

use super::caller::Caller;
use crate::keys::{KeyId, KeyUnavailable, KeyUse, OwnKeys};
use crate::storage::{CALLER_TAG_SIZE, KeptStep};
use crate::token::Token;

const NONCE_SIZE: usize = 12;
const TAG_SIZE: usize = 16;
/// The service's keys for records, the same on every node. The newest seals; what was sealed under an older one is opened as
/// long as that is there.
pub struct RecordKey {
    keys: Arc<dyn OwnKeys>,
    newest: KeyId,
}

/// A record that this service did not seal for this session, step, caller and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record was not sealed for this session and step")]
pub struct NotSealedHere;

impl RecordKey {
    /// With those of the keys that are for it. `None` if there is none.
    #[must_use]
    pub fn new(keys: Arc<dyn OwnKeys>) -> Option<Self> {
        Some(Self { newest: keys.keys(KeyUse::Record).into_iter().next()?, keys })
    }

    /// What the database is told of a caller: as a keyed hash, since addresses are few enough to be tried.
    ///
    /// # Errors
    /// [`KeyUnavailable`].
    pub fn caller_tag(&self, caller: &Caller) -> Result<[u8; CALLER_TAG_SIZE], KeyUnavailable> {
        self.tag_under(&self.newest, caller)
    }

    /// Whether the database was told of this caller.
    #[must_use]
    pub fn is_tag_of(&self, tag: &[u8; CALLER_TAG_SIZE], caller: &Caller) -> bool {
        let is_of = |key: &KeyId| self.tag_under(key, caller).is_ok_and(|known| bool::from(known.ct_eq(tag)));
        self.keys.keys(KeyUse::Record).iter().any(is_of)
    }

    fn tag_under(&self, key: &KeyId, caller: &Caller) -> Result<[u8; CALLER_TAG_SIZE], KeyUnavailable> {
        self.keys.mac(key, &[b"latchkey-portal terminal caller", &caller.identity()])
    }

    /// Seals `contents` as the record of `step`, whose own record is left out.
    #[must_use]
    pub fn seal(&self, hreq: &Token, step: &KeptStep, contents: &[u8], random: &mut dyn CryptoRng) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_SIZE];
        random.fill_bytes(&mut nonce);
        let mut tag = [0; TAG_SIZE];
        let key = self.key_of(&self.newest, hreq).ok()?;
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
        let open = |key: &KeyId| {
            let key = self.key_of(key, hreq).ok()?;
            decrypt_aead(Cipher::aes_256_gcm(), key.expose(), Some(nonce), &associated(step), sealed, tag).ok()
        };
        self.keys.keys(KeyUse::Record).iter().find_map(open).map(Zeroizing::new).ok_or(NotSealedHere)
    }

    fn key_of(&self, key: &KeyId, hreq: &Token) -> Result<BeltKey, KeyUnavailable> {
        hreq.key_under(|parts| self.keys.mac(key, parts), b"latchkey-portal terminal record")
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
