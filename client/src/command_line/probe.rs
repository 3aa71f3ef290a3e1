//! `latchkey card probe`: what an unknown card answers to whoever has its CAN.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use latchkey_agent::{Answer, CardTask, Failure, Request};
use serde_json::json;

use super::arguments::{Common, card_arguments, pin_fd};
use super::failure::CommandFailure;
use super::output::Output;
use super::record::{create_new, unwritable};
use super::tasks::Work;
use crate::texts::Texts;

/// What to examine, and where the findings go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeTask {
    /// Which card, and how to talk.
    pub common: Common,
    /// The report.
    pub file: PathBuf,
}

impl ProbeTask {
    pub(super) fn from_matches(matches: &ArgMatches) -> Option<Self> {
        Some(Self { common: Common::from_matches(matches), file: matches.get_one::<PathBuf>("file")?.clone() })
    }
}

pub(super) fn command(texts: &Texts) -> Command {
    Command::new("probe")
        .about(texts.say("help-probe"))
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help(texts.say("help-probe-file")),
        )
        .arg(pin_fd(texts))
        .args(card_arguments(texts))
}

impl Work {
    /// Examines the card and writes the report. The file is made first: a card is not asked for nothing.
    pub(super) fn probe(&self, task: &ProbeTask) -> Result<(), CommandFailure> {
        let mut file = create_new(&task.file)?;
        let result = self.examine(&task.common).and_then(|findings| {
            let written = file.write_all(findings.report.as_bytes());
            written.map_err(|error| unwritable(&task.file, &error))?;
            Ok(findings)
        });
        match result {
            Ok(findings) => self.probed(&task.file, findings.channel_opened).write(task.common.json),
            Err(failure) => {
                // An empty report would only be in the way of the next.
                if let Err(error) = std::fs::remove_file(&task.file) {
                    tracing::debug!(%error, "the empty report stays");
                }
                Err(failure)
            }
        }
    }

    fn examine(&self, common: &Common) -> Result<latchkey_agent::ProbeFindings, CommandFailure> {
        let card = self.at_card(common)?;
        match self.ask(&card, Request::OfCard(card.request(CardTask::Probe)), true)? {
            Answer::Probed(findings) => Ok(findings),
            _ => Err(Failure::AgentFault.into()),
        }
    }

    fn probed(&self, file: &Path, channel_opened: bool) -> Output {
        let texts = &self.console.texts;
        let name = file.display().to_string();
        let found = texts.say(if channel_opened { "probe-opened" } else { "probe-not-opened" });
        let text = format!("{}\n{found}", texts.fill("probe-written", &[("file", name.clone().into())]));
        Output { json: json!({ "report": name, "channelOpened": channel_opened }), text }
    }
}
