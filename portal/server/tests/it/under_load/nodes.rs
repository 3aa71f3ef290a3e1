//! Two processes that are one service, to be killed and started again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::authority_host::AuthorityHost;
use crate::cabinet::configured;
use crate::process::{Installation, Process};
use crate::provider::world::{clients, with_provider, write_files};

pub(super) const NODES: usize = 2;

/// What is special about them.
#[derive(Default, Clone, Copy)]
pub(super) struct Surroundings<'h> {
    /// From where the authority's list is fetched.
    pub(super) lists: Option<&'h AuthorityHost>,
    /// Whether their clock is another one than the machine's.
    pub(super) has_clock_of_its_own: bool,
}

pub(super) struct Nodes {
    pub(super) installation: Installation,
    running: [Option<Process>; NODES],
    addresses: Addresses,
    has_clock_of_its_own: bool,
}

/// Where they listen; a node that was started again does so elsewhere.
pub(super) type Addresses = Arc<[AtomicU16; NODES]>;

pub(super) fn url(addresses: &Addresses, node: usize, path: &str) -> String {
    format!("https://localhost:{}{path}", addresses[node].load(Ordering::Relaxed))
}

impl Nodes {
    /// Two nodes with cabinets and a provider, on the database of that installation.
    pub(super) fn start(installation: Installation, surroundings: Surroundings<'_>) -> Self {
        let path = installation.directory.path().join("portal.toml");
        let mut text = with_provider(&configured(&std::fs::read_to_string(&path).unwrap()));
        text = text.replace("minimum_assurance = \"high\"", "minimum_assurance = \"substantial\"");
        if let Some(host) = surroundings.lists {
            let list = host.address.join("list.crl").unwrap();
            let section = format!("[revocation]\naddresses = [\"\", \"{list}\"]\n\n[limits]\n");
            text = text.replace("\n[limits]\n", &format!("\n{section}"));
        }
        std::fs::write(&path, text).unwrap();
        write_files(installation.directory.path(), &clients());
        installation.new_key();
        let mut nodes = Self {
            installation,
            running: [const { None }; NODES],
            addresses: Arc::default(),
            has_clock_of_its_own: surroundings.has_clock_of_its_own,
        };
        nodes.set_clocks("+0s");
        (0..NODES).for_each(|node| nodes.start_again(node));
        nodes
    }

    pub(super) fn addresses(&self) -> Addresses {
        Arc::clone(&self.addresses)
    }

    pub(super) fn url(&self, node: usize, path: &str) -> String {
        url(&self.addresses, node, path)
    }

    pub(super) fn kill(&mut self, node: usize) {
        self.running[node] = None;
    }

    pub(super) fn start_again(&mut self, node: usize) {
        // A process that hears nothing of a limit on its files gets an error instead, as from a full disk.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_latchkey-portal"), "serve"]);
        command.arg("--config").arg(self.installation.directory.path().join("portal.toml"));
        if self.has_clock_of_its_own {
            command.env("LD_PRELOAD", clock_library()).env("FAKETIME_TIMESTAMP_FILE", self.clock());
            command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let process = Process::spawn(command);
        self.addresses[node].store(process.port, Ordering::Relaxed);
        self.running[node] = Some(process);
    }

    /// Whether all of them say that they can work.
    pub(super) async fn are_ready(&self) -> bool {
        let client = self.installation.client_without_cookies();
        for node in 0..NODES {
            if !client.get(self.url(node, "/health/ready")).send().await.is_ok_and(|answer| answer.status() == 200) {
                return false;
            }
        }
        true
    }

    /// Their files take nothing more, and none may grow.
    pub(super) fn fill_disk(&self) {
        self.limit_files("0");
    }

    pub(super) fn make_room(&self) {
        self.limit_files("unlimited");
    }

    fn limit_files(&self, limit: &str) {
        for process in self.running.iter().flatten() {
            let mut command = Command::new("prlimit");
            let limited = command.arg(format!("--fsize={limit}:unlimited")).arg("--pid").arg(process.id().to_string());
            assert!(limited.status().unwrap().success());
        }
    }

    /// How far their clocks are ahead of the machine's.
    pub(super) fn set_clocks(&self, offset: &str) {
        // Renamed, so that nobody reads half of it.
        std::fs::write(self.clock().with_extension("new"), offset).unwrap();
        std::fs::rename(self.clock().with_extension("new"), self.clock()).unwrap();
    }

    fn clock(&self) -> PathBuf {
        self.installation.directory.path().join("clock")
    }
}

/// Debian's libfaketime, for programs with threads.
fn clock_library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let inside = |folder: &Path| folder.join("faketime/libfaketimeMT.so.1");
    let found = folders.map(|folder| inside(&folder)).find(|path| path.exists());
    found.expect("libfaketime is not installed (Debian package libfaketime)")
}
