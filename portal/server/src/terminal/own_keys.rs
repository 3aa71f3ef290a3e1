//! The terminal's own private keys: that of its certificate and that of its tickets. [`TerminalKeys`] says what a hardware
//! module in place of their files would have to do while the terminal serves: nobody else ever has a key. Renewing the
//! certificate by this program draws a key and signs with it, and needs files; with a module both are the module's.

use latchkey_crypto::bauth::TerminalKey;
use latchkey_crypto::belt;
use latchkey_crypto::bign::{PUBLIC_KEY_SIZE, PrivateKey, SIGNATURE_SIZE};

use super::credentials::private_key;
use crate::configuration::{CredentialFiles, Fault, TicketFiles};
use crate::keys::KeyUnavailable;

/// The terminal's own keys, and all that is done with them.
pub trait TerminalKeys: Send + Sync {
    /// That of the certificate, asked for again whenever one of the files has changed.
    ///
    /// # Errors
    /// The [`Fault`] of the key that names what cannot be used.
    fn of_certificate(&self, files: &CredentialFiles) -> Result<Box<dyn TerminalKey>, Fault>;

    /// That of the tickets.
    ///
    /// # Errors
    /// The [`Fault`] of the key that names what cannot be used.
    fn of_tickets(&self, files: &TicketFiles) -> Result<Box<dyn SigningKey>, Fault>;
}

/// A key that signs (STB 34.101.45, level 128).
pub trait SigningKey: Send + Sync {
    /// Its public half, as a certificate has it.
    fn public_key(&self) -> [u8; PUBLIC_KEY_SIZE];

    /// Signs a belt-hash value.
    ///
    /// # Errors
    /// [`KeyUnavailable`].
    fn sign_hash(&self, hash: &[u8; belt::HASH_SIZE]) -> Result<[u8; SIGNATURE_SIZE], KeyUnavailable>;
}

/// In the files that the configuration names, opened into this process' memory.
#[derive(Debug, Clone, Copy)]
pub struct KeysInFiles;

impl TerminalKeys for KeysInFiles {
    fn of_certificate(&self, files: &CredentialFiles) -> Result<Box<dyn TerminalKey>, Fault> {
        Ok(Box::new(private_key(&files.key, &files.password)?))
    }

    fn of_tickets(&self, files: &TicketFiles) -> Result<Box<dyn SigningKey>, Fault> {
        Ok(Box::new(private_key(&files.key, &files.password)?))
    }
}

impl SigningKey for PrivateKey {
    fn public_key(&self) -> [u8; PUBLIC_KEY_SIZE] {
        self.public_key()
    }

    fn sign_hash(&self, hash: &[u8; belt::HASH_SIZE]) -> Result<[u8; SIGNATURE_SIZE], KeyUnavailable> {
        Ok(self.sign_hash(hash))
    }
}
