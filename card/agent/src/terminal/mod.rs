//! Asking at the terminal: without echo, straight into locked memory, and never leaving the terminal changed.

mod descriptor;
mod entry;
mod keys;
mod prompt;
mod tty;

pub use descriptor::DescriptorPrompt;
pub use prompt::{PromptWording, TerminalPrompt};
pub use tty::{Terminal, TerminalError};
