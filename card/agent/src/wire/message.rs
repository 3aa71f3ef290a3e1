//! The two directions.

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};

use super::frame::{self, WireFault};
use super::report::WireReport;
use super::request::WireRequest;
use super::terminal_session::WireInstruction;
use crate::{Instruction, Report, Request, RequestId};

/// What the agent is told.
#[derive(Debug, Clone)]
pub enum ToAgent {
    /// To carry a request out.
    Request(RequestId, Request),
    /// What is to be done next for a request. If it has ended already, nothing happens.
    Instruct(RequestId, Instruction),
    /// To take a request back. If it has ended already, nothing happens.
    Cancel(RequestId),
    /// To take everything back and end.
    End,
}

/// What the agent tells: something about a request.
#[derive(Debug, Clone)]
pub struct FromAgent(pub RequestId, pub Report);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum WireToAgent {
    Request { id: u64, request: WireRequest },
    Instruct { id: u64, instruction: WireInstruction },
    Cancel { id: u64 },
    End,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WireFromAgent {
    id: u64,
    report: WireReport,
}

impl ToAgent {
    /// Writes the message as one frame.
    ///
    /// # Errors
    /// The pipe's.
    pub fn write(&self, output: &mut impl Write) -> Result<(), WireFault> {
        frame::write(output, &WireToAgent::of(self))
    }

    /// Reads one frame; nothing if the other side has ended.
    ///
    /// # Errors
    /// Any [`WireFault`] of whoever wrote it.
    pub fn read(input: &mut impl Read) -> Result<Option<Self>, WireFault> {
        frame::read::<WireToAgent>(input)?.map(WireToAgent::read).transpose()
    }
}

impl FromAgent {
    /// Writes the message as one frame.
    ///
    /// # Errors
    /// The pipe's.
    pub fn write(&self, output: &mut impl Write) -> Result<(), WireFault> {
        frame::write(output, &WireFromAgent { id: self.0.0, report: WireReport::of(&self.1) })
    }

    /// Reads one frame; nothing if the other side has ended.
    ///
    /// # Errors
    /// Any [`WireFault`] of whoever wrote it.
    pub fn read(input: &mut impl Read) -> Result<Option<Self>, WireFault> {
        let Some(message) = frame::read::<WireFromAgent>(input)? else { return Ok(None) };
        Ok(Some(Self(RequestId(message.id), message.report.read()?)))
    }
}

impl WireToAgent {
    fn of(message: &ToAgent) -> Self {
        match message {
            ToAgent::Request(id, request) => Self::Request { id: id.0, request: WireRequest::of(request) },
            ToAgent::Instruct(id, instruction) => {
                Self::Instruct { id: id.0, instruction: WireInstruction::of(instruction) }
            }
            ToAgent::Cancel(id) => Self::Cancel { id: id.0 },
            ToAgent::End => Self::End,
        }
    }

    fn read(self) -> Result<ToAgent, WireFault> {
        Ok(match self {
            Self::Request { id, request } => ToAgent::Request(RequestId(id), request.read()?),
            Self::Instruct { id, instruction } => ToAgent::Instruct(RequestId(id), instruction.read()?),
            Self::Cancel { id } => ToAgent::Cancel(RequestId(id)),
            Self::End => ToAgent::End,
        })
    }
}
