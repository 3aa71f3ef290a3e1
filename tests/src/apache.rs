//! Debian's Apache with its module `mod_auth_openidc`, as a site that lets people in with the portal's sign-in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::process::Process;
use crate::stage::{Portal, SampleSet, free_port};

const PROGRAM: &str = "/usr/sbin/apache2";
const MODULES: &str = "/usr/lib/apache2/modules";
/// How long it may take until it listens. Generous: the machine may be building something else.
const START: Duration = Duration::from_secs(60);
/// What stands on its one page.
pub const PAGE: &str = "An invented library, for people with that number alone.";

/// A running Apache, on a port of its own on this computer, without TLS.
#[derive(Debug)]
pub struct Apache {
    process: Option<Process>,
    origin: String,
    _folder: TempDir,
}

impl Apache {
    /// Registers it with the portal and starts it. Its page is for whoever signs in with the card and has that number.
    ///
    /// # Errors
    /// If Debian's packages are not installed, or it does not start.
    pub fn start(set: &SampleSet, portal: &mut Portal, personal_number: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("latchkey-apache-").tempdir()?;
        let port = free_port()?;
        let origin = format!("http://127.0.0.1:{port}");
        let afterwards = format!("{origin}/");
        let told = format!("{origin}/back?logout=backchannel");
        let more = [
            "--post-logout-redirect-uri",
            &afterwards,
            "--backchannel-logout-uri",
            &told,
            "--backchannel-logout-private",
        ];
        let secret = portal.register("library", &format!("{origin}/back"), &more)?.context("the site has no secret")?;
        // Apache gives up the rights of whoever starts it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        fs::create_dir(folder.path().join("pages"))?;
        fs::write(folder.path().join("pages/index.html"), PAGE)?;
        let text = configuration(folder.path(), set, &portal.origin(), port, &secret, personal_number);
        let file = folder.path().join("apache.conf");
        fs::write(&file, text)?;
        let mut command = Command::new(PROGRAM);
        let mut process = Process::start("apache2", command.arg("-f").arg(&file).arg("-DFOREGROUND"))?;
        process.wait_for_line("resuming normal operations", START)?;
        Ok(Self { process: Some(process), origin, _folder: folder })
    }

    /// Where it is.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What it has logged.
    pub fn log(&mut self) -> String {
        self.process.as_mut().map(Process::said).unwrap_or_default()
    }
}

impl Drop for Apache {
    /// Asks it to end: whoever is killed leaves those behind who answer.
    fn drop(&mut self) {
        // Whether it has ended well is no matter any more.
        let _ = self.process.take().map(Process::stop);
    }
}

/// What stands in the guide for relying parties, and what a server needs to run at all.
fn configuration(
    folder: &Path,
    set: &SampleSet,
    portal: &str,
    port: u16,
    secret: &str,
    personal_number: &str,
) -> String {
    let (here, authority) = (folder.display(), set.tls_authority());
    let modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "dir", "auth_openidc"];
    let modules = modules.map(|name| format!("LoadModule {name}_module {MODULES}/mod_{name}.so\n")).concat();
    format!(
        r#"ServerRoot "{here}"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile "{here}/pid"
DefaultRuntimeDir "{here}"
ErrorLog /dev/stderr
LogLevel notice
{modules}
<IfModule unixd_module>
User nobody
Group nogroup
</IfModule>
DocumentRoot "{here}/pages"
DirectoryIndex index.html

OIDCProviderMetadataURL {portal}/.well-known/openid-configuration
OIDCClientID library
OIDCClientSecret {secret}
OIDCRedirectURI http://127.0.0.1:{port}/back
OIDCCryptoPassphrase "for the cookies of this test"
OIDCPKCEMethod S256
OIDCScope "openid profile personal_number"
OIDCAuthRequestParams acr_values=urn:latchkey:acr:high
OIDCCABundlePath "{authority}"

<Location />
AuthType openid-connect
<RequireAll>
Require claim acr:urn:latchkey:acr:high
Require claim personal_number:{personal_number}
</RequireAll>
</Location>
"#,
        authority = authority.display(),
    )
}
