//! Another key on the card and a certificate for it, at a terminal that this program calls itself. The card's part is a
//! terminal session of the agent's: what is told of it comes here, and what is to be done next goes back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_agent::{Instruction, RelayedCommand, SessionReport, TerminalOffer};
use latchkey_crypto::assertion::Origin;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::portal::{Access, Portal, PortalFailure, malformed};
use crate::texts::Language;

/// A renewal under way.
#[derive(Debug)]
pub struct Renewal {
    terminal: Portal,
    /// The terminal's handle of the session, once it has one.
    hreq: String,
    stage: Stage,
}

/// Which of the terminal's addresses takes what the card answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Authenticating,
    Renewing,
}

/// What comes after something was told of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextOfRenewal {
    /// The agent is to be told this.
    Instruct(Instruction),
    /// Something more will be told.
    Wait,
    /// Nothing more: the session can be closed.
    Over(Renewed),
}

/// What a renewal came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewed {
    /// The certificate is on the card: X.509, DER, as the terminal says.
    Issued(Vec<u8>),
    /// The authority takes its time: another renewal, later, fetches the certificate.
    Waiting,
}

impl Renewal {
    /// A renewal at the terminal of that origin. Nothing is sent.
    ///
    /// # Errors
    /// [`PortalFailure`] if it cannot be reached in that way.
    pub fn at(origin: Origin, access: Access, language: Language) -> Result<Self, PortalFailure> {
        let terminal = Portal::new(origin, access, language.code())?;
        Ok(Self { terminal, hreq: String::new(), stage: Stage::Opening })
    }

    /// Whether the card may have no key that works: from the terminal's first command on.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.stage == Stage::Renewing
    }

    /// Passes on what was told of the session, and gives what comes next.
    ///
    /// # Errors
    /// [`PortalFailure`]; the terminal's session is over then.
    pub async fn told(&mut self, report: SessionReport) -> Result<NextOfRenewal, PortalFailure> {
        match (report, self.stage) {
            (SessionReport::Terminal(_), _) => Ok(NextOfRenewal::Wait),
            (SessionReport::Open { cert_hats, .. }, Stage::Opening) => self.begin(&cert_hats).await,
            (SessionReport::Answer(answer), Stage::Authenticating) => self.authenticate(&answer).await,
            (SessionReport::Answer(answer), Stage::Renewing) => {
                self.step("step", json!({ "card_response": STANDARD.encode(answer) })).await
            }
            (SessionReport::Confirmed, Stage::Renewing) => self.step("confirmed", json!({})).await,
            _ => Err(malformed("a command that does not fit what went before")),
        }
    }

    async fn begin(&mut self, cert_hats: &[u8]) -> Result<NextOfRenewal, PortalFailure> {
        let body = json!({ "certhat": STANDARD.encode(cert_hats) });
        let begun: Begun = self.terminal.ask(RENEWALS, &body).await?;
        self.hreq = begun.hreq;
        self.stage = Stage::Authenticating;
        Ok(NextOfRenewal::Instruct(Instruction::Authenticate(TerminalOffer {
            certificates: decode(&begun.terminal_certificate)?,
            template: decode(&begun.cmd_to_card)?,
            bilateral: true,
        })))
    }

    async fn authenticate(&mut self, answer: &[u8]) -> Result<NextOfRenewal, PortalFailure> {
        let body = json!({ "card_response": STANDARD.encode(answer) });
        let next: Authentication = self.ask(AUTHENTICATE, body).await?;
        if !next.is_bauth_established {
            return next.command.instruction();
        }
        self.stage = Stage::Renewing;
        self.step("start", json!({})).await
    }

    async fn step(&mut self, address: &str, body: Value) -> Result<NextOfRenewal, PortalFailure> {
        let step: Step = self.ask(&format!("{RENEWALS}/{address}"), body).await?;
        match step.next.as_str() {
            "command" => step.command.instruction(),
            "confirm" => Ok(NextOfRenewal::Instruct(Instruction::Confirm)),
            "issued" => Ok(NextOfRenewal::Over(Renewed::Issued(decode(&step.certificate)?))),
            "waiting" => Ok(NextOfRenewal::Over(Renewed::Waiting)),
            _ => Err(malformed("a step that is none")),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, mut body: Value) -> Result<T, PortalFailure> {
        if let Some(members) = body.as_object_mut() {
            members.insert("hreq".to_owned(), Value::from(self.hreq.as_str()));
        }
        self.terminal.ask(path, &body).await
    }
}

#[derive(Deserialize)]
struct Begun {
    hreq: String,
    terminal_certificate: String,
    cmd_to_card: String,
}

#[derive(Deserialize)]
struct CommandToCard {
    header_cmd_to_card: String,
    cmd_to_card: String,
}

#[derive(Deserialize)]
struct Authentication {
    #[serde(flatten)]
    command: CommandToCard,
    is_bauth_established: bool,
}

#[derive(Deserialize)]
struct Step {
    next: String,
    #[serde(flatten)]
    command: CommandToCard,
    certificate: String,
}

impl CommandToCard {
    fn instruction(&self) -> Result<NextOfRenewal, PortalFailure> {
        let header = decode(&self.header_cmd_to_card)?;
        let header = header.try_into().map_err(|_| malformed("a command's header is none"))?;
        let data = decode(&self.cmd_to_card)?;
        Ok(NextOfRenewal::Instruct(Instruction::Relay(RelayedCommand { header, data })))
    }
}

fn decode(text: &str) -> Result<Vec<u8>, PortalFailure> {
    STANDARD.decode(text).map_err(|_| malformed("no base64"))
}

const RENEWALS: &str = "/latchkey/v1/renewals";
const AUTHENTICATE: &str = "/api/v1/bauth_process";
