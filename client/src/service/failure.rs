//! Why the local service could not be started.

use super::PortOwner;

/// Why the local service could not be started. [`ServiceFailure::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceFailure {
    /// Another program listens at the port.
    #[error("another program listens at port {port}")]
    PortTaken {
        /// The port.
        port: u16,
        /// Which program, where the system tells.
        owner: Option<PortOwner>,
    },
    /// The system refused to let the program listen.
    #[error("the program cannot listen at port {port}: {reason}")]
    NotStarted {
        /// The port.
        port: u16,
        /// The system's words.
        reason: String,
    },
}

impl ServiceFailure {
    /// Every code that [`ServiceFailure::code`] can give.
    pub const CODES: [&'static str; 2] = ["port-taken", "service-not-started"];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => "port-taken",
            Self::NotStarted { .. } => "service-not-started",
        }
    }
}
