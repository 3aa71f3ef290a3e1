//! Everything together: cards, portal, browser, and the client's window beside it.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::{AgentWindow, AssistiveTool, Browser, LoopbackPermission, Portals, Screen, Window};
use crate::stage::{Cards, Portal, SampleSet, free_port};

/// What a play needs.
#[derive(Clone, Copy, Debug)]
pub struct PlayOrder<'a> {
    /// Language of the client.
    pub language: &'a str,
    /// What browsers know of the portal.
    pub permission: LoopbackPermission,
    /// How many readers there are.
    pub readers: usize,
    /// Further lines of the administrator's settings.
    pub managed: &'a str,
    /// Further arguments of the client.
    pub arguments: &'a [&'a str],
}

impl Default for PlayOrder<'_> {
    fn default() -> Self {
        let permission = LoopbackPermission::Granted;
        Self { language: "en", permission, readers: 1, managed: "", arguments: &[] }
    }
}

/// A stage with a portal, readers, a screen with a person's tools, and the client's window on it.
#[derive(Debug)]
pub struct Play {
    /// The client's window.
    pub window: Window,
    /// What a person with an assistive tool perceives and does.
    pub tool: AssistiveTool,
    /// The screen with both windows.
    pub screen: Screen,
    /// The portal.
    pub portal: Portal,
    /// Readers and cards.
    pub cards: Cards,
    /// Files of the sample set.
    pub set: SampleSet,
    permission: LoopbackPermission,
    port: u16,
}

impl Play {
    /// Sets everything up but browsers and cards, on a screen that nobody sees.
    ///
    /// # Errors
    /// If a part is missing or does not start.
    pub fn begin(order: PlayOrder<'_>) -> Result<Self> {
        Self::begin_on(Screen::virtual_one()?, order)
    }

    /// Sets everything up but browsers and cards.
    ///
    /// # Errors
    /// If a part is missing or does not start.
    pub fn begin_on(mut screen: Screen, order: PlayOrder<'_>) -> Result<Self> {
        screen.keep_addresses()?;
        let set = SampleSet::write()?;
        let port = free_port()?;
        let cards = Cards::start(&set, order.readers)?;
        let portal = Portal::start_for_client(&set, port)?;
        let managed = managed_settings(&set, port, order.managed)?.display().to_string();
        let tool = AssistiveTool::start(&screen)?;
        let arguments = ["--managed", &managed, "--lang", order.language];
        let window = Window::start(&screen, &cards, &[&arguments, order.arguments].concat())?;
        Ok(Self { window, tool, screen, portal, cards, set, permission: order.permission, port })
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
        let portals = Portals { origins, authority: &self.set.tls_authority(), permission: self.permission };
        Browser::start(&self.screen, profile, portals)
    }

    /// The question that the agent asks.
    ///
    /// # Errors
    /// If it asks none.
    pub fn agent(&mut self) -> Result<AgentWindow<'_>> {
        AgentWindow::wait(&mut self.tool)
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
