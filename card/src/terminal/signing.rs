//! Signing with the terminal-mode key of the card (sequence I), in exactly three commands: SELECT eSign, MSE:Set DST,
//! PSO:Compute Digital Signature. The holder has confirmed with the PIN before.

use latchkey_crypto::belt;

use crate::commands;
use crate::dialogue::{Operation, ProtocolFault, SIGNATURE_SIZE};
use crate::key::KeyId;
use crate::terminal::established::{Awaiting, Established, Held};
use crate::terminal::{RelayedCommand, TerminalFault};

/// A terminal that is about to have something signed and has selected eSign for it.
pub struct SelectingEsign(pub(super) Held<Awaiting>);

/// A terminal that has chosen the key.
pub struct ChoosingKey(pub(super) Held<Awaiting>);

/// A terminal that awaits a signature.
pub struct AwaitingSignature(pub(super) Held<Awaiting>);

impl Established {
    /// Begins to have something signed.
    ///
    /// # Errors
    /// [`TerminalFault`] if no command can be made of it, which does not happen.
    pub fn sign(self) -> Result<(SelectingEsign, RelayedCommand), TerminalFault> {
        let command = commands::select_application(self.profile().esign)?;
        self.send(&command).map(|(link, command)| (SelectingEsign(link), command))
    }
}

impl SelectingEsign {
    /// Takes the card's answer and chooses the key of level 128 with belt-hash.
    ///
    /// # Errors
    /// [`TerminalFault::CardRefused`], or another.
    pub fn receive(self, card_response: &[u8]) -> Result<(ChoosingKey, RelayedCommand), TerminalFault> {
        let (_, established) = self.0.succeed(Operation::SelectApplication, card_response)?;
        let (link, command) = established.send(&commands::set_signature_template(KeyId::TERMINAL_128))?;
        Ok((ChoosingKey(link), command))
    }
}

impl ChoosingKey {
    /// Takes the card's answer and has a belt-hash value signed. The card hashes nothing itself.
    ///
    /// # Errors
    /// [`TerminalFault::CardRefused`], 6283 for an inactive key, 6984 for one that was destroyed; or another.
    pub fn receive(
        self,
        card_response: &[u8],
        hash: &[u8; belt::HASH_SIZE],
    ) -> Result<(AwaitingSignature, RelayedCommand), TerminalFault> {
        let (_, established) = self.0.succeed(Operation::ChooseKey, card_response)?;
        let (link, command) = established.send(&commands::compute_signature(hash))?;
        Ok((AwaitingSignature(link), command))
    }
}

impl AwaitingSignature {
    /// Takes the signature. Whether it fits the certificate is for whoever has read that.
    ///
    /// # Errors
    /// [`TerminalFault::CardRefused`], 6982 without right or confirmation; or another.
    pub fn receive(self, card_response: &[u8]) -> Result<([u8; SIGNATURE_SIZE], Established), TerminalFault> {
        let (response, established) = self.0.succeed(Operation::Sign, card_response)?;
        let wrong_length = ProtocolFault::Length { found: response.data().len() };
        let signature = response.data().try_into().map_err(|_| wrong_length)?;
        Ok((signature, established))
    }
}
