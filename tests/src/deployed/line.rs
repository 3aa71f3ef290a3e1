//! The lines from a back end to client program and terminal, on which things can go wrong.

use std::fmt;
use std::io::Write as _;

use anyhow::{Result, bail};
use serde_json::Value;

use super::{connect, post_json_as, request};

/// Whom a back end calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// The client program.
    Client,
    /// The terminal.
    Terminal,
}

/// How often each of the two was called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// The client program.
    pub client: u32,
    /// The terminal.
    pub terminal: u32,
}

/// A call that was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{party} refused {path}: {code}")]
pub struct Refused {
    /// By whom.
    pub party: Party,
    /// At which address.
    pub path: String,
    /// The stable code.
    pub code: String,
    /// The number in which the client program tells deployed pages what failed.
    pub number: Option<String>,
}

/// A call that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Its number in the flow, from 0.
    pub number: usize,
    /// Whom.
    pub party: Party,
    /// At which address.
    pub path: &'a str,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is answered.
    Answered,
    /// Its answer is lost, and the caller calls once more.
    AnswerLost,
    /// The caller is gone before the answer, and stays away.
    CallerGone,
}

/// What happens before a call, and what becomes of it.
pub type Accident<'a> = Box<dyn FnMut(Call<'_>) -> Result<Fate> + 'a>;

/// The lines.
pub struct Line<'a> {
    client_port: u16,
    terminal_port: u16,
    origin: Option<String>,
    calls: Calls,
    number: usize,
    said: String,
    accident: Accident<'a>,
}

impl fmt::Display for Party {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Client => "the client program",
            Self::Terminal => "the terminal",
        })
    }
}

impl<'a> Line<'a> {
    /// To a client program and a terminal on this computer.
    #[must_use]
    pub fn to(client_port: u16, terminal_port: u16) -> Self {
        let accident = Box::new(|_: Call<'_>| Ok(Fate::Answered));
        Self {
            client_port,
            terminal_port,
            origin: None,
            calls: Calls::default(),
            number: 0,
            said: String::new(),
            accident,
        }
    }

    /// On which the client program is told this origin, as a browser tells it.
    #[must_use]
    pub fn from_page(self, origin: &str) -> Self {
        Self { origin: Some(origin.to_owned()), ..self }
    }

    /// On which this happens.
    #[must_use]
    pub fn with_accident(self, accident: impl FnMut(Call<'_>) -> Result<Fate> + 'a) -> Self {
        Self { accident: Box::new(accident), ..self }
    }

    /// How often each was called.
    #[must_use]
    pub const fn calls(&self) -> Calls {
        self.calls
    }

    /// Everything that the client program has answered.
    #[must_use]
    pub fn said_by_client(&self) -> &str {
        &self.said
    }

    /// Calls.
    ///
    /// # Errors
    /// [`Refused`], or why there is no answer.
    pub fn call(&mut self, party: Party, path: &str, data: &Value) -> Result<Value> {
        let fate = (self.accident)(Call { number: self.number, party, path })?;
        self.number += 1;
        match party {
            Party::Client => self.calls.client += 1,
            Party::Terminal => self.calls.terminal += 1,
        }
        let (port, origin) = match party {
            Party::Client => (self.client_port, self.origin.as_deref()),
            Party::Terminal => (self.terminal_port, None),
        };
        match fate {
            Fate::Answered => {}
            Fate::AnswerLost => _ = post_json_as(origin, port, path, data)?,
            Fate::CallerGone => {
                connect(port)?.write_all(&request(origin, port, path, data))?;
                bail!("the caller is gone");
            }
        }
        let answer = post_json_as(origin, port, path, data)?;
        if party == Party::Client {
            self.said.push_str(&answer.to_string());
            self.said.push('\n');
        }
        judged(party, path, answer)
    }
}

/// Both tell a code of ours; pages that are deployed look at the client program's number, or at its absence.
fn judged(party: Party, path: &str, answer: Value) -> Result<Value> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = text("err").filter(|number| number != "0");
    let Some(code) = text("code").or_else(|| number.clone()) else { return Ok(answer) };
    Err(Refused { party, path: path.to_owned(), code, number }.into())
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Line({} calls)", self.number)
    }
}
