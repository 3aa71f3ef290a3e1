//! Where requests come from: a page that called the local service, or a link that the holder followed.

use std::pin::Pin;
use std::time::Duration;

use latchkey_agent::{CardRequest, CardTask, ReaderChoice, Request, SignIn};
use latchkey_crypto::assertion::{Assertion, ChallengeText, Origin};

use super::{ArrivedBy, RequestFailure};
use crate::sign_in::APP_VERSION;

/// How long the agent waits for a reader and a card. The desk ends the wait long before if the holder does nothing.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Most characters of a name that a page gives itself.
pub const SAYS_IT_IS_MAX_SIZE: usize = crate::portal::PORTAL_NAME_MAX_SIZE;

/// What a page asks for: that the card signs its challenge for the origin that the browser reported.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// As the browser reported it.
    pub origin: Origin,
    /// The portal's challenge.
    pub challenge: ChallengeText,
    /// The name that the page gives itself.
    pub says_it_is: Option<String>,
}

/// Something that takes a while. Dropping it ends it.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, RequestFailure>> + Send>>;

/// A link that the holder followed. Nothing was sent to its host yet.
pub trait Link: Send {
    /// The host to be asked.
    fn origin(&self) -> &Origin;

    /// The holder agreed to the host: asks it what it wants.
    fn fetch(self: Box<Self>) -> Pending<Box<dyn FetchedLink>>;
}

/// What the host of a link wants.
pub trait FetchedLink: Send {
    /// The name that the portal gives itself.
    fn says_it_is(&self) -> &str;

    /// The code by which the holder recognises his own request.
    fn short_code(&self) -> Option<&str>;

    /// What to ask the agent, which waits `patience` for a card if there is none: a sign-in at [`Link::origin`].
    fn request(&self, reader: ReaderChoice, patience: Duration) -> Request;

    /// The card signed: hands the assertion over and opens the address that completes the sign-in.
    fn present(self: Box<Self>, assertion: Assertion) -> Pending<()>;
}

/// Where a request comes from, before anything happened.
pub(super) enum Source {
    Page(PageRequest),
    Link(Box<dyn Link>),
}

/// What is asked of the holder: origin and challenge are known.
pub(super) enum Wanted {
    Page(PageRequest),
    Link(Box<dyn FetchedLink>),
}

/// What a request shows of itself at every step.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) origin: Origin,
    pub(super) says_it_is: Option<String>,
    pub(super) arrived_by: ArrivedBy,
    pub(super) short_code: Option<String>,
}

impl Source {
    pub(super) fn label(&self) -> Label {
        match self {
            Self::Page(page) => Label {
                origin: page.origin.clone(),
                says_it_is: page.says_it_is.clone(),
                arrived_by: ArrivedBy::Page,
                short_code: None,
            },
            Self::Link(link) => {
                Label { origin: link.origin().clone(), says_it_is: None, arrived_by: ArrivedBy::Link, short_code: None }
            }
        }
    }
}

impl Wanted {
    /// What to ask the agent. Nothing but origin and challenge reaches the card.
    pub(super) fn agent_request(&self, reader: ReaderChoice) -> Request {
        match self {
            Self::Page(PageRequest { origin, challenge, .. }) => {
                let (origin, challenge) = (origin.clone(), challenge.clone());
                let sign_in = SignIn { origin, challenge, app_version: APP_VERSION.to_owned() };
                Request::OfCard(CardRequest { reader, patience: PATIENCE, task: CardTask::SignIn(sign_in) })
            }
            Self::Link(link) => link.request(reader, PATIENCE),
        }
    }
}
