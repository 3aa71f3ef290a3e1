//! What the holder's PIN allows inside the eSign application.

use std::fmt;
use std::num::NonZeroU8;

use zeroize::Zeroizing;

use crate::apdu::{Command, StatusWord};
use crate::commands;
use crate::dialogue::authenticate::refusal;
use crate::dialogue::error::{DialogueError, Operation, ProtocolFault};
use crate::dialogue::link::Link;
use crate::key::{KeyId, TAG_OCTET_STRING};
use crate::password::{PasswordKind, Pin};
use crate::profile::{FileId, Profile};
use crate::rights::{Authority, EsignRights};
use crate::tlv::{Cursor, Tag};

/// Octets read from a file by one command: what fits a short protected response with room for a reader's limits.
pub const READ_BLOCK_SIZE: u8 = 224;
/// The longest file that is read, in octets.
pub const MAX_FILE_SIZE: usize = 4096;
/// Octets of a signature at level 128.
pub const SIGNATURE_SIZE: usize = 48;
/// Octets by which a key token of level 128 is longer than its key: a coordinate and the header of belt-keywrap.
const TOKEN_OVERHEAD: usize = 48;

const TAG_SEQUENCE: Tag = Tag::new(0x30);
/// 6B00: some cards' answer to an offset behind the end of a file.
const OUTSIDE_FILE: StatusWord = StatusWord::new(0x6B00);

/// The eSign application in a channel opened with the PIN.
pub struct HolderVerified<'c> {
    link: Link<'c>,
    profile: &'c Profile,
    pin: Pin,
    authority: Authority,
}

impl<'c> HolderVerified<'c> {
    pub(super) fn new(link: Link<'c>, profile: &'c Profile, pin: Pin, authority: Authority) -> Self {
        Self { link, profile, pin, authority }
    }

    /// Reads the certificate of a base-mode key: the DER octets.
    ///
    /// # Errors
    /// [`DialogueError::CertificateMissing`] without a file or with an empty one,
    /// [`DialogueError::CertificatePending`] if the file holds the ticket of a request, or another.
    pub fn read_certificate(&mut self, key: KeyId) -> Result<Vec<u8>, DialogueError> {
        let contents = self.read_file(key.certificate_file(self.profile))?.ok_or(DialogueError::CertificateMissing)?;
        match Cursor::new(&contents).tag() {
            Ok(TAG_SEQUENCE) => Ok(contents),
            Ok(TAG_OCTET_STRING) => Err(DialogueError::CertificatePending),
            _ => Err(DialogueError::CertificateMissing),
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
    /// computed the hash of contents that it knows.
    ///
    /// # Errors
    /// [`DialogueError::ConfirmationMissing`] if the agreed number of signatures is used up,
    /// [`DialogueError::KeyInactive`], [`DialogueError::KeyMissing`], or another.
    pub fn sign_belt_hash(&mut self, hash: &[u8; 32]) -> Result<[u8; SIGNATURE_SIZE], DialogueError> {
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
            StatusWord::NOT_ALLOWED => Ok(false),
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

    /// Confirms with the PIN again, which the card wants after the agreed number of signatures or a new key. The
    /// authority ends if the card refuses.
    ///
    /// # Errors
    /// [`DialogueError::PinWrong`] with the tries left, or another.
    pub fn confirm_again(mut self) -> Result<Self, DialogueError> {
        let command = commands::verify_pin(self.profile, &self.pin)?;
        self.pin_command(Operation::ConfirmPin, &command)?;
        Ok(self)
    }

    /// Changes the PIN. The session ends: the new PIN is confirmed in the next one.
    ///
    /// # Errors
    /// [`DialogueError::PinWrong`] with the tries left, or another.
    pub fn change_pin(mut self, new: &Pin) -> Result<(), DialogueError> {
        let command = commands::change_pin(self.profile, &self.pin, new)?;
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

    /// Reads the DER object at the beginning of a file; nothing if there is no file or it is empty. What follows the
    /// object is not read.
    fn read_file(&mut self, file: FileId) -> Result<Option<Vec<u8>>, DialogueError> {
        match self.link.transmit(&commands::select_file(file))?.status() {
            StatusWord::SUCCESS => {}
            StatusWord::FILE_NOT_FOUND => return Ok(None),
            status => return Err(DialogueError::CardRefused { operation: Operation::SelectFile, status }),
        }
        let Some(mut contents) = self.read_first_block()? else { return Ok(None) };
        let size = object_size(&contents)?;
        while contents.len() < size {
            contents.extend(self.read_block(contents.len(), size)?);
        }
        contents.truncate(size);
        Ok(Some(contents))
    }

    fn read_first_block(&mut self) -> Result<Option<Vec<u8>>, DialogueError> {
        let Some(count) = NonZeroU8::new(READ_BLOCK_SIZE) else { return Ok(None) };
        let answer = self.link.transmit(&commands::read_binary(0, count))?;
        match answer.status() {
            StatusWord::SUCCESS if answer.data().is_empty() => Ok(None),
            StatusWord::SUCCESS => Ok(Some(answer.data().to_vec())),
            StatusWord::BAD_PARAMETERS | OUTSIDE_FILE => Ok(None),
            status => Err(DialogueError::CardRefused { operation: Operation::ReadFile, status }),
        }
    }

    /// Reads the block at `start` of an object of `size` octets, exactly as long as it must be.
    fn read_block(&mut self, start: usize, size: usize) -> Result<Vec<u8>, DialogueError> {
        let left = size.saturating_sub(start).min(usize::from(READ_BLOCK_SIZE));
        let too_large = DialogueError::CardProtocol(ProtocolFault::FileSize { size });
        let offset = u16::try_from(start).map_err(|_| too_large)?;
        let count = u8::try_from(left).ok().and_then(NonZeroU8::new).ok_or(too_large)?;
        let answer = self.link.command(Operation::ReadFile, &commands::read_binary(offset, count))?;
        if answer.data().len() == left { Ok(answer.data().to_vec()) } else { Err(wrong_length(answer.data().len())) }
    }
}

/// How many octets the DER object has that begins with `block`, the first block of a file.
fn object_size(block: &[u8]) -> Result<usize, DialogueError> {
    let mut cursor = Cursor::new(block);
    let header = cursor.tag().and_then(|_| cursor.length());
    let length = header.map_err(|error| DialogueError::CardProtocol(ProtocolFault::Malformed(error)))?;
    let size = cursor.offset().saturating_add(length);
    if size > MAX_FILE_SIZE {
        return Err(DialogueError::CardProtocol(ProtocolFault::FileSize { size }));
    }
    if block.len() < size.min(usize::from(READ_BLOCK_SIZE)) {
        return Err(wrong_length(block.len()));
    }
    Ok(size)
}

const fn wrong_length(found: usize) -> DialogueError {
    DialogueError::CardProtocol(ProtocolFault::Length { found })
}

impl fmt::Debug for HolderVerified<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HolderVerified({})", self.profile.name)
    }
}
