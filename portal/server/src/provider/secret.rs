//! The operator's keys of the provider, as their files hold them.

use latchkey_crypto::secret::BeltKey;
use zeroize::Zeroizing;

/// Reads 64 hexadecimal digits, as `openssl rand -hex 32` prints them; spaces and line ends around them are left out.
pub(super) fn read_key(text: &[u8]) -> Option<BeltKey> {
    let mut octets = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_ascii(), octets.as_mut_slice()).ok()?;
    Some(BeltKey::new(*octets))
}
