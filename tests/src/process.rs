//! Programs under test as child processes: started, watched, ended.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(10);

/// The path of one of the workspace's programs, built beside this one.
///
/// # Errors
/// If it was not built.
pub fn program(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("this program has no path")?;
    let beside = this.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    beside.with_context(|| format!("{name} is not built: run ./dev, or cargo test --workspace --no-run"))
}

/// A program that runs until it is stopped. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Process {
    /// Starts `command` and collects what it prints.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{name} does not start"))?;
        let (sender, lines) = mpsc::channel();
        let outputs: [Option<Box<dyn Read + Send>>; 2] =
            [child.stdout.take().map(|out| Box::new(out) as _), child.stderr.take().map(|err| Box::new(err) as _)];
        for output in outputs.into_iter().flatten() {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self { name, child, lines, seen: Vec::new() })
    }

    /// Waits until the program prints a line that contains `words`, and gives the line.
    ///
    /// # Errors
    /// If it ends, or `limit` passes, before; the error holds what it printed.
    pub fn wait_for_line(&mut self, words: &str, limit: Duration) -> Result<String> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(words) {
                        return Ok(line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("{} did not say '{words}' in time:\n{}", self.name, self.seen.join("\n"))
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("{} ended before it said '{words}':\n{}", self.name, self.seen.join("\n"))
                }
            }
        }
    }

    /// Everything the program printed so far, both outputs, a line each.
    pub fn said(&mut self) -> String {
        self.seen.extend(self.lines.try_iter());
        self.seen.join("\n")
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the program has ended by itself.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Kills the program (SIGKILL).
    ///
    /// # Errors
    /// If the system does not let it.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until the program ends by itself, and gives its exit status and everything it printed.
    ///
    /// # Errors
    /// If it does not end within `limit`; it is killed then.
    pub fn finish(mut self, limit: Duration) -> Result<(ExitStatus, String)> {
        let end = Instant::now() + limit;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.seen.push(line);
        }
        if Instant::now() >= end {
            bail!("{} did not end within {limit:?}:\n{}", self.name, self.seen.join("\n"));
        }
        let status = self.child.wait()?;
        Ok((status, self.said()))
    }

    /// Asks the program to end (SIGTERM), waits, and gives its exit status and everything it printed.
    ///
    /// # Errors
    /// If it does not end in time; it is killed then.
    pub fn stop(mut self) -> Result<(ExitStatus, String)> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).with_context(|| format!("{} cannot be ended", self.name))?;
        }
        let end = Instant::now() + GRACE;
        // Both outputs close when the program has ended: wait for that, then collect its status.
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.seen.push(line);
        }
        if Instant::now() >= end {
            bail!("{} did not end when asked to:\n{}", self.name, self.seen.join("\n"));
        }
        let status = self.child.wait()?;
        let said = self.said();
        Ok((status, said))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
