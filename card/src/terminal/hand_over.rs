//! Giving the client program its turn, for the holder's confirmation (sequence I).

use crate::bauth::ActiveChannel;
use crate::commands;
use crate::dialogue::Operation;
use crate::terminal::established::{Awaiting, Established, Held};
use crate::terminal::{RelayedCommand, TerminalFault};

/// A terminal that is giving the client its turn.
pub struct HandingOver(pub(super) Held<Awaiting>);

/// A terminal that waits until the client has given the turn back. Its channel stands meanwhile.
pub struct HandedOver(pub(super) Established);

impl Established {
    /// Gives the client its turn: MSE:Set CS.
    ///
    /// # Errors
    /// [`TerminalFault`] if no command can be made of it, which does not happen.
    pub fn hand_over(self) -> Result<(HandingOver, RelayedCommand), TerminalFault> {
        let command = commands::set_active_channel(ActiveChannel::Client);
        self.send(&command).map(|(link, command)| (HandingOver(link), command))
    }
}

impl HandingOver {
    /// Takes the card's answer.
    ///
    /// # Errors
    /// [`TerminalFault::CardRefused`], or another.
    pub fn receive(self, card_response: &[u8]) -> Result<HandedOver, TerminalFault> {
        let (_, established) = self.0.succeed(Operation::SwitchChannel, card_response)?;
        Ok(HandedOver(established))
    }
}

impl HandedOver {
    /// Goes on when the client says that it has given the turn back. If it has not, the card will refuse.
    #[must_use]
    pub fn resume(self) -> Established {
        self.0
    }
}
