//! How far a session is, and what comes next: an enumeration of steps, each consumed by what happens.

use latchkey_card::bauth::{Auxiliary, AuxiliaryAttribute, Day, Mode, TerminalTemplate};
use latchkey_card::bpace::AuthenticationTemplate;
use latchkey_card::profile::Profile;
use latchkey_card::rights::{DataGroup, EsignRights};
use latchkey_card::terminal::{
    AfterM1, AwaitingM1, CardTrustAnchors, Established, Findings, Next, Reading, RelayedCommand, TerminalEditions,
    TerminalFault, TerminalFile, TerminalStep,
};
use latchkey_crypto::bign::PUBLIC_KEY_SIZE;
use latchkey_crypto::cv::Date;
use latchkey_crypto::x509::{RevocationLists, TrustStore};
use rand_core::CryptoRng;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::attributes::{Attribute, Attributes, standard_groups};
use super::card_renewal::{CardRenewal, Question, RenewalEvent, Renewed};
use super::credentials::Shown;
use super::personal_data::{PersonalData, document_number, holder};
use super::record::{SecretReader, SecretWriter};
use super::refusal::TerminalRefusal;
use super::signature::{PreparedSignature, ToSign};
use super::status::{DocumentRegister, DocumentStatus, UnknownDocuments};
use super::ticket::{Order, Tickets};
use super::{Beginning, ReadData, ReadIdentity};
use crate::http::Refusal;
use crate::session::{Assurance, Holder};

/// Which kind of card a session is with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CardKind {
    /// A card of the published standard.
    Standard,
    /// The card that is deployed, with its five groups.
    Deployed,
}

/// A command for the client program to pass on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandToCard {
    /// CLA INS P1 P2.
    pub header: [u8; 4],
    /// The command's data.
    pub data: Vec<u8>,
}

/// What comes after a card's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnsweredCommand {
    /// Another command.
    Next(CommandToCard),
    /// Nothing more.
    Done,
}

/// What happens to a session.
pub(super) enum Event<'a> {
    Authenticate(&'a [u8]),
    BeginReading(Vec<u8>),
    Read(&'a [u8]),
    TakeData,
    BeginSigning,
    SelectKey(&'a [u8]),
    Sign(&'a [u8], ToSign),
    TakeSignature(&'a [u8]),
    ReadForTicket,
    IssueTicket,
    /// Whatever comes next in signing somebody in.
    SignIn(&'a [u8]),
    TakeIdentity,
    Renew(RenewalEvent<'a>),
}

/// What a step leads to, apart from the next.
pub(super) enum Outcome {
    Command(CommandToCard),
    Done,
    Data(Box<ReadData>),
    Signature(Vec<u8>),
    Ticket(Vec<u8>),
    Identity(Box<ReadIdentity>),
    /// The client program is to confirm with the PIN, and to give the turn back.
    Confirm,
    /// The authority is to be asked before anything else happens.
    Ask(Question),
    Renewed(Renewed),
}

/// What steps are judged by.
pub(super) struct Judging<'a> {
    pub(super) shown: &'a Shown,
    /// What the session's card was shown, if that is still known.
    pub(super) shown_to_card: Option<&'a Shown>,
    pub(super) register: &'a DocumentRegister,
    pub(super) unknown_documents: UnknownDocuments,
    pub(super) trust: &'a TrustStore,
    pub(super) revocation: &'a RevocationLists,
    pub(super) tickets: Option<&'a Tickets>,
    pub(super) now: OffsetDateTime,
    pub(super) today: Date,
}

/// What a session is for, if not for whatever its caller asks.
pub(super) enum Errand {
    /// A relying party's request.
    Ticket(Order),
    /// Another key on the card and a certificate for it.
    Renewal(CardRenewal),
}

/// How far a session is.
pub(super) struct Machine {
    card: CardKind,
    /// The terminal's key by the certificate that the card was shown.
    shown_key: [u8; PUBLIC_KEY_SIZE],
    step: TerminalStep,
    kept: Kept,
    prepared: Option<PreparedSignature>,
    /// What the session is for. It is for nothing else then.
    errand: Option<Errand>,
}

/// What was read and not fetched yet.
#[derive(Default)]
struct Kept {
    /// Groups, by their numbers on that card.
    groups: Option<Vec<(u8, Zeroizing<Vec<u8>>)>>,
    /// The number of the document, once it was read.
    document: Option<String>,
    /// The certificate of the card's key for terminals.
    certificate: Option<Vec<u8>>,
    /// What the card has said of its holder's age.
    age_holds: Option<bool>,
}

impl Machine {
    /// The first step, with a card that is shown the certificate in `shown`, and the data of MSE:Set AT. Always mutual: no
    /// identity comes from a card that has proved nothing.
    pub(super) fn begin(
        shown: &Shown,
        beginning: Beginning,
        errand: Option<Errand>,
        now: OffsetDateTime,
    ) -> Result<(Self, Vec<u8>), Refusal> {
        let Beginning { card, rights } = beginning;
        let day = Day::try_from(now.date()).map_err(|_| Refusal::Internal("today is no day of cards"))?;
        let order = match &errand {
            Some(Errand::Ticket(order)) => Some(order),
            Some(Errand::Renewal(_)) | None => None,
        };
        let born_by = order.and_then(|order| order.age_over).map(|years| born_by(now, years)).transpose()?;
        let auxiliary = Auxiliary { born_by, ..Auxiliary::valid_on(day) };
        let template = TerminalTemplate::new(Mode::Bilateral, order.map(|order| order.hash), Some(auxiliary));
        let profile = card.profile();
        let editions = TerminalEditions { hello: profile.hello_terminal, mac: profile.editions.mac() };
        let rights = rights.unwrap_or_else(|| usual_rights(profile));
        let step = TerminalStep::AwaitingM1(AwaitingM1::new(&template, &rights, profile, editions));
        let shown_key = shown.key.public_key();
        let machine = Self { card, shown_key, step, kept: Kept::default(), prepared: None, errand };
        Ok((machine, template.octets().to_vec()))
    }

    /// The key that the next step needs, if it needs one.
    pub(super) const fn needed_key(&self) -> Option<&[u8; PUBLIC_KEY_SIZE]> {
        match self.step {
            TerminalStep::AwaitingM1(_) => Some(&self.shown_key),
            _ => None,
        }
    }

    /// The next step. Each kind of step takes its own events; everything else is out of order.
    pub(super) fn advance(
        self,
        event: Event<'_>,
        judging: &Judging<'_>,
        random: &mut dyn CryptoRng,
    ) -> Result<(Self, Outcome), Refusal> {
        if let Event::SignIn(answer) = event {
            return self.sign_in(answer, judging, random);
        }
        let Self { card, shown_key, step, mut kept, prepared, errand } = self;
        let (event, errand) = match (event, errand) {
            (Event::Renew(event), Some(Errand::Renewal(renewal))) => {
                let (renewal, step, outcome) = renewal.advance(step, event, judging)?;
                let errand = Some(Errand::Renewal(renewal));
                return Ok((Self { card, shown_key, step, kept, prepared, errand }, outcome));
            }
            other => other,
        };
        let order = match &errand {
            Some(Errand::Ticket(order)) => Some(order),
            Some(Errand::Renewal(_)) | None => None,
        };
        let is_free = errand.is_none();
        let (step, outcome, prepared) = match (step, event) {
            (TerminalStep::AwaitingM1(step), Event::Authenticate(answer)) => {
                // Without the key that the card computes with a genuine card would look like another.
                let shown = judging.shown_to_card.ok_or(TerminalRefusal::Unknown)?;
                match step.receive(answer, &*shown.key, random)? {
                    (AfterM1::Bilateral(step), m2) => (TerminalStep::AwaitingM3(step), m2.into(), None),
                    (AfterM1::Unilateral(_), _) => {
                        return Err(TerminalRefusal::CardNotGenuine("nobody asked it").into());
                    }
                }
            }
            (TerminalStep::AwaitingM3(step), Event::Authenticate(answer)) => {
                let Shown { anchors, card_authorities, .. } = judging.shown;
                let trust = CardTrustAnchors { anchors, issuers: card_authorities, today: judging.today };
                let established = step.receive(answer, &trust)?;
                if judging.status(&established, None) == DocumentStatus::Lost {
                    return Err(TerminalRefusal::DocumentLost.into());
                }
                (TerminalStep::Established(established), Outcome::Done, None)
            }
            (TerminalStep::Established(established), Event::ReadForTicket) => {
                let granted = order.map(|order| order.granted.as_slice());
                let files =
                    granted.ok_or(TerminalRefusal::WrongOrder)?.iter().filter_map(|group| DataGroup::new(*group));
                let files: Vec<_> = files.map(TerminalFile::DataGroup).collect();
                let (step, outcome) = kept.reading(card, established.read(&files)?)?;
                (step, outcome, None)
            }
            (TerminalStep::Established(established), Event::IssueTicket) => {
                let order = order.filter(|order| !order.is_own).ok_or(TerminalRefusal::WrongOrder)?;
                let groups = kept.groups.take().ok_or(TerminalRefusal::WrongOrder)?;
                let ticket = judging.ticket(order, card, &established, &groups, kept.age_holds)?;
                (TerminalStep::Established(established), Outcome::Ticket(ticket), None)
            }
            (TerminalStep::Established(established), Event::TakeIdentity) => {
                order.filter(|order| order.is_own).ok_or(TerminalRefusal::WrongOrder)?;
                let groups = kept.groups.take().ok_or(TerminalRefusal::WrongOrder)?;
                let identity = judging.identity(card, &established, &groups, kept.age_holds)?;
                (TerminalStep::Established(established), Outcome::Identity(Box::new(identity)), None)
            }
            (TerminalStep::Established(established), Event::BeginReading(groups)) if is_free => {
                kept.groups = None;
                let files = card.files(&groups, judging.shown);
                let (step, outcome) = kept.reading(card, established.read(&files)?)?;
                (step, outcome, None)
            }
            (TerminalStep::Reading(step), Event::Read(answer)) => {
                let (step, outcome) = kept.reading(card, step.receive(answer)?)?;
                (step, outcome, None)
            }
            (TerminalStep::Established(established), Event::TakeData) if is_free => {
                let groups = kept.groups.take().ok_or(TerminalRefusal::WrongOrder)?;
                let data = judging.personal_data(card, &established, &groups)?;
                (TerminalStep::Established(established), Outcome::Data(Box::new(data)), None)
            }
            (TerminalStep::Established(established), Event::BeginSigning) if is_free => {
                judging.admit(judging.status(&established, kept.document.as_deref()))?;
                if kept.certificate.is_none() {
                    return Err(TerminalRefusal::SigningCertificate("it was not read").into());
                }
                let (step, command) = established.sign()?;
                (TerminalStep::SelectingEsign(step), command.into(), None)
            }
            (TerminalStep::SelectingEsign(step), Event::SelectKey(answer)) => {
                let (step, command) = step.receive(answer)?;
                (TerminalStep::ChoosingKey(step), command.into(), None)
            }
            (TerminalStep::ChoosingKey(step), Event::Sign(answer, to_sign)) => {
                let certificate = kept.certificate.clone().ok_or(TerminalRefusal::WrongOrder)?;
                let signing_time = judging.now.replace_nanosecond(0).unwrap_or(judging.now);
                let prepared = PreparedSignature { to_sign, certificate, signing_time };
                let (step, command) = step.receive(answer, &prepared.hash()?)?;
                (TerminalStep::AwaitingSignature(step), command.into(), Some(prepared))
            }
            (TerminalStep::AwaitingSignature(step), Event::TakeSignature(answer)) => {
                let prepared = prepared.ok_or(TerminalRefusal::WrongOrder)?;
                let (signature, established) = step.receive(answer)?;
                let message = prepared.finish(&signature, judging.trust, judging.revocation, judging.now)?;
                (TerminalStep::Established(established), Outcome::Signature(message), None)
            }
            (_, _) => return Err(TerminalRefusal::WrongOrder.into()),
        };
        Ok((Self { card, shown_key, step, kept, prepared, errand }, outcome))
    }

    /// Takes the card's answer in a session that signs somebody in: authentication and reading follow each other by
    /// themselves, to the holder's identity.
    fn sign_in(
        self,
        answer: &[u8],
        judging: &Judging<'_>,
        random: &mut dyn CryptoRng,
    ) -> Result<(Self, Outcome), Refusal> {
        let (event, afterwards) = match self.step {
            TerminalStep::Reading(_) => (Event::Read(answer), Event::TakeIdentity),
            _ => (Event::Authenticate(answer), Event::ReadForTicket),
        };
        match self.advance(event, judging, random)? {
            (machine, Outcome::Done) => machine.advance(afterwards, judging, random),
            next => Ok(next),
        }
    }

    pub(super) fn write(&self, writer: &mut SecretWriter) {
        writer.octet(match self.card {
            CardKind::Standard => 0,
            CardKind::Deployed => 1,
        });
        writer.field(&self.shown_key);
        writer.field(&self.step.to_secret_octets());
        let groups = self.kept.groups.as_deref();
        writer.octet(groups.map_or(0, |_| 1));
        let groups = groups.unwrap_or_default();
        writer.octet(u8::try_from(groups.len()).unwrap_or(u8::MAX));
        for (number, octets) in groups {
            writer.octet(*number);
            writer.field(octets);
        }
        writer.field(self.kept.document.as_deref().unwrap_or_default().as_bytes());
        writer.field(self.kept.certificate.as_deref().unwrap_or_default());
        writer.octet(match self.kept.age_holds {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        });
        writer.octet(self.prepared.as_ref().map_or(0, |_| 1));
        if let Some(PreparedSignature { to_sign, certificate, signing_time }) = &self.prepared {
            writer.field(&to_sign.content);
            writer.octet(u8::from(to_sign.is_detached));
            writer.field(certificate);
            writer.time(*signing_time);
        }
        match &self.errand {
            None => writer.octet(0),
            Some(Errand::Ticket(order)) => {
                writer.octet(1);
                order.write(writer);
            }
            Some(Errand::Renewal(renewal)) => {
                writer.octet(2);
                renewal.write(writer);
            }
        }
    }

    pub(super) fn read(reader: &mut SecretReader<'_>) -> Option<Self> {
        let card = match reader.octet()? {
            0 => CardKind::Standard,
            1 => CardKind::Deployed,
            _ => return None,
        };
        let shown_key = reader.field()?.try_into().ok()?;
        let step = TerminalStep::from_secret_octets(reader.field()?).ok()?;
        let was_read = reader.octet()? == 1;
        let mut groups = Vec::new();
        for _ in 0..reader.octet()? {
            groups.push((reader.octet()?, Zeroizing::new(reader.field()?.to_vec())));
        }
        let document = Some(reader.field()?).filter(|document| !document.is_empty());
        let document = document.map(|document| String::from_utf8(document.to_vec())).transpose().ok()?;
        let certificate = Some(reader.field()?.to_vec()).filter(|certificate| !certificate.is_empty());
        let age_holds = match reader.octet()? {
            0 => None,
            1 => Some(false),
            2 => Some(true),
            _ => return None,
        };
        let prepared = match reader.octet()? {
            0 => None,
            _ => Some(PreparedSignature {
                to_sign: ToSign { content: reader.field()?.to_vec(), is_detached: reader.octet()? == 1 },
                certificate: reader.field()?.to_vec(),
                signing_time: reader.time()?,
            }),
        };
        let errand = match reader.octet()? {
            0 => None,
            1 => Some(Errand::Ticket(Order::read(reader)?)),
            2 => Some(Errand::Renewal(CardRenewal::read(reader)?)),
            _ => return None,
        };
        let kept = Kept { groups: was_read.then_some(groups), document, certificate, age_holds };
        Some(Self { card, shown_key, step, kept, prepared, errand })
    }
}

impl CommandToCard {
    /// Whether it goes over the channel that card and terminal have agreed on.
    pub(super) const fn is_protected(&self) -> bool {
        let [class, ..] = self.header;
        class & 0x04 != 0
    }
}

impl CardKind {
    /// What is known of such cards.
    fn profile(self) -> &'static Profile {
        let [standard, deployed] = Profile::KNOWN;
        match self {
            Self::Standard => standard,
            Self::Deployed => deployed,
        }
    }

    /// The files that groups of the deployed card stand for on this card, and the certificate to sign with where the
    /// terminal may have cards sign: a signature has no room for reading it.
    fn files(self, groups: &[u8], shown: &Shown) -> Vec<TerminalFile> {
        let groups = groups.iter().filter_map(|group| DataGroup::new(*group)).flat_map(|group| match self {
            Self::Standard => standard_groups(group),
            Self::Deployed => vec![group],
        });
        let certificate =
            shown.rights.esign.contains(EsignRights::TERMINAL_SIGNING).then_some(TerminalFile::Certificate);
        groups.map(TerminalFile::DataGroup).chain(certificate).collect()
    }
}

/// The rights that client programs ask such a card for when pages of today call them, as they send them.
fn usual_rights(profile: &Profile) -> Vec<u8> {
    AuthenticationTemplate::new(profile.pin.id, &profile.words, profile.rights_order).cert_hats().to_vec()
}

impl Kept {
    /// Takes what was read, once everything was.
    fn reading(
        &mut self,
        card: CardKind,
        next: Next<Reading, (Findings, Established)>,
    ) -> Result<(TerminalStep, Outcome), TerminalRefusal> {
        let (findings, established) = match next {
            Next::Command(step, command) => return Ok((TerminalStep::Reading(step), command.into())),
            Next::Done(done) => done,
        };
        require_valid(&findings)?;
        let age =
            |(attribute, holds): &(_, bool)| (*attribute == AuxiliaryAttribute::AgeVerification).then_some(*holds);
        self.age_holds = findings.attributes.iter().find_map(age).or(self.age_holds);
        let mut groups = Vec::new();
        for (file, contents) in findings.files {
            match (file, contents) {
                (TerminalFile::DataGroup(group), Ok(octets)) => groups.push((group.number(), octets)),
                (TerminalFile::Certificate, Ok(octets)) if !octets.is_empty() => {
                    self.certificate = Some(octets.to_vec());
                }
                _ => {}
            }
        }
        let attributes = card.attributes(&groups)?;
        self.document = document_number(&attributes)?.or(self.document.take());
        self.groups = Some(groups);
        Ok((TerminalStep::Established(established), Outcome::Done))
    }
}

/// The day on which, or before which, somebody was born who has lived so many years today.
fn born_by(now: OffsetDateTime, years: u8) -> Result<Day, Refusal> {
    let today = now.date();
    let year = today.year() - i32::from(years);
    // Who was born on 29 February is of age on 1 March where there is no such day, and nobody before.
    let born = today.replace_year(year).or_else(|_| time::Date::from_calendar_date(year, time::Month::February, 28));
    let born = born.ok().and_then(|born| Day::try_from(born).ok());
    born.ok_or(Refusal::Internal("a birthday is no day of cards"))
}

/// The document has to be in force by what the card itself says.
pub(super) fn require_valid(findings: &Findings) -> Result<(), TerminalRefusal> {
    let is_over = findings.attributes.contains(&(AuxiliaryAttribute::DocumentValidity, false));
    if is_over { Err(TerminalRefusal::DocumentExpired) } else { Ok(()) }
}

impl CardKind {
    fn attributes(self, groups: &[(u8, Zeroizing<Vec<u8>>)]) -> Result<Attributes, TerminalRefusal> {
        let mut attributes = Attributes::default();
        for (number, octets) in groups.iter().filter(|(_, octets)| !octets.is_empty()) {
            if let Some(group) = DataGroup::new(*number) {
                attributes.take(self.profile(), group, octets)?;
            }
        }
        Ok(attributes)
    }
}

impl Judging<'_> {
    /// What the register says of the card, by the number of its certificate and that of the document, if it was read.
    pub(super) fn status(&self, established: &Established, document: Option<&str>) -> DocumentStatus {
        let name = established.card().name().as_str();
        let numbers: Vec<_> = [Some(name), document].into_iter().flatten().collect();
        self.register.status(&numbers)
    }

    pub(super) fn admit(&self, status: DocumentStatus) -> Result<Assurance, TerminalRefusal> {
        match (status, self.unknown_documents) {
            (DocumentStatus::Valid, _) => Ok(Assurance::High),
            (DocumentStatus::Unknown, UnknownDocuments::Report) => Ok(Assurance::Substantial),
            (DocumentStatus::Unknown, UnknownDocuments::Refuse) => Err(TerminalRefusal::DocumentUnknown),
            (DocumentStatus::Lost, _) => Err(TerminalRefusal::DocumentLost),
        }
    }

    fn personal_data(
        &self,
        card: CardKind,
        established: &Established,
        groups: &[(u8, Zeroizing<Vec<u8>>)],
    ) -> Result<ReadData, TerminalRefusal> {
        let attributes = card.attributes(groups)?;
        if attributes.get(Attribute::Expiry).is_some_and(|expiry| expiry < self.today_digits().as_bytes()) {
            return Err(TerminalRefusal::DocumentExpired);
        }
        let document_status = self.status(established, document_number(&attributes)?.as_deref());
        let assurance = self.admit(document_status)?;
        Ok(ReadData { personal_data: PersonalData::of(&attributes)?, document_status, assurance })
    }

    /// Who the holder is, by what the groups say.
    fn identity(
        &self,
        card: CardKind,
        established: &Established,
        groups: &[(u8, Zeroizing<Vec<u8>>)],
        age_holds: Option<bool>,
    ) -> Result<ReadIdentity, TerminalRefusal> {
        let attributes = card.attributes(groups)?;
        let assurance = self.admit(self.status(established, document_number(&attributes)?.as_deref()))?;
        let holder: Holder = holder(&attributes)?.ok_or(TerminalRefusal::TicketGroups)?;
        Ok(ReadIdentity { holder, is_of_age: age_holds, assurance })
    }

    fn ticket(
        &self,
        order: &Order,
        card: CardKind,
        established: &Established,
        groups: &[(u8, Zeroizing<Vec<u8>>)],
        age_holds: Option<bool>,
    ) -> Result<Vec<u8>, Refusal> {
        let tickets = self.tickets.ok_or(TerminalRefusal::WrongOrder)?;
        let data = self.personal_data(card, established, groups)?;
        tickets.issue(order, groups, age_holds, &data, self)
    }

    /// Today as data groups write days.
    fn today_digits(&self) -> String {
        let today = time::Date::from(self.today);
        format!("{:04}{:02}{:02}", today.year(), u8::from(today.month()), today.day())
    }
}

impl From<RelayedCommand> for Outcome {
    fn from(RelayedCommand { header, data }: RelayedCommand) -> Self {
        Self::Command(CommandToCard { header, data })
    }
}

/// The log is told the kind of the fault; its details may name the card.
impl From<TerminalFault> for Refusal {
    fn from(fault: TerminalFault) -> Self {
        let refusal = match fault {
            TerminalFault::KeyUnavailable => return Self::Internal("the terminal's key cannot be used"),
            TerminalFault::CardRefused { status, .. } => TerminalRefusal::Card(status.value()),
            TerminalFault::CardNotProven(_) | TerminalFault::CardCertificate(_) | TerminalFault::CardNotTrusted(_) => {
                TerminalRefusal::CardNotGenuine(fault.code())
            }
            _ => TerminalRefusal::Answer(fault.code()),
        };
        Self::Terminal(refusal)
    }
}
