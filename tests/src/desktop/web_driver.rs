//! A page under remote control, by the W3C's WebDriver protocol.

use std::fmt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use fantoccini::elements::Element;
use fantoccini::wd::{Capabilities, TimeoutConfiguration, WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{LOOK_AGAIN, PATIENCE};
use crate::process::Process;

/// A session with a driver program, which controls a browser or a web view.
pub struct WebDriver {
    runtime: Runtime,
    client: Option<Client>,
    driver: Option<Process>,
}

impl fmt::Debug for WebDriver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WebDriver").field("driver", &self.driver).finish_non_exhaustive()
    }
}

impl WebDriver {
    /// Starts a driver program that says `ready` with the address where it listens, and begins a session.
    pub(super) fn start(
        name: &'static str,
        command: &mut Command,
        address: impl FnOnce(&mut Process) -> Result<String>,
        capabilities: Capabilities,
    ) -> Result<Self> {
        let mut driver = Process::start(name, command)?;
        let address = address(&mut driver)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let session = async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            tokio::time::timeout(PATIENCE, builder.capabilities(capabilities).connect(&address)).await
        };
        let client = match runtime.block_on(session) {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => bail!("{name} begins no session: {error}\n{}", driver.said()),
            Err(_) => bail!("{name} begins no session in time:\n{}", driver.said()),
        };
        let this = Self { runtime, client: Some(client), driver: Some(driver) };
        // Our own waiting is the only one.
        let none = TimeoutConfiguration::new(Some(PATIENCE), Some(PATIENCE), Some(Duration::ZERO));
        this.runtime.block_on(this.client()?.update_timeouts(none))?;
        Ok(this)
    }

    fn client(&self) -> Result<&Client> {
        self.client.as_ref().context("the session has ended")
    }

    /// Goes to an address.
    ///
    /// # Errors
    /// If the page does not load.
    pub fn open(&self, address: &str) -> Result<()> {
        self.runtime.block_on(self.client()?.goto(address)).with_context(|| format!("{address} does not open"))
    }

    /// Where the page is from.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn address(&self) -> Result<String> {
        Ok(self.runtime.block_on(self.client()?.current_url())?.to_string())
    }

    /// What a person reads on the page.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn text(&self) -> Result<String> {
        let text = self.execute("return document.body ? document.body.innerText : ''", &[])?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the page holds an element of this CSS selector.
    ///
    /// # Errors
    /// If it does not come; the error holds the page's text.
    pub fn wait_for(&self, selector: &str) -> Result<Element> {
        self.wait(selector, || {
            let found = self.runtime.block_on(self.client()?.find_all(Locator::Css(selector)))?;
            Ok(found.into_iter().next())
        })
    }

    /// Waits until the page shows these words.
    ///
    /// # Errors
    /// If they do not come; the error holds the page's text.
    pub fn wait_for_text(&self, words: &str) -> Result<String> {
        self.wait(words, || Ok(Some(self.text()?).filter(|text| text.contains(words))))
    }

    /// Waits for an element and clicks it as a person does.
    ///
    /// # Errors
    /// If it does not come, or cannot be clicked.
    pub fn click(&self, selector: &str) -> Result<()> {
        self.wait(&format!("{selector} to be clicked"), || {
            let found = self.runtime.block_on(self.client()?.find_all(Locator::Css(selector)))?;
            let Some(element) = found.into_iter().next() else { return Ok(None) };
            // A page that has just drawn itself anew has other elements: look again.
            self.runtime.block_on(element.click())?;
            Ok(Some(()))
        })
    }

    /// Types into an element.
    ///
    /// # Errors
    /// If it does not come, or takes no text.
    pub fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        let element = self.wait_for(selector)?;
        Ok(self.runtime.block_on(element.send_keys(text))?)
    }

    /// Runs a script in the page, and gives what it returns.
    ///
    /// # Errors
    /// If it throws.
    pub fn execute(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        Ok(self.runtime.block_on(self.client()?.execute(script, arguments.to_vec()))?)
    }

    /// Runs a script in the page that calls its last argument when it has finished, and gives what it says.
    ///
    /// # Errors
    /// If it throws or does not finish.
    pub fn execute_async(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        Ok(self.runtime.block_on(self.client()?.execute_async(script, arguments.to_vec()))?)
    }

    /// The cookies that the browser sends with the page's address, as the header `Cookie`: those too that no script sees.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn cookies(&self) -> Result<String> {
        let cookies = self.runtime.block_on(self.client()?.get_all_cookies())?;
        Ok(cookies.iter().map(|cookie| format!("{}={}", cookie.name(), cookie.value())).collect::<Vec<_>>().join("; "))
    }

    /// Sends a command that is not in the standard, and gives its answer.
    pub(super) fn issue(&self, command: impl WebDriverCompatibleCommand + Send + 'static) -> Result<Value> {
        Ok(self.runtime.block_on(self.client()?.issue_cmd(command))?)
    }

    /// A picture of the page, PNG.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn picture(&self) -> Result<Vec<u8>> {
        Ok(self.runtime.block_on(self.client()?.screenshot())?)
    }

    /// Opens another tab and goes there.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn new_tab(&self) -> Result<WindowHandle> {
        self.runtime.block_on(async {
            let tab = self.client()?.new_window(true).await?.handle;
            self.client()?.switch_to_window(tab.clone()).await?;
            Ok(tab)
        })
    }

    /// The tab or window that is controlled now.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn tab(&self) -> Result<WindowHandle> {
        Ok(self.runtime.block_on(self.client()?.window())?)
    }

    /// All tabs or windows.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn tabs(&self) -> Result<Vec<WindowHandle>> {
        Ok(self.runtime.block_on(self.client()?.windows())?)
    }

    /// Goes to another tab or window.
    ///
    /// # Errors
    /// If there is no such.
    pub fn switch_to(&self, tab: &WindowHandle) -> Result<()> {
        Ok(self.runtime.block_on(self.client()?.switch_to_window(tab.clone()))?)
    }

    /// Closes the tab that is controlled now.
    ///
    /// # Errors
    /// If the session has ended.
    pub fn close_tab(&self) -> Result<()> {
        Ok(self.runtime.block_on(self.client()?.close_window())?)
    }

    /// Waits until `look` gives a value; the error tells what the page shows meanwhile.
    ///
    /// # Errors
    /// If it does not in time.
    pub fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let end = Instant::now() + PATIENCE;
        loop {
            // A page that is being loaded answers with errors, and so does a window that was closed.
            let looked = look();
            if looked.is_err() {
                self.attach();
            }
            if let Ok(Some(value)) = looked {
                return Ok(value);
            }
            if Instant::now() >= end {
                let page = self.text().unwrap_or_else(|error| format!("nothing: {error:#}"));
                let trouble = looked.err().map(|error| format!(" ({error:#})")).unwrap_or_default();
                bail!("waited in vain for {what}{trouble}; the page shows:\n{page}");
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Turns to a window that is there, if the one under control is not: the client makes a new one when it needs one.
    fn attach(&self) {
        let Ok(client) = self.client() else { return };
        self.runtime.block_on(async {
            if client.window().await.is_err()
                && let Ok(windows) = client.windows().await
                && let Some(window) = windows.into_iter().next()
            {
                // If that one goes too, there is a next time.
                let _ = client.switch_to_window(window).await;
            }
        });
    }

    /// What the driver program has printed.
    pub fn log(&mut self) -> String {
        self.driver.as_mut().map(Process::said).unwrap_or_default()
    }
}

impl Drop for WebDriver {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // The driver ends what it controls. If it has ended before, so has that.
            let _ = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, client.close()).await });
        }
        if let Some(driver) = self.driver.take() {
            let _ = driver.stop();
        }
    }
}
