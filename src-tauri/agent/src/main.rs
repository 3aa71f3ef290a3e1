//! The agent as a process of its own: it owns cards and secrets, and asks for secrets in a window of its own.

fn main() -> std::process::ExitCode {
    if latchkey_agent::harden_process().is_err() || gtk::init().is_err() {
        return std::process::ExitCode::FAILURE;
    }
    std::process::ExitCode::SUCCESS
}
