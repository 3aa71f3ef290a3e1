//! Which card is it? Asked without a password.

use crate::apdu::StatusWord;
use crate::bpace::AuthenticationTemplate;
use crate::channel::CardChannel;
use crate::commands;
use crate::dialogue::authenticate::PinStatus;
use crate::dialogue::error::DialogueError;
use crate::dialogue::link::Link;
use crate::profile::Profile;
use crate::rights::Authority;

/// What a card turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CardModel<'p> {
    /// A card of one of the profiles that were asked for.
    Known {
        /// Which profile.
        profile: &'p Profile,
        /// The status of its PIN.
        pin: PinStatus,
    },
    /// Another card.
    Other(OtherCard),
}

/// A card that is none of ours, by the first application in this order that it lets select.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OtherCard {
    /// A payment card.
    Payment,
    /// A travel document.
    TravelDocument,
    /// A PIV card.
    Piv,
    /// An OpenPGP card.
    OpenPgp,
    /// None of these.
    Unknown,
}

impl OtherCard {
    /// The stable name of the kind of card.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Payment => "payment-card",
            Self::TravelDocument => "travel-document",
            Self::Piv => "piv-card",
            Self::OpenPgp => "openpgp-card",
            Self::Unknown => "unknown-card",
        }
    }
}

/// Names of applications: EMV payment environments (by contact and contactless), ICAO Doc 9303 eMRTD, NIST SP 800-73
/// PIV, OpenPGP card.
const APPLICATIONS: [(&[u8], OtherCard); 5] = [
    (b"1PAY.SYS.DDF01", OtherCard::Payment),
    (b"2PAY.SYS.DDF01", OtherCard::Payment),
    (&[0xA0, 0x00, 0x00, 0x02, 0x47, 0x10, 0x01], OtherCard::TravelDocument),
    (&[0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00], OtherCard::Piv),
    (&[0xD2, 0x76, 0x00, 0x01, 0x24, 0x01], OtherCard::OpenPgp),
];

/// Recognises a card and, if it is of one of the `profiles`, learns its PIN's status. A card of the first profile gets
/// exactly what the status needs, SELECT MF and MSE:Set AT; only one of no profile is asked for known applications.
///
/// # Errors
/// [`DialogueError::Channel`] if the card could not be talked to.
pub fn recognise<'p>(channel: &mut dyn CardChannel, profiles: &'p [Profile]) -> Result<CardModel<'p>, DialogueError> {
    let mut link = Link::plain(channel);
    for profile in profiles {
        if let Some(pin) = pin_status_of_profile(&mut link, profile)? {
            return Ok(CardModel::Known { profile, pin });
        }
    }
    for (name, card) in APPLICATIONS {
        if is_there(link.transmit(&commands::select_by_name(name)?)?.status()) {
            return Ok(CardModel::Other(card));
        }
    }
    Ok(CardModel::Other(OtherCard::Unknown))
}

/// The PIN's status, or nothing if the card answers as no card of the profile does.
fn pin_status_of_profile(link: &mut Link<'_>, profile: &Profile) -> Result<Option<PinStatus>, DialogueError> {
    if let Some(applet) = profile.applet
        && !link.transmit(&commands::select_application(applet)?)?.status().is_success()
    {
        return Ok(None);
    }
    if !link.transmit(&commands::select_master_file())?.status().is_success() {
        return Ok(None);
    }
    let template = AuthenticationTemplate::new(profile.pin.id, &Authority::NOTHING, profile.rights_order);
    let answer = link.transmit(&commands::set_authentication_template(template.octets())?)?;
    Ok(PinStatus::from_answer(profile, answer.status()))
}

/// Whether SELECT found the application: also with more to fetch (61XX) or a warning such as 6283, "deactivated".
const fn is_there(status: StatusWord) -> bool {
    let [high, _] = status.value().to_be_bytes();
    status.is_success() || high == 0x61 || high == 0x62
}
