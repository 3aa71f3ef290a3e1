//! Reports as they are written.

use latchkey_card::dialogue::PinStatus;
use latchkey_crypto::assertion::{ASSERTION_MAX_SIZE, Assertion, CERTIFICATE_MAX_SIZE};
use latchkey_crypto::cms::{DetachedSignature, SIGNATURE_FILE_MAX_SIZE};
use latchkey_reader::{Atr, CardPresence, Insertion, ReaderEvent};
use serde::{Deserialize, Serialize};

use super::failure::WireFailure;
use super::frame::WireFault;
use super::octets::{Octets, WireReader};
use super::terminal_session::WireSessionReport;
use crate::{
    Answer, CardContents, CardModel, CardStatus, DOCUMENTS_MAX, Failure, ProbeFindings, ReaderReport, Report,
    SecretKind, Step,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum WireReport {
    Progress(WireStep),
    Readers(WireEvent),
    Session(WireSessionReport),
    Answered(WireAnswer),
    Failed(WireFailure),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum WireStep {
    ReadingDocuments,
    WaitingForReader,
    WaitingForCard,
    ReaderChosen(WireReader),
    CardRecognised(#[serde(with = "WireModel")] CardModel),
    PinStatusKnown(#[serde(with = "WirePinStatus")] PinStatus),
    WaitingFor(#[serde(with = "WireSecretKind")] SecretKind),
    HolderActive,
    ChannelOpen,
    Examining,
    CertificateRead,
    Signing,
    Done,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CardModel", rename_all = "kebab-case")]
pub(super) enum WireModel {
    Stb79,
    Kta,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "PinStatus", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
enum WirePinStatus {
    Usable { tries_left: u8 },
    Suspended,
    Blocked,
    Deactivated,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SecretKind", rename_all = "kebab-case")]
pub(super) enum WireSecretKind {
    Pin,
    Pin2,
    NewPin,
    Can,
    Puk,
    LastTryConfirmation,
    Consent,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum WireEvent {
    ServiceUp,
    ServiceDown,
    ReaderAppeared(WireReader),
    ReaderVanished(WireReader),
    CardInserted { reader: WireReader, presence: WirePresence },
    CardChanged { reader: WireReader, presence: WirePresence },
    CardRemoved { reader: WireReader, insertion: u64 },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum WirePresence {
    Absent,
    Present { insertion: u64, atr: Octets },
    InUseExclusively { insertion: u64, atr: Octets },
    Mute { insertion: u64 },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum WireAnswer {
    Readers(Vec<WireReaderReport>),
    CardStatus {
        reader: WireReader,
        #[serde(with = "WireModel")]
        model: CardModel,
        #[serde(with = "WirePinStatus")]
        pin: PinStatus,
    },
    /// The assertion's own JSON.
    SignedIn(String),
    DocumentsSigned(Vec<WireSigned>),
    Card {
        reader: WireReader,
        #[serde(with = "WireModel")]
        model: CardModel,
        certificates: Vec<Octets>,
    },
    PinManaged(#[serde(with = "WirePinStatus")] PinStatus),
    #[serde(rename_all = "camelCase")]
    Probed {
        report: String,
        channel_opened: bool,
    },
    TerminalSessionEnded,
}

/// What became of one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum WireSigned {
    Signature(Octets),
    Failed(WireFailure),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireReaderReport {
    name: WireReader,
    card: bool,
}

impl WireReport {
    pub(super) fn of(report: &Report) -> Self {
        match report {
            Report::Progress(step) => Self::Progress(WireStep::of(step)),
            Report::Readers(event) => Self::Readers(WireEvent::of(event)),
            Report::Session(report) => Self::Session(WireSessionReport::of(report)),
            Report::Finished(Ok(answer)) => Self::Answered(WireAnswer::of(answer)),
            Report::Finished(Err(failure)) => Self::Failed(WireFailure::of(failure)),
        }
    }

    pub(super) fn read(self) -> Result<Report, WireFault> {
        Ok(match self {
            Self::Progress(step) => Report::Progress(step.read()?),
            Self::Readers(event) => Report::Readers(event.read()?),
            Self::Session(report) => Report::Session(report.read()?),
            Self::Answered(answer) => Report::Finished(Ok(answer.read()?)),
            Self::Failed(failure) => Report::Finished(Err(failure.read()?)),
        })
    }
}

impl WireStep {
    fn of(step: &Step) -> Self {
        match step {
            Step::ReadingDocuments => Self::ReadingDocuments,
            Step::WaitingForReader => Self::WaitingForReader,
            Step::WaitingForCard => Self::WaitingForCard,
            Step::ReaderChosen(name) => Self::ReaderChosen(WireReader::of(name)),
            Step::CardRecognised(model) => Self::CardRecognised(*model),
            Step::PinStatusKnown(pin) => Self::PinStatusKnown(*pin),
            Step::WaitingFor(kind) => Self::WaitingFor(*kind),
            Step::HolderActive => Self::HolderActive,
            Step::ChannelOpen => Self::ChannelOpen,
            Step::Examining => Self::Examining,
            Step::CertificateRead => Self::CertificateRead,
            Step::Signing => Self::Signing,
            Step::Done => Self::Done,
        }
    }

    fn read(self) -> Result<Step, WireFault> {
        Ok(match self {
            Self::ReadingDocuments => Step::ReadingDocuments,
            Self::WaitingForReader => Step::WaitingForReader,
            Self::WaitingForCard => Step::WaitingForCard,
            Self::ReaderChosen(name) => Step::ReaderChosen(name.read()?),
            Self::CardRecognised(model) => Step::CardRecognised(model),
            Self::PinStatusKnown(pin) => Step::PinStatusKnown(pin),
            Self::WaitingFor(kind) => Step::WaitingFor(kind),
            Self::HolderActive => Step::HolderActive,
            Self::ChannelOpen => Step::ChannelOpen,
            Self::Examining => Step::Examining,
            Self::CertificateRead => Step::CertificateRead,
            Self::Signing => Step::Signing,
            Self::Done => Step::Done,
        })
    }
}

impl WireEvent {
    fn of(event: &ReaderEvent) -> Self {
        match event {
            ReaderEvent::ServiceUp => Self::ServiceUp,
            ReaderEvent::ServiceDown => Self::ServiceDown,
            ReaderEvent::ReaderAppeared(name) => Self::ReaderAppeared(WireReader::of(name)),
            ReaderEvent::ReaderVanished(name) => Self::ReaderVanished(WireReader::of(name)),
            ReaderEvent::CardInserted { reader, presence } => {
                Self::CardInserted { reader: WireReader::of(reader), presence: WirePresence::of(presence) }
            }
            ReaderEvent::CardChanged { reader, presence } => {
                Self::CardChanged { reader: WireReader::of(reader), presence: WirePresence::of(presence) }
            }
            ReaderEvent::CardRemoved { reader, insertion } => {
                Self::CardRemoved { reader: WireReader::of(reader), insertion: insertion.number() }
            }
        }
    }

    fn read(self) -> Result<ReaderEvent, WireFault> {
        Ok(match self {
            Self::ServiceUp => ReaderEvent::ServiceUp,
            Self::ServiceDown => ReaderEvent::ServiceDown,
            Self::ReaderAppeared(name) => ReaderEvent::ReaderAppeared(name.read()?),
            Self::ReaderVanished(name) => ReaderEvent::ReaderVanished(name.read()?),
            Self::CardInserted { reader, presence } => {
                ReaderEvent::CardInserted { reader: reader.read()?, presence: presence.read()? }
            }
            Self::CardChanged { reader, presence } => {
                ReaderEvent::CardChanged { reader: reader.read()?, presence: presence.read()? }
            }
            Self::CardRemoved { reader, insertion } => {
                ReaderEvent::CardRemoved { reader: reader.read()?, insertion: Insertion::new(insertion) }
            }
        })
    }
}

impl WirePresence {
    fn of(presence: &CardPresence) -> Self {
        let octets = |atr: &Atr| Octets::of(atr.octets());
        match presence {
            CardPresence::Absent => Self::Absent,
            CardPresence::Present { insertion, atr } => {
                Self::Present { insertion: insertion.number(), atr: octets(atr) }
            }
            CardPresence::InUseExclusively { insertion, atr } => {
                Self::InUseExclusively { insertion: insertion.number(), atr: octets(atr) }
            }
            CardPresence::Mute { insertion } => Self::Mute { insertion: insertion.number() },
        }
    }

    fn read(self) -> Result<CardPresence, WireFault> {
        let answer = |octets: &Octets| {
            let part = "answer to reset";
            Atr::new(&octets.read(MAX_ATR, part)?).ok_or(WireFault::Part(part))
        };
        Ok(match self {
            Self::Absent => CardPresence::Absent,
            Self::Present { insertion, atr } => {
                CardPresence::Present { insertion: Insertion::new(insertion), atr: answer(&atr)? }
            }
            Self::InUseExclusively { insertion, atr } => {
                CardPresence::InUseExclusively { insertion: Insertion::new(insertion), atr: answer(&atr)? }
            }
            Self::Mute { insertion } => CardPresence::Mute { insertion: Insertion::new(insertion) },
        })
    }
}

impl WireAnswer {
    fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Readers(readers) => Self::Readers(
                readers
                    .iter()
                    .map(|reader| WireReaderReport { name: WireReader::of(&reader.name), card: reader.card })
                    .collect(),
            ),
            Answer::CardStatus(status) => {
                Self::CardStatus { reader: WireReader::of(&status.reader), model: status.model, pin: status.pin }
            }
            Answer::SignedIn(assertion) => Self::SignedIn(assertion.to_json()),
            Answer::DocumentsSigned(results) => Self::DocumentsSigned(results.iter().map(WireSigned::of).collect()),
            Answer::Card(contents) => Self::Card {
                reader: WireReader::of(&contents.reader),
                model: contents.model,
                certificates: contents.certificates.iter().map(|certificate| Octets::of(certificate)).collect(),
            },
            Answer::PinManaged(pin) => Self::PinManaged(*pin),
            Answer::Probed(findings) => {
                Self::Probed { report: findings.report.clone(), channel_opened: findings.channel_opened }
            }
            Answer::TerminalSessionEnded => Self::TerminalSessionEnded,
        }
    }

    fn read(self) -> Result<Answer, WireFault> {
        Ok(match self {
            Self::Readers(readers) => {
                let read = |report: WireReaderReport| Ok(ReaderReport { name: report.name.read()?, card: report.card });
                Answer::Readers(readers.into_iter().map(read).collect::<Result<_, WireFault>>()?)
            }
            Self::CardStatus { reader, model, pin } => {
                Answer::CardStatus(CardStatus { reader: reader.read()?, model, pin })
            }
            Self::SignedIn(json) => Answer::SignedIn(read_assertion(&json)?),
            Self::DocumentsSigned(results) if results.len() <= DOCUMENTS_MAX => {
                Answer::DocumentsSigned(results.into_iter().map(WireSigned::read).collect::<Result<_, _>>()?)
            }
            Self::DocumentsSigned(_) => return Err(WireFault::Part("result per document")),
            Self::Card { reader, model, certificates } => Answer::Card(CardContents {
                reader: reader.read()?,
                model,
                certificates: certificates
                    .iter()
                    .map(|octets| octets.read(CERTIFICATE_MAX_SIZE, "certificate"))
                    .collect::<Result<_, _>>()?,
            }),
            Self::PinManaged(pin) => Answer::PinManaged(pin),
            Self::Probed { report, channel_opened } if report.len() <= MAX_REPORT => {
                Answer::Probed(ProbeFindings { report, channel_opened })
            }
            Self::Probed { .. } => return Err(WireFault::Part("report")),
            Self::TerminalSessionEnded => Answer::TerminalSessionEnded,
        })
    }
}

impl WireSigned {
    fn of(result: &Result<DetachedSignature, Failure>) -> Self {
        match result {
            Ok(signature) => Self::Signature(Octets::of(&signature.to_der())),
            Err(failure) => Self::Failed(WireFailure::of(failure)),
        }
    }

    fn read(self) -> Result<Result<DetachedSignature, Failure>, WireFault> {
        let part = "signature";
        Ok(match self {
            Self::Signature(octets) => {
                let der = octets.read(SIGNATURE_FILE_MAX_SIZE, part)?;
                Ok(DetachedSignature::from_der(&der).map_err(|_| WireFault::Part(part))?)
            }
            Self::Failed(failure) => Err(failure.read()?),
        })
    }
}

fn read_assertion(json: &str) -> Result<Assertion, WireFault> {
    let part = WireFault::Part("assertion");
    if json.len() > ASSERTION_MAX_SIZE {
        return Err(part);
    }
    Assertion::parse(json.as_bytes()).map_err(|_| part)
}

/// More than the findings about any card take.
const MAX_REPORT: usize = 4 * 1024 * 1024;
/// More than any answer to reset has; the answer itself is judged by its type.
const MAX_ATR: usize = 64;
