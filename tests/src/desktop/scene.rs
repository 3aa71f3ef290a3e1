//! Everything together: screen, cards, portal, browsers, and the client's window beside them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::{AgentWindow, AssistiveTool, Browser, Desktop, LoopbackPermission, Portals, Screen, Window};
use crate::elsewhere::Elsewhere;
use crate::stage::{Cards, Portal, PortalOrder, SampleSet, free_port};

/// What a scene needs.
#[derive(Clone, Copy, Debug)]
pub struct SceneOrder<'a> {
    /// Language of the client and of browsers.
    pub language: &'a str,
    /// What browsers know of the portal.
    pub permission: LoopbackPermission,
    /// How many readers there are.
    pub readers: usize,
    /// Further lines of the administrator's settings; `{origin}` in them is the portal's, `{home}` the person's folder.
    pub managed: &'a str,
    /// Whether the portal has a terminal.
    pub with_terminal: bool,
    /// Whether other sites can ask the portal who is signed in.
    pub with_provider: bool,
    /// Whether the portal has two nodes.
    pub with_cluster: bool,
    /// Whether accounts of another provider may sign in.
    pub with_outside_accounts: bool,
}

impl Default for SceneOrder<'_> {
    fn default() -> Self {
        let permission = LoopbackPermission::Granted;
        Self {
            language: "en",
            permission,
            readers: 1,
            managed: "",
            with_terminal: false,
            with_provider: false,
            with_cluster: false,
            with_outside_accounts: false,
        }
    }
}

/// A screen with a person's tools, a portal, and readers: everything but the client's window.
#[derive(Debug)]
pub struct Scene {
    /// What a person with an assistive tool perceives and does.
    pub tool: AssistiveTool,
    /// The screen with both windows.
    pub screen: Screen,
    /// The portal.
    pub portal: Portal,
    /// The other provider, if there is one.
    pub elsewhere: Option<Elsewhere>,
    /// Readers and cards.
    pub cards: Cards,
    /// Files of the sample set.
    pub set: SampleSet,
    language: String,
    permission: LoopbackPermission,
    port: u16,
    terminal_port: Option<u16>,
    managed: PathBuf,
}

impl Scene {
    /// Sets a scene on a screen that nobody sees.
    ///
    /// # Errors
    /// If a part is missing or does not start.
    pub fn set(order: SceneOrder<'_>) -> Result<Self> {
        Self::set_on(Screen::virtual_one()?, order)
    }

    /// Sets a scene.
    ///
    /// # Errors
    /// If a part is missing or does not start.
    pub fn set_on(mut screen: Screen, order: SceneOrder<'_>) -> Result<Self> {
        screen.keep_addresses()?;
        let set = SampleSet::write()?;
        let port = free_port()?;
        let cards = Cards::start(&set, order.readers)?;
        let terminal_port = order.with_terminal.then(free_port).transpose()?;
        let outside_port = order.with_outside_accounts.then(free_port).transpose()?;
        let elsewhere = outside_port.map(|port| Elsewhere::open(&set, port)).transpose()?;
        let wanted = PortalOrder {
            client_port: Some(port),
            terminal_port,
            has_provider: order.with_provider,
            is_cluster: order.with_cluster,
            outside_port,
            ..PortalOrder::default()
        };
        let portal = Portal::start_with(&set, wanted)?;
        let home = screen.home().display().to_string();
        let more = order.managed.replace("{origin}", &portal.origin()).replace("{home}", &home);
        let managed = managed_settings(&set, port, &more)?;
        let tool = AssistiveTool::start(&screen)?;
        let (language, permission) = (order.language.to_owned(), order.permission);
        Ok(Self { tool, screen, portal, elsewhere, cards, set, language, permission, port, terminal_port, managed })
    }

    /// The client's window, under remote control.
    ///
    /// # Errors
    /// If it does not start.
    pub fn window(&self, arguments: &[&str]) -> Result<Window> {
        Window::start(&self.screen, &self.cards, &[&self.arguments()[..], arguments].concat())
    }

    /// The client on its own.
    ///
    /// # Errors
    /// If it does not start.
    pub fn desktop(&self, arguments: &[&str]) -> Result<Desktop> {
        Desktop::start(&self.screen, &self.cards, &[&self.arguments()[..], arguments].concat())
    }

    fn arguments(&self) -> [&str; 4] {
        ["--managed", self.managed.to_str().unwrap_or_default(), "--lang", &self.language]
    }

    /// A browser with a profile of that name, at the portal's page.
    ///
    /// # Errors
    /// If it does not start.
    pub fn browser(&self, profile: &str) -> Result<Browser> {
        let browser = self.browser_for(profile, &[self.portal.origin()])?;
        browser.open(&self.portal.address())?;
        Ok(browser)
    }

    /// A browser with a profile of that name, for visits to these sites.
    ///
    /// # Errors
    /// If it does not start.
    pub fn browser_for(&self, profile: &str, origins: &[String]) -> Result<Browser> {
        let Self { permission, language, .. } = self;
        let authority = &self.set.tls_authority();
        let portals = Portals { origins, authority, permission: *permission, language };
        Browser::start(&self.screen, profile, portals)
    }

    /// The question that the agent asks.
    ///
    /// # Errors
    /// If it asks none.
    pub fn agent(&mut self) -> Result<AgentWindow<'_>> {
        AgentWindow::wait(&mut self.tool)
    }

    /// The port on which back ends find the portal's terminal.
    ///
    /// # Errors
    /// If it has none.
    pub fn terminal_port(&self) -> Result<u16> {
        self.terminal_port.context("the portal has no terminal")
    }

    /// The port on which pages find the client.
    #[must_use]
    pub fn client_port(&self) -> u16 {
        self.port
    }
}

/// Writes an administrator's settings: the port for pages, the test authority for links, and `more`.
///
/// # Errors
/// If they cannot be written.
pub fn managed_settings(set: &SampleSet, port: u16, more: &str) -> Result<PathBuf> {
    let file = set.path().join("managed.toml");
    let authority = set.tls_authority();
    let text = format!("port = {port}\ncertificate_authorities = [\"{}\"]\n{more}", authority.display());
    fs::write(&file, text)?;
    Ok(file)
}
