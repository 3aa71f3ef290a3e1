//! What a card without a terminal tells of its holder: data groups read by the client program itself, on models that
//! allow it.

use std::fmt;

use zeroize::Zeroizing;

use crate::commands;
use crate::dialogue::error::{DialogueError, Operation};
use crate::dialogue::file::{self, MAX_GROUP_SIZE};
use crate::dialogue::link::Link;
use crate::profile::Profile;
use crate::rights::DataGroup;

/// The eID application in a channel opened with CAN or PIN, on a card that needs no terminal to read it.
pub struct IdentitySelected<'c> {
    link: Link<'c>,
    profile: &'c Profile,
}

impl<'c> IdentitySelected<'c> {
    /// SELECTs the eID application.
    pub(super) fn select(mut link: Link<'c>, profile: &'c Profile) -> Result<Self, DialogueError> {
        if !profile.base_mode_reading {
            return Err(DialogueError::TerminalNeeded);
        }
        link.command(Operation::SelectApplication, &commands::select_application(profile.eid)?)?;
        Ok(Self { link, profile })
    }

    /// Reads a data group: the DER object, not judged. `None` if the card has no such group or an empty one. The card
    /// gives it only if the session asked for the right to read it, and some only in a channel opened with the PIN.
    ///
    /// # Errors
    /// [`DialogueError::CardRefused`] without the right or the PIN; another if the channel breaks.
    pub fn read_group(&mut self, group: DataGroup) -> Result<Option<Zeroizing<Vec<u8>>>, DialogueError> {
        let Some(format) = self.profile.group(group) else { return Ok(None) };
        file::read(&mut self.link, format.file, MAX_GROUP_SIZE)
    }
}

impl fmt::Debug for IdentitySelected<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "IdentitySelected({})", self.profile.name)
    }
}
