//! Another provider, whose accounts may sign in to the portal, for browsers to visit. It asks for no password: whoever comes
//! there says who he is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use latchkey_fixtures::outside_provider::{OutsideProvider, TicketFault, parameters};
use serde_json::json;
use time::OffsetDateTime;

use crate::desktop::{Answered, Asked, Site};
use crate::shop::escaped;
use crate::stage::{SampleSet, outside_issuer};

/// Whose account there is.
pub const ANNA: &str = "anna";

/// The provider at work.
#[derive(Debug)]
pub struct Elsewhere {
    site: Site,
    desk: Arc<Mutex<Desk>>,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Its tickets.
    Tickets(TicketFault),
    /// It lets people in, and then answers the portal nothing.
    Silent,
}

#[derive(Debug)]
struct Desk {
    provider: OutsideProvider,
    is_silent: bool,
}

impl Elsewhere {
    /// Opens it at that port of this computer, which is another site to browsers than the portal is.
    ///
    /// # Errors
    /// If the sample set is incomplete or the port is taken.
    pub fn open(set: &SampleSet, port: u16) -> Result<Self> {
        let desk = Desk { provider: OutsideProvider::new(&outside_issuer(port))?, is_silent: false };
        let desk = Arc::new(Mutex::new(desk));
        let answering = Arc::clone(&desk);
        let site = Site::start_at(set, "127.0.0.1", port, move |asked| lock(&answering).answer(asked))?;
        Ok(Self { site, desk })
    }

    /// Its origin, as browsers report it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.site.origin()
    }

    /// Has that trouble from now on, or none.
    pub fn has(&self, trouble: Option<Trouble>) {
        let mut desk = lock(&self.desk);
        desk.is_silent = trouble == Some(Trouble::Silent);
        desk.provider.set_fault(match trouble {
            Some(Trouble::Tickets(fault)) => Some(fault),
            Some(Trouble::Silent) | None => None,
        });
    }
}

impl Desk {
    #[expect(clippy::disallowed_methods, reason = "somebody signs in now")]
    fn answer(&mut self, asked: &Asked) -> Answered {
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let sent = parameters(query.as_bytes());
        let address = match (asked.method.as_str(), path) {
            ("GET", "/.well-known/openid-configuration") => return Answered::json(&self.provider.configuration()),
            ("GET", "/jwks") => {
                return self.provider.keys().map_or_else(|_| Answered::nothing(), |it| Answered::json(&it));
            }
            ("POST", "/token") if !self.is_silent => return self.tokens(asked),
            ("GET", "/authorize") => return page(query),
            ("GET", "/enter") => self.provider.sign_in(&sent, ANNA, &json!({}), OffsetDateTime::now_utc()),
            ("GET", "/decline") => self.provider.refuse(&sent, "access_denied"),
            _ => None,
        };
        address.map_or_else(Answered::nothing, |address| Answered::redirect(&address))
    }

    fn tokens(&mut self, asked: &Asked) -> Answered {
        match self.provider.tokens(&asked.authorization, &asked.body) {
            Ok(tokens) => Answered::json(&tokens),
            Err(refusal) => Answered::refusal(&refusal),
        }
    }
}

/// The choices lead on with what the portal has sent along.
fn page(query: &str) -> Answered {
    let query = escaped(query);
    Answered::page(format!(
        r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Invented accounts</title>
<main data-page="elsewhere">
<h1>Invented accounts</h1>
<p>A portal wants to know who you are.</p>
<p><a id="enter" href="/enter?{query}">I am Anna</a> <a id="decline" href="/decline?{query}">I do not want to say</a></p>
</main>
</html>
"#
    ))
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}
