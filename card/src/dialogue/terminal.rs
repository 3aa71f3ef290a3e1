//! The client program between a terminal and the card: STB 34.101.79, sequences G to J.
//!
//! Until both have authenticated each other everything passes on the client's own channel, and of the terminal's words
//! only BAUTH's do. Afterwards there are two channels to the card, and one of them at a time is active. On the
//! terminal's the client passes on what comes, unread, if its header shows nothing that the holder has not agreed to.

use std::fmt;

use latchkey_crypto::cv::{Certificate, Role};

use crate::apdu::{Command, Header, Response, StatusWord};
use crate::bauth::{ActiveChannel, TerminalTemplate};
use crate::commands;
use crate::dialogue::authenticate::{refusal, refusal_of_pin2};
use crate::dialogue::error::{DialogueError, Operation};
use crate::dialogue::link::Link;
use crate::dialogue::select_esign;
use crate::dialogue::terminal_acts::{AgreedActs, TerminalAct, is_signing, is_switching};
use crate::password::{Holder, PasswordKind, Pin, Pin2};
use crate::profile::{PasswordFormat, Profile};
use crate::secure_messaging;

/// What the client has beside the terminal: its own channel, perhaps the PIN that opened it, and the holder's word.
pub(super) struct Beside<'c> {
    pub(super) link: Link<'c>,
    pub(super) profile: &'c Profile,
    pub(super) pin: Option<Pin>,
    pub(super) agreed: AgreedActs,
}

/// A card that has accepted a terminal's certificates and awaits its proof.
pub struct TerminalAuthenticating<'c>(Beside<'c>);

impl<'c> TerminalAuthenticating<'c> {
    pub(super) fn begin(
        mut beside: Beside<'c>,
        template: &TerminalTemplate,
        certificates: &[Certificate],
    ) -> Result<(Self, Vec<u8>), DialogueError> {
        let link = &mut beside.link;
        let expect = commands::set_terminal_template(template.mode(), template.octets())?;
        link.command(Operation::ExpectTerminal, &expect)?;
        for certificate in certificates {
            show(link, certificate)?;
        }
        let answer = link.command(Operation::Authenticate, &commands::authenticate_first(&[])?)?;
        Ok((Self(beside), handed_over(&answer)))
    }

    /// Passes the terminal's answer on, the data of the last GENERAL AUTHENTICATE, and gives the card's: data and
    /// status, for the terminal. The terminal's channel is active from here.
    ///
    /// # Errors
    /// [`DialogueError::TerminalNotProven`], or another. The session is over then.
    pub fn relay_m2(self, data: &[u8]) -> Result<(TerminalChannel<'c>, Vec<u8>), DialogueError> {
        let Self(mut beside) = self;
        let answer = beside.link.transmit(&commands::authenticate_last(data)?)?;
        if !answer.status().is_success() {
            return Err(DialogueError::TerminalNotProven { status: answer.status() });
        }
        Ok((TerminalChannel { beside, turn: Turn::Of(ActiveChannel::Terminal) }, handed_over(&answer)))
    }
}

/// Both channels to a card: the terminal's, which passes through here, and the client's own.
pub struct TerminalChannel<'c> {
    beside: Beside<'c>,
    turn: Turn,
}

/// Who may speak to the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Of(ActiveChannel),
    /// Nobody any more.
    Over(DialogueError),
}

impl TerminalChannel<'_> {
    /// Lets the terminal have the card do something more, which the holder has agreed to just now.
    pub const fn agree(&mut self, act: TerminalAct) {
        self.beside.agreed = self.beside.agreed.with(act);
    }

    /// Whose turn it is to speak to the card; nobody's after a failure.
    #[must_use]
    pub const fn active(&self) -> Option<ActiveChannel> {
        match self.turn {
            Turn::Of(channel) => Some(channel),
            Turn::Over(_) => None,
        }
    }

    /// Passes a protected command of the terminal on as it is, `header` and `data`, and gives the card's whole answer.
    /// After MSE:Set CS it is the client's turn. One signature uses up the holder's word for it, whatever the card's rule
    /// is: for another he has to [`agree`](Self::agree) once more.
    ///
    /// # Errors
    /// [`DialogueError::TerminalCommandRefused`] and [`DialogueError::ChannelOutOfTurn`] before anything was passed on.
    /// [`DialogueError::ChannelClosed`] if the answer is not protected; the session is over then.
    pub fn relay(&mut self, header: [u8; 4], data: &[u8]) -> Result<Vec<u8>, DialogueError> {
        self.require_turn(ActiveChannel::Terminal)?;
        let [cla, ins, p1, p2] = header;
        let visible = Header::new(cla, ins, p1, p2);
        if !self.beside.agreed.allow(visible) || data.is_empty() {
            return Err(DialogueError::TerminalCommandRefused { header });
        }
        let command = Command::protected(visible, data)?;
        if is_signing(visible) {
            self.beside.agreed = self.beside.agreed.without(TerminalAct::Sign);
        }
        let answer = self.beside.link.relay(&command);
        let answer = answer.map_err(|error| self.end(error))?;
        if !secure_messaging::is_protected(&answer) {
            return Err(self.end(DialogueError::ChannelClosed { status: answer.status() }));
        }
        if is_switching(visible) && answer.status().is_success() {
            self.turn = Turn::Of(ActiveChannel::Client);
        }
        Ok(answer.to_octets().to_vec())
    }

    /// Confirms with the PIN when the terminal has given the client its turn (sequence I): SELECT eSign, VERIFY,
    /// MSE:Set CS. `entered` is the PIN if it was asked for anew; without it the one that is kept serves again, for
    /// whoever has confirmed with it that same decision. It is kept from now on. It is the terminal's turn afterwards.
    ///
    /// # Errors
    /// [`DialogueError::ChannelOutOfTurn`] before anything was said, [`DialogueError::ConfirmationMissing`] if there is no
    /// PIN, [`DialogueError::PinWrong`] with the tries left, or another. After a refusal the session is over and no PIN
    /// is kept.
    pub fn confirm_pin(&mut self, entered: Option<Pin>) -> Result<(), DialogueError> {
        self.require_turn(ActiveChannel::Client)?;
        let pin = entered.or_else(|| self.beside.pin.take()).ok_or(DialogueError::ConfirmationMissing)?;
        let format = self.beside.profile.pin;
        let refused = |status| refusal(PasswordKind::Pin, Operation::ConfirmPin, status);
        self.beside.verify_and_hand_back(format, &pin, refused).map_err(|error| self.end(error))?;
        self.beside.pin = Some(pin);
        self.turn = Turn::Of(ActiveChannel::Terminal);
        Ok(())
    }

    /// The same with the second PIN, which a card that has one wants instead.
    ///
    /// # Errors
    /// [`DialogueError::ChannelOutOfTurn`] before anything was said; [`DialogueError::ConfirmationMissing`] if the card has
    /// no second PIN; [`DialogueError::Pin2Wrong`], [`DialogueError::Pin2Blocked`], or another. After a refusal the session
    /// is over.
    pub fn confirm_pin2(&mut self, entered: &Pin2) -> Result<(), DialogueError> {
        self.require_turn(ActiveChannel::Client)?;
        let format = self.beside.profile.pin2.ok_or(DialogueError::ConfirmationMissing)?;
        self.beside.verify_and_hand_back(format, entered, refusal_of_pin2).map_err(|error| self.end(error))?;
        self.turn = Turn::Of(ActiveChannel::Terminal);
        Ok(())
    }

    fn require_turn(&self, channel: ActiveChannel) -> Result<(), DialogueError> {
        match self.turn {
            Turn::Of(active) if active == channel => Ok(()),
            Turn::Of(_) => Err(DialogueError::ChannelOutOfTurn),
            Turn::Over(error) => Err(error),
        }
    }

    const fn end(&mut self, error: DialogueError) -> DialogueError {
        self.turn = Turn::Over(error);
        error
    }
}

impl Beside<'_> {
    /// Confirms with the second PIN while there is no terminal yet; the master file is selected afterwards, as BAUTH wants.
    pub(super) fn confirm_before_the_terminal(&mut self, pin2: &Pin2) -> Result<(), DialogueError> {
        let format = self.profile.pin2.ok_or(DialogueError::ConfirmationMissing)?;
        self.verify(format, pin2, refusal_of_pin2)?;
        self.link.command(Operation::SelectMasterFile, &commands::select_master_file()).map(|_| ())
    }

    fn verify_and_hand_back(
        &mut self,
        format: PasswordFormat,
        pin: &impl Holder,
        refused: impl FnOnce(StatusWord) -> DialogueError,
    ) -> Result<(), DialogueError> {
        self.verify(format, pin, refused)?;
        let back = commands::set_active_channel(ActiveChannel::Terminal);
        self.link.command(Operation::SwitchChannel, &back).map(|_| ())
    }

    fn verify(
        &mut self,
        format: PasswordFormat,
        pin: &impl Holder,
        refused: impl FnOnce(StatusWord) -> DialogueError,
    ) -> Result<(), DialogueError> {
        select_esign(&mut self.link, self.profile)?;
        let status = self.link.transmit(&commands::verify(format, pin)?)?.status();
        if status.is_success() { Ok(()) } else { Err(refused(status)) }
    }
}

/// Shows the card a certificate of the terminal. A link between roots may be refused: a card that has followed it
/// before does not know the old root any more, and its path goes on from the new one.
fn show(link: &mut Link<'_>, certificate: &Certificate) -> Result<(), DialogueError> {
    for command in commands::verify_certificate(certificate)? {
        let status = link.transmit(&command)?.status();
        if status == StatusWord::BAD_DATA && certificate.body().holder.role() == Role::Root {
            return Ok(());
        }
        if !status.is_success() {
            return Err(DialogueError::TerminalCertificateRefused { status });
        }
    }
    Ok(())
}

/// An answer of the client's channel as it is handed to a terminal: data and status.
fn handed_over(answer: &Response) -> Vec<u8> {
    answer.to_octets().to_vec()
}

impl fmt::Debug for TerminalAuthenticating<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TerminalAuthenticating({})", self.0.profile.name)
    }
}

impl fmt::Debug for TerminalChannel<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TerminalChannel({}, {:?})", self.beside.profile.name, self.turn)
    }
}
