//! BPACE from the client program's side: STB 34.101.79, sequence of the base session.

use std::fmt;

use latchkey_crypto::bpace::{self, BpaceError, ClientStart};
use latchkey_crypto::rand_core::CryptoRng;

use crate::apdu::StatusWord;
use crate::bpace::{AuthenticationTemplate, M1, M2, M3, M4};
use crate::commands;
use crate::dialogue::error::{DialogueError, Operation, ProtocolFault};
use crate::dialogue::link::Link;
use crate::password::{ChannelPassword, PasswordKind};
use crate::profile::Profile;
use crate::rights::Authority;
use crate::tlv::TlvError;

/// What the card says about its PIN, learnt without spending a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinStatus {
    /// It can be presented. The number counts the next presentation: 1 is the last try.
    Usable {
        /// How many presentations are left, the next one included.
        tries_left: u8,
    },
    /// One try is left, and the card wants the CAN before it.
    Suspended,
    /// It is blocked until the PUK unblocks it.
    Blocked,
    /// It is deactivated until the PUK activates it.
    Deactivated,
}

impl PinStatus {
    /// What an answer to MSE:Set AT for the PIN means; nothing if it speaks of something else.
    pub(super) const fn from_answer(profile: &Profile, status: StatusWord) -> Option<Self> {
        match (status, status.tries_left()) {
            (StatusWord::SUCCESS, _) => Some(Self::Usable { tries_left: profile.pin.tries }),
            (StatusWord::SUSPENDED, _) => Some(Self::Suspended),
            (StatusWord::BLOCKED, _) | (_, Some(0)) => Some(Self::Blocked),
            (StatusWord::DEACTIVATED, _) => Some(Self::Deactivated),
            (_, Some(tries_left)) => Some(Self::Usable { tries_left }),
            _ => None,
        }
    }

    /// How many presentations are left, the next one included.
    #[must_use]
    pub const fn tries_left(self) -> u8 {
        match self {
            Self::Usable { tries_left } => tries_left,
            Self::Suspended => 1,
            Self::Blocked | Self::Deactivated => 0,
        }
    }

    /// Whether the next wrong presentation blocks the PIN.
    #[must_use]
    pub const fn is_last_try(self) -> bool {
        self.tries_left() == 1
    }
}

impl fmt::Display for PinStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usable { tries_left } => write!(formatter, "tries left: {tries_left}"),
            Self::Suspended => formatter.write_str("suspended"),
            Self::Blocked => formatter.write_str("blocked"),
            Self::Deactivated => formatter.write_str("deactivated"),
        }
    }
}

/// Asks for the PIN's status: MSE:Set AT alone, which spends no try.
pub(super) fn pin_status(link: &mut Link<'_>, profile: &Profile) -> Result<PinStatus, DialogueError> {
    let template = AuthenticationTemplate::new(profile.pin.id, &Authority::NOTHING, profile.rights_order);
    let status = link.transmit(&commands::set_authentication_template(template.octets())?)?.status();
    let refused = DialogueError::CardRefused { operation: Operation::ChoosePassword, status };
    PinStatus::from_answer(profile, status).ok_or(refused)
}

/// Opens a channel with `password`; from here the link is protected with its key.
///
/// With `shown`, the status that the holder saw, the password is presented only if the status is still that.
pub(super) fn open_channel<P: ChannelPassword>(
    link: &mut Link<'_>,
    profile: &Profile,
    password: &P,
    shown: Option<PinStatus>,
    authority: &Authority,
    random: &mut dyn CryptoRng,
) -> Result<(), DialogueError> {
    let template = AuthenticationTemplate::new(profile.password(P::KIND).id, authority, profile.rights_order);
    let chosen = link.transmit(&commands::set_authentication_template(template.octets())?)?.status();
    match P::KIND {
        PasswordKind::Pin => check_pin_status(profile, chosen, shown)?,
        PasswordKind::Can | PasswordKind::Puk if chosen.is_success() || chosen.tries_left().is_some() => {}
        kind => return Err(refusal(kind, Operation::ChoosePassword, chosen)),
    }

    link.password_follows(profile.password(P::KIND).digits);
    let (start, m1) = ClientStart::new(bpace::password_key(password.digits().expose_for_card()), random);
    let answer = link.transmit(&commands::authenticate_first(&M1::encode(&m1))?)?;
    if !answer.status().is_success() {
        return Err(refusal(P::KIND, Operation::Authenticate, answer.status()));
    }
    let m2 = M2::decode(answer.data()).map_err(malformed)?;
    let hello = template.hello(profile.editions.hello());
    let (confirming, m3) = start.receive_m2(&m2, hello, random).map_err(broken)?;

    let answer = link.transmit(&commands::authenticate_last(&M3::encode(&m3))?)?;
    if !answer.status().is_success() {
        return Err(after_presentation(P::KIND, answer.status()));
    }
    let m4 = M4::decode(answer.data()).map_err(malformed)?;
    let session_key = confirming.receive_m4(&m4).map_err(broken)?;
    link.secure(&session_key, profile.editions.mac());
    Ok(())
}

/// Lets a PIN be presented only if it can be and is in the state that the holder saw.
fn check_pin_status(profile: &Profile, answer: StatusWord, shown: Option<PinStatus>) -> Result<(), DialogueError> {
    let refused = DialogueError::CardRefused { operation: Operation::ChoosePassword, status: answer };
    let now = PinStatus::from_answer(profile, answer).ok_or(refused)?;
    match now {
        PinStatus::Suspended => Err(DialogueError::PinSuspended),
        PinStatus::Blocked => Err(DialogueError::PinBlocked),
        PinStatus::Deactivated => Err(DialogueError::PinDeactivated),
        PinStatus::Usable { .. } if shown.is_some_and(|shown| shown != now) => {
            Err(DialogueError::PinStatusChanged { now })
        }
        PinStatus::Usable { .. } => Ok(()),
    }
}

/// What a refusal means for the password that was being used.
pub(super) const fn refusal(kind: PasswordKind, operation: Operation, status: StatusWord) -> DialogueError {
    match (kind, status, status.tries_left()) {
        (PasswordKind::Can, _, Some(_)) => DialogueError::CanWrong,
        (PasswordKind::Puk, _, Some(tries_left)) => DialogueError::PukWrong { tries_left },
        (PasswordKind::Pin, _, Some(tries_left)) => DialogueError::PinWrong { tries_left },
        (PasswordKind::Pin, StatusWord::BLOCKED, _) => DialogueError::PinBlocked,
        (PasswordKind::Pin, StatusWord::DEACTIVATED, _) => DialogueError::PinDeactivated,
        (PasswordKind::Pin, StatusWord::SUSPENDED, _) => DialogueError::PinSuspended,
        _ => DialogueError::CardRefused { operation, status },
    }
}

/// What a refusal of the second PIN means.
pub(super) const fn refusal_of_pin2(status: StatusWord) -> DialogueError {
    match (status, status.tries_left()) {
        (_, Some(tries_left)) => DialogueError::Pin2Wrong { tries_left },
        (StatusWord::BLOCKED, _) => DialogueError::Pin2Blocked,
        _ => DialogueError::CardRefused { operation: Operation::ConfirmPin, status },
    }
}

/// What a refusal means after the password was presented: that it was not looked at cannot be true any more, whatever
/// the card says, and nothing may be tried again on the strength of that.
const fn after_presentation(kind: PasswordKind, status: StatusWord) -> DialogueError {
    match refusal(kind, Operation::Authenticate, status) {
        DialogueError::PinBlocked => DialogueError::PinWrong { tries_left: 0 },
        DialogueError::PinSuspended | DialogueError::PinDeactivated => {
            DialogueError::CardRefused { operation: Operation::Authenticate, status }
        }
        other => other,
    }
}

const fn malformed(error: TlvError) -> DialogueError {
    DialogueError::CardProtocol(ProtocolFault::Malformed(error))
}

const fn broken(error: BpaceError) -> DialogueError {
    DialogueError::CardProtocol(match error {
        BpaceError::InvalidPoint => ProtocolFault::InvalidPoint,
        BpaceError::KeyConfirmation => ProtocolFault::KeyConfirmation,
    })
}
