//! The agent in a process of its own: both ends of the wire, and processes that misbehave.

use latchkey_agent::wire::{AgentProcess, AgentProgram, Appearance};
use latchkey_agent::{CardAgent, Request};

#[test]
fn a_program_that_is_not_there_is_told() {
    let agent = AgentProcess::new(AgentProgram::at("/nowhere/latchkey-agent"), Appearance::default());
    let failure = agent.send(Request::ListReaders).finish(|_| ()).unwrap_err();
    assert_eq!(failure.code(), "agent-missing");
}
