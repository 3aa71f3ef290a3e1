//! A clinic that lets people in with the portal's sign-in, by Node's `openid-client`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tempfile::TempDir;

use crate::process::Process;
use crate::shop::button;
use crate::stage::{Portal, SampleSet, free_port};

const HOST: &str = "clinic.example";
/// How long it may take until it listens. Generous: the machine may be building something else.
const START: Duration = Duration::from_secs(60);

/// The clinic's program at work.
#[derive(Debug)]
pub struct Clinic {
    process: Process,
    origin: String,
    _folder: TempDir,
}

impl Clinic {
    /// Registers it with the portal and opens it.
    ///
    /// # Errors
    /// If `./dev` has not installed its packages, or it does not start.
    pub fn open(set: &SampleSet, portal: &mut Portal) -> Result<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("openid-client");
        ensure!(program.join("node_modules").is_dir(), "run ./dev: it installs the packages of {}", program.display());
        let origin = format!("https://{HOST}:{}", free_port()?);
        let afterwards = format!("{origin}/");
        let more = ["--post-logout-redirect-uri", &afterwards];
        let secret = portal.register("clinic", &format!("{origin}/back"), &more)?.context("it has no secret")?;
        let folder = tempfile::Builder::new().prefix("latchkey-clinic-").tempdir()?;
        let file = folder.path().join("site.json");
        let wanted = json!({
            "id": "clinic",
            "secret": secret,
            "issuer": portal.origin(),
            "origin": origin,
            "certificate": set.path().join("tls/portal.cert.pem"),
            "key": set.path().join("tls/portal.key.pem"),
            "button": button("en"),
            "style": include_str!("../../portal/server/web/sign-in-button.css"),
        });
        fs::write(&file, wanted.to_string())?;
        let mut command = Command::new("node");
        command.arg(program.join("site.js")).arg(&file).env("NODE_EXTRA_CA_CERTS", set.tls_authority());
        let mut process = Process::start("node", &mut command)?;
        process.wait_for_line("listening", START)?;
        Ok(Self { process, origin, _folder: folder })
    }

    /// Its origin, as browsers report it.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What it has logged.
    pub fn log(&mut self) -> String {
        self.process.said()
    }
}
