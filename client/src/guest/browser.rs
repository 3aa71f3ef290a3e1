//! Browsers that can be given a profile folder: how they are started, and what is written into the folder before.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use latchkey_crypto::assertion::Origin;
use serde_json::json;

use crate::doctor::{Browser, Confinement};

/// A browser for guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestBrowser {
    program: PathBuf,
    family: Family,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Chromium,
    Firefox,
}

impl GuestBrowser {
    /// The browser of that path.
    #[must_use]
    pub fn at(program: PathBuf) -> Self {
        let name = program.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let family = if name.contains("firefox") { Family::Firefox } else { Family::Chromium };
        Self { program, family }
    }

    /// The first of these browsers that is not confined: a snap or a flatpak has no access to folders of other programs.
    #[must_use]
    pub fn first_of(browsers: &[Browser]) -> Option<Self> {
        let usable = browsers.iter().find(|browser| browser.confinement == Confinement::None)?;
        Some(Self::at(usable.program.clone()))
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Writes into an empty profile what the browser is to start with. Only this portal may call programs of this
    /// computer; nothing is remembered, synchronised or sent to the browser's maker.
    pub(super) fn prepare(&self, profile: &Path, portal: &Origin) -> std::io::Result<()> {
        match self.family {
            Family::Chromium => {
                fs::create_dir(profile.join("Default"))?;
                fs::write(profile.join("Default/Preferences"), chromium_preferences(profile, portal))?;
                // Without it, the first run is a guided tour.
                fs::write(profile.join("First Run"), "")
            }
            Family::Firefox => fs::write(profile.join("user.js"), firefox_preferences(profile, portal)),
        }
    }

    /// The command that opens the portal. No shell is involved; the address is an origin and nothing else.
    pub(super) fn command(&self, profile: &Path, portal: &Origin) -> Command {
        let mut command = Command::new(&self.program);
        let below = |name: &str| profile.join(name);
        match self.family {
            Family::Chromium => {
                command.arg(with_value("--user-data-dir=", profile));
                command.arg(with_value("--disk-cache-dir=", &below("cache")));
                command.arg(with_value("--crash-dumps-dir=", &below("crashes")));
                command.args(CHROMIUM_SWITCHES);
            }
            Family::Firefox => {
                command.arg("--profile").arg(profile).args(["--no-remote", "--new-instance", "--private-window"]);
                command.env("MOZ_CRASHREPORTER_DISABLE", "1");
            }
        }
        command.arg(format!("{portal}/"));
        // What browsers and their libraries write elsewhere goes into the profile too.
        command.env("TMPDIR", below("t"));
        for variable in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
            command.env(variable, below("x"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

fn with_value(switch: &str, value: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(switch);
    argument.push(value);
    argument
}

const CHROMIUM_SWITCHES: &[&str] = &[
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-mode",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--password-store=basic",
    "--new-window",
];

fn chromium_preferences(profile: &Path, portal: &Origin) -> String {
    let mut allowed = serde_json::Map::new();
    allowed.insert(
        format!("{},*", chromium_pattern(portal)),
        json!({ "setting": 1, "last_modified": "13439774340490222" }),
    );
    json!({
        "profile": {
            "content_settings": { "exceptions": { "loopback_network": allowed } },
            "password_manager_enabled": false,
        },
        "credentials_enable_service": false,
        "autofill": { "enabled": false, "profile_enabled": false, "credit_card_enabled": false },
        "download": { "default_directory": profile.join("downloads"), "prompt_for_download": false },
        "savefile": { "default_directory": profile.join("downloads") },
        "signin": { "allowed": false },
        "search": { "suggest_enabled": false },
        "translate": { "enabled": false },
        "session": { "restore_on_startup": 5 },
    })
    .to_string()
}

/// Chromium's settings name the port always.
fn chromium_pattern(portal: &Origin) -> String {
    format!("https://{}:{}", portal.host(), portal.port())
}

fn firefox_preferences(profile: &Path, portal: &Origin) -> String {
    let downloads = json!(profile.join("downloads"));
    let host = json!(portal.host());
    format!(
        r#"user_pref("network.lna.skip-domains", {host});
user_pref("browser.privatebrowsing.autostart", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.sessionstore.resume_from_crash", false);
user_pref("browser.download.folderList", 2);
user_pref("browser.download.dir", {downloads});
user_pref("browser.formfill.enable", false);
user_pref("signon.rememberSignons", false);
user_pref("identity.fxaccounts.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("app.shield.optoutstudies.enabled", false);
user_pref("extensions.enabledScopes", 0);
"#
    )
}
