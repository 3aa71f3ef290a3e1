//! BAUTH from the terminal's side: M1 gives M2, and M3 gives a channel to a card that is known.

use latchkey_crypto::bauth::{self, SessionKey, TerminalConfirming, TerminalKey, TerminalStepAfterM1};
use latchkey_crypto::cv::{Certificate, Date, PathError, TrustAnchors, TrustedCard};
use latchkey_crypto::rand_core::CryptoRng;
use latchkey_crypto::secret::SecretOctets;
use zeroize::Zeroizing;

use crate::apdu::Command;
use crate::bauth::{AuxiliaryAttribute, BilateralM2, Mode, TerminalTemplate, UnilateralM2};
use crate::commands;
use crate::profile::{Edition, Profile, TerminalHello};
use crate::secure_messaging::ClientSecureMessaging;
use crate::terminal::established::{Established, Idle, ProvenCard, Unproven};
use crate::terminal::record::{RecordFault, RecordReader, RecordWriter};
use crate::terminal::{RelayedCommand, TerminalFault, answer};
use crate::tlv::{Cursor, TlvErrorKind};

/// Which texts of the standard a card follows towards terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TerminalEditions {
    /// What the terminal's hello is.
    pub hello: TerminalHello,
    /// What the MAC of secure messaging covers.
    pub mac: Edition,
}

/// The terminal when it has offered itself and awaits the card's M1.
pub struct AwaitingM1 {
    mode: Mode,
    hello: Vec<u8>,
    channel: Prospect,
}

/// What is known of a channel before it stands.
struct Prospect {
    mac: Edition,
    profile: &'static Profile,
    due: Vec<AuxiliaryAttribute>,
}

/// What M1 leads to.
#[derive(Debug)]
pub enum AfterM1 {
    /// The card has to prove itself.
    Bilateral(AwaitingM3),
    /// The card has to accept the terminal, and stays unknown.
    Unilateral(AwaitingAcceptance),
}

/// The terminal when it has sent M2 and awaits the card's M3.
pub struct AwaitingM3 {
    confirming: TerminalConfirming,
    channel: Prospect,
}

/// The terminal when it has sent M2 of a unilateral run.
pub struct AwaitingAcceptance(Idle);

impl AwaitingM1 {
    /// The terminal that has offered `template` to a card of this profile. `cert_hats` are the CertHAT objects with
    /// which the client has opened its channel, in their order.
    #[must_use]
    pub fn new(
        template: &TerminalTemplate,
        cert_hats: &[u8],
        profile: &'static Profile,
        editions: TerminalEditions,
    ) -> Self {
        let due = template.auxiliary().map(|auxiliary| auxiliary.attributes()).unwrap_or_default();
        let channel = Prospect { mac: editions.mac, profile, due };
        Self { mode: template.mode(), hello: template.hello(editions.hello, cert_hats), channel }
    }

    /// Takes the card's answer with M1 and gives M2. `key` is that of the certificate that was offered.
    ///
    /// # Errors
    /// [`TerminalFault::CardNotProven`] if M1 is not for this terminal, [`TerminalFault::KeyUnavailable`],
    /// [`TerminalFault::CardRefused`] or [`TerminalFault::Malformed`].
    pub fn receive(
        self,
        card_response: &[u8],
        key: &dyn TerminalKey,
        random: &mut dyn CryptoRng,
    ) -> Result<(AfterM1, RelayedCommand), TerminalFault> {
        let m1 = answer::m1(card_response)?;
        let (step, m2) = bauth::terminal_receive_m1(key, &m1, &self.hello, self.mode, random)?;
        let command = second_general_authenticate(self.mode, &m2)?;
        let after = match step {
            TerminalStepAfterM1::Confirming(confirming) => {
                AfterM1::Bilateral(AwaitingM3 { confirming, channel: self.channel })
            }
            TerminalStepAfterM1::Established(session_key) => {
                AfterM1::Unilateral(AwaitingAcceptance(self.channel.open(&session_key)))
            }
        };
        Ok((after, RelayedCommand::new(&command)))
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        record.mode(self.mode);
        record.sized(&self.hello);
        self.channel.keep(record);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        Ok(Self { mode: record.mode()?, hello: record.sized()?.to_vec(), channel: Prospect::restore(record)? })
    }
}

/// GENERAL AUTHENTICATE with M2, whose length the mode fixes.
fn second_general_authenticate(mode: Mode, m2: &[u8]) -> Result<Command, TerminalFault> {
    let wrong = TerminalFault::Malformed(Cursor::new(m2).error(TlvErrorKind::Value));
    let data = match mode {
        Mode::Unilateral => m2.try_into().ok().map(UnilateralM2::encode),
        Mode::Bilateral => m2.try_into().ok().map(BilateralM2::encode),
    };
    Ok(commands::authenticate_last(&data.ok_or(wrong)?)?)
}

/// Whom the terminal takes for a card: below these roots, directly or through one of these authorities or links.
#[derive(Debug, Clone, Copy)]
pub struct CardTrustAnchors<'a> {
    /// The roots.
    pub anchors: &'a TrustAnchors,
    /// Certificates of authorities below them, and links between them. Nothing of these is trusted before it was
    /// judged.
    pub issuers: &'a [Certificate],
    /// The day on which everything has to be in force.
    pub today: Date,
}

impl CardTrustAnchors<'_> {
    /// Judges a card by every path that the names allow, and gives the first that holds.
    fn judge(&self, card: &Certificate) -> Result<TrustedCard, PathError> {
        let mut refusal = None;
        for path in self.paths(card) {
            match self.anchors.card(&path, self.today) {
                Ok(trusted) => return Ok(trusted),
                // That a root is unknown says least of all.
                Err(error @ PathError::UnknownAuthority { .. }) => refusal = refusal.or(Some(error)),
                Err(error) => refusal = Some(error),
            }
        }
        Err(refusal.unwrap_or(PathError::Empty))
    }

    /// The card alone, under an authority, and under an authority under a link.
    fn paths(&self, card: &Certificate) -> Vec<Vec<Certificate>> {
        let issuers_of = |certificate: &Certificate| {
            let name = certificate.body().authority.clone();
            self.issuers.iter().filter(move |issuer| issuer.body().holder == name).cloned()
        };
        let mut paths = vec![vec![card.clone()]];
        for authority in issuers_of(card) {
            paths.push(vec![authority.clone(), card.clone()]);
            paths.extend(issuers_of(&authority).map(|link| vec![link, authority.clone(), card.clone()]));
        }
        paths
    }
}

impl AwaitingM3 {
    /// Takes the card's answer with M3: the confirmation of its key, its certificate, and the proof that it has the key
    /// of that certificate, in this order.
    ///
    /// # Errors
    /// [`TerminalFault::CardNotProven`], [`TerminalFault::CardCertificate`], [`TerminalFault::CardNotTrusted`],
    /// [`TerminalFault::CardRefused`] or [`TerminalFault::Malformed`].
    pub fn receive(self, card_response: &[u8], trust: &CardTrustAnchors<'_>) -> Result<Established, TerminalFault> {
        let m3 = answer::m3(card_response)?;
        let mut refusal = None;
        let judged = self.confirming.receive_m3(m3, |octets| {
            let card = Certificate::parse(octets)
                .map_err(TerminalFault::CardCertificate)
                .and_then(|card| trust.judge(&card).map_err(TerminalFault::CardNotTrusted))
                .map_err(|fault| refusal = Some(fault))
                .ok()?;
            let key = card.certificate().body().key.octets().try_into().ok()?;
            Some((card, key))
        });
        let (session_key, card) = judged.map_err(|error| refusal.unwrap_or(error.into()))?;
        Ok(Established::new(self.channel.open(&session_key), ProvenCard::new(&card)))
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        record.octets(self.confirming.to_secret_octets().expose());
        self.channel.keep(record);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        let kept = Zeroizing::new(record.array()?);
        let confirming = TerminalConfirming::from_secret_octets(&SecretOctets::new(*kept));
        Ok(Self { confirming, channel: Prospect::restore(record)? })
    }
}

impl AwaitingAcceptance {
    /// Takes the card's answer, which says only that it has accepted the terminal.
    ///
    /// # Errors
    /// [`TerminalFault::CardRefused`] or [`TerminalFault::Malformed`].
    pub fn receive(self, card_response: &[u8]) -> Result<Unproven, TerminalFault> {
        answer::accepted(card_response)?;
        Ok(Unproven::new(self.0))
    }

    pub(super) fn keep(&self, record: &mut RecordWriter) {
        self.0.keep(record);
    }

    pub(super) fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        Idle::restore(record).map(Self)
    }
}

impl Prospect {
    fn open(self, session_key: &SessionKey) -> Idle {
        let messaging = ClientSecureMessaging::new(session_key, self.mac);
        Idle { messaging, profile: self.profile, due: self.due }
    }

    fn keep(&self, record: &mut RecordWriter) {
        record.edition(self.mac);
        record.profile(self.profile);
        record.attributes(&self.due);
    }

    fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
        Ok(Self { mac: record.edition()?, profile: record.profile()?, due: record.attributes()? })
    }
}
