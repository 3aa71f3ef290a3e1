//! What the PUK allows inside the eSign application.

use std::fmt;

use crate::apdu::Command;
use crate::commands;
use crate::dialogue::authenticate::refusal;
use crate::dialogue::error::{DialogueError, Operation};
use crate::dialogue::link::Link;
use crate::password::{PasswordKind, Pin};
use crate::profile::Profile;

/// The eSign application in a channel opened with the PUK.
pub struct PukVerified<'c> {
    link: Link<'c>,
    profile: &'c Profile,
}

impl<'c> PukVerified<'c> {
    pub(super) fn new(link: Link<'c>, profile: &'c Profile) -> Self {
        Self { link, profile }
    }

    /// Unblocks the PIN and sets a new one.
    ///
    /// # Errors
    /// [`DialogueError::PinBlocked`] if it is blocked for ever, [`DialogueError::PinDeactivated`], or another.
    pub fn unblock_with_new_pin(&mut self, new: &Pin) -> Result<(), DialogueError> {
        let command = commands::unblock_with_new_pin(new)?;
        self.pin_command(Operation::UnblockPin, &command)
    }

    /// Unblocks the PIN and keeps it.
    ///
    /// # Errors
    /// [`DialogueError::PinBlocked`] if it is blocked for ever, [`DialogueError::PinDeactivated`], or another.
    pub fn unblock_pin(&mut self) -> Result<(), DialogueError> {
        self.pin_command(Operation::UnblockPin, &commands::unblock_pin())
    }

    /// Activates a deactivated PIN. Nothing happens to an active one.
    ///
    /// # Errors
    /// [`DialogueError`] if the card refuses or the channel breaks.
    pub fn activate_pin(&mut self) -> Result<(), DialogueError> {
        self.pin_command(Operation::ActivatePin, &commands::activate_pin(self.profile))
    }

    /// Deactivates the PIN until it is activated again. The card leaves the channel.
    ///
    /// # Errors
    /// [`DialogueError`] if the card refuses or the channel breaks.
    pub fn deactivate_pin(mut self) -> Result<(), DialogueError> {
        self.pin_command(Operation::DeactivatePin, &commands::deactivate_pin(self.profile))
    }

    fn pin_command(&mut self, operation: Operation, command: &Command) -> Result<(), DialogueError> {
        let status = self.link.transmit(command)?.status();
        if status.is_success() { Ok(()) } else { Err(refusal(PasswordKind::Pin, operation, status)) }
    }
}

impl fmt::Debug for PukVerified<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PukVerified({})", self.profile.name)
    }
}
