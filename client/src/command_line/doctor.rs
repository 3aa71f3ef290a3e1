//! `latchkey doctor`: what a sign-in needs, looked at step by step.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use latchkey_agent::Failure;
use latchkey_crypto::assertion::Origin;
use serde_json::json;

use super::arguments::{Common, card_arguments, flag, secret_arguments};
use super::failure::CommandFailure;
use super::output::{self, Output};
use super::record::RecordingFile;
use super::tasks::Work;
use crate::doctor::{
    CHECK_TIME, CertificateLook, Check, Personal, Plan, Surroundings, System, Verdict, diagnose, look_at_certificate,
    report,
};
use crate::documents::trust_and_lists;
use crate::portal::parse_address;
use crate::texts::Texts;
use crate::wording::Place;

/// What is wanted of a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorTask {
    /// A portal's address as it was typed.
    pub portal: Option<String>,
    /// The report alone.
    pub report: bool,
    /// Whether the holder's certificate is looked at too, which needs his PIN.
    pub pin: bool,
    /// Certificates of authorities, for revocation.
    pub trust: Vec<PathBuf>,
    /// Their revocation lists.
    pub revocation_lists: Vec<PathBuf>,
    /// As JSON, and how the PIN is asked for.
    pub common: Common,
}

impl DoctorTask {
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        Self {
            portal: matches.get_one::<String>("portal").cloned(),
            report: matches.get_flag("report"),
            pin: matches.get_flag("pin"),
            trust: files(matches, "trust"),
            revocation_lists: files(matches, "crl"),
            common: Common::from_matches(matches),
        }
    }
}

pub(super) fn command(texts: &Texts) -> Command {
    Command::new("doctor")
        .about(texts.say("help-doctor"))
        .arg(Arg::new("portal").long("portal").value_name("URL").help(texts.say("help-doctor-portal")))
        .arg(flag("report", None).help(texts.say("help-doctor-report")))
        .arg(flag("pin", None).help(texts.say("help-doctor-pin")))
        .arg(file("trust").help(texts.say("help-verify-trust")))
        .arg(file("crl").requires("trust").help(texts.say("help-verify-crl")))
        .args(card_arguments(texts))
        .args(secret_arguments(texts))
}

fn file(name: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .action(ArgAction::Append)
        .requires("pin")
}

fn files(matches: &ArgMatches, name: &str) -> Vec<PathBuf> {
    matches.get_many(name).map(|files| files.cloned().collect()).unwrap_or_default()
}

impl Work {
    pub(super) fn diagnose(&self, task: &DoctorTask) -> Result<(), CommandFailure> {
        let texts = &self.console.texts;
        let portal: Option<Origin> = task.portal.as_deref().map(parse_address).transpose()?;
        let recording = RecordingFile::wanted(&task.common)?;
        let certificate = if task.pin { self.certificate(task, recording.clone())? } else { CertificateLook::NotRead };
        let agent = Arc::new(self.agent(Box::new(self.terminal_prompt()), recording.as_ref())?);
        let surroundings: Arc<dyn Surroundings> = Arc::new(
            System::new(Plan::of_this_process(&self.settings), agent, self.clock).with_certificate(certificate),
        );
        let checks = diagnose(&surroundings, portal.as_ref(), CHECK_TIME, |_| ());
        recording.as_ref().map_or(Ok(()), RecordingFile::finish)?;
        let report = report(&checks, texts, &Personal::of_this_process());
        if task.report && !task.common.json {
            return output::write(&report);
        }
        shown(texts, &checks, &report).write(task.common.json)
    }

    /// Reads the certificate with the PIN. That it cannot be read is what diagnosis then tells.
    fn certificate(
        &self,
        task: &DoctorTask,
        recording: Option<RecordingFile>,
    ) -> Result<CertificateLook, CommandFailure> {
        let (trust, lists) = trust_and_lists(&task.trust, &task.revocation_lists)?;
        let card = self.at_recorded_card(&task.common, recording)?;
        match self.contents(&card) {
            Err(CommandFailure::Card(Failure::Cancelled)) => Err(Failure::Cancelled.into()),
            Err(CommandFailure::Card(failure)) => Ok(CertificateLook::Unreadable(failure)),
            Err(failure) => Err(failure),
            Ok(contents) => Ok(match contents.certificates.first() {
                Some(der) => look_at_certificate(der, &trust, &lists, (self.clock)()),
                None => CertificateLook::Unreadable(Failure::CertificateMissing),
            }),
        }
    }
}

fn shown(texts: &Texts, checks: &[Check], report: &str) -> Output {
    let mut lines = Vec::new();
    let mut list = Vec::new();
    for check in checks {
        let worded = check.worded(texts, Place::CommandLine);
        let verdict = texts.say(match check.verdict() {
            Verdict::Good => "doctor-good",
            Verdict::Warning => "doctor-warning",
            Verdict::Bad => "doctor-bad",
            Verdict::NotChecked => "doctor-not-checked",
        });
        let fillings = [
            ("verdict", verdict.as_str().into()),
            ("title", worded.title.as_str().into()),
            ("finding", worded.finding.as_str().into()),
        ];
        lines.push(texts.fill("doctor-line", &fillings));
        if let Some(cure) = &worded.cure {
            let indent = " ".repeat(verdict.chars().count().saturating_add(1));
            lines.push(format!("{indent}{}", texts.fill("doctor-cure", &[("cure", cure.as_str().into())])));
        }
        list.push(json!({
            "name": check.name.code(),
            "title": worded.title,
            "verdict": check.verdict().code(),
            "finding": worded.finding,
            "cure": worded.cure,
        }));
    }
    Output { json: json!({ "checks": list, "report": report }), text: lines.join("\n") }
}
