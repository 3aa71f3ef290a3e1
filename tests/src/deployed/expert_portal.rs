//! A portal whose visitors log in with the state's provider: its page hands the client program a request that the
//! provider's program has signed, and sends the browser to the provider.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::page::page;
use super::state_provider::{RelyingPartysProgram, StateProvider};
use crate::desktop::{Answered, Asked, Site};
use crate::stage::SampleSet;

/// The portal at work.
#[derive(Debug)]
pub struct ExpertPortal {
    site: Site,
    back_end: Arc<BackEnd>,
}

/// A site that has begun to log in at the portal, and passes on what it was given to visitors of its own.
#[derive(Debug)]
pub struct RelayingSite {
    site: Site,
}

#[derive(Debug)]
struct BackEnd {
    origin: OnceLock<String>,
    authority: String,
    program: RelyingPartysProgram,
    /// Where browsers are sent, by the verifier that they keep.
    addresses: Mutex<HashMap<String, String>>,
}

impl ExpertPortal {
    /// Starts it for visitors whose client program listens at `client_port`.
    ///
    /// # Errors
    /// If the sample set is incomplete or there is no port.
    pub fn start(set: &SampleSet, provider: &StateProvider, client_port: u16) -> Result<Self> {
        let (origin, addresses) = (OnceLock::new(), Mutex::default());
        let back_end = BackEnd { origin, authority: provider.origin(), program: provider.program(), addresses };
        let (back_end, page) = (Arc::new(back_end), page(include_str!("expert-portal.html"), client_port));
        let answering = Arc::clone(&back_end);
        let site = Site::start(set, move |asked| answering.answer(asked, &page))?;
        back_end.origin.set(site.origin()).ok();
        Ok(Self { site, back_end })
    }

    /// Its origin, as browsers report it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.site.origin()
    }
}

impl RelayingSite {
    /// Starts it for visitors whose client program listens at `client_port`.
    ///
    /// # Errors
    /// If the sample set is incomplete or there is no port.
    pub fn start(set: &SampleSet, portal: &ExpertPortal, provider: &StateProvider, client_port: u16) -> Result<Self> {
        let page = page(include_str!("relaying-site.html"), client_port);
        let (portal, terminal) = (Arc::clone(&portal.back_end), provider.terminal());
        let site = Site::start(set, move |Asked { method, path, body, .. }| match (method.as_str(), path.as_str()) {
            ("GET", "/") => Answered::page(page.as_str()),
            ("POST", "/begun-elsewhere") => told(portal.begin()),
            ("POST", "/terminal") => terminal(body),
            _ => Answered::nothing(),
        })?;
        Ok(Self { site })
    }

    /// Its origin, as browsers report it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.site.origin()
    }
}

impl BackEnd {
    fn answer(&self, Asked { method, path, body, .. }: &Asked, page: &str) -> Answered {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        match (method.as_str(), path) {
            ("GET", "/") => Answered::page(page),
            ("GET", "/esiful/redirect-to-esiful") => {
                let address = query.strip_prefix("data=").and_then(|verifier| self.lock().remove(verifier));
                address.map_or_else(Answered::nothing, |address| Answered::redirect(&address))
            }
            ("POST", "/esiful/login") => told(self.begin()),
            ("POST", "/esiful/callback") => told(self.arrived(body)),
            ("POST", "/esiful/logout") => told(self.end(body)),
            _ => Answered::nothing(),
        }
    }

    /// Whoever asks is told how to log in.
    fn begin(&self) -> Result<Value> {
        let begun = self.program.call("/api/v2/login", &json!({ "settings": self.settings() }))?;
        let verifier = begun["code_verifier"].as_str().context("there is no verifier")?.to_owned();
        let address = begun["enveloped_and_signed_auth_url"].as_str().context("there is no address")?.to_owned();
        self.lock().insert(verifier.clone(), address);
        Ok(json!({ "signed": begun["signed_data_to_check_in_cp"], "codeVerifier": verifier }))
    }

    fn arrived(&self, body: &[u8]) -> Result<Value> {
        let told: Value = serde_json::from_slice(body)?;
        let (data, verifier) = (&told["data"], &told["codeVerifier"]);
        let params = json!({ "params": data, "code_verifier": verifier, "settings": self.settings() });
        let answer = self.program.call("/api/v2/login_callback", &params)?;
        Ok(json!({ "idToken": answer["id_token"], "user": answer["userinfo"] }))
    }

    fn end(&self, body: &[u8]) -> Result<Value> {
        let told: Value = serde_json::from_slice(body)?;
        let ended = json!({
            "id_token": told["idToken"],
            "authority": self.authority,
            "post_logout_redirect_uri": self.address(),
        });
        self.program.call("/api/v2/logout", &ended)
    }

    fn settings(&self) -> Value {
        json!({
            "authority": self.authority,
            "client_id": "a-portal-that-nobody-has-made",
            "grant_type": "authorization_code",
            "response_type": "code",
            "scope": "openid profile offline_access residence_place",
            "redirect_uri": self.address(),
            "post_logout_redirect_uri": self.address(),
            "state": self.address(),
            "prompt": "consent",
        })
    }

    fn address(&self) -> String {
        format!("{}/", self.origin.get().map_or("", String::as_str))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(answer: Result<Value>) -> Answered {
    Answered::json(&answer.unwrap_or_else(|error| json!({ "refused": error.to_string() })))
}
