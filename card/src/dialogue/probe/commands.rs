//! All that a probe can say.

use std::num::NonZeroU8;

use latchkey_crypto::rand_core::CryptoRng;

use crate::apdu::{Command, Response, StatusWord};
use crate::bpace::AuthenticationTemplate;
use crate::channel::CardChannel;
use crate::commands;
use crate::dialogue::authenticate;
use crate::dialogue::error::DialogueError;
use crate::dialogue::file::READ_BLOCK_SIZE;
use crate::dialogue::link::Link;
use crate::password::Can;
use crate::profile::{ApplicationId, FileId, Profile};
use crate::rights::Authority;

/// A command without a password: every one that there is.
#[derive(Debug, Clone, Copy)]
pub(super) enum ProbeCommand {
    /// SELECT the master file.
    SelectMasterFile,
    /// SELECT an application.
    SelectApplication(ApplicationId),
    /// SELECT an application and have it described.
    DescribeApplication(ApplicationId),
    /// SELECT a file.
    SelectFile(FileId),
    /// READ BINARY of one block.
    ReadBinary {
        /// Where it begins.
        offset: u16,
    },
}

impl ProbeCommand {
    fn command(self) -> Result<Command, DialogueError> {
        Ok(match self {
            Self::SelectMasterFile => commands::select_master_file(),
            Self::SelectApplication(application) => commands::select_application(application)?,
            Self::DescribeApplication(application) => commands::select_by_name(application.octets())?,
            Self::SelectFile(file) => commands::select_file(file),
            Self::ReadBinary { offset } => {
                commands::read_binary(offset, NonZeroU8::new(READ_BLOCK_SIZE).unwrap_or(NonZeroU8::MIN))
            }
        })
    }
}

/// A way to the card on which nothing but a [`ProbeCommand`] can be said, and what opens a channel with the CAN.
pub(super) struct Asking<'c>(Link<'c>);

impl<'c> Asking<'c> {
    pub(super) fn plain(channel: &'c mut dyn CardChannel) -> Self {
        Self(Link::plain(channel))
    }

    pub(super) fn say(&mut self, command: ProbeCommand) -> Result<Response, DialogueError> {
        self.0.transmit(&command.command()?)
    }

    /// MSE:Set AT for the CAN: does the card take one here?
    pub(super) fn choose_can(&mut self) -> Result<StatusWord, DialogueError> {
        let Profile { can, rights_order, .. } = Profile::standard();
        let template = AuthenticationTemplate::new(can.id, &Authority::NOTHING, rights_order);
        Ok(self.0.transmit(&commands::set_authentication_template(template.octets())?)?.status())
    }

    /// MSE:Set AT and twice GENERAL AUTHENTICATE with the CAN. Everything after that is protected.
    pub(super) fn open_with_can(
        &mut self,
        model: &Profile,
        can: &Can,
        authority: &Authority,
        random: &mut dyn CryptoRng,
    ) -> Result<(), DialogueError> {
        authenticate::open_channel(&mut self.0, model, can, None, authority, random)
    }
}
