//! The sites that may ask, as the operator has registered them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use openssl::sha::sha256;
use subtle::ConstantTimeEq as _;
use url::{Host, Url};

use super::jws::{Algorithm, VerificationKey};
use super::logout::LogoutAddress;
use super::scope::Scopes;
use crate::http::Language;
use crate::storage::Repeat;

/// A site.
#[derive(Debug)]
pub struct Client {
    /// `client_id`.
    pub id: ClientId,
    /// Its names in Belarusian, Russian and English.
    pub names: [String; 3],
    /// Where answers may be sent; all on one host.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where the person may be sent after signing out.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// What it may ask for.
    pub scopes: Scopes,
    /// How it proves who it is.
    pub authentication: ClientAuthentication,
    /// By what its tickets are signed.
    pub algorithm: Algorithm,
    /// Whether it gets refresh tokens.
    pub may_refresh: bool,
    /// Whether it must send its requests ahead of its visitors (RFC 9126).
    pub must_push: bool,
    /// Whether it gets no tokens but those that are bound to a key of its own (RFC 9449).
    pub must_bind: bool,
    /// Where it is told that a person has signed out, if it wants to know.
    pub logout: Option<LogoutAddress>,
}

/// The name of a site in requests: 1 to 100 letters, digits, and `.`, `-`, `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(String);

/// An address to which people are sent back. Compared octet by octet, never by meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    host: String,
    origin: String,
    is_loopback: bool,
}

/// How a site proves who it is.
pub enum ClientAuthentication {
    /// It cannot keep a secret; PKCE alone ties the code to it.
    Public,
    /// A secret, of which only the SHA-256 is known here.
    Secret([u8; 32]),
    /// `private_key_jwt` with one of these keys.
    Keys(Vec<VerificationKey>),
}

/// The registered sites.
#[derive(Debug, Default)]
pub struct Registry(BTreeMap<ClientId, Arc<Client>>);

impl Client {
    /// Its name in a language.
    #[must_use]
    pub fn name(&self, language: Language) -> &str {
        let [belarusian, russian, english] = &self.names;
        match language {
            Language::Belarusian => belarusian,
            Language::Russian => russian,
            Language::English => english,
        }
    }

    /// The sector within which a person has one subject (OpenID Connect Core 1.0, clause 8.1): the host of its addresses. At
    /// loopback addresses programs have the host in common that have nothing else in common; each is a sector of its own.
    #[must_use]
    pub fn sector(&self) -> Cow<'_, str> {
        match self.redirect_uris.first() {
            Some(address) if address.is_loopback => Cow::Owned(format!("program {}", self.id.as_str())),
            Some(address) => Cow::Borrowed(&address.host),
            None => Cow::Borrowed(""),
        }
    }

    /// Whether it is certain, before anything is told, that nobody else will receive it: a program that can keep no secret and
    /// waits on the person's own computer may be any other one (RFC 8252, clause 8.6).
    #[must_use]
    pub fn is_nobody_else(&self) -> bool {
        self.is_confidential() || !self.redirect_uris.iter().any(|address| address.is_loopback)
    }

    /// Whether it may repeat the exchange of a refresh token whose answer was lost: only where a request that somebody else has
    /// seen cannot be sent again, as statements and proofs of possession serve once.
    #[must_use]
    pub const fn may_repeat(&self, with_proof: bool) -> Repeat {
        match (&self.authentication, with_proof) {
            (ClientAuthentication::Keys(_), _) | (ClientAuthentication::Secret(_), true) => Repeat::BySite,
            (ClientAuthentication::Public, true) => Repeat::WithItsKey,
            (ClientAuthentication::Secret(_) | ClientAuthentication::Public, false) => Repeat::Never,
        }
    }

    /// Whether it can keep a secret.
    #[must_use]
    pub const fn is_confidential(&self) -> bool {
        !matches!(self.authentication, ClientAuthentication::Public)
    }
}

impl ClientId {
    /// Reads a name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b".-_".contains(&octet);
        if (1..=100).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a client's name has 1 to 100 letters, digits, dots, hyphens and underscores")
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RedirectUri {
    /// Reads an address: https, or http to a loopback address; as browsers write it, without fragment, name or password.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = || format!("must be an HTTPS address as browsers write it, without #, not {text}");
        let url = Url::parse(text).ok().filter(|url| url.as_str() == text && text.len() <= 500).ok_or_else(refused)?;
        let is_loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(_)) | None => false,
        };
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
        let has_name = !url.username().is_empty() || url.password().is_some();
        let Some(host) = url.host_str().filter(|_| is_safe && !has_name && url.fragment().is_none()) else {
            return Err(refused());
        };
        Ok(Self {
            host: host.to_owned(),
            origin: url.origin().ascii_serialization(),
            text: text.to_owned(),
            is_loopback,
        })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its origin, for a page that may send people there.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl ClientAuthentication {
    /// Whether this is the secret. Takes the same time for every wrong one.
    #[must_use]
    pub fn secret_is(&self, presented: &str) -> bool {
        match self {
            Self::Secret(hash) => sha256(presented.as_bytes()).ct_eq(hash).into(),
            Self::Public | Self::Keys(_) => false,
        }
    }
}

impl fmt::Debug for ClientAuthentication {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Public => "public",
            Self::Secret(_) => "secret",
            Self::Keys(_) => "keys",
        })
    }
}

impl Registry {
    /// These sites.
    #[must_use]
    pub fn new(clients: impl IntoIterator<Item = Client>) -> Self {
        Self(clients.into_iter().map(|client| (client.id.clone(), Arc::new(client))).collect())
    }

    /// Every site, by the order of their names.
    pub fn clients(&self) -> impl Iterator<Item = &Client> {
        self.0.values().map(|client| &**client)
    }

    /// The site of that name.
    #[must_use]
    pub fn client(&self, id: &str) -> Option<&Arc<Client>> {
        self.0.get(&ClientId::parse(id).ok()?)
    }
}
