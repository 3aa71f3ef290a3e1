//! A city's portal: its page calls the client program, and the terminal through the portal's own back end, which passes on
//! whatever the page says.

use anyhow::Result;
use serde_json::{Value, json};

use super::post_json;
use crate::desktop::{Answered, Asked, Site};
use crate::stage::SampleSet;

const PAGE: &str = include_str!("city-portal.html");

/// The portal at work.
#[derive(Debug)]
pub struct CityPortal {
    site: Site,
}

impl CityPortal {
    /// Starts it with a terminal and with visitors whose client program listens at `client_port`.
    ///
    /// # Errors
    /// If the sample set is incomplete or there is no port.
    pub fn start(set: &SampleSet, terminal_port: u16, client_port: u16) -> Result<Self> {
        let page = PAGE.replace("CLIENT_PORT", &client_port.to_string());
        let site = Site::start(set, move |asked| answer(asked, &page, terminal_port))?;
        Ok(Self { site })
    }

    /// Its origin, as browsers report it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.site.origin()
    }
}

fn answer(Asked { method, path, body }: &Asked, page: &str, terminal_port: u16) -> Answered {
    match (method.as_str(), path.as_str()) {
        ("GET", "/") => Answered::page(page),
        ("POST", "/terminal") => Answered::json(&pass_on(body, terminal_port).unwrap_or_else(
            // As a back end that has nothing better to say.
            |error| json!({ "code": "terminal-unreachable", "message": error.to_string() }),
        )),
        _ => Answered::nothing(),
    }
}

fn pass_on(body: &[u8], terminal_port: u16) -> Result<Value> {
    let call: Value = serde_json::from_slice(body)?;
    post_json(terminal_port, call["urlCall"].as_str().unwrap_or_default(), &call["dataCall"])
}
