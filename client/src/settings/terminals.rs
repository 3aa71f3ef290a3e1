//! What an administrator has set for terminals and for the pages that drive them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_agent::{KnownTerminal, SHOWN_TEXT_MAX_SIZE, TERMINAL_TRUST_MAX_COUNT, TerminalTrust};
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::cv::{Certificate, Name, TrustAnchor};
use latchkey_crypto::x509::TrustStore;
use serde::Deserialize;

use super::managed::{AbsolutePath, Site};
use super::value::InvalidValue;

/// What is set for terminals.
#[derive(Debug, Clone, Default)]
pub struct TerminalSettings {
    /// Sites without TLS whose pages may open terminal sessions. They can do nothing else here.
    pub http_origins: BTreeSet<Origin>,
    /// The site that this user's programs speak for when they open terminal sessions without a browser.
    pub caller_without_origin: Option<Origin>,
    /// Which terminals are whose.
    pub trust: TerminalTrust,
    /// Whose signed requests count; with none, no request can be verified.
    pub request_authorities: Option<TrustStore>,
    /// Files with revocation lists of those authorities. With any, a request counts only while a current list says that
    /// its signer is not revoked; without, nobody asks.
    pub request_revocation_lists: Vec<PathBuf>,
}

/// The table as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Terminal {
    http_origins: Vec<HttpSite>,
    caller_without_origin: Option<Site>,
    roots: Vec<Root>,
    request_authorities: Vec<AbsolutePath>,
    request_revocation_lists: Vec<AbsolutePath>,
    known: Vec<Known>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct HttpSite(Origin);

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Root(Vec<u8>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    holder: HolderName,
    #[serde(default)]
    title: Option<Title>,
    origins: Vec<EitherSite>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct HolderName(String);

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Title(String);

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum EitherSite {
    Https(Site),
    Http(HttpSite),
}

impl Terminal {
    /// The files with the authorities of signed requests.
    pub(super) fn request_authorities(&self) -> impl Iterator<Item = &PathBuf> {
        self.request_authorities.iter().map(|path| &path.0)
    }

    pub(super) fn into_settings(self, request_authorities: Option<TrustStore>) -> TerminalSettings {
        let known = self.known.into_iter().take(TERMINAL_TRUST_MAX_COUNT).map(|known| KnownTerminal {
            holder: known.holder.0,
            title: known.title.map(|title| title.0),
            origins: known.origins.into_iter().map(EitherSite::origin).collect(),
        });
        TerminalSettings {
            http_origins: self.http_origins.into_iter().map(|site| site.0).collect(),
            caller_without_origin: self.caller_without_origin.map(|site| site.0),
            trust: TerminalTrust {
                known: known.collect(),
                roots: self.roots.into_iter().take(TERMINAL_TRUST_MAX_COUNT).map(|root| root.0).collect(),
            },
            request_authorities,
            request_revocation_lists: self.request_revocation_lists.into_iter().map(|path| path.0).collect(),
        }
    }
}

impl EitherSite {
    fn origin(self) -> Origin {
        match self {
            Self::Https(site) => site.0,
            Self::Http(site) => site.0,
        }
    }
}

impl TryFrom<String> for HttpSite {
    type Error = InvalidValue;

    /// Only the one spelling of an origin, as with other sites.
    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let origin = Origin::parse_without_tls(&text).ok().filter(|origin| origin.as_str() == text);
        origin.map(Self).ok_or(InvalidValue { wanted: "a site without TLS like http://portal.example" })
    }
}

impl TryFrom<String> for Root {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let octets = STANDARD.decode(text).ok();
        let is_root = |octets: &Vec<u8>| {
            Certificate::parse(octets).is_ok_and(|certificate| TrustAnchor::of_root(certificate).is_ok())
        };
        octets.filter(is_root).map(Self).ok_or(InvalidValue { wanted: "a root's CV certificate in base64" })
    }
}

impl TryFrom<String> for HolderName {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let wanted = "the name of a holder of a CV certificate: 8 to 12 letters and digits";
        Name::parse(text.as_bytes()).map(|_| Self(text)).map_err(|_| InvalidValue { wanted })
    }
}

impl TryFrom<String> for Title {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let is_title = !text.trim().is_empty() && text.chars().count() <= SHOWN_TEXT_MAX_SIZE;
        if is_title { Ok(Self(text)) } else { Err(InvalidValue { wanted: "a name of at most 200 characters" }) }
    }
}
