//! Another key on a card and a certificate for it (STB 34.101.79, the sequence of key generation), with the issuing
//! authority of the configuration.
//!
//! The authority is asked whether it takes requests before the old key is destroyed. Wherever a card is pulled
//! afterwards, another session ends what was begun: if a ticket stands in the certificate's place, the certificate for it
//! is fetched; otherwise, whatever key the card has now has no certificate, and another one is generated. A ticket is
//! written only after the authority has taken the request, and a card whose request waits gets no other key.

use latchkey_card::key::{key_hash, request_ticket, waiting_ticket};
use latchkey_card::rights::EsignRights;
use latchkey_card::terminal::{
    Established, Findings, KeyAct, KeyManaging, KeyOutcome, Next, Reading, TerminalFile, TerminalStep, Writing,
};
use latchkey_crypto::belt::{self, HASH_SIZE};
use latchkey_crypto::bign::PUBLIC_KEY_SIZE;
use latchkey_crypto::x509::{Certificate, CertificatePath, CertificatePurpose, CertificateRequest, PublicKey};

use super::authority::Collected;
use super::machine::{Judging, Outcome, require_valid};
use super::record::{SecretReader, SecretWriter};
use super::refusal::TerminalRefusal;
use super::ticket::words;
use crate::http::Refusal;

/// How far a renewal is, and what it has found out.
#[derive(Debug, Default)]
pub(super) struct CardRenewal {
    phase: Phase,
    /// The card's name object, as soon as it was read.
    name: Vec<u8>,
    /// The new key, as soon as there is one.
    public_key: Option<[u8; PUBLIC_KEY_SIZE]>,
    /// The request, as soon as it is signed.
    request: Vec<u8>,
    /// The certificate, as soon as it was issued.
    certificate: Vec<u8>,
}

/// What is done, or was done last if it is not the card's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Begun,
    Looking,
    Destroying,
    Generating,
    Signing,
    WritingTicket,
    WritingCertificate,
    WritingKeyHash,
    Over,
}

/// What happens to a renewal.
#[derive(Debug)]
pub(super) enum RenewalEvent<'a> {
    /// Card and terminal have proved themselves to each other.
    Start,
    /// The card answered.
    Card(&'a [u8]),
    /// The client program has confirmed with the PIN and given the turn back.
    Confirmed,
    /// The authority answered.
    Authority(Word),
}

/// What the authority is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    Ready,
    Submit(Vec<u8>),
    Collect([u8; HASH_SIZE]),
}

/// What the authority answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Ready,
    Submitted,
    Collected(Collected),
}

/// What a renewal came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewed {
    /// The certificate, DER, is on the card.
    Issued(Vec<u8>),
    /// The authority takes its time: the ticket is on the card, and another session fetches the certificate.
    Waiting,
}

type Advanced = Result<(CardRenewal, TerminalStep, Outcome), Refusal>;

/// Whether a terminal's certificate lets it renew keys: replace them, write files, and have one request signed.
pub(super) fn is_allowed(rights: EsignRights) -> bool {
    rights.contains(EsignRights::TERMINAL_RENEWAL)
}

/// Whether the holder agreed to it, by the CertHAT objects that the client program has sent the card.
pub(super) fn is_agreed(rights: &[u8]) -> bool {
    words(rights).is_ok_and(|agreed| is_allowed(agreed.esign))
}

impl CardRenewal {
    pub(super) fn advance(self, step: TerminalStep, event: RenewalEvent<'_>, judging: &Judging<'_>) -> Advanced {
        match (step, event, self.phase) {
            (TerminalStep::Established(established), RenewalEvent::Start, Phase::Begun) => {
                judging.admit(judging.status(&established, None))?;
                let next = established.read(&[TerminalFile::Certificate, TerminalFile::Name])?;
                self.at(Phase::Looking).looking(next)
            }
            (TerminalStep::Reading(step), RenewalEvent::Card(answer), Phase::Looking) => {
                let next = step.receive(answer)?;
                self.looking(next)
            }
            (TerminalStep::Established(established), RenewalEvent::Authority(word), phase) => {
                self.told(established, word, phase, judging)
            }
            (TerminalStep::KeyManaging(step), RenewalEvent::Card(answer), Phase::Destroying | Phase::Generating) => {
                let next = step.receive(answer)?;
                self.managing(next)
            }
            (TerminalStep::HandingOver(step), RenewalEvent::Card(answer), Phase::Destroying | Phase::Generating) => {
                Ok((self, step.receive(answer)?.into(), Outcome::Confirm))
            }
            (TerminalStep::HandedOver(step), RenewalEvent::Confirmed, Phase::Destroying) => {
                let (step, command) = step.resume().manage_key(KeyAct::Generate)?;
                Ok((self.at(Phase::Generating), step.into(), command.into()))
            }
            (TerminalStep::HandedOver(step), RenewalEvent::Confirmed, Phase::Generating) => {
                let (step, command) = step.resume().sign()?;
                Ok((self.at(Phase::Signing), step.into(), command.into()))
            }
            (step, RenewalEvent::Card(answer), Phase::Signing) => self.signing(step, answer),
            (
                TerminalStep::Writing(step),
                RenewalEvent::Card(answer),
                Phase::WritingTicket | Phase::WritingCertificate | Phase::WritingKeyHash,
            ) => {
                let next = step.receive(answer)?;
                self.writing(next)
            }
            _ => Err(TerminalRefusal::WrongOrder.into()),
        }
    }

    const fn at(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// What the card has in the certificate's place, and whom it names.
    fn looking(mut self, next: Next<Reading, (Findings, Established)>) -> Advanced {
        let (findings, established) = match next {
            Next::Command(step, command) => return Ok((self, step.into(), command.into())),
            Next::Done(done) => done,
        };
        require_valid(&findings)?;
        let mut ticket = None;
        for (file, contents) in findings.files {
            match (file, contents) {
                (TerminalFile::Certificate, Ok(octets)) => ticket = waiting_ticket(&octets),
                (TerminalFile::Name, Ok(octets)) if !octets.is_empty() => self.name = octets.to_vec(),
                // A certificate that was written in part only cannot be read.
                _ => {}
            }
        }
        if self.name.is_empty() {
            return Err(TerminalRefusal::Renewal("the card has no name for a request").into());
        }
        let question = ticket.map_or(Question::Ready, Question::Collect);
        Ok((self, established.into(), Outcome::Ask(question)))
    }

    fn told(mut self, established: Established, word: Word, phase: Phase, judging: &Judging<'_>) -> Advanced {
        match (word, phase) {
            (Word::Ready, Phase::Looking) => {
                let (step, command) = established.manage_key(KeyAct::Destroy)?;
                Ok((self.at(Phase::Destroying), step.into(), command.into()))
            }
            (Word::Submitted, Phase::Signing) => {
                let ticket = request_ticket(&self.request);
                let (step, command) = established.write_file(TerminalFile::Certificate, &ticket)?;
                Ok((self.at(Phase::WritingTicket), step.into(), command.into()))
            }
            (Word::Collected(Collected::Issued(certificate)), Phase::Looking | Phase::WritingTicket) => {
                match self.checked(&certificate, judging) {
                    Ok(()) => {
                        let (step, command) = established.write_file(TerminalFile::Certificate, &certificate)?;
                        self.certificate = certificate;
                        Ok((self.at(Phase::WritingCertificate), step.into(), command.into()))
                    }
                    // One that was asked for long ago serves nobody.
                    Err(_) if phase == Phase::Looking => Ok((self, established.into(), Outcome::Ask(Question::Ready))),
                    Err(refusal) => Err(refusal.into()),
                }
            }
            (Word::Collected(Collected::NotYet), Phase::Looking | Phase::WritingTicket) => {
                Ok((self.at(Phase::Over), established.into(), Outcome::Renewed(Renewed::Waiting)))
            }
            (Word::Collected(Collected::Unknown), Phase::Looking) => {
                Ok((self, established.into(), Outcome::Ask(Question::Ready)))
            }
            (Word::Collected(Collected::Unknown), Phase::WritingTicket) => Err(TerminalRefusal::AuthorityAnswer.into()),
            _ => Err(TerminalRefusal::WrongOrder.into()),
        }
    }

    fn managing(mut self, next: Next<KeyManaging, (KeyOutcome, Established)>) -> Advanced {
        let (outcome, established) = match next {
            Next::Command(step, command) => return Ok((self, step.into(), command.into())),
            Next::Done(done) => done,
        };
        if let KeyOutcome::Generated(public_key) = outcome {
            self.public_key = Some(public_key);
        }
        let (step, command) = established.hand_over()?;
        Ok((self, step.into(), command.into()))
    }

    fn signing(mut self, step: TerminalStep, answer: &[u8]) -> Advanced {
        let public_key = self.public_key.ok_or(TerminalRefusal::WrongOrder)?;
        let request = || {
            CertificateRequest::new(&self.name, &public_key)
                .map_err(|_| TerminalRefusal::Renewal("the card's name is none for a request"))
        };
        match step {
            TerminalStep::SelectingEsign(step) => {
                let (step, command) = step.receive(answer)?;
                Ok((self, step.into(), command.into()))
            }
            TerminalStep::ChoosingKey(step) => {
                let (step, command) = step.receive(answer, &request()?.hash())?;
                Ok((self, step.into(), command.into()))
            }
            TerminalStep::AwaitingSignature(step) => {
                let (signature, established) = step.receive(answer)?;
                let signed = request()?.signed(&signature);
                let signed = signed.map_err(|_| TerminalRefusal::Signature("not of the new key"))?;
                self.request.clone_from(&signed);
                Ok((self, established.into(), Outcome::Ask(Question::Submit(signed))))
            }
            _ => Err(TerminalRefusal::WrongOrder.into()),
        }
    }

    fn writing(self, next: Next<Writing, Established>) -> Advanced {
        let established = match next {
            Next::Command(step, command) => return Ok((self, step.into(), command.into())),
            Next::Done(established) => established,
        };
        match self.phase {
            Phase::WritingTicket => {
                let ticket = belt::hash(&[&self.request]);
                Ok((self, established.into(), Outcome::Ask(Question::Collect(ticket))))
            }
            Phase::WritingCertificate => {
                let hash = key_hash(&key_of(&self.certificate)?);
                let (step, command) = established.write_file(TerminalFile::KeyHash, &hash)?;
                Ok((self.at(Phase::WritingKeyHash), step.into(), command.into()))
            }
            _ => {
                let issued = Outcome::Renewed(Renewed::Issued(self.certificate.clone()));
                Ok((self.at(Phase::Over), established.into(), issued))
            }
        }
    }

    /// Whether the authority's certificate is one that this card can sign with: its name, its key if that is known, and
    /// a path that counts here.
    fn checked(&self, octets: &[u8], judging: &Judging<'_>) -> Result<(), TerminalRefusal> {
        let unfit = TerminalRefusal::AuthorityAnswer;
        let certificate = Certificate::from_der(octets).map_err(|_| unfit.clone())?;
        let key = key_of(octets)?;
        let is_its_own = certificate.subject().der() == self.name && self.public_key.is_none_or(|own| own == key);
        let path =
            CertificatePath::build(&certificate, judging.trust, CertificatePurpose::DOCUMENT_SIGNATURE, judging.now);
        if is_its_own && path.is_ok() { Ok(()) } else { Err(unfit) }
    }

    pub(super) fn write(&self, writer: &mut SecretWriter) {
        writer.octet(self.phase as u8);
        writer.field(&self.name);
        writer.field(self.public_key.as_ref().map_or(&[], <[u8; PUBLIC_KEY_SIZE]>::as_slice));
        writer.field(&self.request);
        writer.field(&self.certificate);
    }

    pub(super) fn read(reader: &mut SecretReader<'_>) -> Option<Self> {
        let phase = reader.octet()?;
        let phase = PHASES.into_iter().find(|known| *known as u8 == phase)?;
        let name = reader.field()?.to_vec();
        let public_key = match reader.field()? {
            [] => None,
            key => Some(key.try_into().ok()?),
        };
        Some(Self { phase, name, public_key, request: reader.field()?.to_vec(), certificate: reader.field()?.to_vec() })
    }
}

const PHASES: [Phase; 9] = [
    Phase::Begun,
    Phase::Looking,
    Phase::Destroying,
    Phase::Generating,
    Phase::Signing,
    Phase::WritingTicket,
    Phase::WritingCertificate,
    Phase::WritingKeyHash,
    Phase::Over,
];

/// The key of level 128 that a certificate is for.
fn key_of(certificate: &[u8]) -> Result<[u8; PUBLIC_KEY_SIZE], TerminalRefusal> {
    let certificate = Certificate::from_der(certificate).map_err(|_| TerminalRefusal::AuthorityAnswer)?;
    match certificate.public_key() {
        PublicKey::Bign(key) => key.octets().try_into().map_err(|_| TerminalRefusal::AuthorityAnswer),
        _ => Err(TerminalRefusal::AuthorityAnswer),
    }
}
