//! `latchkey card renew`: another key for terminals, and a certificate for it.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Arg, ArgMatches, Command};
use latchkey_agent::{
    CardAgent as _, CardTask, Failure, Instruction, Report, Request, SESSION_IDLE_TIME, SessionPassword,
    TerminalSession,
};
use latchkey_crypto::assertion::Origin;
use serde_json::json;

use super::arguments::{Common, Consent, card_arguments, portal_arguments, secret_arguments};
use super::failure::CommandFailure;
use super::output::Output;
use super::tasks::{AtCard, Work};
use crate::portal::parse_address;
use crate::renewal::{NextOfRenewal, Renewal, Renewed};
use crate::texts::Texts;

/// Where the key and its certificate are renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewTask {
    /// Which card, and how to talk.
    pub common: Common,
    /// The terminal's address.
    pub address: String,
    /// A file with certificate authorities to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// What the holder agreed to before.
    pub consent: Consent,
}

impl RenewTask {
    pub(super) fn from_matches(matches: &ArgMatches) -> Option<Self> {
        Some(Self {
            common: Common::from_matches(matches),
            address: matches.get_one::<String>("url")?.clone(),
            ca_file: matches.get_one("ca-file").cloned(),
            consent: Consent::from_matches(matches),
        })
    }
}

pub(super) fn command(texts: &Texts) -> Command {
    Command::new("renew")
        .about(texts.say("help-renew"))
        .arg(Arg::new("url").value_name("URL").required(true).help(texts.say("help-renew-url")))
        .args(portal_arguments(texts))
        .args(secret_arguments(texts))
        .args(card_arguments(texts))
}

impl Work {
    /// Renews, after the holder has heard what becomes of the old key.
    pub(super) fn renew(&self, task: &RenewTask) -> Result<(), CommandFailure> {
        let texts = &self.console.texts;
        let origin = parse_address(&task.address)?;
        let access = self.access(&origin, task.ca_file.as_deref())?;
        self.console.agree(&texts.fill("ask-host", &[("origin", origin.as_str().into())]), task.consent.host)?;
        self.console.agree(&texts.say("ask-renew-key"), task.consent.hand_over)?;
        let card = self.at_card(&task.common)?;
        loop {
            let mut renewal = Renewal::at(origin.clone(), access.clone(), texts.language())?;
            match self.renew_at(&card, &origin, &mut renewal) {
                Ok(renewed) => return self.renewed(&renewed).write(task.common.json),
                Err(CommandFailure::Card(failure @ Failure::PinWrong { tries_left: 2.. })) if card.asks_a_person() => {
                    self.console.line(&CommandFailure::from(failure).tell(texts));
                }
                Err(failure) => {
                    if renewal.has_begun() {
                        self.console.line(&texts.say("renew-unfinished"));
                    }
                    return Err(failure);
                }
            }
        }
    }

    /// One session from its beginning to its end, in which the card is reset whatever happens.
    fn renew_at(&self, card: &AtCard, origin: &Origin, renewal: &mut Renewal) -> Result<Renewed, CommandFailure> {
        let session = TerminalSession {
            origin: origin.clone(),
            request: None,
            rights: TerminalSession::RENEWAL,
            password: SessionPassword::Pin,
            trust: self.settings.managed().terminals().trust.clone(),
            idle: SESSION_IDLE_TIME,
        };
        let request = Request::OfCard(card.request(CardTask::TerminalSession(Box::new(session))));
        let exchange = card.agent().send(request);
        let cancellation = exchange.cancellation();
        self.console.interruption.on_cancel(move || cancellation.cancel());
        let instructions = exchange.instructions();
        let mut outcome = None;
        let end = loop {
            match exchange.next() {
                Report::Finished(end) => break end,
                Report::Session(report) if outcome.is_none() => {
                    match self.online(renewal.told(report), Failure::Cancelled.into()) {
                        Ok(NextOfRenewal::Instruct(instruction)) => instructions.give(instruction),
                        Ok(NextOfRenewal::Wait) => {}
                        Ok(NextOfRenewal::Over(renewed)) => {
                            outcome = Some(Ok(renewed));
                            instructions.give(Instruction::Close);
                        }
                        Err(failure) => {
                            outcome = Some(Err(failure));
                            instructions.give(Instruction::Close);
                        }
                    }
                }
                report => {
                    self.console.report(&report);
                    card.handled(&report);
                }
            }
        };
        card.keep_recording()?;
        match (end, outcome) {
            (_, Some(outcome)) => outcome,
            (Err(failure), None) => Err(failure.into()),
            (Ok(_), None) => Err(Failure::AgentFault.into()),
        }
    }

    fn renewed(&self, renewed: &Renewed) -> Output {
        let texts = &self.console.texts;
        match renewed {
            Renewed::Issued(certificate) => Output {
                json: json!({ "result": "issued", "certificate": STANDARD.encode(certificate) }),
                text: texts.say("renew-issued"),
            },
            Renewed::Waiting => Output { json: json!({ "result": "waiting" }), text: texts.say("renew-waiting") },
        }
    }
}
