//! The steps of a sign-in without a browser. Each step is a type that only the one before it gives, so that nothing is
//! fetched before the holder agreed to the host, and nothing signed before he agreed to hand over what is asked for.

pub mod browser;
pub mod link;
pub mod status;

use std::time::Duration;

use latchkey_agent::{CardRequest, CardTask, ReaderChoice, Request, SignIn};
use latchkey_crypto::assertion::{Assertion, Origin};

use crate::portal::{Access, Challenge, Portal, PortalFailure, Verdict, parse_address};
use crate::texts::Language;

/// First: does the holder agree that this host is contacted?
#[derive(Debug)]
pub struct HostQuestion(Origin);

impl HostQuestion {
    /// A sign-in at the portal of that address. Nothing is sent.
    ///
    /// # Errors
    /// [`PortalFailure::AddressInvalid`].
    pub fn about(address: &str) -> Result<Self, PortalFailure> {
        Ok(Self(parse_address(address)?))
    }

    /// Where the holder is going to sign in.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.0
    }

    /// The holder agreed.
    #[must_use]
    pub fn agreed(self) -> AgreedHost {
        AgreedHost(self.0)
    }
}

/// A host that the holder agreed to contact.
#[derive(Debug)]
pub struct AgreedHost(Origin);

impl AgreedHost {
    /// Fetches the portal's challenge. The portal is reached by `access`, and nowhere else; it
    /// is asked to name itself in `language`.
    ///
    /// # Errors
    /// [`PortalFailure`].
    pub async fn fetch(self, access: impl Into<Access>, language: Language) -> Result<HandOverQuestion, PortalFailure> {
        let portal = Portal::new(self.0, access.into(), language.code())?;
        let challenge = portal.fetch_challenge().await?;
        Ok(HandOverQuestion(Fetched { portal, challenge }))
    }
}

#[derive(Debug)]
struct Fetched {
    portal: Portal,
    challenge: Challenge,
}

/// Second: does the holder agree to hand over the certificate and a signature?
#[derive(Debug)]
pub struct HandOverQuestion(Fetched);

impl HandOverQuestion {
    /// Who asks: the address that the challenge was fetched from.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        self.0.portal.origin()
    }

    /// The name that the portal gives itself. It proves nothing and is shown as "says it is".
    #[must_use]
    pub fn portal_name(&self) -> &str {
        &self.0.challenge.portal_name
    }

    /// The holder agreed.
    #[must_use]
    pub fn agreed(self) -> AgreedSignIn {
        AgreedSignIn(self.0)
    }
}

/// A sign-in that the holder agreed to: the agent may be asked for it, and its assertion presented.
#[derive(Debug)]
pub struct AgreedSignIn(Fetched);

impl AgreedSignIn {
    /// What to ask the agent, which waits `patience` for a card if there is none. It shows the origin again when it asks
    /// for the PIN.
    #[must_use]
    pub fn request(&self, reader: ReaderChoice, patience: Duration) -> Request {
        card_request(self.0.portal.origin(), &self.0.challenge, reader, patience)
    }

    /// Presents the assertion where the challenge came from. A challenge is taken once, so this ends the sign-in.
    ///
    /// # Errors
    /// [`PortalFailure`], with [`PortalFailure::Refused`] if the portal said no.
    pub async fn present(self, assertion: &Assertion) -> Result<Verdict, PortalFailure> {
        self.0.portal.present(&self.0.challenge, assertion).await
    }
}

fn card_request(origin: &Origin, challenge: &Challenge, reader: ReaderChoice, patience: Duration) -> Request {
    let sign_in =
        SignIn { origin: origin.clone(), challenge: challenge.text.clone(), app_version: APP_VERSION.to_owned() };
    Request::OfCard(CardRequest { reader, patience, task: CardTask::SignIn(sign_in) })
}

/// How assertions name the program that made them.
pub(crate) const APP_VERSION: &str = concat!("latchkey:", env!("CARGO_PKG_VERSION"));
