//! A city's portal: its page calls the client program, and the terminal through the portal's own back end, which passes on
//! whatever the page says.

use anyhow::Result;

use super::page::{page, pass_on};
use crate::desktop::{Answered, Asked, Site};
use crate::stage::SampleSet;

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
        let page = page(include_str!("city-portal.html"), client_port);
        let site = Site::start(set, move |asked| answer(asked, &page, terminal_port))?;
        Ok(Self { site })
    }

    /// Its origin, as browsers report it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.site.origin()
    }
}

fn answer(Asked { method, path, body, .. }: &Asked, page: &str, terminal_port: u16) -> Answered {
    match (method.as_str(), path.as_str()) {
        ("GET", "/") => Answered::page(page),
        ("POST", "/terminal") => pass_on(body, terminal_port),
        _ => Answered::nothing(),
    }
}
