//! Signing people in: the service's own page has a card read, at a request of the service's own.

use super::machine::{CommandToCard, Event, Outcome};
use super::refusal::TerminalRefusal;
use super::ticket::OwnRequest;
use super::{Caller, NO_SUCH_OUTCOME, Terminal};
use crate::audit::Event as AuditEvent;
use crate::http::Refusal;
use crate::outside::Outside as _;
use crate::session::{Assurance, Holder};

/// Who was read of a genuine card whose document is not known to be lost.
#[derive(Debug)]
pub struct ReadIdentity {
    /// The person.
    pub holder: Holder,
    /// Whether the person has lived as many years as was asked, by the card's own answer, if that was asked.
    pub is_of_age: Option<bool>,
    /// How sure that is.
    pub assurance: Assurance,
}

/// What comes next in signing somebody in.
#[derive(Debug)]
pub enum SignInStep {
    /// A command for the card, as long as card and terminal prove themselves to each other.
    Authenticate(CommandToCard),
    /// A command for the card that reads it.
    Read(CommandToCard),
    /// The person.
    Identified(Box<ReadIdentity>),
}

impl Terminal {
    /// Whether this service can ask cards by itself: it needs what tickets are signed with.
    #[must_use]
    pub const fn can_sign_in(&self) -> bool {
        self.tickets.is_some()
    }

    /// A request of this service's own, to be shown to the holder: CMS SignedData, DER. [`Terminal::begin_ticket`] takes
    /// it from [`Caller::own_page`] only.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn own_request(&self, wanted: &OwnRequest<'_>) -> Result<Vec<u8>, Refusal> {
        let tickets = self.tickets.as_ref().ok_or(TerminalRefusal::TicketRequest("no tickets are issued here"))?;
        let judging = (&self.rules.trust, &*self.revocation.current());
        tickets.own_request(wanted, judging, self.now(), &mut &self.random)
    }

    /// Takes the card's answer in a session for a request of this service's own, and ends it with the person's identity.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn sign_in(&self, caller: &Caller, hreq: &str, answer: &[u8]) -> Result<SignInStep, Refusal> {
        match self.advance(caller, hreq, Event::SignIn(answer)).await? {
            // The header alone tells them apart: the authentication goes on as long as there is no protected channel.
            Outcome::Command(command) if command.is_protected() => Ok(SignInStep::Read(command)),
            Outcome::Command(command) => Ok(SignInStep::Authenticate(command)),
            Outcome::Identity(identity) => {
                self.end(caller, hreq).await?;
                self.metrics.terminal_established();
                self.note(&AuditEvent::TerminalEstablished);
                Ok(SignInStep::Identified(identity))
            }
            _ => Err(NO_SUCH_OUTCOME),
        }
    }
}
