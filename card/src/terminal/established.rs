//! A channel between terminal and card that stands, and who the card is.

use latchkey_crypto::cv::{Certificate, Name, TrustedCard};
use latchkey_crypto::secret::SecretOctets;
use zeroize::Zeroizing;

use crate::apdu::{Command, Response};
use crate::bauth::AuxiliaryAttribute;
use crate::dialogue::{Operation, ProtocolFault};
use crate::profile::Profile;
use crate::secure_messaging::{AwaitedResponse, ClientSecureMessaging, ResponseFault};
use crate::terminal::record::{RecordFault, RecordReader, RecordWriter};
use crate::terminal::{RelayedCommand, TerminalFault, answer};

/// A card that has proved itself: it showed a certificate that was trusted that day, and had the key to it. Only M3 of
/// BAUTH makes one, or the sealed record of a session in which it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenCard(Certificate);

impl ProvenCard {
    pub(super) fn new(card: &TrustedCard) -> Self {
        Self(card.certificate().clone())
    }

    /// Its certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.0
    }

    /// Its name: the serial number of its certificate.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.0.body().holder
    }

    fn keep(&self, record: &mut RecordWriter) {
        record.sized(&self.0.to_octets());
    }

    fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        Certificate::parse(record.sized()?).map(Self).map_err(|_| RecordFault)
    }
}

/// The terminal's channel to a card that has proved itself. The terminal's turn to speak.
pub struct Established(Held<Idle>);

/// The terminal's channel to a card of which nothing is known but that it has accepted the terminal. The terminal's
/// turn.
pub struct Unproven(Idle);

impl Established {
    pub(super) const fn new(link: Idle, card: ProvenCard) -> Self {
        Self(Held { link, card })
    }

    /// The card.
    #[must_use]
    pub const fn card(&self) -> &ProvenCard {
        &self.0.card
    }

    pub(super) const fn profile(&self) -> &'static Profile {
        self.0.link.profile
    }

    /// The attributes that the card was asked about and that were not compared yet.
    pub(super) fn take_due(&mut self) -> Vec<AuxiliaryAttribute> {
        std::mem::take(&mut self.0.link.due)
    }

    pub(super) fn send(self, command: &Command) -> Result<(Held<Awaiting>, RelayedCommand), TerminalFault> {
        let Held { link, card } = self.0;
        link.send(command).map(|(link, command)| (Held { link, card }, command))
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        self.0.link.keep(record);
        self.0.card.keep(record);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        Ok(Self::new(Idle::restore(record)?, ProvenCard::restore(record)?))
    }
}

impl Unproven {
    pub(super) const fn new(link: Idle) -> Self {
        Self(link)
    }

    pub(super) fn into_idle(self) -> Idle {
        self.0
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        self.0.keep(record);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        Idle::restore(record).map(Self)
    }
}

/// A channel and the card at its other end.
pub(super) struct Held<Link> {
    pub(super) link: Link,
    pub(super) card: ProvenCard,
}

impl Held<Awaiting> {
    /// Takes the card's answer; the terminal's turn.
    pub(super) fn receive(self, card_response: &[u8]) -> Result<(Response, Established), TerminalFault> {
        let (response, link) = self.link.receive(card_response)?;
        Ok((response, Established::new(link, self.card)))
    }

    /// Takes the card's answer, which has to be success.
    pub(super) fn succeed(
        self,
        operation: Operation,
        card_response: &[u8],
    ) -> Result<(Response, Established), TerminalFault> {
        let (response, established) = self.receive(card_response)?;
        require_success(operation, &response)?;
        Ok((response, established))
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        self.link.keep(record);
        self.card.keep(record);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        Ok(Self { link: Awaiting::restore(record)?, card: ProvenCard::restore(record)? })
    }
}

pub(super) fn require_success(operation: Operation, response: &Response) -> Result<(), TerminalFault> {
    if response.status().is_success() {
        Ok(())
    } else {
        Err(TerminalFault::CardRefused { operation, status: response.status() })
    }
}

/// A channel when it is the terminal's turn to speak.
pub(super) struct Idle {
    pub(super) messaging: ClientSecureMessaging,
    pub(super) profile: &'static Profile,
    /// Attributes that the card was asked about and that were not compared yet.
    pub(super) due: Vec<AuxiliaryAttribute>,
}

/// A channel when an answer is awaited.
pub(super) struct Awaiting {
    messaging: AwaitedResponse,
    pub(super) profile: &'static Profile,
    due: Vec<AuxiliaryAttribute>,
}

impl Idle {
    pub(super) fn send(self, command: &Command) -> Result<(Awaiting, RelayedCommand), TerminalFault> {
        let Self { messaging, profile, due } = self;
        let (protected, messaging) = messaging.protect(command)?;
        Ok((Awaiting { messaging, profile, due }, RelayedCommand::new(&protected)))
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        record.octets(self.messaging.to_secret_octets().expose());
        record.profile(self.profile);
        record.attributes(&self.due);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        let kept = SecretOctets::new(*Zeroizing::new(record.array()?));
        let messaging = ClientSecureMessaging::from_secret_octets(&kept).ok_or(RecordFault)?;
        Ok(Self { messaging, profile: record.profile()?, due: record.attributes()? })
    }
}

impl Awaiting {
    pub(super) fn receive(self, card_response: &[u8]) -> Result<(Response, Idle), TerminalFault> {
        let Self { messaging, profile, due } = self;
        let (response, messaging) =
            messaging.unprotect(&answer::protected(card_response)?).map_err(|fault| match fault {
                ResponseFault::Unprotected(status) => TerminalFault::ChannelClosed { status },
                ResponseFault::Incorrect => TerminalFault::CardProtocol(ProtocolFault::NotAuthentic),
            })?;
        Ok((response, Idle { messaging, profile, due }))
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        record.octets(self.messaging.to_secret_octets().expose());
        record.profile(self.profile);
        record.attributes(&self.due);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        let kept = SecretOctets::new(*Zeroizing::new(record.array()?));
        let messaging = AwaitedResponse::from_secret_octets(&kept).ok_or(RecordFault)?;
        Ok(Self { messaging, profile: record.profile()?, due: record.attributes()? })
    }
}
