//! The plain commands of STB 34.101.79, clause on commands, as a client program or terminal sends them. Those with data
//! of a length that is not fixed fail if the data do not fit a command.

use std::num::NonZeroU8;

use latchkey_crypto::cv::Certificate;
use zeroize::Zeroizing;

use crate::apdu::{ApduError, CLASS_CHAINED, Command, Header};
use crate::bauth::{ActiveChannel, AuxiliaryAttribute, Mode};
use crate::key::KeyId;
use crate::password::{Holder, Pin};
use crate::profile::{ApplicationId, FileId, PasswordFormat, Profile};

/// Octets of the longest command data that fit a short command when protected: 255 less the object of the MAC, tag and
/// length of the data object, and the octet that says that there is no padding.
pub(crate) const MAX_SHORT_PROTECTED_DATA: usize = 241;

/// The object of MSE:Set DST that names belt-hash at level 128.
const BELT_HASH: [u8; 3] = [0x80, 0x01, 0x90];

pub(crate) fn select_master_file() -> Command {
    Command::new(Header::new(0x00, 0xA4, 0x00, 0x00))
}

/// Without asking for control information.
pub(crate) fn select_application(application: ApplicationId) -> Result<Command, ApduError> {
    Command::new(Header::new(0x00, 0xA4, 0x04, 0x0C)).with_data(application.octets())
}

/// By name as payment systems write it, asking for control information.
pub(crate) fn select_by_name(name: &[u8]) -> Result<Command, ApduError> {
    Ok(Command::new(Header::new(0x00, 0xA4, 0x04, 0x00)).with_data(name)?.expecting_short_maximum())
}

pub(crate) fn select_file(file: FileId) -> Command {
    Command::new(Header::new(0x00, 0xA4, 0x02, 0x0C)).with_short_data(&file.octets())
}

/// `offset` is below 32,768.
pub(crate) fn read_binary(offset: u16, count: NonZeroU8) -> Command {
    let [high, low] = offset.to_be_bytes();
    Command::new(Header::new(0x00, 0xB0, high & 0x7F, low)).expecting_short(count)
}

/// MSE:Set AT for BPACE.
pub(crate) fn set_authentication_template(template: &[u8]) -> Result<Command, ApduError> {
    Command::new(Header::new(0x00, 0x22, 0xC1, 0xA4)).with_data(template)
}

/// MSE:Set AT for BAUTH.
pub(crate) fn set_terminal_template(mode: Mode, template: &[u8]) -> Result<Command, ApduError> {
    let p1 = match mode {
        Mode::Unilateral => 0xB1,
        Mode::Bilateral => 0xF1,
    };
    Command::new(Header::new(0x00, 0x22, p1, 0xA4)).with_data(template)
}

/// PSO:Verify Certificate: one command if its protected form is short, else the body and then the signature.
pub(crate) fn verify_certificate(certificate: &Certificate) -> Result<Vec<Command>, ApduError> {
    let command = |cla, data: &[u8]| Command::new(Header::new(cla, 0x2A, 0x00, 0xBE)).with_data(data);
    let contents = certificate.contents();
    if contents.len() <= MAX_SHORT_PROTECTED_DATA {
        return Ok(vec![command(0x00, &contents)?]);
    }
    let signature = contents.strip_prefix(certificate.body_octets()).unwrap_or_default();
    Ok(vec![command(CLASS_CHAINED, certificate.body_octets())?, command(0x00, signature)?])
}

/// MSE:Set CS.
pub(crate) fn set_active_channel(channel: ActiveChannel) -> Command {
    Command::new(Header::new(0x00, 0x22, 0x01, 0xA4)).with_short_data(&channel.to_octets())
}

/// VERIFY of an auxiliary attribute.
pub(crate) fn verify_attribute(attribute: AuxiliaryAttribute) -> Result<Command, ApduError> {
    Command::new(Header::new(0x80, 0x20, 0x80, 0x00)).with_data(&attribute.to_octets())
}

/// GENERAL AUTHENTICATE that another follows.
pub(crate) fn authenticate_first(data: &[u8]) -> Result<Command, ApduError> {
    Ok(Command::new(Header::new(CLASS_CHAINED, 0x86, 0x00, 0x00)).with_data(data)?.expecting_short_maximum())
}

/// The last GENERAL AUTHENTICATE.
pub(crate) fn authenticate_last(data: &[u8]) -> Result<Command, ApduError> {
    Ok(Command::new(Header::new(0x00, 0x86, 0x00, 0x00)).with_data(data)?.expecting_short_maximum())
}

/// VERIFY, which sets the confirmation flag.
pub(crate) fn verify(format: PasswordFormat, pin: &impl Holder) -> Result<Command, ApduError> {
    Command::new(Header::new(0x00, 0x20, 0x00, format.id)).with_data(pin.digits().expose_for_card())
}

/// VERIFY without data: is the confirmation flag set?
pub(crate) fn query_confirmation(profile: &Profile) -> Command {
    Command::new(Header::new(0x00, 0x20, 0x00, profile.confirming_pin().id))
}

/// VERIFY that clears the confirmation flag.
pub(crate) fn reset_confirmation(profile: &Profile) -> Command {
    Command::new(Header::new(0x00, 0x20, 0xFF, profile.confirming_pin().id))
}

/// CHANGE REFERENCE DATA.
pub(crate) fn change_pin(profile: &Profile, old: &Pin, new: &Pin) -> Result<Command, ApduError> {
    let data = Zeroizing::new([old.digits().expose_for_card(), new.digits().expose_for_card()].concat());
    Command::new(Header::new(0x00, 0x24, 0x00, profile.pin.id)).with_data(&data)
}

/// RESET RETRY COUNTER with a new PIN.
pub(crate) fn unblock_with_new_pin(new: &Pin) -> Result<Command, ApduError> {
    Command::new(Header::new(0x00, 0x2C, 0x02, 0x00)).with_data(new.digits().expose_for_card())
}

/// RESET RETRY COUNTER that keeps the PIN.
pub(crate) fn unblock_pin() -> Command {
    Command::new(Header::new(0x00, 0x2C, 0x03, 0x00))
}

pub(crate) fn activate_pin(profile: &Profile) -> Command {
    Command::new(Header::new(0x00, 0x44, 0x10, profile.pin.id))
}

pub(crate) fn deactivate_pin(profile: &Profile) -> Command {
    Command::new(Header::new(0x00, 0x04, 0x10, profile.pin.id))
}

/// MSE:Set DST: the key of level 128 that signs a belt-hash value next.
pub(crate) fn set_signature_template(key: KeyId) -> Command {
    let [tag, length, belt_hash] = BELT_HASH;
    Command::new(Header::new(0x00, 0x22, 0x41, 0xB6)).with_short_data(&[0x84, 1, key.octet(), tag, length, belt_hash])
}

/// GENERATE KEY PAIR.
pub(crate) fn generate_key(key: KeyId) -> Command {
    let data = [0xB6, 3, 0x84, 1, key.octet()];
    Command::new(Header::new(0x00, 0x46, 0x80, 0x00)).with_short_data(&data).expecting_short_maximum()
}

/// TERMINATE of a key pair.
pub(crate) fn terminate_key(key: KeyId) -> Command {
    Command::new(Header::new(0x00, 0xE6, 0x21, 0x00)).with_short_data(&[0xB6, 3, 0x84, 1, key.octet()])
}

/// UPDATE BINARY. `offset` is below 32,768.
pub(crate) fn update_binary(offset: u16, data: &[u8]) -> Result<Command, ApduError> {
    let [high, low] = offset.to_be_bytes();
    Command::new(Header::new(0x00, 0xD6, high & 0x7F, low)).with_data(data)
}

/// PSO:Compute Digital Signature.
pub(crate) fn compute_signature(hash: &[u8; 32]) -> Command {
    Command::new(Header::new(0x00, 0x2A, 0x9E, 0x9A)).with_short_data(hash).expecting_short_maximum()
}

/// MSE:Set CT: the key that unwraps a key token next.
pub(crate) fn set_confidentiality_template(key: KeyId) -> Command {
    Command::new(Header::new(0x00, 0x22, 0x41, 0xB8)).with_short_data(&[0x84, 1, key.octet()])
}

/// PSO:Decipher.
pub(crate) fn decipher(header: &[u8; 16], token: &[u8]) -> Result<Command, ApduError> {
    let data = [header.as_slice(), token].concat();
    Ok(Command::new(Header::new(0x00, 0x2A, 0x80, 0x86)).with_data(&data)?.expecting_short_maximum())
}
