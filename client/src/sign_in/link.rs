//! The steps of a sign-in that a link began: `latchkey:sign-in?portal=ORIGIN&request=TOKEN`. As without a link, each step
//! is a type that only the one before it gives. The sign-in ends in the browser that asked for the link and in no other:
//! the portal gives an address, which is opened there, and which signs in only whoever has that browser's cookie.

mod followed;

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

use latchkey_agent::{ReaderChoice, Request};
use latchkey_crypto::assertion::{Assertion, Origin};

pub use followed::FollowedLink;

use super::card_request;
use crate::portal::{Access, CompletionAddress, LinkedChallenge, Portal, PortalFailure};
use crate::texts::Language;

/// Most octets of a link.
pub const LINK_MAX_SIZE: usize = 1024;
/// Octets of the token that names the request at the portal: 256 bits in base64url.
pub const REQUEST_SIZE: usize = 43;

const BEFORE_PORTAL: &str = "latchkey:sign-in?portal=";
const BEFORE_REQUEST: &str = "&request=";

/// Why a link led nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkFailure {
    /// The link is not one that a portal makes.
    #[error("this is not a link to sign in with")]
    Malformed,
    /// The browser could not be told to open the address at which the sign-in ends.
    #[error("the browser could not be opened: {reason}")]
    BrowserNotOpened {
        /// Why.
        reason: String,
        /// What it should have opened: the holder can do it himself.
        address: CompletionAddress,
    },
}

impl LinkFailure {
    /// Every code that [`LinkFailure::code`] can give.
    pub const CODES: [&'static str; 2] = ["link-malformed", "browser-not-opened"];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "link-malformed",
            Self::BrowserNotOpened { .. } => "browser-not-opened",
        }
    }
}

/// A link, read. First question: does the holder agree that this host is contacted?
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    origin: Origin,
    request: String,
}

impl Link {
    /// Reads a link in its one spelling. Nothing is sent.
    ///
    /// # Errors
    /// [`LinkFailure::Malformed`] for everything else.
    pub fn parse(text: &str) -> Result<Self, LinkFailure> {
        if text.len() > LINK_MAX_SIZE {
            return Err(LinkFailure::Malformed);
        }
        let rest = text.strip_prefix(BEFORE_PORTAL).ok_or(LinkFailure::Malformed)?;
        let (portal, request) = rest.split_once(BEFORE_REQUEST).ok_or(LinkFailure::Malformed)?;
        let origin = decoded(portal).and_then(|origin| Origin::parse(&origin).ok()).ok_or(LinkFailure::Malformed)?;
        let is_token = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        if request.len() != REQUEST_SIZE || !request.bytes().all(is_token) {
            return Err(LinkFailure::Malformed);
        }
        let link = Self { origin, request: request.to_owned() };
        // One spelling only: nobody can show one host and mean another.
        if link.to_string() == text { Ok(link) } else { Err(LinkFailure::Malformed) }
    }

    /// Where the holder is going to sign in.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The holder agreed to contact the host.
    #[must_use]
    pub fn agreed(self) -> AgreedLink {
        AgreedLink(self)
    }
}

impl FromStr for Link {
    type Err = LinkFailure;

    fn from_str(text: &str) -> Result<Self, LinkFailure> {
        Self::parse(text)
    }
}

impl fmt::Display for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(BEFORE_PORTAL)?;
        for octet in self.origin.as_str().bytes() {
            match octet {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => formatter.write_char(char::from(octet))?,
                other => write!(formatter, "%{other:02X}")?,
            }
        }
        write!(formatter, "{BEFORE_REQUEST}{}", self.request)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Link({}, request hidden)", self.origin)
    }
}

/// A link to a host that the holder agreed to contact.
#[derive(Debug)]
pub struct AgreedLink(Link);

impl AgreedLink {
    /// Fetches what the link is about. The portal gives it once. It is reached by `access`, and nowhere else, and is
    /// asked to name itself in `language`.
    ///
    /// # Errors
    /// [`PortalFailure`].
    pub async fn fetch(
        self,
        access: impl Into<Access>,
        language: Language,
    ) -> Result<LinkHandOverQuestion, PortalFailure> {
        let portal = Portal::new(self.0.origin, access.into(), language.code())?;
        let challenge = portal.fetch_link(&self.0.request).await?;
        Ok(LinkHandOverQuestion(Fetched { portal, challenge }))
    }
}

#[derive(Debug)]
struct Fetched {
    portal: Portal,
    challenge: LinkedChallenge,
}

/// Second: does the holder agree to hand over the certificate and a signature?
#[derive(Debug)]
pub struct LinkHandOverQuestion(Fetched);

impl LinkHandOverQuestion {
    /// Who asks: the address that the challenge was fetched from.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        self.0.portal.origin()
    }

    /// The name that the portal gives itself. It proves nothing and is shown as "says it is".
    #[must_use]
    pub fn portal_name(&self) -> &str {
        &self.0.challenge.challenge.portal_name
    }

    /// Four digits that the asking browser shows too, so that the holder recognises a request of his own. Whoever made
    /// somebody else open the link knows them as well.
    #[must_use]
    pub fn short_code(&self) -> &str {
        &self.0.challenge.short_code
    }

    /// The holder agreed.
    #[must_use]
    pub fn agreed(self) -> AgreedLinkSignIn {
        AgreedLinkSignIn(self.0)
    }
}

/// A sign-in that the holder agreed to: the agent may be asked for it, and its assertion presented.
#[derive(Debug)]
pub struct AgreedLinkSignIn(Fetched);

impl AgreedLinkSignIn {
    /// What to ask the agent, which waits `patience` for a card if there is none. It shows the origin again when it asks
    /// for the PIN.
    #[must_use]
    pub fn request(&self, reader: ReaderChoice, patience: Duration) -> Request {
        card_request(self.0.portal.origin(), &self.0.challenge.challenge, reader, patience)
    }

    /// Presents the assertion where the challenge came from, which it does once. The address that comes back is to be
    /// opened in the browser; until then nobody is signed in.
    ///
    /// # Errors
    /// [`PortalFailure`], with [`PortalFailure::Refused`] if the portal said no.
    pub async fn present(self, assertion: &Assertion) -> Result<CompletionAddress, PortalFailure> {
        self.0.portal.present_for_link(&self.0.challenge, assertion).await
    }
}

/// `None` if an escape is none, or if what it stands for is no text.
fn decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let digit = |octet: Option<u8>| char::from(octet?).to_digit(16);
                let value = digit(rest.next())? * 16 + digit(rest.next())?;
                u8::try_from(value).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(octets).ok()
}
