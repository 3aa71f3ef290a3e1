//! Terminal sessions as they are written: what they are opened for, instructions, and what is told of them.

use std::time::Duration;

use latchkey_crypto::assertion::Origin;
use latchkey_crypto::cv::rights::{EidRights, EsignRights, Rights};
use serde::{Deserialize, Serialize};

use super::frame::WireFault;
use super::octets::Octets;
use super::report::WireModel;
use super::request::{milliseconds, read_origin};
use crate::{
    AskedRights, COMMAND_DATA_MAX_SIZE, CardModel, Instruction, KnownTerminal, RelayedCommand, SESSION_IDLE_TIME,
    SHOWN_TEXT_MAX_SIZE, SessionPassword, SessionReport, ShownChecks, ShownTerminal, TERMINAL_CERTIFICATES_MAX_SIZE,
    TERMINAL_TRUST_MAX_COUNT, TerminalOffer, TerminalSession, TerminalTrust, VerifiedRequest,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WireTerminalSession {
    origin: String,
    request: Option<WireVerifiedRequest>,
    rights: WireAskedRights,
    #[serde(with = "WireSessionPassword")]
    password: SessionPassword,
    roots: Vec<Octets>,
    known: Vec<WireKnownTerminal>,
    idle_milliseconds: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireVerifiedRequest {
    client: String,
    purpose: Option<String>,
    hash: Octets,
    must_be_bound: bool,
}

/// Both words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireRights {
    eid: Octets,
    esign: Octets,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum WireAskedRights {
    Exactly(WireRights),
    OfModel { signs: bool },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SessionPassword", rename_all = "kebab-case")]
enum WireSessionPassword {
    Pin,
    Can,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireKnownTerminal {
    holder: String,
    title: Option<String>,
    origins: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum WireInstruction {
    Authenticate { certificates: Octets, template: Octets, bilateral: bool },
    Relay { header: Octets, data: Octets },
    AllowSignature,
    Confirm,
    Close,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum WireSessionReport {
    Open {
        cert_hats: Octets,
        #[serde(with = "WireModel")]
        model: CardModel,
        security_signer: Option<Octets>,
    },
    Terminal {
        number: String,
        title: Option<String>,
        vouched_for: bool,
        rights: WireRights,
        bound: bool,
        age: bool,
        place: bool,
    },
    Answer(Octets),
    SignatureAllowed,
    Confirmed,
    OutOfOrder,
}

impl WireTerminalSession {
    pub(super) fn of(session: &TerminalSession) -> Self {
        Self {
            origin: session.origin.as_str().to_owned(),
            request: session.request.as_ref().map(WireVerifiedRequest::of),
            rights: WireAskedRights::of(session.rights),
            password: session.password,
            roots: session.trust.roots.iter().map(|root| Octets::of(root)).collect(),
            known: session.trust.known.iter().map(WireKnownTerminal::of).collect(),
            idle_milliseconds: milliseconds(session.idle),
        }
    }

    pub(super) fn read(self) -> Result<TerminalSession, WireFault> {
        if self.roots.len() > TERMINAL_TRUST_MAX_COUNT || self.known.len() > TERMINAL_TRUST_MAX_COUNT {
            return Err(WireFault::Part("number of terminals"));
        }
        let idle = Duration::from_millis(self.idle_milliseconds);
        if idle > SESSION_IDLE_TIME {
            return Err(WireFault::Part("idle time"));
        }
        let root = |root: &Octets| root.read(TERMINAL_CERTIFICATES_MAX_SIZE, "root");
        Ok(TerminalSession {
            origin: read_session_origin(&self.origin)?,
            request: self.request.map(WireVerifiedRequest::read).transpose()?,
            rights: self.rights.read()?,
            password: self.password,
            trust: TerminalTrust {
                roots: self.roots.iter().map(root).collect::<Result<_, _>>()?,
                known: self.known.into_iter().map(WireKnownTerminal::read).collect::<Result<_, _>>()?,
            },
            idle,
        })
    }
}

/// Sites that an administrator named may open terminal sessions without TLS; nothing is signed over such an origin.
fn read_session_origin(text: &str) -> Result<Origin, WireFault> {
    read_origin(text).or_else(|fault| match Origin::parse_without_tls(text) {
        Ok(origin) if origin.as_str() == text => Ok(origin),
        _ => Err(fault),
    })
}

impl WireVerifiedRequest {
    fn of(request: &VerifiedRequest) -> Self {
        Self {
            client: request.client.clone(),
            purpose: request.purpose.clone(),
            hash: Octets::of(&request.hash),
            must_be_bound: request.must_be_bound,
        }
    }

    fn read(self) -> Result<VerifiedRequest, WireFault> {
        let part = "hash of a request";
        let hash = self.hash.read(32, part)?.try_into().map_err(|_| WireFault::Part(part))?;
        let (client, purpose) = (read_shown(self.client)?, self.purpose.map(read_shown).transpose()?);
        Ok(VerifiedRequest { client, purpose, hash, must_be_bound: self.must_be_bound })
    }
}

/// A text that the holder is shown.
fn read_shown(text: String) -> Result<String, WireFault> {
    if text.chars().count() <= SHOWN_TEXT_MAX_SIZE { Ok(text) } else { Err(WireFault::Part("shown text")) }
}

impl WireAskedRights {
    fn of(rights: AskedRights) -> Self {
        match rights {
            AskedRights::Exactly(rights) => Self::Exactly(WireRights::of(rights)),
            AskedRights::OfModel { signs } => Self::OfModel { signs },
        }
    }

    fn read(&self) -> Result<AskedRights, WireFault> {
        Ok(match self {
            Self::Exactly(rights) => AskedRights::Exactly(rights.read()?),
            Self::OfModel { signs } => AskedRights::OfModel { signs: *signs },
        })
    }
}

impl WireRights {
    fn of(rights: Rights) -> Self {
        Self { eid: Octets::of(&rights.eid.octets()), esign: Octets::of(&rights.esign.octets()) }
    }

    fn read(&self) -> Result<Rights, WireFault> {
        let part = "word of rights";
        let eid: [u8; 5] = self.eid.read(5, part)?.try_into().map_err(|_| WireFault::Part(part))?;
        let esign: [u8; 2] = self.esign.read(2, part)?.try_into().map_err(|_| WireFault::Part(part))?;
        let rights = Rights { eid: EidRights::from_octets(eid), esign: EsignRights::from_octets(esign) };
        // Reserved bits are no rights.
        if rights.eid.octets() == eid && rights.esign.octets() == esign {
            Ok(rights)
        } else {
            Err(WireFault::Part(part))
        }
    }
}

impl WireKnownTerminal {
    fn of(terminal: &KnownTerminal) -> Self {
        Self {
            holder: terminal.holder.clone(),
            title: terminal.title.clone(),
            origins: terminal.origins.iter().map(|origin| origin.as_str().to_owned()).collect(),
        }
    }

    fn read(self) -> Result<KnownTerminal, WireFault> {
        Ok(KnownTerminal {
            holder: read_shown(self.holder)?,
            title: self.title.map(read_shown).transpose()?,
            origins: self.origins.iter().map(|origin| read_session_origin(origin)).collect::<Result<_, _>>()?,
        })
    }
}

impl WireInstruction {
    pub(super) fn of(instruction: &Instruction) -> Self {
        match instruction {
            Instruction::Authenticate(offer) => Self::Authenticate {
                certificates: Octets::of(&offer.certificates),
                template: Octets::of(&offer.template),
                bilateral: offer.bilateral,
            },
            Instruction::Relay(command) => {
                Self::Relay { header: Octets::of(&command.header), data: Octets::of(&command.data) }
            }
            Instruction::AllowSignature => Self::AllowSignature,
            Instruction::Confirm => Self::Confirm,
            Instruction::Close => Self::Close,
        }
    }

    pub(super) fn read(self) -> Result<Instruction, WireFault> {
        Ok(match self {
            Self::Authenticate { certificates, template, bilateral } => Instruction::Authenticate(TerminalOffer {
                certificates: certificates.read(TERMINAL_CERTIFICATES_MAX_SIZE, "terminal's certificates")?,
                template: template.read(COMMAND_DATA_MAX_SIZE, "terminal's template")?,
                bilateral,
            }),
            Self::Relay { header, data } => {
                let part = "command's header";
                let header = header.read(4, part)?.try_into().map_err(|_| WireFault::Part(part))?;
                Instruction::Relay(RelayedCommand { header, data: data.read(COMMAND_DATA_MAX_SIZE, "command's data")? })
            }
            Self::AllowSignature => Instruction::AllowSignature,
            Self::Confirm => Instruction::Confirm,
            Self::Close => Instruction::Close,
        })
    }
}

impl WireSessionReport {
    pub(super) fn of(report: &SessionReport) -> Self {
        match report {
            SessionReport::Open { cert_hats, model, security_signer } => Self::Open {
                cert_hats: Octets::of(cert_hats),
                model: *model,
                security_signer: security_signer.as_deref().map(Octets::of),
            },
            SessionReport::Terminal(terminal) => Self::Terminal {
                number: terminal.number.clone(),
                title: terminal.title.clone(),
                vouched_for: terminal.vouched_for,
                rights: WireRights::of(terminal.rights),
                bound: terminal.bound,
                age: terminal.checks.age,
                place: terminal.checks.place,
            },
            SessionReport::Answer(octets) => Self::Answer(Octets::of(octets)),
            SessionReport::SignatureAllowed => Self::SignatureAllowed,
            SessionReport::Confirmed => Self::Confirmed,
            SessionReport::OutOfOrder => Self::OutOfOrder,
        }
    }

    pub(super) fn read(self) -> Result<SessionReport, WireFault> {
        Ok(match self {
            Self::Open { cert_hats, model, security_signer } => {
                let signer = security_signer.map(|octets| octets.read(SECURITY_SIGNER_MAX_SIZE, "security signer"));
                let cert_hats = cert_hats.read(CERT_HATS_MAX_SIZE, "rights")?;
                SessionReport::Open { cert_hats, model, security_signer: signer.transpose()? }
            }
            Self::Terminal { number, title, vouched_for, rights, bound, age, place } => {
                SessionReport::Terminal(ShownTerminal {
                    number: read_shown(number)?,
                    title: title.map(read_shown).transpose()?,
                    vouched_for,
                    rights: rights.read()?,
                    bound,
                    checks: ShownChecks { age, place },
                })
            }
            Self::Answer(octets) => SessionReport::Answer(octets.read(CARD_ANSWER_MAX_SIZE, "card's answer")?),
            Self::SignatureAllowed => SessionReport::SignatureAllowed,
            Self::Confirmed => SessionReport::Confirmed,
            Self::OutOfOrder => SessionReport::OutOfOrder,
        })
    }
}

/// More than both words have.
const CERT_HATS_MAX_SIZE: usize = 64;
/// The longest file of eSign that is read.
const SECURITY_SIGNER_MAX_SIZE: usize = 4096;
/// The longest extended response and its status.
const CARD_ANSWER_MAX_SIZE: usize = 65_538;
