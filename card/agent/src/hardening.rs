//! What a process does first that is going to hold a PIN.

use rustix::process::{DumpableBehavior, Resource, Rlimit};

/// Forbids core dumps of this process and hides its memory from the user's other processes (Linux: it becomes
/// non-dumpable, so that it cannot be traced and `/proc/PID/mem` belongs to root). To be called first thing in `main`.
///
/// # Errors
/// The operating system's, if it refuses either; the process must then not ask for a PIN.
pub fn harden_process() -> std::io::Result<()> {
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}
