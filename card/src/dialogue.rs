//! What a client program says to a card: straight code over a [`CardChannel`].
//!
//! Authority is a value that borrows the channel and is consumed by what ends it: [`Selected`] can learn the PIN's
//! status and open a channel; [`Secured`] is a channel opened with one password; [`HolderVerified`] and
//! [`PukVerified`] are inside the eSign application and can do what their password allows. A password is taken by
//! value and wiped on refusal, so none is ever presented again after the card refused it. Nothing here resets the
//! card: whoever owns the transaction does, on every path.
//!
//! [`TerminalChannel`] is different: a terminal speaks to the card through it, and the client reads nothing of that but
//! what every command and answer shows.

mod authenticate;
mod error;
mod file;
mod holder;
mod identity;
mod link;
mod probe;
mod puk;
mod recognise;
mod terminal;
mod terminal_acts;

pub use authenticate::PinStatus;
pub use error::{Culprit, DialogueError, Operation, ProtocolFault};
pub use file::{MAX_FILE_SIZE, MAX_GROUP_SIZE, READ_BLOCK_SIZE};
pub use holder::{HolderVerified, SIGNATURE_SIZE};
pub use identity::IdentitySelected;
pub use probe::{ProbeReport, probe};
pub use puk::PukVerified;
pub use recognise::{CardModel, OtherCard, recognise};
pub use terminal::{TerminalAuthenticating, TerminalChannel};
pub use terminal_acts::{AgreedActs, TerminalAct};

use std::fmt;

use latchkey_crypto::cv::Certificate;
use latchkey_crypto::rand_core::CryptoRng;

use crate::bauth::TerminalTemplate;
use crate::channel::CardChannel;
use crate::commands;
use crate::dialogue::holder::Entered;
use crate::dialogue::link::Link;
use crate::dialogue::terminal::Beside;
use crate::password::{Can, Pin, Pin2, Puk};
use crate::profile::Profile;
use crate::rights::Authority;

/// A card whose master file is selected and with which nothing was agreed yet.
pub struct Selected<'c> {
    link: Link<'c>,
    profile: &'c Profile,
}

impl<'c> Selected<'c> {
    /// SELECTs the master file of a card of that model; first its applet, if it has one.
    ///
    /// # Errors
    /// [`DialogueError::CardRefused`] if the card is another one.
    pub fn select(channel: &'c mut dyn CardChannel, profile: &'c Profile) -> Result<Self, DialogueError> {
        let mut link = Link::plain(channel);
        if let Some(applet) = profile.applet {
            link.command(Operation::SelectMasterFile, &commands::select_application(applet)?)?;
        }
        link.command(Operation::SelectMasterFile, &commands::select_master_file())?;
        Ok(Self { link, profile })
    }

    /// Learns the PIN's status without spending a try.
    ///
    /// # Errors
    /// [`DialogueError::CardRefused`] if the card's answer speaks of no PIN.
    pub fn pin_status(&mut self) -> Result<PinStatus, DialogueError> {
        authenticate::pin_status(&mut self.link, self.profile)
    }

    /// Opens a channel with the CAN.
    ///
    /// # Errors
    /// [`DialogueError::CanWrong`], which blocks nothing, or another.
    pub fn secure_with_can(
        self,
        can: Can,
        authority: &Authority,
        random: &mut dyn CryptoRng,
    ) -> Result<Secured<'c, ByCan>, DialogueError> {
        let Self { mut link, profile } = self;
        authenticate::open_channel(&mut link, profile, &can, None, authority, random)?;
        Ok(Secured { link, profile, password: ByCan(()) })
    }

    /// Opens a channel with the PIN, if its status is still the one that the holder was shown.
    ///
    /// # Errors
    /// [`DialogueError::PinWrong`] with the tries left; [`DialogueError::PinStatusChanged`] and
    /// [`DialogueError::EditionsUnconfirmed`] before the PIN was presented; or another.
    pub fn secure_with_pin(
        self,
        pin: Pin,
        shown: PinStatus,
        authority: &Authority,
        random: &mut dyn CryptoRng,
    ) -> Result<Secured<'c, ByPin>, DialogueError> {
        let Self { mut link, profile } = self;
        if profile.editions.are_assumed() {
            return Err(DialogueError::EditionsUnconfirmed);
        }
        authenticate::open_channel(&mut link, profile, &pin, Some(shown), authority, random)?;
        Ok(Secured { link, profile, password: ByPin::new(pin, authority) })
    }

    /// Opens a channel with the PUK.
    ///
    /// # Errors
    /// [`DialogueError::PukWrong`] with the tries left; [`DialogueError::EditionsUnconfirmed`] before the PUK was
    /// presented; or another.
    pub fn secure_with_puk(
        self,
        puk: Puk,
        authority: &Authority,
        random: &mut dyn CryptoRng,
    ) -> Result<Secured<'c, ByPuk>, DialogueError> {
        let Self { mut link, profile } = self;
        if profile.editions.are_assumed() {
            return Err(DialogueError::EditionsUnconfirmed);
        }
        authenticate::open_channel(&mut link, profile, &puk, None, authority, random)?;
        Ok(Secured { link, profile, password: ByPuk(()) })
    }
}

/// Marks a channel opened with the CAN.
#[derive(Debug)]
pub struct ByCan(());
/// Marks a channel opened with the PIN, and keeps it for where the standard wants it again: its change and a new
/// confirmation.
#[derive(Debug)]
pub struct ByPin {
    entered: Entered,
    authority: Authority,
}

impl ByPin {
    const fn new(pin: Pin, authority: &Authority) -> Self {
        Self { entered: Entered { pin, pin2: None }, authority: *authority }
    }
}

/// Marks a channel opened with the PUK.
#[derive(Debug)]
pub struct ByPuk(());

/// A protected channel between client program and card, opened with one password. The master file is selected.
pub struct Secured<'c, By> {
    link: Link<'c>,
    profile: &'c Profile,
    password: By,
}

impl<'c> Secured<'c, ByCan> {
    /// Confirms the editions of an assumed profile: a wrong hello opens no channel, and a wrong MAC fails here.
    ///
    /// # Errors
    /// [`DialogueError::ChannelClosed`] if the card follows another edition of the MAC.
    pub fn confirm_editions(&mut self) -> Result<Profile, DialogueError> {
        self.link.command(Operation::SelectMasterFile, &commands::select_master_file())?;
        Ok(Profile { editions: self.profile.editions.confirmed(), ..self.profile.clone() })
    }

    /// Learns the PIN's status without spending a try. The CAN lifts a suspension: one try is left then.
    ///
    /// # Errors
    /// [`DialogueError::CardRefused`] if the card's answer speaks of no PIN.
    pub fn pin_status(&mut self) -> Result<PinStatus, DialogueError> {
        authenticate::pin_status(&mut self.link, self.profile)
    }

    /// SELECTs the eID application, to read data groups without a terminal.
    ///
    /// # Errors
    /// [`DialogueError::TerminalNeeded`] on a model that gives them to terminals only; [`DialogueError::CardRefused`]
    /// or a broken channel.
    pub fn select_identity(self) -> Result<IdentitySelected<'c>, DialogueError> {
        IdentitySelected::select(self.link, self.profile)
    }

    /// Opens a channel with the PUK inside this one, which it replaces. The first command inside confirms the editions
    /// before the PUK is used.
    ///
    /// # Errors
    /// [`DialogueError::PukWrong`] with the tries left, or another.
    pub fn secure_with_puk(
        self,
        puk: Puk,
        authority: &Authority,
        random: &mut dyn CryptoRng,
    ) -> Result<Secured<'c, ByPuk>, DialogueError> {
        let Self { mut link, profile, password: _ } = self;
        authenticate::open_channel(&mut link, profile, &puk, None, authority, random)?;
        Ok(Secured { link, profile, password: ByPuk(()) })
    }

    /// Opens a channel with the PIN inside this one, which it replaces. The card wants this before the last try. The
    /// first command inside confirms the editions before the PIN is used.
    ///
    /// # Errors
    /// [`DialogueError::PinWrong`] with the tries left; [`DialogueError::PinStatusChanged`] before the PIN was
    /// presented; or another.
    pub fn secure_with_pin(
        self,
        pin: Pin,
        shown: PinStatus,
        authority: &Authority,
        random: &mut dyn CryptoRng,
    ) -> Result<Secured<'c, ByPin>, DialogueError> {
        let Self { mut link, profile, password: _ } = self;
        authenticate::open_channel(&mut link, profile, &pin, Some(shown), authority, random)?;
        Ok(Secured { link, profile, password: ByPin::new(pin, authority) })
    }
}

impl<By> Secured<'_, By> {
    /// Reads the certificate of whoever signed the card's security object: octets that nobody judged. Nothing on a model
    /// without one, or if the card does not give it. The master file is selected again.
    ///
    /// # Errors
    /// [`DialogueError`] if the channel breaks.
    pub fn read_security_signer(&mut self) -> Result<Option<Vec<u8>>, DialogueError> {
        let Some(file) = self.profile.security_signer_file else { return Ok(None) };
        self.link.command(Operation::SelectApplication, &commands::select_application(self.profile.eid)?)?;
        let signer = match file::read(&mut self.link, file, file::MAX_FILE_SIZE) {
            Err(DialogueError::CardRefused { .. }) => None,
            signer => signer?.map(|contents| contents.to_vec()),
        };
        self.link.command(Operation::SelectMasterFile, &commands::select_master_file())?;
        Ok(signer)
    }
}

impl<'c> Secured<'c, ByPin> {
    /// Takes the second PIN along, which a card that has one is given before its first signature.
    #[must_use]
    pub fn with_pin2(mut self, pin2: Pin2) -> Self {
        self.password.entered.pin2 = Some(pin2);
        self
    }

    /// SELECTs the eSign application.
    ///
    /// # Errors
    /// [`DialogueError::CardRefused`] or a broken channel.
    pub fn select_esign(self) -> Result<HolderVerified<'c>, DialogueError> {
        let Self { mut link, profile, password: ByPin { entered, authority } } = self;
        select_esign(&mut link, profile)?;
        Ok(HolderVerified::new(link, profile, entered, authority))
    }

    /// SELECTs the eID application, to read data groups without a terminal.
    ///
    /// # Errors
    /// [`DialogueError::TerminalNeeded`] on a model that gives them to terminals only; [`DialogueError::CardRefused`]
    /// or a broken channel.
    pub fn select_identity(self) -> Result<IdentitySelected<'c>, DialogueError> {
        IdentitySelected::select(self.link, self.profile)
    }
}

impl<'c> Secured<'c, ByCan> {
    /// Lets a terminal and the card authenticate each other: the card expects it with `template`, judges
    /// `certificates`, the terminal's own last, and gives the first message of BAUTH (sequence G). What the terminal
    /// may have the card do beyond reading is `agreed`. Gives the card's answer, data and status, for the terminal.
    ///
    /// # Errors
    /// [`DialogueError::TerminalCertificateRefused`], or another. The session is over then.
    pub fn authenticate_terminal(
        self,
        template: &TerminalTemplate,
        certificates: &[Certificate],
        agreed: AgreedActs,
    ) -> Result<(TerminalAuthenticating<'c>, Vec<u8>), DialogueError> {
        let Self { link, profile, password: ByCan(()) } = self;
        TerminalAuthenticating::begin(Beside { link, profile, pin: None, agreed }, template, certificates)
    }
}

impl<'c> Secured<'c, ByPin> {
    /// As in a channel opened with the CAN. The PIN is kept for confirmations that belong to the same decision of the
    /// holder. A second PIN that was taken along confirms at once: where pages of the deployed system have the terminal
    /// sign, nobody gives the client a turn afterwards.
    ///
    /// # Errors
    /// [`DialogueError::TerminalCertificateRefused`]; [`DialogueError::Pin2Wrong`] or [`DialogueError::Pin2Blocked`]; or
    /// another. The session is over then.
    pub fn authenticate_terminal(
        self,
        template: &TerminalTemplate,
        certificates: &[Certificate],
        agreed: AgreedActs,
    ) -> Result<(TerminalAuthenticating<'c>, Vec<u8>), DialogueError> {
        let Self { link, profile, password: ByPin { entered: Entered { pin, pin2 }, authority: _ } } = self;
        let mut beside = Beside { link, profile, pin: Some(pin), agreed };
        if let Some(pin2) = pin2 {
            beside.confirm_before_the_terminal(&pin2)?;
        }
        TerminalAuthenticating::begin(beside, template, certificates)
    }
}

impl<'c> Secured<'c, ByPuk> {
    /// SELECTs the eSign application.
    ///
    /// # Errors
    /// [`DialogueError::CardRefused`] or a broken channel.
    pub fn select_esign(self) -> Result<PukVerified<'c>, DialogueError> {
        let Self { mut link, profile, password: ByPuk(()) } = self;
        select_esign(&mut link, profile)?;
        Ok(PukVerified::new(link, profile))
    }
}

fn select_esign(link: &mut Link<'_>, profile: &Profile) -> Result<(), DialogueError> {
    link.command(Operation::SelectApplication, &commands::select_application(profile.esign)?).map(|_| ())
}

impl fmt::Debug for Selected<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Selected({})", self.profile.name)
    }
}

impl<By> fmt::Debug for Secured<'_, By> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secured({})", self.profile.name)
    }
}
