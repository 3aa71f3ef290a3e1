//! The agent in a process of its own: what passes between it and whoever needs a card.
//!
//! Each message is a frame: its length in four octets, most significant first, and that many octets of JSON. A message
//! is taken only as this library writes it, octet for octet, so that every message has one spelling. The types that
//! are written have no place for a secret: numbers, names, codes, a portal's origin and challenge, paths and contents
//! to sign, certificates, signatures, and what passes between a terminal and a card are all there is.

mod failure;
mod frame;
mod message;
mod octets;
mod process;
mod program;
mod report;
mod request;
mod serve;
mod terminal_session;

pub use frame::{FRAME_MAX_SIZE, WireFault};
pub use message::{FromAgent, ToAgent};
pub use process::AgentProcess;
pub use program::{AgentProgram, Appearance, Theme};
pub use serve::{MAX_OPEN_REQUESTS, serve};
