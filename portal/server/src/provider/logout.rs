//! Telling sites that a person has signed out (OpenID Connect Back-Channel Logout 1.0): where, and how.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use url::{Host, Url, form_urlencoded};

use super::reach::{PublicOnly, is_public};
use crate::calling::{caller, innermost_cause};
use crate::configuration::{Fault, Located};
use crate::tls;

/// How long a site may take to answer. Others wait no longer for their turn.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(5);
/// Most characters of an address.
const ADDRESS_MAX_SIZE: usize = 500;

/// Where a site is told (`backchannel_logout_uri`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutAddress {
    url: Url,
    may_be_private: bool,
}

/// What carries messages to sites.
pub struct Messenger {
    to_public: reqwest::Client,
    to_anywhere: reqwest::Client,
}

/// Why a site was not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTold {
    /// Nobody answers there, or not in time, or the address is not public.
    #[error("there is no answer: {0}")]
    Unreachable(String),
    /// The answer is neither 200 nor 204; whatever it says is not read.
    #[error("the answer has the status {0}")]
    Status(u16),
}

impl LogoutAddress {
    /// Reads an address as browsers write it, without fragment, name or password: HTTPS and, as far as one can tell from it,
    /// public. What `may_be_private` may be anywhere, and on this computer without TLS.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, may_be_private: bool) -> Result<Self, String> {
        let refused = || format!("must be an HTTPS address as browsers write it, without #, not {text}");
        let url = Url::parse(text).ok().filter(|url| url.as_str() == text && text.len() <= ADDRESS_MAX_SIZE);
        let is_bare = |url: &Url| url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
        let url = url.filter(is_bare).ok_or_else(refused)?;
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(std::net::IpAddr::V6(address).to_canonical()),
            Some(Host::Domain(_)) => None,
            None => return Err(refused()),
        };
        if !may_be_private && address.is_some_and(|address| !is_public(address)) {
            return Err(format!("is not public, which backchannel_logout_private = true would have to allow: {text}"));
        }
        let is_here = may_be_private && address.is_some_and(|address| address.is_loopback());
        match url.scheme() {
            "https" => Ok(Self { url, may_be_private }),
            "http" if is_here => Ok(Self { url, may_be_private }),
            _ => Err(refused()),
        }
    }
}

impl Messenger {
    /// With the authorities in that file, or those that the system trusts.
    ///
    /// # Errors
    /// The [`Fault`] of the file if it cannot be used.
    pub fn load(authorities: Option<&Located<PathBuf>>) -> Result<Self, Fault> {
        let trusted = authorities.map(tls::authorities).transpose()?;
        // Nothing is passed on by somebody between, whom nobody could check.
        let builder = || caller(TIME_LIMIT, trusted.clone()).no_proxy();
        let built = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| match authorities {
                Some(file) => file.fault(error),
                None => Fault::without_place(&error),
            })
        };
        Ok(Self { to_public: built(builder().dns_resolver(PublicOnly))?, to_anywhere: built(builder())? })
    }

    /// Sends a logout token (clause 2.5) and looks at the answer's status, at nothing else of it (clause 2.8).
    ///
    /// # Errors
    /// [`NotTold`].
    pub(super) async fn tell(&self, address: &LogoutAddress, token: &str) -> Result<(), NotTold> {
        let client = if address.may_be_private { &self.to_anywhere } else { &self.to_public };
        let form = form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish();
        let request = client.post(address.url.clone()).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let sent = request.body(form).send().await;
        match sent.map_err(|error| NotTold::Unreachable(innermost_cause(&error)))?.status().as_u16() {
            // Some frameworks answer 204 to what has no body.
            200 | 204 => Ok(()),
            status => Err(NotTold::Status(status)),
        }
    }
}
