//! Opening the address at which a sign-in by link ends, in the browser that the person uses.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::link::LinkFailure;
use crate::portal::CompletionAddress;

/// Opens addresses for the person to see.
pub trait Opener: Send + Sync {
    /// Opens the address.
    ///
    /// # Errors
    /// [`LinkFailure::BrowserNotOpened`].
    fn open(&self, address: &CompletionAddress) -> Result<(), LinkFailure>;
}

/// The browser that the system opens addresses with.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemBrowser;

/// Programs that open an address, the first that is there being used. The address follows as one argument; no shell sees
/// it.
#[cfg(not(any(target_os = "windows", target_os = "macos")))]
const PROGRAMS: &[&[&str]] = &[&["xdg-open"], &["gio", "open"]];
#[cfg(target_os = "macos")]
const PROGRAMS: &[&[&str]] = &[&["/usr/bin/open"]];
#[cfg(target_os = "windows")]
const PROGRAMS: &[&[&str]] = &[&["rundll32.exe", "url.dll,FileProtocolHandler"]];

/// A program that complains does so at once; one that still runs then has become the browser.
const COMPLAINT: Duration = Duration::from_secs(3);

impl Opener for SystemBrowser {
    fn open(&self, address: &CompletionAddress) -> Result<(), LinkFailure> {
        let failed = |reason: String| LinkFailure::BrowserNotOpened { reason, address: address.clone() };
        for program in PROGRAMS {
            match start(program, address) {
                Ok(child) => return wait_for_complaint(child).map_err(failed),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error.to_string())),
            }
        }
        Err(failed(io::Error::from(io::ErrorKind::NotFound).to_string()))
    }
}

fn start(program: &[&str], address: &CompletionAddress) -> io::Result<Child> {
    let (name, arguments) = program.split_first().ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(name);
    command.args(arguments).arg(address.as_str());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

fn wait_for_complaint(mut child: Child) -> Result<(), String> {
    let (told, ended) = mpsc::channel::<io::Result<ExitStatus>>();
    // Waits to the end, so that nothing is left of the program when it has ended.
    let waiting = thread::Builder::new().name("browser".into()).spawn(move || {
        // Nobody listens any more when the browser itself ends.
        told.send(child.wait()).ok();
    });
    waiting.map_err(|error| error.to_string())?;
    match ended.recv_timeout(COMPLAINT) {
        Ok(Ok(status)) if !status.success() => Err(status.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}
