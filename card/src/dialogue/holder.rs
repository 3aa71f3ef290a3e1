//! What the holder's PIN allows inside the eSign application.

use std::fmt;

use zeroize::Zeroizing;

use crate::apdu::{Command, StatusWord};
use crate::commands;
use crate::dialogue::authenticate::{refusal, refusal_of_pin2};
use crate::dialogue::error::{DialogueError, Operation};
use crate::dialogue::file::{self, MAX_FILE_SIZE, wrong_length};
use crate::dialogue::link::Link;
use crate::key::{KeyId, TAG_OCTET_STRING};
use crate::password::{PasswordKind, Pin, Pin2};
use crate::profile::{FileId, Profile};
use crate::rights::{Authority, EsignRights};
use crate::tlv::Cursor;

/// Octets of a signature at level 128.
pub const SIGNATURE_SIZE: usize = 48;
/// Octets by which a key token of level 128 is longer than its key: a coordinate and the header of belt-keywrap.
const TOKEN_OVERHEAD: usize = 48;

/// The eSign application in a channel opened with the PIN.
pub struct HolderVerified<'c> {
    link: Link<'c>,
    profile: &'c Profile,
    entered: Entered,
    authority: Authority,
    second: SecondPin,
}

/// What the holder entered, kept for where the card wants it again, and never after the card refused it.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) pin: Pin,
    pub(super) pin2: Option<Pin2>,
}

/// Whether the card has had the second PIN in this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SecondPin {
    /// It wants none.
    NotWanted,
    /// Not yet.
    Awaited,
    /// It has.
    Confirmed,
}

impl<'c> HolderVerified<'c> {
    pub(super) fn new(link: Link<'c>, profile: &'c Profile, entered: Entered, authority: Authority) -> Self {
        let second = if profile.pin2.is_some() { SecondPin::Awaited } else { SecondPin::NotWanted };
        Self { link, profile, entered, authority, second }
    }

    /// Reads the certificate of a base-mode key: the octets of its file, whatever they are.
    ///
    /// # Errors
    /// [`DialogueError::CertificateMissing`] without a file or with an empty one,
    /// [`DialogueError::CertificatePending`] if the file holds the ticket of a request, or another.
    pub fn read_certificate(&mut self, key: KeyId) -> Result<Vec<u8>, DialogueError> {
        let contents = self.read_file(key.certificate_file(self.profile))?.ok_or(DialogueError::CertificateMissing)?;
        match Cursor::new(&contents).tag() {
            Ok(TAG_OCTET_STRING) => Err(DialogueError::CertificatePending),
            _ => Ok(contents),
        }
    }

    /// Reads the name object, the DER `Name` for certificate requests. `None` if it is empty.
    ///
    /// # Errors
    /// [`DialogueError`] if the card refuses or the channel breaks.
    pub fn read_name(&mut self) -> Result<Option<Vec<u8>>, DialogueError> {
        self.read_file(self.profile.name_file)
    }

    /// Signs a belt-hash value with base-mode key 01 (level 128). The card hashes nothing itself: the caller must have
    /// computed the hash of contents that it knows. A card with a second PIN is given it before the first signature.
    ///
    /// # Errors
    /// [`DialogueError::ConfirmationMissing`] if the agreed number of signatures is used up, or the second PIN was not
    /// entered; [`DialogueError::Pin2Wrong`], [`DialogueError::Pin2Blocked`], [`DialogueError::KeyInactive`],
    /// [`DialogueError::KeyMissing`], or another.
    pub fn sign_belt_hash(&mut self, hash: &[u8; 32]) -> Result<[u8; SIGNATURE_SIZE], DialogueError> {
        if self.second == SecondPin::Awaited {
            self.confirm_with_second_pin()?;
        }
        let choice = self.choose_key(&commands::set_signature_template(KeyId::BASE_128));
        choice.map_err(|error| self.without_confirmation(error))?;
        let answer = self.link.command(Operation::Sign, &commands::compute_signature(hash));
        let answer = answer.map_err(|error| self.without_confirmation(error))?;
        answer.data().try_into().map_err(|_| wrong_length(answer.data().len()))
    }

    /// Unwraps a key token with base-mode key 01: `token` is that of bign-keytransport, `header` its key header.
    ///
    /// # Errors
    /// [`DialogueError::CardRefused`] if the token is not for this key, or another.
    pub fn unwrap_key(&mut self, header: &[u8; 16], token: &[u8]) -> Result<Zeroizing<Vec<u8>>, DialogueError> {
        let command = commands::decipher(header, token)?;
        self.choose_key(&commands::set_confidentiality_template(KeyId::BASE_128))?;
        let answer = self.link.command(Operation::UnwrapKey, &command)?;
        if answer.data().len().checked_add(TOKEN_OVERHEAD) != Some(token.len()) {
            return Err(wrong_length(answer.data().len()));
        }
        Ok(Zeroizing::new(answer.data().to_vec()))
    }

    /// Whether the PIN's confirmation stands, so that the card would sign.
    ///
    /// # Errors
    /// [`DialogueError`] if the card refuses or the channel breaks.
    pub fn is_confirmed(&mut self) -> Result<bool, DialogueError> {
        match self.link.transmit(&commands::query_confirmation(self.profile))?.status() {
            StatusWord::SUCCESS => Ok(true),
            status if status == self.profile.confirmation_missing => Ok(false),
            status => Err(DialogueError::CardRefused { operation: Operation::ConfirmPin, status }),
        }
    }

    /// Takes the PIN's confirmation back, so that the card does not sign.
    ///
    /// # Errors
    /// [`DialogueError`] if the card refuses or the channel breaks.
    pub fn forget_confirmation(&mut self) -> Result<(), DialogueError> {
        let command = commands::reset_confirmation(self.profile);
        self.link.command(Operation::ConfirmPin, &command).map(|_| ())
    }

    /// Confirms again, with the second PIN if the card has one, which it wants after the agreed number of signatures or
    /// a new key. The authority ends if the card refuses.
    ///
    /// # Errors
    /// [`DialogueError::PinWrong`] or [`DialogueError::Pin2Wrong`] with the tries left, or another.
    pub fn confirm_again(mut self) -> Result<Self, DialogueError> {
        if self.second == SecondPin::NotWanted {
            let command = commands::verify(self.profile.pin, &self.entered.pin)?;
            self.pin_command(Operation::ConfirmPin, &command)?;
        } else {
            self.confirm_with_second_pin()?;
        }
        Ok(self)
    }

    /// Changes the PIN. The session ends: the new PIN is confirmed in the next one.
    ///
    /// # Errors
    /// [`DialogueError::PinWrong`] with the tries left, or another.
    pub fn change_pin(mut self, new: &Pin) -> Result<(), DialogueError> {
        let command = commands::change_pin(self.profile, &self.entered.pin, new)?;
        self.pin_command(Operation::ChangePin, &command)
    }

    /// Deactivates the PIN until the PUK activates it. The card leaves the channel.
    ///
    /// # Errors
    /// [`DialogueError`] if the card refuses or the channel breaks.
    pub fn deactivate_pin(mut self) -> Result<(), DialogueError> {
        let command = commands::deactivate_pin(self.profile);
        self.pin_command(Operation::DeactivatePin, &command)
    }

    /// VERIFY with the second PIN. It is wiped if the card does not take it.
    fn confirm_with_second_pin(&mut self) -> Result<(), DialogueError> {
        let pin2 = self.entered.pin2.take().ok_or(DialogueError::ConfirmationMissing)?;
        self.second = SecondPin::Awaited;
        let command = commands::verify(self.profile.confirming_pin(), &pin2)?;
        let status = self.link.transmit(&command)?.status();
        if !status.is_success() {
            return Err(refusal_of_pin2(status));
        }
        self.entered.pin2 = Some(pin2);
        self.second = SecondPin::Confirmed;
        Ok(())
    }

    fn read_file(&mut self, file: FileId) -> Result<Option<Vec<u8>>, DialogueError> {
        Ok(file::read(&mut self.link, file, MAX_FILE_SIZE)?.map(|contents| contents.to_vec()))
    }

    fn pin_command(&mut self, operation: Operation, command: &Command) -> Result<(), DialogueError> {
        let status = self.link.transmit(command)?.status();
        if status.is_success() { Ok(()) } else { Err(refusal(PasswordKind::Pin, operation, status)) }
    }

    fn choose_key(&mut self, command: &Command) -> Result<(), DialogueError> {
        match self.link.transmit(command)?.status() {
            StatusWord::SUCCESS => Ok(()),
            StatusWord::KEY_INACTIVE => Err(DialogueError::KeyInactive),
            StatusWord::DEACTIVATED | StatusWord::REFERENCE_NOT_FOUND => Err(DialogueError::KeyMissing),
            status => Err(DialogueError::CardRefused { operation: Operation::ChooseKey, status }),
        }
    }

    /// What it means that signing is not allowed. The card answers so too if the session has no right to sign; if it
    /// has, only the confirmation can be missing.
    const fn without_confirmation(&self, error: DialogueError) -> DialogueError {
        let may_sign = match self.authority.esign {
            Some(rights) => rights.contains(EsignRights::BASE_SIGNING),
            None => false,
        };
        match error {
            DialogueError::CardRefused { status: StatusWord::NOT_ALLOWED, .. } if may_sign => {
                DialogueError::ConfirmationMissing
            }
            other => other,
        }
    }
}

impl fmt::Debug for HolderVerified<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HolderVerified({})", self.profile.name)
    }
}
