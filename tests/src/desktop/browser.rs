//! Chromium, to which a portal on this machine looks like one on the internet.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use openssl::base64::decode_block;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::{AssistiveTool, PATIENCE, Screen, WebDriver, wait_until};
use crate::process::Process;

/// What the person has told the browser about sites that want to reach programs on this computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopbackPermission {
    /// That this site may.
    Granted,
    /// That it may not.
    Denied,
    /// Nothing yet: the browser will ask.
    NotYetAsked,
}

/// The sites that a browser will visit, and what it knows of them.
#[derive(Clone, Copy, Debug)]
pub struct Portals<'a> {
    /// Their origins, on this machine.
    pub origins: &'a [String],
    /// The authority of their certificates, PEM.
    pub authority: &'a Path,
    /// Whether they may reach programs on this computer.
    pub permission: LoopbackPermission,
    /// The language that the person reads (BCP 47).
    pub language: &'a str,
}

/// A browser with a profile of its own.
#[derive(Debug)]
pub struct Browser {
    driver: WebDriver,
}

impl Browser {
    /// Opens a window on `screen` with a profile called `profile`.
    ///
    /// # Errors
    /// If Chromium or its driver is missing or does not start.
    pub fn start(screen: &Screen, profile: &str, portals: Portals<'_>) -> Result<Self> {
        let arguments = arguments(screen, profile, portals)?;
        let options = json!({ "args": arguments, "excludeSwitches": ["enable-automation"], "binary": CHROMIUM });
        Self::drive(screen, options)
    }

    /// Takes control of a browser that another program starts with `--remote-debugging-port`, as soon as it is there.
    ///
    /// # Errors
    /// If it does not come.
    pub fn attach(screen: &Screen, port: u16) -> Result<Self> {
        wait_until("a browser", || Ok(TcpStream::connect(("127.0.0.1", port)).ok()))?;
        Self::drive(screen, json!({ "debuggerAddress": format!("127.0.0.1:{port}") }))
    }

    fn drive(screen: &Screen, options: Value) -> Result<Self> {
        let capabilities: Capabilities = [("goog:chromeOptions".to_owned(), options)].into_iter().collect();
        let start = || {
            let mut command = screen.command("chromedriver");
            WebDriver::start("chromedriver", command.arg("--port=0"), listening, capabilities.clone())
        };
        // The port that it is given for one protocol of the internet may be taken in the other.
        let driver = start().or_else(|_| start())?;
        Ok(Self { driver })
    }

    /// The command that opens a window for a person, who drives it himself. A second one with the same profile opens a
    /// tab in that window.
    ///
    /// # Errors
    /// If the profile cannot be written.
    pub fn for_a_person(screen: &Screen, profile: &str, portals: Portals<'_>) -> Result<Command> {
        let mut command = screen.command(CHROMIUM);
        command.args(arguments(screen, profile, portals)?);
        Ok(command)
    }

    /// Has addresses that programs on the screen want to have shown opened in the window of that profile, not in the
    /// person's own browser: a sign-in by link belongs into the browser that asked.
    ///
    /// # Errors
    /// If the profile cannot be written.
    pub fn take_addresses(screen: &mut Screen, profile: &str, portals: Portals<'_>) -> Result<()> {
        let command = Self::for_a_person(screen, profile, portals)?;
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
        screen.open_addresses_with(&format!("exec {} \"$1\"", words.join(" ")))
    }

    /// What the browser says of the page's permission to reach programs on this computer: "granted", "denied", "prompt".
    ///
    /// # Errors
    /// If the session has ended.
    pub fn permission(&self) -> Result<String> {
        let query = "const done = arguments[0];
                     navigator.permissions.query({ name: 'loopback-network' }).then(it => done(it.state))";
        Ok(self.execute_async(query, &[])?.as_str().unwrap_or_default().to_owned())
    }

    /// Has pages asked for in another language from now on, as if the person had set it.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn speak(&self, language: &str) -> Result<()> {
        let agent = self.execute("return navigator.userAgent", &[])?;
        let parameters = json!({ "userAgent": agent, "acceptLanguage": language });
        self.command("Emulation.setUserAgentOverride", &parameters).map(drop)
    }

    /// Runs no scripts of pages that are opened from now on; or runs them again, from the next page on.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn run_scripts(&self, runs: bool) -> Result<()> {
        self.command("Emulation.setScriptExecutionDisabled", &json!({ "value": !runs })).map(drop)
    }

    /// Shows pages to a person who wants this of them: `light` or `dark`.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn show_in(&self, scheme: &str) -> Result<()> {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.command("Emulation.setEmulatedMedia", &json!({ "features": features })).map(drop)
    }

    /// Shows pages as if the window were so wide, in CSS pixels; 0 is as wide as it is.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn show_as_wide_as(&self, width: u32) -> Result<()> {
        let parameters = json!({ "width": width, "height": 0, "deviceScaleFactor": 0, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", &parameters).map(drop)
    }

    /// A picture of the whole page, also of what is below the window's edge, PNG.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn whole_picture(&self) -> Result<Vec<u8>> {
        let taken = self.command("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }))?;
        let data = taken.get("data").and_then(Value::as_str).context("there is no picture")?;
        Ok(decode_block(data)?)
    }

    fn command(&self, method: &'static str, parameters: &Value) -> Result<Value> {
        self.driver.issue(DevTools(json!({ "cmd": method, "params": parameters }))).with_context(|| method)
    }

    /// Answers the browser's own question whether the page may reach programs on this computer, with the pointer.
    ///
    /// # Errors
    /// If there is no such question.
    pub fn answer_question(&self, tool: &mut AssistiveTool, answer: Answer) -> Result<()> {
        // Chromium draws it by itself and tells no assistive tool. Its buttons stand lower if the site's name is long.
        let x = match answer {
            Answer::Allow => 385,
            Answer::Block => 306,
        };
        let mut rows = [241, 221].into_iter().cycle();
        wait_until("the browser's question", || {
            std::thread::sleep(ABSENT_MINDED);
            tool.click(x, rows.next().unwrap_or_default())?;
            Ok((self.permission()? != "prompt").then_some(()))
        })
    }
}

/// A command of Chromium's own protocol.
#[derive(Debug)]
struct DevTools(Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.0.to_string()))
    }
}

/// What a person can say to the browser's own question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The page may.
    Allow,
    /// It may not.
    Block,
}

impl Deref for Browser {
    type Target = WebDriver;

    fn deref(&self) -> &WebDriver {
        &self.driver
    }
}

/// Chromium takes no answer from whoever clicks sooner after the question appeared, or after the last such click.
const ABSENT_MINDED: Duration = Duration::from_millis(800);

const CHROMIUM: &str = "/usr/bin/chromium";

/// Nothing but what a page asks for goes over the network, and nothing covers the page.
const QUIET: [&str; 10] = [
    // No bar that warns of the arguments below.
    "--test-type",
    // No question for the password of a keyring, either.
    "--password-store=basic",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-position=0,0",
    "--window-size=1200,850",
];

/// Where a chromedriver that was given port 0 listens.
fn listening(driver: &mut Process) -> Result<String> {
    let words = "was started successfully on port ";
    let line = driver.wait_for_line(words, PATIENCE)?;
    let port = line.split_once(words).map(|(_, port)| port.trim_end_matches('.')).context("no port")?;
    Ok(format!("http://127.0.0.1:{port}"))
}

/// Writes a profile, and gives the arguments to use it with.
fn arguments(screen: &Screen, profile: &str, portals: Portals<'_>) -> Result<Vec<String>> {
    let folder = screen.home().join(profile);
    let default = folder.join("Default");
    fs::create_dir_all(&default)?;
    fs::write(default.join("Preferences"), preferences(portals).to_string())?;
    let mut arguments = arguments_without_profile(screen, portals.origins, portals.authority)?;
    arguments.push(format!("--user-data-dir={}", folder.display()));
    Ok(arguments)
}

/// For a browser that gets its profile from another program: has these sites count as public and their authority trusted.
///
/// # Errors
/// If the authority cannot be added to those that are trusted.
pub fn arguments_without_profile(screen: &Screen, origins: &[String], authority: &Path) -> Result<Vec<String>> {
    trust(screen, authority)?;
    let mut arguments = vec![
        format!("--ip-address-space-overrides={}", public(origins)?),
        // Names of the internet that lead here.
        "--host-resolver-rules=MAP *.example 127.0.0.1".to_owned(),
    ];
    arguments.extend(QUIET.iter().map(|&flag| flag.to_owned()));
    if rustix::process::getuid().is_root() {
        arguments.push("--no-sandbox".to_owned());
    }
    Ok(arguments)
}

fn preferences(portals: Portals<'_>) -> Value {
    let intl = json!({ "accept_languages": portals.language, "selected_languages": portals.language });
    let setting = match portals.permission {
        LoopbackPermission::Granted => 1,
        LoopbackPermission::Denied => 2,
        LoopbackPermission::NotYetAsked => return json!({ "intl": intl }),
    };
    let sites: serde_json::Map<String, Value> =
        portals.origins.iter().map(|origin| (format!("{origin},*"), json!({ "setting": setting }))).collect();
    json!({ "intl": intl, "profile": { "content_settings": { "exceptions": { "loopback_network": sites } } } })
}

/// Has the portals' addresses count as public. Without it the browser would check nothing.
fn public(origins: &[String]) -> Result<String> {
    let mut list = String::new();
    for origin in origins {
        let Some((_, port)) = origin.rsplit_once(':') else { bail!("{origin} has no port") };
        let separator = if list.is_empty() { "" } else { "," };
        write!(list, "{separator}127.0.0.1:{port}=public,[::1]:{port}=public")?;
    }
    Ok(list)
}

/// Puts the authority among those that the browsers of this screen trust.
fn trust(screen: &Screen, authority: &Path) -> Result<()> {
    let folder = screen.home().join(".pki/nssdb");
    let database = format!("sql:{}", folder.display());
    let is_new = !folder.exists();
    fs::create_dir_all(&folder)?;
    let certutil = |arguments: &[&str]| {
        let output = screen.command("certutil").args(arguments).arg("-d").arg(&database).output();
        let output = output.context("certutil is missing")?;
        if !output.status.success() {
            bail!("certutil: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    };
    if is_new {
        certutil(&["-N", "--empty-password"])?;
    }
    certutil(&["-A", "-t", "C,,", "-n", "test authority", "-i", &authority.display().to_string()])
}
