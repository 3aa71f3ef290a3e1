//! `latchkey doctor`: what a sign-in needs, looked at step by step.

use std::sync::Arc;

use clap::{Arg, ArgMatches, Command};
use latchkey_agent::Agent;
use latchkey_crypto::assertion::Origin;
use serde_json::json;

use super::arguments::{flag, json as json_argument};
use super::failure::CommandFailure;
use super::output::{self, Output};
use super::tasks::Work;
use crate::doctor::{CHECK_TIME, Check, Personal, Plan, Surroundings, System, Verdict, diagnose, report};
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
    /// As JSON.
    pub json: bool,
}

impl DoctorTask {
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        Self {
            portal: matches.get_one::<String>("portal").cloned(),
            report: matches.get_flag("report"),
            json: matches.get_flag("json"),
        }
    }
}

pub(super) fn command(texts: &Texts) -> Command {
    Command::new("doctor")
        .about(texts.say("help-doctor"))
        .arg(Arg::new("portal").long("portal").value_name("URL").help(texts.say("help-doctor-portal")))
        .arg(flag("report", None).help(texts.say("help-doctor-report")))
        .arg(json_argument(texts))
}

impl Work {
    pub(super) fn diagnose(&self, task: &DoctorTask) -> Result<(), CommandFailure> {
        let texts = &self.console.texts;
        let portal: Option<Origin> = task.portal.as_deref().map(parse_address).transpose()?;
        let agent = Arc::new(Agent::start_on_pcsc(Box::new(self.terminal_prompt()), self.clock)?);
        let surroundings: Arc<dyn Surroundings> =
            Arc::new(System::new(Plan::of_this_process(&self.settings), agent, self.clock));
        let checks = diagnose(&surroundings, portal.as_ref(), CHECK_TIME, |_| ());
        let report = report(&checks, texts, &Personal::of_this_process());
        if task.report && !task.json {
            return output::write(&report);
        }
        shown(texts, &checks, &report).write(task.json)
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
